"""From what is declared and what is live to changes, and what is said about the rest."""

from __future__ import annotations

import attrs
import pytest
from builders import LOCKED, OPEN, desired_state, digest, manifest, plan_of, repository, tag

from reconciler.model.address import Address
from reconciler.model.matching import DesiredIndex
from reconciler.planning.compare import RepositoryPlan, make_plan, plan_repository
from reconciler.planning.plan import Blocked, Change, Summary, Unknown
from reconciler.planning.remarks import rule_findings

CLOSED = dict.fromkeys(OPEN, False)


def _summary(**counts: int) -> Summary:
    return Summary(**{**dict.fromkeys(("update", "move", "create", "delete", "managed", "unmanaged"), 0), **counts})


def _only(plan) -> Change:
    (change,) = plan.changes
    return change


def test_a_change_of_a_tag_is_a_value_that_tells_everything():
    """What it was, what it becomes, the patch between, what that means, who asked and when it happens."""
    desired = desired_state({"match": "team/app", "tags": [{"match": "v*", "deleteEnabled": False}]})

    plan = plan_of(desired, repository("team/app", tags={"v1": tag(writeEnabled=False)}))

    assert Change(
        address=Address("team/app", tag="v1"),
        kind="tag",
        action="update",
        causes={"deleteEnabled": "unknown"},
        effects=("tighten",),
        before={"deleteEnabled": True, "digest": digest("a")},
        after={"deleteEnabled": False, "digest": digest("a")},
        patch=(
            {"op": "test", "path": "/deleteEnabled", "value": True},
            {"op": "test", "path": "/digest", "value": digest("a")},
            {"op": "replace", "path": "/deleteEnabled", "value": False},
        ),
        origins=("registry.yaml:2:5",),
        stage=3,
    ) == _only(plan)


@pytest.mark.parametrize(
    ("attribute", "live", "effects"),
    [
        ("deleteEnabled", True, ("tighten",)),
        ("deleteEnabled", False, ("loosen",)),
        ("writeEnabled", True, ("tighten",)),
        ("writeEnabled", False, ("loosen",)),
        ("listEnabled", True, ("hide",)),
        ("listEnabled", False, ("loosen",)),
        ("readEnabled", True, ("hide",)),
        ("readEnabled", False, ("loosen",)),
        ("teleportEnabled", True, ()),
        ("teleportEnabled", False, ()),
    ],
)
def test_each_attribute_has_its_effect(attribute, live, effects):
    """To withdraw a permission tightens, to turn list or read off hides, and to grant any of them loosens."""
    desired = desired_state({"match": "app", attribute: not live})

    plan = plan_of(desired, repository("app", {**OPEN, "teleportEnabled": True, attribute: live}))

    assert effects == _only(plan).effects


def test_a_change_can_have_several_effects():
    """They are sorted, each once."""
    desired = desired_state({"match": "app", "deleteEnabled": False, "writeEnabled": True, "listEnabled": False})

    plan = plan_of(desired, repository("app", {**OPEN, "writeEnabled": False}))

    assert ("hide", "loosen", "tighten") == _only(plan).effects


@pytest.mark.parametrize(
    ("live", "declared", "stage"),
    [
        (LOCKED, {"writeEnabled": True}, 1),
        (LOCKED, {"writeEnabled": True, "listEnabled": False}, 1),
        (OPEN, {"writeEnabled": False}, 5),
        (LOCKED, {"deleteEnabled": True}, 5),
        (OPEN, {"deleteEnabled": False}, 5),
        (OPEN, {"deleteEnabled": False, "writeEnabled": True}, 5),
    ],
)
def test_a_repository_is_unlocked_before_its_tags_and_locked_after_them(live, declared, stage):
    """Only a repository that becomes writable comes first; every other change of it comes last."""
    plan = plan_of(desired_state({"match": "app", **declared}), repository("app", live))

    assert stage == _only(plan).stage


def test_tags_are_changed_between_unlock_and_lock():
    """Whether it is locked or opened, a tag has the middle stage."""
    desired = desired_state({"match": "app", "tags": [{"match": "*", "writeEnabled": False}]})

    plan = plan_of(desired, repository("app", tags={"v1": tag(), "v2": tag("b")}))

    assert [3, 3] == [change.stage for change in plan.changes]


def test_an_attribute_that_was_not_reported_is_not_written():
    """It is blocked, saying who asked; what else is declared about the resource still changes."""
    desired = desired_state({"match": "app", "teleportEnabled": False, "deleteEnabled": False})

    plan = plan_of(desired, repository("app", OPEN))

    message = "registry.yaml:1:5 declares teleportEnabled, which this registry does not report here; it is not written"
    assert (Blocked(Address("app"), "unsupported-attribute", message),) == plan.blocked
    assert {"deleteEnabled": False} == _only(plan).after


def test_what_is_only_blocked_is_no_change():
    """Nothing is left to do for it, so it is not counted as an update."""
    plan = plan_of(desired_state({"match": "app", "teleportEnabled": False}), repository("app", OPEN))

    assert (False, 1, _summary(managed=1)) == (plan.has_changes, len(plan.blocked), plan.summary)


def test_an_attribute_that_no_rule_declares_stays_as_it_is():
    """Neither a patch nor a change mentions it, whatever its value."""
    desired = desired_state({"match": "app", "tags": [{"match": "*", "writeEnabled": False}]})

    plan = plan_of(desired, repository("app", tags={"v1": {"digest": digest("a"), **CLOSED, "writeEnabled": True}}))

    assert ("writeEnabled",) == _only(plan).attributes
    assert ["/digest", "/writeEnabled", "/writeEnabled"] == [operation["path"] for operation in _only(plan).patch]


def test_undeclared_is_unmanaged():
    """Without a rule, or with one that declares nothing, a resource is counted and left alone."""
    desired = desired_state(
        {"match": "app", "tags": [{"match": "v*", "deleteEnabled": True}, {"match": "old"}]},
    )

    plan = plan_of(
        desired,
        repository("app", CLOSED, {"v1": tag(), "dev": tag(deleteEnabled=False), "old": tag()}),
        repository("other", CLOSED, {"v1": tag(deleteEnabled=False)}),
    )

    assert ((), _summary(managed=1, unmanaged=5)) == (plan.changes, plan.summary)


def test_in_sync_is_counted_and_forgotten():
    """Managed resources that are as declared leave nothing but their number."""
    desired = desired_state({"match": "**", "deleteEnabled": False, "tags": [{"match": "*", "writeEnabled": False}]})

    plan = plan_of(
        desired,
        repository("a", LOCKED, {f"v{number}": tag(writeEnabled=False) for number in range(100)}),
        repository("b", OPEN, {"v1": tag()}),
    )

    assert ["b", "b:v1"] == [str(change.address) for change in plan.changes]
    assert _summary(update=2, managed=103) == plan.summary


def test_what_is_named_exactly_and_not_there_is_missing():
    """A file may be merged before its image is pushed; wildcards miss nothing."""
    desired = desired_state(
        {"match": "team/*", "deleteEnabled": False, "tags": [{"match": "stable", "deleteEnabled": False}]},
        {"match": "team/app", "tags": [{"match": ["v2", "v10"], "deleteEnabled": False}]},
        {"match": "zoo", "deleteEnabled": False},
    )

    plan = plan_of(
        desired,
        repository("zoo", missing=True),
        repository("team/app", LOCKED, missing_tags=("v2", "v10")),
        repository("team/web", missing=True),
        repository("team/cli", LOCKED, missing_tags=("stable",)),
    )

    assert ["team/app:v10", "team/app:v2", "zoo"] == [str(address) for address in plan.missing]
    assert (True, ()) == (plan.complete, plan.changes)


def test_a_tag_that_was_not_seen_is_not_missing():
    """Absence from a list proves nothing; only a direct read does."""
    desired = desired_state({"match": "app", "tags": [{"match": "v1", "deleteEnabled": False}]})

    plan = plan_of(desired, repository("app"))

    assert ((), ()) == (plan.missing, plan.changes)


def test_what_could_not_be_read_is_unknown_and_the_plan_incomplete():
    """Unreadable is never in sync, and the other repositories are planned all the same."""
    desired = desired_state({"match": "**", "deleteEnabled": False})

    plan = plan_of(desired, repository("web", unread="401 UNAUTHORIZED"), repository("app", OPEN))

    assert (False, (Unknown(Address("web"), "401 UNAUTHORIZED"),)) == (plan.complete, plan.unknown)
    assert (_summary(update=1, managed=1), "app") == (plan.summary, str(_only(plan).address))


def test_origins_are_those_of_what_changes_in_file_order():
    """Each place once, line 10 after line 9; who asked for what is in sync already is not named."""
    desired = desired_state(
        *({"match": "nothing"} for _ in range(8)),
        {"match": "**", "writeEnabled": False, "deleteEnabled": False},
        {"match": "app", "listEnabled": False},
        {"match": "app", "readEnabled": False},
    )

    plan = plan_of(desired, repository("app", {**OPEN, "readEnabled": False}))

    assert ("registry.yaml:9:5", "registry.yaml:10:5") == _only(plan).origins


def test_the_order_of_a_plan_depends_on_names_alone():
    """Repositories arrive as they are read; no other one stands between a repository and its tags."""
    desired = desired_state({"match": "**", "deleteEnabled": False, "tags": [{"match": "*", "deleteEnabled": False}]})
    live = [
        repository("app/x", OPEN, {"v1": tag()}),
        repository("app-2", OPEN),
        repository("app", OPEN, {"v9": tag(), "v10": tag(), "V1": tag()}),
    ]

    forwards, backwards = plan_of(desired, *live), plan_of(desired, *reversed(live))

    assert ["app", "app:V1", "app:v10", "app:v9", "app-2", "app/x", "app/x:v1"] == [
        str(change.address) for change in forwards.changes
    ]
    assert forwards == backwards


def test_a_plan_is_the_sum_of_its_parts():
    """Counts are added and notes are sorted, whatever the order in which parts come."""
    parts = [
        RepositoryPlan(blocked=(Blocked(Address("b"), "y", "2"), Blocked(Address("b"), "x", "1")), managed=3),
        RepositoryPlan(unknown=(Unknown(Address("d"), ""),), unmanaged=2),
        RepositoryPlan(blocked=(Blocked(Address("a"), "z", "3"),), unknown=(Unknown(Address("c"), ""),), managed=4),
    ]

    plan = make_plan("contoso.azurecr.io", "sha256:0", iter(parts))

    assert ["3", "1", "2"] == [blocked.message for blocked in plan.blocked]
    assert ["c", "d"] == [str(unknown.address) for unknown in plan.unknown]
    assert (_summary(managed=7, unmanaged=2), 0) == (plan.summary, plan.summary.changes)


def test_a_repository_without_rules_has_nothing_to_say():
    """Two counts are no reason to keep anything of a repository."""
    from reconciler.model.matching import DesiredIndex

    rules = DesiredIndex(desired_state()).for_repository("app")

    part = plan_repository(rules, repository("app", OPEN, {"v1": tag()}))

    assert (RepositoryPlan(unmanaged=2), False) == (attrs.evolve(part, observed=None), part.has_something_to_say)


def test_entries_that_match_nothing_are_known():
    """What is named exactly is told as missing, what only forbids may well match nothing."""
    rules = (
        {"match": "shpo/**", "deleteEnabled": False, "tags": [{"match": "v*", "deleteEnabled": False}]},
        {
            "match": "shop/*",
            "tags": [
                {"match": "v*", "protect": "immutable"},
                {"match": "relaese-*", "protect": "immutable"},
                {"match": "pr-*", "ensure": "absent"},
                {"match": "pr-*", "keep": {"last": 1}},
                {"match": "next", "deleteEnabled": False},
                {"match": "new", "digest": digest("a")},
            ],
        },
        {"match": "old", "deleteEnabled": False, "tags": [{"match": "v*", "deleteEnabled": False}]},
        {"match": "**", "tags": [{"match": "**", "deleteEnabled": False}]},
    )
    desired = desired_state(*rules)
    index = DesiredIndex(desired)
    live = (
        repository("shop/api", OPEN, {"v1": tag()}, missing_tags=("next", "new"), manifests={digest("a"): manifest()}),
        repository("old", missing=True),
    )
    parts = [plan_repository(index.for_repository(each.name), each) for each in live]

    [finding] = rule_findings(desired, frozenset().union(*(part.spoken for part in parts)))

    assert ("unmatched-entry", False) == (finding.code, finding.stops)
    assert (
        "3 entries match nothing that the registry holds: shpo/** at registry.yaml:1:5,"
        " relaese-* at registry.yaml:5:5, next at registry.yaml:8:5"
    ) == finding.message
