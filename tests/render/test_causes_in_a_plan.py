"""A plan that was made on a memory: who moved, beside each attribute, and what no change undoes."""

from __future__ import annotations

import attrs
import pytest
from builders import OPEN, desired_state, digest, repository, tag
from goldens import golden

from reconciler.errors import PlanFileError
from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.matching import DesiredIndex
from reconciler.planning.base import MemoryReference, RevisionReference
from reconciler.planning.cause import Base
from reconciler.planning.compare import make_plan, plan_repository
from reconciler.planning.planfile import plan_from_json, plan_to_json
from reconciler.render.plan_text import render_plan
from reconciler.render.words import WIDTH, painter

RULE = {
    "match": "prod/api",
    "deleteEnabled": False,
    "tags": [{"match": "v*", "deleteEnabled": False, "writeEnabled": False, "readEnabled": True}],
}
V = {"deleteEnabled": False, "writeEnabled": False, "readEnabled": True}


MEMORY = MemoryReference("11111111-2222", 7)


def _plan(reference=MEMORY):
    rules = DesiredIndex(desired_state(RULE)).for_repository("prod/api")
    remembered = RememberedRepository(
        {"deleteEnabled": False},
        {
            "v1": Remembered(V, digest("a")),
            "v2": Remembered({**V, "writeEnabled": True}, digest("b")),
            "v4": Remembered(V, digest("d")),
            "v5": Remembered(V, digest("e")),
        },
    )
    live = repository(
        "prod/api",
        OPEN,
        {
            "v1": tag("a", deleteEnabled=True, writeEnabled=False, readEnabled=False),
            "v2": tag("b", deleteEnabled=True, writeEnabled=True),
            "v3": tag("c"),
            "v4": tag("f", **V),
        },
        gone_tags=("v5",),
    )
    base = Base(remembered, lambda: rules)
    return make_plan("contoso.azurecr.io", digest("d"), [plan_repository(rules, live, base)], reference)


def test_a_plan_says_who_moved_beside_each_attribute():
    """Where nobody did but the files, it says nothing; the summary counts resources by their gravest cause."""
    shown = render_plan(_plan(), painter(color=False), full=False)

    assert golden("causes.txt") == shown
    assert all(len(line) <= WIDTH for line in shown.splitlines())


def test_without_a_memory_a_plan_says_nothing_about_it():
    """Every cause would be unknown, which is told once, on stderr."""
    rules = DesiredIndex(desired_state(RULE)).for_repository("prod/api")
    plan = make_plan("contoso.azurecr.io", digest("d"), [plan_repository(rules, repository("prod/api", OPEN, {}))])

    shown = render_plan(plan, painter(color=False), full=False)

    assert "unknown" not in shown
    assert "Cause" not in shown


def test_of_a_delete_it_is_not_said_that_its_cause_is_unknown():
    """What must not be there goes, whoever put it there; there is nothing to find out."""
    rule = {"match": "prod/api", "tags": [{"match": "pr-*", "ensure": "absent"}, {"match": "v*", "readEnabled": False}]}
    rules = DesiredIndex(desired_state(rule)).for_repository("prod/api")
    live = repository("prod/api", OPEN, {"pr-1": tag("a"), "pr-2": tag("b"), "v1": tag("c")})
    base = Base(RememberedRepository(), lambda: rules)
    plan = make_plan("contoso.azurecr.io", digest("d"), [plan_repository(rules, live, base)], MEMORY)

    shown = render_plan(plan, painter(color=False), full=False)

    assert ["unknown"] * 3 == [change.cause for change in plan.changes]
    assert "  Cause: 1 unknown.\n" in shown
    assert 2 == shown.count("unknown")


@pytest.mark.parametrize("reference", [MEMORY, RevisionReference("c0ffee"), None])
def test_a_plan_file_keeps_what_it_was_made_on(reference):
    """Written again it is the same bytes."""
    plan = _plan(reference)
    content = plan_to_json(plan)

    read = plan_from_json(content, "plan.json")

    assert (plan, content) == (read, plan_to_json(read))


def test_a_plan_file_with_other_causes_than_changes_is_refused():
    """Nobody must read of drift where there is none."""
    plan = _plan()
    first, *rest = plan.changes
    forged = attrs.evolve(plan, changes=(attrs.evolve(first, causes={"readEnabled": "drift"}), *rest))

    with pytest.raises(PlanFileError, match="does not match its fingerprint"):
        plan_from_json(plan_to_json(forged), "plan.json")


@pytest.mark.parametrize(
    "change",
    [{"before": {"digest": "sha256:x"}}, {"after": {"digest": digest("a"), "writeEnabled": False}}, {"after": {}}],
)
def test_a_plan_file_with_drift_that_cannot_be_is_refused(change):
    """A move is from one digest to another."""
    plan = _plan()
    moved = next(drift for drift in plan.drift if drift.after is not None)
    forged = attrs.evolve(plan, drift=(attrs.evolve(moved, **change),))

    with pytest.raises(PlanFileError, match="does not match its fingerprint"):
        plan_from_json(plan_to_json(forged), "plan.json")
