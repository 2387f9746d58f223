"""What entries say beyond attributes becomes values of the model, each with its place."""

from __future__ import annotations

import pytest
from builders import digest

from reconciler.model.desired import Absent, Declaration, Keep, Origin, Protect

HEAD = "version: 1\nrepositories:\n"
EVERYTHING = """\
version: 1
repositories:
  - match: prod/api
    protect: undeletable
    tags:
      - match: "v*"
        protect: immutable
        attributes: {writeEnabled: true}
      - match: [stable, latest]
        digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      - match: "pr-*"
        ensure: absent
      - {match: "tmp-*", unlock: true, ensure: absent}
      - match: "nightly-*"
        keep: {last: 10, newerThan: 30d}
    manifests:
      - match: ["sha256:9f*", "regex:sha256:[01].*"]
        exclude: "sha256:9ff*"
        protect: open
      - tagged: false
        mediaType: [application/vnd.oci.image.index.v1+json, "application/vnd.docker.**"]
        keep:
          newerThan: 2w
      - {tagged: true, ensure: absent, unlock: false}
  - match: [old/api, old/web]
    exclude: old/web
    ensure: absent
"""


@pytest.fixture
def everything(load):
    """The two repository entries of a file in which every key stands."""
    return load(EVERYTHING).repositories


def place(tmp_path, line, column):
    """A place in the file that was loaded."""
    return Origin(str(tmp_path / "registry.yaml"), line, column)


def test_a_level_is_declared_at_its_value(everything, tmp_path):
    """A level stands where it is written, and an attribute of the same entry wins over it."""
    versions = everything[0].tags[0]

    declared = {each.attribute: (each.value, each.origin) for each in versions.declared}
    assert Protect("undeletable", place(tmp_path, 4, 14)) == everything[0].protect
    assert Protect("immutable", place(tmp_path, 7, 18)) == versions.protect
    assert {
        "deleteEnabled": (False, place(tmp_path, 7, 18)),
        "writeEnabled": (True, place(tmp_path, 8, 21)),
    } == declared


def test_a_digest_is_declared_at_its_value(everything, tmp_path):
    """Several tags may be told to point at the same manifest."""
    moving = everything[0].tags[1]

    assert ["stable", "latest"] == [pattern.text for pattern in moving.match]
    assert Declaration("digest", digest("a"), place(tmp_path, 10, 17)) == moving.digest
    assert (moving.digest,) == moving.declared


def test_absence_is_asked_for_with_and_without_unlocking(everything, tmp_path):
    """Only `unlock: true` lets what is locked be deleted, wherever it stands in the entry."""
    tags, manifests = everything[0].tags, everything[0].manifests

    assert Absent(unlock=False, origin=place(tmp_path, 12, 17)) == tags[2].ensure
    assert Absent(unlock=True, origin=place(tmp_path, 13, 48)) == tags[3].ensure
    assert Absent(unlock=False, origin=place(tmp_path, 24, 32)) == manifests[2].ensure
    assert Absent(unlock=False, origin=place(tmp_path, 27, 13)) == everything[1].ensure


def test_retention_is_a_number_and_seconds(everything, tmp_path):
    """What is left out keeps nothing."""
    tags, manifests = everything[0].tags, everything[0].manifests

    assert Keep(10, 2_592_000, place(tmp_path, 15, 15)) == tags[4].keep
    assert Keep(None, 1_209_600, place(tmp_path, 23, 11)) == manifests[1].keep


def test_manifests_are_selected_by_digest_tag_and_type(everything):
    """Where no digest is said, every digest is meant."""
    by_digest, by_type, by_tag = everything[0].manifests

    assert ["sha256:9f*", "regex:sha256:[01].*"] == [pattern.text for pattern in by_digest.match]
    assert ["sha256:9ff*"] == [pattern.text for pattern in by_digest.exclude]
    assert (["**"], False) == ([pattern.text for pattern in by_type.match], by_type.tagged)
    assert by_type.selects(tagged=False, media_type="application/vnd.docker.distribution.manifest.v2+json")
    assert not by_type.selects(tagged=False, media_type="application/vnd.oci.image.manifest.v1+json")
    assert (None, True) == (by_digest.tagged, by_tag.tagged)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1h", 3600), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600), ("036525d", 3_155_760_000)],
)
def test_a_duration_is_hours_days_or_weeks(load, written, seconds):
    """The longest is a hundred years."""
    desired = load(f"{HEAD}- match: a\n  tags: [{{match: b, keep: {{newerThan: {written}}}}}]\n")

    assert seconds == desired.repositories[0].tags[0].keep.newer_than_s


@pytest.mark.parametrize("level", ["&l undeletable", "!!str undeletable", "'undeletable'", ">-\n    undeletable"])
def test_a_level_in_any_style_has_a_place(load, level):
    """However YAML writes it, and behind an alias too."""
    alias = "\n- match: b\n  protect: *l" if "&l" in level else ""

    desired = load(f"{HEAD}- match: a\n  protect: {level}{alias}\n")

    assert {("undeletable", 4)} == {(rule.protect.level, rule.protect.origin.line) for rule in desired.repositories}


def test_a_word_of_the_format_may_be_a_name(load):
    """A repository, a tag and a pattern in a list may be called like a key."""
    tags = "[{match: digest, protect: open}, {match: [ensure, value], attributes: {readEnabled: true}}]"

    desired = load(f"{HEAD}- match: protect\n  tags: {tags}\n")

    names = [pattern.text for tag in desired.repositories[0].tags for pattern in tag.match]
    assert ["protect", "digest", "ensure", "value"] == [desired.repositories[0].match[0].text, *names]


def test_a_level_beside_attributes_that_say_nothing_is_enough(load):
    """An entry has to declare something, whatever it is."""
    desired = load(f"{HEAD}- {{match: a, attributes: {{}}, tags: [], protect: frozen}}\n")

    assert "frozen" == desired.repositories[0].protect.level
