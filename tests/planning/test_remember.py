"""What is remembered after a run, and what stays as it was."""

from __future__ import annotations

import pytest
from builders import LOCKED, OPEN, desired_state, digest, repository, tag

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
