"""Of a plan, only what drifted; and what that means in a word."""

from __future__ import annotations

import pytest
from builders import LOCKED, OPEN, desired_state, digest, manifest, plan_of, repository, tag

from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.matching import DesiredIndex
from reconciler.planning.cause import Base
from reconciler.planning.compare import make_plan, plan_repository
from reconciler.planning.drift import drifted, only_drift, severity_of
from reconciler.planning.planfile import plan_from_json, plan_to_json

RULE = {
    "match": "app",
    "deleteEnabled": False,
    "tags": [{"match": "v*", "deleteEnabled": False, "writeEnabled": False, "readEnabled": True}],
}
V = {"deleteEnabled": False, "writeEnabled": False, "readEnabled": True}


def _plan(live, remembered):
    rules = DesiredIndex(desired_state(RULE)).for_repository("app")
    return make_plan("contoso.azurecr.io", digest("d"), [plan_repository(rules, live, Base(remembered))])


def test_only_the_attributes_that_drifted_are_healed():
    """The file wants more of the same tag; that is for plan, not for drift."""
    remembered = RememberedRepository(
        tags={"v1": Remembered({"deleteEnabled": False, "writeEnabled": True}, digest("a"))}
    )
    live = repository("app", LOCKED, {"v1": tag("a")})

    healing = only_drift(_plan(live, remembered), is_known=True)

    (change,) = healing.changes
    assert {"deleteEnabled": "drift"} == change.causes
    assert {"deleteEnabled": False, "digest": digest("a")} == change.after
    assert 1 == healing.summary.update
    assert healing == plan_from_json(plan_to_json(healing), "plan.json")


def test_what_is_new_is_no_drift():
    """A tag that was pushed since is not yet protected; nobody took that away."""
    live = repository("app", LOCKED, {"v1": tag("a")})

    assert () == only_drift(_plan(live, RememberedRepository()), is_known=True).changes


def test_without_a_memory_every_difference_may_be_drift():
    """An alert that is silent because it knows nothing would be the worst of all."""
    plan = plan_of(desired_state(RULE), repository("app", OPEN, {}))

    assert plan.changes == only_drift(plan, is_known=False).changes


@pytest.mark.parametrize(
    ("live", "ways", "can_heal"),
    [
        ({**tag("a"), **V, "deleteEnabled": True}, ("loosened",), True),
        ({**tag("a"), **V, "readEnabled": False}, ("hidden",), True),
        ({**tag("a"), **V, "readEnabled": False, "writeEnabled": True}, ("hidden", "loosened"), True),
        ({**tag("b"), **V}, ("moved",), False),
        (None, ("deleted",), False),
    ],
)
def test_drift_is_told_in_a_word(live, ways, can_heal):
    """The gravest first: what became of the resource, not what heals it."""
    remembered = RememberedRepository(tags={"v1": Remembered(V, digest("a"))})
    tags = {} if live is None else {"v1": live}
    gone = ("v1",) if live is None else ()

    plan = only_drift(_plan(repository("app", LOCKED, tags, gone_tags=gone), remembered), is_known=True)

    (found,) = drifted(plan)
    assert (ways, can_heal) == (found.ways, found.can_heal)


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        (("hidden",), "critical"),
        (("loosened", "tightened"), "critical"),
        (("moved",), "critical"),
        (("deleted",), "critical"),
        (("tightened",), "warning"),
        (("changed",), "warning"),
        (("tightened", "changed"), "warning"),
    ],
    ids=lambda value: value if isinstance(value, str) else " and ".join(value),
)
def test_a_drift_is_critical_where_protection_or_the_image_is_gone(ways, expected):
    """What is less protected, hidden, elsewhere or gone cannot wait; that more is locked than was asked for can."""
    assert expected == severity_of(ways)


def test_the_fingerprint_of_a_drift_stays_while_it_is_the_same():
    """Another value, and it is another drift; another line of the file, and it is not."""
    remembered = RememberedRepository(tags={"v1": Remembered(V, digest("a"))})

    def fingerprint(live):
        (found,) = drifted(_plan(repository("app", LOCKED, {"v1": live}), remembered))
        return found.fingerprint

    once, again = fingerprint(tag("b", **V)), fingerprint(tag("b", **V))
    other = fingerprint(tag("c", **V))

    assert once == again
    assert once != other


A, B, C = map(digest, "abc")
PINNED = {
    "match": "app",
    "tags": [{"match": "stable", "digest": A, "writeEnabled": False}, {"match": "pr-*", "ensure": "absent"}],
}


def _pinned_drift(live, *, is_known=True):
    remembered = RememberedRepository(
        tags={"stable": Remembered({"writeEnabled": False}, A), "pr-1": Remembered({"deleteEnabled": True}, A)}
    )
    rules = DesiredIndex(desired_state(PINNED)).for_repository("app")
    plan = make_plan("contoso.azurecr.io", digest("d"), [plan_repository(rules, live, Base(remembered))])
    healing = only_drift(plan, is_known=is_known)
    assert healing == plan_from_json(plan_to_json(healing), "plan.json")
    return healing


def test_a_pinned_tag_that_somebody_moved_is_moved_back():
    """With the unlock that this may take; it is no drift that no change undoes."""
    live = repository("app", OPEN, {"stable": tag("b", writeEnabled=False)}, manifests={A: manifest()})

    healing = _pinned_drift(live)

    assert [("move", {"digest": A})] == [(change.action, change.after) for change in healing.changes]
    assert ["app:stable"] == [str(unlock.address) for unlock in healing.unlocks]
    assert [(("moved",), True)] == [(each.ways, each.can_heal) for each in drifted(healing)]


def test_a_pinned_tag_that_somebody_deleted_is_made_again():
    """Its attributes too."""
    live = repository("app", OPEN, gone_tags=("stable",), manifests={A: manifest()})

    healing = _pinned_drift(live)

    assert [("create", {"digest": A, "writeEnabled": False})] == [(each.action, each.after) for each in healing.changes]
    (found,) = drifted(healing)
    assert (True, "deleted") == (found.can_heal, found.ways[-1])


def test_of_a_move_only_what_drifted_is_left():
    """The file points the tag elsewhere by now, which is for plan; somebody unlocked it, which is drift."""
    live = repository("app", OPEN, {"stable": tag("b")}, manifests={A: manifest()})
    remembered = RememberedRepository(tags={"stable": Remembered({"writeEnabled": False}, B)})
    rules = DesiredIndex(desired_state(PINNED)).for_repository("app")
    plan = make_plan("contoso.azurecr.io", digest("d"), [plan_repository(rules, live, Base(remembered))])

    (change,) = only_drift(plan, is_known=True).changes

    assert ("update", 3, {"digest": B, "writeEnabled": False}) == (change.action, change.stage, change.after)


def test_what_has_to_go_is_nobodys_drift():
    """Tags are pushed all day; that one is there again which an apply deleted says nothing about locks."""
    live = repository(
        "app", OPEN, {"stable": tag("a", writeEnabled=False), "pr-1": tag("b")}, manifests={A: manifest()}
    )

    assert () == _pinned_drift(live).changes
    assert () == _pinned_drift(live, is_known=False).changes


def test_a_locked_tag_that_moved_is_told_also_where_its_pin_cannot_be_followed():
    """The registry does not hold what it shall point at, so no change undoes the move."""
    rule = {"match": "app", "tags": [{"match": "v1", "digest": digest("b"), "protect": "immutable"}]}
    locked = {"deleteEnabled": False, "writeEnabled": False}
    live = repository("app", OPEN, {"v1": tag("c", **locked)}, missing_manifests=(digest("b"),))
    remembered = RememberedRepository(tags={"v1": Remembered(locked, digest("b"))})
    rules = DesiredIndex(desired_state(rule)).for_repository("app")

    part = plan_repository(rules, live, Base(remembered))

    assert [("app:v1", digest("c"))] == [(str(each.address), each.after["digest"]) for each in part.drift]
