"""What is remembered after a run, and what stays as it was."""

from __future__ import annotations

import attrs
import pytest
from builders import LOCKED, OPEN, desired_state, digest, manifest, repository, tag

from reconciler.model.address import Address
from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.matching import DesiredIndex
from reconciler.planning.cause import Base
from reconciler.planning.compare import plan_repository
from reconciler.planning.remember import Made, Written, line_after, lines_with, next_memory, restated
from reconciler.planning.statefile import repository_from_line, repository_to_line

RULE = {
    "match": "app",
    "deleteEnabled": False,
    "tags": [{"match": "v*", "deleteEnabled": False, "writeEnabled": False}],
}
FLAGS = {"deleteEnabled": False, "writeEnabled": False}
V1, V2 = Address("app", tag="v1"), Address("app", tag="v2")
WRITTEN = Written("2026-11-26T20:10:03Z", "0.1.0", "a-new-lineage")


def _line(live, before=None, made_true=None, *, unclear=None, rule=RULE, accepts=lambda _: False):
    before = before or RememberedRepository()
    rules = DesiredIndex(desired_state(rule)).for_repository("app")
    observed = plan_repository(rules, live, Base(before)).observed
    assert observed is not None
    line = line_after(observed, before, Made(made_true or {}, unclear or {}), accepts)
    return repository_from_line(line) if line else RememberedRepository()


def test_what_is_found_as_declared_is_remembered():
    """Of a tag with the digest that it points at; what no rule declares is not."""
    live = repository("app", {**OPEN, "deleteEnabled": False}, {"v1": tag("a", **FLAGS), "latest": tag("b")})

    found = _line(live)

    assert {"deleteEnabled": False} == found.attributes
    assert {"v1": Remembered(FLAGS, digest("a"))} == found.tags


def test_a_verified_change_is_remembered_and_another_is_not():
    """Of the tag whose change failed, what is as declared counts, and nothing else."""
    live = repository("app", OPEN, {"v1": tag("a"), "v2": tag("b", deleteEnabled=False)})

    found = _line(live, made_true={V1: {"digest": digest("a"), **FLAGS}})

    assert {} == found.attributes
    assert {
        "v1": Remembered(FLAGS, digest("a")),
        "v2": Remembered({"deleteEnabled": False}, digest("b")),
    } == found.tags


def test_of_a_change_that_was_not_made_the_old_memory_stays():
    """Somebody unlocked it, and the run did not get to it: the next one must still call that drift."""
    before = RememberedRepository(tags={"v1": Remembered(FLAGS, digest("a"))})

    found = _line(repository("app", OPEN, {"v1": tag("a")}), before)

    assert {"v1": Remembered(FLAGS, digest("a"))} == found.tags


def test_what_no_rule_declares_any_more_is_forgotten():
    """An attribute, a tag and a repository."""
    before = RememberedRepository({"deleteEnabled": False}, {"v1": Remembered(FLAGS, digest("a"))})
    rule = {"match": "app", "tags": [{"match": "v*", "deleteEnabled": False}]}

    found = _line(repository("app", None, {"v1": tag("a", **FLAGS)}), before, rule=rule)

    assert {} == found.attributes
    assert {"v1": Remembered({"deleteEnabled": False}, digest("a"))} == found.tags


def test_a_tag_that_moved_though_locked_keeps_the_digest_that_was_remembered():
    """Or the next run of a pipeline would take the new image for the released one."""
    before = RememberedRepository(tags={"v1": Remembered(FLAGS, digest("a"))})
    live = repository("app", {**OPEN, "deleteEnabled": False}, {"v1": tag("b", **FLAGS)})

    assert digest("a") == _line(live, before).tags["v1"].digest
    assert digest("b") == _line(live, before, accepts=lambda address: address == V1).tags["v1"].digest


def test_a_locked_tag_that_was_deleted_stays_remembered_until_that_is_accepted():
    """And an unlocked one is forgotten at once: to delete it was allowed."""
    before = RememberedRepository(
        tags={"v1": Remembered(FLAGS, digest("a")), "v2": Remembered({"deleteEnabled": True}, digest("b"))}
    )
    live = repository("app", {**OPEN, "deleteEnabled": False}, {}, gone_tags=("v1", "v2"))

    assert ["v1"] == [*_line(live, before).tags]
    assert [] == [*_line(live, before, accepts=lambda _: True).tags]


def test_a_locked_repository_that_was_deleted_stays_remembered():
    """With the locked tags that it held."""
    before = RememberedRepository({"deleteEnabled": False}, {"v1": Remembered(FLAGS, digest("a"))})

    found = _line(repository("app", None, {}, missing=True), before)

    assert (before.attributes, before.tags) == (found.attributes, found.tags)


def test_where_tags_may_not_have_been_seen_the_old_ones_stay():
    """A list that is not complete proves nothing about what it lacks."""
    before = RememberedRepository(tags={"v2": Remembered(FLAGS, digest("b"))})
    live = repository("app", OPEN, {"v1": tag("a", **FLAGS)}, incomplete="1 was found and the registry counts 2")

    assert {"v1", "v2"} == set(_line(live, before).tags)


def test_a_saved_plan_adds_what_it_made_true():
    """All else stays as it was remembered."""
    lines = {"app": repository_to_line("app", RememberedRepository({"deleteEnabled": False}))}
    first = next_memory(None, "contoso.azurecr.io", lines, desired=None, run=None, written=WRITTEN)

    after = lines_with(
        first, Made({V1: {"digest": digest("a"), "writeEnabled": False}, Address("web"): {"deleteEnabled": False}})
    )

    app, web = repository_from_line(after["app"]), repository_from_line(after["web"])
    assert {"deleteEnabled": False} == app.attributes == web.attributes
    assert {"v1": Remembered({"writeEnabled": False}, digest("a"))} == app.tags


def test_the_serial_rises_with_what_is_remembered_and_the_lineage_stays():
    """A memory that says the same is not written: a saved plan stays good."""
    lines = {"app": repository_to_line("app", RememberedRepository({"deleteEnabled": False}))}
    desired = (digest("d"), b"[]")

    first = next_memory(None, "r", lines, desired=desired, run=None, written=WRITTEN)
    same = next_memory(first, "r", lines, desired=desired, run=None, written=WRITTEN)
    empty = next_memory(first, "r", {"app": b""}, desired=desired, run=None, written=WRITTEN)

    assert ("a-new-lineage", 1, 1) == (first.lineage, first.serial, first.counts.resources)
    assert same is None
    assert ("a-new-lineage", 2, 0) == (empty.lineage, empty.serial, empty.counts.resources)


def test_there_is_no_memory_of_nothing():
    """The first run of files that manage nothing leaves no file behind."""
    assert next_memory(None, "r", {"app": b""}, desired=None, run=None, written=WRITTEN) is None


def test_onto_what_somebody_else_wrote_only_our_own_changes_are_added():
    """Neither run is lost, and the order of the two stays clear."""
    ours = {"app": repository_to_line("app", RememberedRepository({"deleteEnabled": False}))}
    theirs = {"web": repository_to_line("web", RememberedRepository({"writeEnabled": False}))}
    first = next_memory(None, "r", ours, desired=(digest("d"), b"[]"), run=None, written=WRITTEN)
    other = next_memory(None, "r", theirs, desired=None, run=None, written=Written("", "", "their-lineage"))

    merged = restated(first, other, lines_with(other, Made({Address("app"): {"deleteEnabled": False}})))

    assert ("their-lineage", 2, {"app", "web"}) == (merged.lineage, merged.serial, set(merged.repositories))


def test_a_saved_plan_does_not_make_a_moved_tag_the_released_one():
    """It was locked when it was remembered, and is again; only who unlocks it takes it as it is."""
    before = RememberedRepository(tags={"v1": Remembered(FLAGS, digest("a"))})
    first = next_memory(None, "r", {"app": repository_to_line("app", before)}, desired=None, run=None, written=WRITTEN)

    locked = lines_with(first, Made({V1: {"digest": digest("b"), "writeEnabled": False}}))
    opened = lines_with(first, Made({V1: {"digest": digest("b"), "writeEnabled": True}}))

    assert digest("a") == repository_from_line(locked["app"]).tags["v1"].digest
    assert digest("b") == repository_from_line(opened["app"]).tags["v1"].digest


def test_what_may_hold_or_not_is_not_remembered():
    """Neither the old value nor the new one is known to be what was last made true."""
    before = RememberedRepository(tags={"v1": Remembered({**FLAGS, "writeEnabled": True}, digest("a"))})
    first = next_memory(None, "r", {"app": repository_to_line("app", before)}, desired=None, run=None, written=WRITTEN)
    unclear = {V1: {"digest": digest("a"), "writeEnabled": False}}

    found = _line(repository("app", None, {"v1": tag("a", deleteEnabled=False)}), before, unclear=unclear)
    saved = repository_from_line(lines_with(first, Made({}, unclear))["app"])

    assert {"deleteEnabled": False} == found.tags["v1"].attributes == saved.tags["v1"].attributes


@pytest.mark.parametrize(
    ("live", "was", "expected"),
    [
        (tag("b", **FLAGS), Remembered(FLAGS, digest("a")), [("v1", {"digest": digest("b")})]),
        (tag("b"), Remembered(FLAGS, digest("a")), [("v1", {"digest": digest("b")})]),
        (tag("a", **FLAGS), Remembered(FLAGS, digest("a")), []),
        (tag("b", **FLAGS), Remembered({"deleteEnabled": False}, digest("a")), []),
        (tag("b", **FLAGS), Remembered({**FLAGS, "writeEnabled": True}, digest("a")), []),
        (tag("b", **FLAGS), Remembered(FLAGS, ""), []),
    ],
    ids=["moved", "unlocked and moved", "as it was", "was not locked", "was open", "digest not known"],
)
def test_a_tag_moved_though_locked_is_drift(live, was, expected):
    """Only if it was locked against that when it was last applied, and still should be."""
    rules = DesiredIndex(desired_state(RULE)).for_repository("app")
    base = Base(RememberedRepository(tags={"v1": was}))

    drift = plan_repository(rules, repository("app", LOCKED, {"v1": live}), base).drift

    assert expected == [(each.address.tag, each.after) for each in drift]


def test_drift_that_no_change_undoes_names_the_rule_that_it_breaks():
    """Of a tag that is gone, the rules that forbade to delete it."""
    rules = DesiredIndex(desired_state(RULE)).for_repository("app")
    base = Base(RememberedRepository(tags={"v1": Remembered(FLAGS, digest("a"))}))

    (drift,) = plan_repository(rules, repository("app", LOCKED, {}, gone_tags=("v1",)), base).drift

    assert ({**FLAGS, "digest": digest("a")}, None) == (drift.before, drift.after)
    assert ("registry.yaml:2:5",) == drift.origins


A, B = digest("a"), digest("b")
PINNED = {"match": "app", "tags": [{"match": ["stable", "next"], "digest": B, "deleteEnabled": False}]}
STABLE, NEXT = Address("app", tag="stable"), Address("app", tag="next")


def _pinned_live():
    tags = {"stable": tag("a", deleteEnabled=False)}
    return repository("app", OPEN, tags, missing_tags=("next",), manifests={B: manifest()})


def test_a_manifest_below_a_protected_tag_is_remembered():
    """With the attributes that are demanded of it, whether they were found so or made so."""
    rule = {"match": "app", "tags": [{"match": "v1", "protect": "undeletable"}]}
    tags = {"v1": tag("a", deleteEnabled=False)}
    found_so = repository("app", OPEN, tags, manifests={A: manifest(deleteEnabled=False)})
    made_so = repository("app", OPEN, tags, manifests={A: manifest()})

    expected = {A: Remembered({"deleteEnabled": False})}
    assert expected == _line(found_so, rule=rule).manifests
    assert (
        expected == _line(made_so, made_true={Address("app", digest=A): {"deleteEnabled": False}}, rule=rule).manifests
    )
    assert {} == _line(made_so, rule=rule).manifests


def test_a_tag_is_remembered_where_it_was_pointed():
    """Moved or created by us, it points where the files say; before that, where it was remembered."""
    before = RememberedRepository(tags={"stable": Remembered({"deleteEnabled": False}, digest("c"))})
    made = {STABLE: {"digest": B}, NEXT: {"digest": B, "deleteEnabled": False}}

    done = _line(_pinned_live(), before, made, rule=PINNED)
    not_done = _line(_pinned_live(), before, rule=PINNED)

    assert dict.fromkeys(("stable", "next"), Remembered({"deleteEnabled": False}, B)) == done.tags
    assert before.tags == not_done.tags


@pytest.mark.parametrize(("made", "expected"), [({V1: {}}, {}), ({}, {"v1": Remembered(FLAGS, A)})])
def test_what_was_deleted_is_forgotten_and_what_was_not_stays(made, expected):
    """A delete that failed leaves the memory as it was."""
    rule = {"match": "app", "tags": [{"match": "v1", "ensure": "absent"}]}
    before = RememberedRepository(tags={"v1": Remembered(FLAGS, A)})

    assert expected == _line(repository("app", OPEN, {"v1": tag("a")}), before, made, rule=rule).tags


@pytest.mark.parametrize("is_done", [True, False])
def test_a_deleted_repository_is_forgotten_with_all_that_was_in_it(is_done):
    """And only once that is verified."""
    before = RememberedRepository({"deleteEnabled": True}, {"v1": Remembered(FLAGS, A)})
    live = repository("app", OPEN, {}, tag_count=0, manifest_count=0)

    left = _line(live, before, {Address("app"): {}} if is_done else {}, rule={"match": "app", "ensure": "absent"})

    assert is_done == left.is_empty
    assert is_done or repository_to_line("app", before) == repository_to_line("app", left)


def test_a_saved_plan_remembers_moves_and_forgets_what_it_deleted():
    """A tag that we moved is where we put it, though it is locked."""
    last = next_memory(
        None,
        "contoso.azurecr.io",
        {
            "app": repository_to_line(
                "app", RememberedRepository(tags={"v1": Remembered(FLAGS, A), "v2": Remembered(FLAGS, A)})
            )
        },
        desired=None,
        run=None,
        written=WRITTEN,
    )

    lines = lines_with(last, Made({V1: {"digest": B}, V2: {}}, moved=frozenset({V1})))

    assert {"v1": Remembered(FLAGS, B)} == repository_from_line(lines["app"]).tags
    assert b"" == lines_with(last, Made({Address("app"): {}}))["app"]


def test_a_run_after_which_nothing_is_left_to_do_settles_what_is_remembered():
    """Planned again, everything is found as declared, the pinned digests included."""
    tags = dict.fromkeys(("stable", "next"), tag("b", deleteEnabled=False))
    rules = DesiredIndex(desired_state(PINNED)).for_repository("app")

    observed = plan_repository(rules, repository("app", OPEN, tags, manifests={B: manifest()})).observed

    assert observed.is_settled
    expected = dict.fromkeys(("stable", "next"), Remembered({"deleteEnabled": False}, B))
    assert expected == _line(repository("app", OPEN, tags, manifests={B: manifest()}), rule=PINNED).tags


def test_a_tag_that_moved_and_of_which_nothing_is_certain_is_forgotten():
    """Its PATCH was lost, and where it points is not where we left it: the next run reads it anew."""
    before = RememberedRepository(tags={"v1": Remembered(FLAGS, A)})
    live = repository("app", {**OPEN, "deleteEnabled": False}, {"v1": tag("b")})

    found = _line(live, before, unclear={V1: {"digest": B, **FLAGS}})

    assert {} == found.tags


def test_what_an_index_stands_for_is_remembered():
    """Of those that were read; where not everything was, also of those that were known before."""
    rule = {"match": "app", "tags": [{"match": "v*", "protect": "undeletable"}]}
    before = RememberedRepository(children={B: (A,)})
    index, child = digest("c"), digest("d")
    manifests = {index: manifest(child, deleteEnabled=False), child: manifest(deleteEnabled=False)}
    live = repository("app", OPEN, {"v1": tag("c", deleteEnabled=False)}, manifests=manifests)

    whole, part = (_line(attrs.evolve(live, incomplete=why), before, rule=rule) for why in ("", "some are hidden"))

    assert {index: (child,)} == whole.children
    assert {B: (A,), index: (child,)} == part.children
