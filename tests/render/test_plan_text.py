"""Plans for people: whole plans as they stand on a terminal, and what must hold for each of them."""

from __future__ import annotations

import re

import attrs
import pytest
from builders import LOCKED, OPEN, desired_state, digest, manifest, plan_of, repository, tag
from example_plans import hostile_plan, large_plan, typical_plan
from goldens import golden

from reconciler.model.address import Address
from reconciler.model.live import Moment
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import Blocked, Unknown, Unlock
from reconciler.render.plan_text import render_plan
from reconciler.render.words import painter

PLAIN, COLOUR = painter(color=False), painter(color=True)
CODES = re.compile(r"\x1b\[[0-9]+m")


def _protected(*live, file: str = "registry.yaml"):
    """The plan that protects version tags of `live`."""
    desired = desired_state(
        {"match": "**", "tags": [{"match": "v*", "deleteEnabled": False, "writeEnabled": False}]}, file=file
    )
    return plan_of(desired, *live)


def _two_origins():
    """A tag of which two entries say something, in a file whose name is long."""
    desired = desired_state(
        {"match": "**", "tags": [{"match": "*", "deleteEnabled": False}, {"match": "v*", "writeEnabled": False}]},
        file="environments/production/contoso.yaml",
    )
    return plan_of(desired, repository("team/app", tags={"v1": tag(), "w1": tag("b")}))


def _long_origins():
    return _protected(
        repository("team/app", tags={"v1": tag(), "v2": tag("b")}),
        file="deploy/environments/production/registries/contoso/west-europe/registry.yaml",
    )


def _long_names():
    return _protected(
        repository("team/" + "a-rather-long-name/" * 5 + "app", tags={"v" + "1" * 127: tag(), "v1": tag("b")}),
    )


def _in_sync():
    return _protected(repository("team/app", tags={"v1": tag("a", deleteEnabled=False, writeEnabled=False)}))


def _nothing_readable():
    return _protected(repository("team/app", unread="GET https://contoso.azurecr.io/: 403 DENIED: firewall"))


def _many_notes():
    names = [f"v{number}" for number in range(1, 13)]
    desired = desired_state(
        {"match": "team/app", "teleportEnabled": True, "tags": [{"match": names, "deleteEnabled": False}]},
        {"match": "**", "teleportEnabled": True},
    )
    unread = [repository(f"other/r{number:02}", unread="401 UNAUTHORIZED") for number in range(11)]
    blocked = [repository(f"web/r{number:02}", LOCKED) for number in range(30)]
    return plan_of(desired, repository("team/app", OPEN, missing_tags=tuple(names)), *unread, *blocked)


def _every_action():
    """What every action looks like, with a frozen repository, a shared manifest and a locked tag that moves."""
    a, b, c, d = map(digest, "abcd")
    desired = desired_state(
        {
            "match": "team/app",
            "protect": "frozen",
            "tags": [
                {"match": "v1", "protect": "immutable"},
                {"match": ["stable", "next"], "digest": b, "writeEnabled": False},
                {"match": "pr-*", "ensure": "absent", "unlock": True},
                {"match": "pinned", "digest": digest("f")},
            ],
            "manifests": [{"tagged": False, "ensure": "absent", "unlock": True}],
        },
        {"match": "team/old", "ensure": "absent"},
    )
    live = repository(
        "team/app",
        {**OPEN, "writeEnabled": False},
        {"v1": tag("a"), "stable": tag("c", writeEnabled=False), "pr-7": tag("d", deleteEnabled=False), "x": tag("c")},
        missing_tags=("next", "pinned"),
        manifests={a: manifest(), b: manifest(), c: manifest(), d: manifest()},
    )
    old = repository("team/old", OPEN, {"v1": tag("a")}, tag_count=12, manifest_count=31)
    return plan_of(desired, live, old)


PLANS = {
    "typical_plan.txt": (typical_plan, False),
    "many_notes_in_full.txt": (_many_notes, True),
    "two_origins.txt": (_two_origins, False),
    "every_action_in_full.txt": (_every_action, True),
    "long_origins.txt": (_long_origins, False),
    "long_names.txt": (_long_names, False),
    "in_sync.txt": (_in_sync, False),
    "nothing_readable.txt": (_nothing_readable, False),
    "many_notes.txt": (_many_notes, False),
    "every_action.txt": (_every_action, False),
    "large_plan.txt": (large_plan, False),
    "hostile_plan.txt": (hostile_plan, False),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_shown_as_in_its_file(name):
    """The whole text, compared with a file that a person has looked at."""
    make, full = PLANS[name]

    text = render_plan(make(), PLAIN, full=full)

    assert golden(name) == text


@pytest.mark.parametrize("name", PLANS)
def test_colour_adds_nothing_but_colour(name):
    """Without its codes the coloured text is the plain one, so nothing depends on seeing red."""
    make, full = PLANS[name]

    coloured = render_plan(make(), COLOUR, full=full)

    assert golden(name) == CODES.sub("", coloured)
    assert coloured.count("\x1b[0m") == coloured.count("\x1b[") / 2


@pytest.mark.parametrize(
    "name",
    ["typical_plan.txt", "two_origins.txt", "in_sync.txt", "many_notes.txt", "every_action.txt", "large_plan.txt"],
)
def test_a_plan_fits_eighty_columns(name):
    """No line of an ordinary plan is wrapped by the terminal."""
    make, full = PLANS[name]

    lines = render_plan(make(), PLAIN, full=full).splitlines()

    assert [] == [line for line in lines if len(line) > 80]


@pytest.mark.parametrize("name", PLANS)
def test_no_line_ends_in_spaces(name):
    """The text can be pasted, compared and quoted; it ends in exactly one newline."""
    make, full = PLANS[name]

    text = render_plan(make(), PLAIN, full=full)

    assert [] == [line for line in text.split("\n") if line != line.rstrip()]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_manifest_that_a_tag_points_at_stands_above_its_children():
    """And they stand deeper, whatever their digests are."""
    index, child, other = digest("c"), digest("a"), digest("d")
    desired = desired_state({"match": "team/app", "tags": [{"match": "v1", "protect": "immutable"}]})
    manifests = {index: manifest(child, other), child: manifest(), other: manifest()}
    live = repository("team/app", OPEN, {"v1": tag("c")}, manifests=manifests)

    text = render_plan(plan_of(desired, live), PLAIN, full=False)

    assert (
        "team/app\n"
        "  ~ :v1             deleteEnabled  true → false   registry.yaml:2:5\n"
        "                    writeEnabled   true → false\n"
        "  └ @sha256:cccccc  deleteEnabled  true → false\n"
        "   └@sha256:aaaaaa  deleteEnabled  true → false\n"
        "   └@sha256:dddddd  deleteEnabled  true → false\n"
    ) in text


def test_notes_about_manifests_fit_eighty_columns():
    """They are named by their first digits, and by all of them where that was asked for."""
    manifest = Address("team/app", digest=digest("a"))
    before, after = {"deleteEnabled": False}, {"deleteEnabled": True}
    plan = attrs.evolve(
        _in_sync(),
        unlocks=(Unlock(manifest, before, after, make_patch(before, after), ("registry.yaml:2:5",)),),
        blocked=(Blocked(manifest, "locked", "it is locked"),),
        missing=(manifest,),
        unknown=(Unknown(manifest, "no answer"),),
    )

    short, full = (render_plan(plan, PLAIN, full=full) for full in (False, True))

    assert "  team/app@sha256:aaaaaa: deleteEnabled\n" in short
    assert "  team/app@sha256:aaaaaa: locked\n" in short
    assert 2 == short.count("  team/app@sha256:aaaaaa\n")
    assert [] == [line for line in short.splitlines() if len(line) > 80]
    assert 4 == full.count(str(manifest))


def test_a_large_plan_in_full_shows_every_change():
    """Each of the thousand is there, in the order of names, and nothing is said to be left out."""
    plan = large_plan()

    text = render_plan(plan, PLAIN, full=True)

    assert 1000 == len(plan.changes) == len(re.findall(r"^  ~ ", text, flags=re.MULTILINE))
    assert [f"team{number:02}/app" for number in range(20)] == re.findall(r"^team\S+$", text, flags=re.MULTILINE)
    assert "…" not in text


def test_up_to_a_hundred_changes_are_shown_without_being_asked():
    """100 are all shown; of 101 in one repository five are."""
    hundred, more = (
        _protected(repository("team/app", tags={f"v{number}": tag() for number in range(size)})) for size in (100, 101)
    )

    shown = [len(re.findall(r"^  ~ ", render_plan(plan, PLAIN, full=False), re.MULTILINE)) for plan in (hundred, more)]

    assert [100, 5] == shown


def test_the_gravest_changes_are_shown_however_late_their_names():
    """What hides comes before what loosens, and both before a thousand that tighten."""
    text = render_plan(large_plan(), PLAIN, full=False)

    repositories = re.findall(r"^team\S+$", text, flags=re.MULTILINE)
    assert ["team17/app", "team19/app", "team00/app", "team01/app"] == repositories[:4]
    assert text.index("hides") < text.index("loosens")


def test_an_origin_stands_beside_an_attribute_only_if_it_is_the_only_one():
    """Of two places the text does not pretend to know which asked for which attribute."""
    text = render_plan(_two_origins(), PLAIN, full=False)

    assert not re.search(r"false.*contoso\.yaml:2:5.*\n.*writeEnabled", text)


def test_hostile_text_forges_no_line():
    """Whatever a file name or a message holds, no line of the plan begins like one of ours and is not ours."""
    text = render_plan(hostile_plan(), PLAIN, full=False)

    assert [] == [character for character in text if not character.isprintable() and character != "\n"]
    assert 1 == len(re.findall(r"^Plan for ", text, flags=re.MULTILINE))
    assert 1 == len(re.findall(r"^  ~ ", text, flags=re.MULTILINE))
    assert {
        "app",
        "Blocked",
        "Worth knowing",
        "Not read in full: whether it is in sync is not known",
    } == {line for line in text.splitlines() if re.match(r"\S", line) and not line.startswith("Plan for ")}


def test_what_is_blocked_is_not_in_sync():
    """A resource that is not as it was declared is never counted as if it were."""
    plan = plan_of(desired_state({"match": "**", "teleportEnabled": False}), repository("app", OPEN))

    text = render_plan(plan, PLAIN, full=False)

    assert ["  0 in sync, 0 unmanaged, 1 blocked."] == text.splitlines()[-1:]


def test_a_plan_that_is_not_complete_does_not_say_that_all_is_well():
    """No changes in what could be read is not the same as no changes."""
    plan = attrs.evolve(_in_sync(), complete=False, unknown=(Unknown(Address("web"), "401"),))

    text = render_plan(plan, PLAIN, full=False)

    assert "Plan for contoso.azurecr.io: no changes in what could be read.\n" in text
    assert "no changes.\n" not in text


def test_what_a_change_rests_on_is_part_of_the_picture():
    """Whoever takes a condition out of a plan file changes what its reader sees."""
    times = {"b1": Moment("at 1", 1), "b2": Moment("at 2", 2)}
    rule = {
        "match": "app",
        "tags": [{"match": "b*", "keep": {"last": 1}}],
        "manifests": [{"tagged": False, "protect": "open"}],
    }
    manifests = {digest("a"): manifest(deleteEnabled=False), digest("b"): manifest()}
    live = repository("app", OPEN, dict.fromkeys(times, tag("b")), tag_times=times, manifests=manifests)

    text = render_plan(plan_of(desired_state(rule), live, now_ns=10), PLAIN, full=False)

    assert "sha256:bbbbbb, unless pushed again" in text
    assert "only while it has no tag" in text
