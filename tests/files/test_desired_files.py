"""Files that are as they should be become the rules that they declare."""

from __future__ import annotations

import pytest

from reconciler.files import load_desired
from reconciler.model.desired import Declaration, Origin

EVERYTHING = """\
version: 1
registry: contoso.azurecr.io

repositories:
  - match: "**"
    exclude: [sandbox/**, "regex:tmp-.*"]
    attributes: {deleteEnabled: false, teleportEnabled: true}
    tags:
      - match: [v*, stable]
        exclude: "*-rc*"
        attributes:
          deleteEnabled: false
          writeEnabled: true
      - {match: latest, attributes: {listEnabled: true}}
  - match: prod/api
    tags: [{match: v1, attributes: {readEnabled: true}}]
"""


def entry(match):
    """A file with one tag entry whose pattern is written as `match`."""
    entries = f"- match: a\n  tags:\n  - match: {match}\n    attributes: {{deleteEnabled: false}}\n"
    return f"version: 1\nrepositories:\n{entries}"


def tag_names(desired):
    """The patterns of all tag entries, as written."""
    return [pattern.text for rule in desired.repositories for tag in rule.tags for pattern in tag.match]


def test_a_file_becomes_its_rules_in_order(load):
    """Every pattern and every flag of a file is in the desired state, in the order of the file."""
    desired = load(EVERYTHING)

    everything, api = desired.repositories
    versions, latest = everything.tags
    assert "contoso.azurecr.io" == desired.registry
    assert ["**"] == [pattern.text for pattern in everything.match]
    assert ["sandbox/**", "regex:tmp-.*"] == [pattern.text for pattern in everything.exclude]
    assert [("deleteEnabled", False), ("teleportEnabled", True)] == [
        (declared.attribute, declared.value) for declared in everything.attributes
    ]
    assert ["v*", "stable"] == [pattern.text for pattern in versions.match]
    assert [("deleteEnabled", False), ("writeEnabled", True)] == [
        (declared.attribute, declared.value) for declared in versions.attributes
    ]
    assert () == latest.exclude
    assert () == api.attributes
    assert "prod/api" == api.match[0].text


def test_every_entry_knows_its_place(load, tmp_path):
    """An entry stands at its first key, and what it declares at the value of `attributes`."""
    file = str(tmp_path / "registry.yaml")

    desired = load(EVERYTHING)

    everything, api = desired.repositories
    versions, latest = everything.tags
    assert Origin(file, 5, 5) == everything.origin
    assert Origin(file, 7, 17) == everything.attributes[0].origin
    assert everything.attributes[0].origin is everything.attributes[1].origin
    assert Origin(file, 9, 9) == versions.origin
    assert Declaration("writeEnabled", value=True, origin=Origin(file, 12, 11)) == versions.attributes[1]
    assert Origin(file, 14, 10) == latest.origin
    assert Origin(file, 14, 37) == latest.attributes[0].origin
    assert Origin(file, 16, 13) == api.tags[0].origin


@pytest.mark.parametrize(
    "text",
    ["1.10", "on", "0123", "1e3", "0x1F", "1_000", "2024-01-01", "null", "true", "No", "'12'", '"v1"'],
)
def test_a_scalar_is_its_text(load, text):
    """No scalar is taken for a number, a date, a boolean or nothing."""
    desired = load(entry(text))

    assert [text.strip("'\"")] == tag_names(desired)


def test_json_is_read_like_yaml(load):
    """JSON with tabs, without spaces and with its escapes says the same as YAML."""
    text = '{"version":1,\r\n\t"repositories":[\n\t\t{"match":"team\\/app","attributes":{"deleteEnabled":false}}]}'

    desired = load(text)

    assert "team/app" == desired.repositories[0].match[0].text
    assert (3, 4) == (desired.repositories[0].origin.line, desired.repositories[0].origin.column)


@pytest.mark.parametrize("bytes_", [b"\xef\xbb\xbf" + EVERYTHING.encode(), EVERYTHING.replace("\n", "\r\n").encode()])
def test_windows_files_are_read(load, bytes_):
    """A byte order mark and carriage returns change nothing, not even places."""
    desired = load(bytes_)

    assert (14, 10) == (desired.repositories[0].tags[1].origin.line, desired.repositories[0].tags[1].origin.column)


def test_an_alias_stands_for_what_was_anchored(load):
    """Entries may share their attributes, which keep the place where they are written."""
    text = """\
version: 1
repositories:
  - match: a
    attributes: &locked {deleteEnabled: false}
  - &b
    match: b
    attributes: *locked
"""

    desired = load(text)

    assert [4, 4] == [rule.attributes[0].origin.line for rule in desired.repositories]
    assert [(3, 5), (6, 5)] == [(rule.origin.line, rule.origin.column) for rule in desired.repositories]


@pytest.mark.parametrize(
    "registry",
    [
        "contoso.azurecr.io",
        "emulator",
        "http://127.0.0.1:5000",
        "https://Contoso.azurecr.io",
        "http://localhost:65535",
        "http://[::1]:80",
    ],
)
def test_a_registry_is_kept_as_written(load, registry):
    """A host name, the emulator and a URL are registries, and nothing is made of them here."""
    desired = load(f"version: 1\nregistry: '{registry}'\nrepositories: []\n")

    assert registry == desired.registry


def test_a_file_may_declare_nothing_yet(load):
    """An empty list of repositories is a file; whether that is wanted is for the plan to ask."""
    desired = load("%YAML 1.2\n---\nversion: '1'\nrepositories: []\n...\n")

    assert (None, ()) == (desired.registry, desired.repositories)


def test_an_alias_shared_by_many_entries_is_no_bomb(load):
    """Thousands of entries may name the same attributes: the file says as much as it is long."""
    entries = "".join(f"- {{match: r{number}, attributes: *a}}\n" for number in range(20_000))

    desired = load(f"version: 1\nrepositories:\n- {{match: a, attributes: &a {{deleteEnabled: false}}}}\n{entries}")

    assert 20_001 == len(desired.repositories)


def test_rules_of_several_files_stand_in_their_order(tmp_path):
    """Files are read in the order given, since a later rule wins."""
    for name in ("b", "a"):
        text = f"version: 1\nregistry: emulator\nrepositories: [{{match: {name}, attributes: {{readEnabled: true}}}}]\n"
        (tmp_path / f"{name}.yaml").write_text(text)

    desired = load_desired([str(tmp_path / "b.yaml"), str(tmp_path / "a.yaml")])

    assert ["b", "a"] == [rule.match[0].text for rule in desired.repositories]
    assert "emulator" == desired.registry
