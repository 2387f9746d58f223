"""Levels of protection: what they demand of tags, manifests, children of indexes, and repositories."""

from __future__ import annotations

import pytest
from builders import OPEN, desired_state, digest, manifest, plan_of, repository, tag
from hypothesis import given, strategies as st

from reconciler.planning.closure import Demand, spread
from reconciler.planning.plan import Via

A, B, C, D = map(digest, "abcd")


def _flags(plan):
    """What each change makes of the attributes of a resource."""
    return {
        str(change.address).replace(A, "A").replace(B, "B").replace(C, "C"): {
            name: value for name, value in change.after.items() if name not in ("digest", "tagged")
        }
        for change in plan.changes
    }


def _protecting(level, **more):
    return desired_state({"match": "app", "tags": [{"match": "v1", "protect": level, **more}]})


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (
            "immutable",
            {
                "app:v1": {"deleteEnabled": False, "writeEnabled": False},
                "app@A": {"deleteEnabled": False},
                "app@B": {"deleteEnabled": False},
            },
        ),
        (
            "undeletable",
            {
                "app:v1": {"deleteEnabled": False},
                "app@A": {"deleteEnabled": False},
                "app@B": {"deleteEnabled": False},
            },
        ),
        ("open", {}),
    ],
)
def test_a_level_on_a_tag_reaches_its_manifest_and_the_children_of_an_index(level, expected):
    """A tag is as safe as all that it stands for; the other manifests of the repository are left alone."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest(B), B: manifest(), C: manifest()})

    plan = plan_of(_protecting(level), live)

    assert expected == _flags(plan)


def test_open_opens_what_was_locked():
    """And says so as what it is: loosening."""
    locked = {"deleteEnabled": False, "writeEnabled": False}
    live = repository(
        "app",
        OPEN,
        {"v1": tag("a", **locked)},
        manifests={A: manifest(B, deleteEnabled=False), B: manifest(deleteEnabled=False)},
    )

    plan = plan_of(_protecting("open"), live)

    assert {
        "app:v1": {"deleteEnabled": True, "writeEnabled": True},
        "app@A": {"deleteEnabled": True},
        "app@B": {"deleteEnabled": True},
    } == _flags(plan)
    assert {("loosen",)} == {change.effects for change in plan.changes}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("undeletable", {"deleteEnabled": False}),
        ("frozen", {"deleteEnabled": False, "writeEnabled": False}),
        ("open", {}),
    ],
)
def test_a_level_on_a_repository_stays_with_the_repository(level, expected):
    """What is in it is covered by its own attributes."""
    live = repository("app", OPEN, {"v1": tag("a")})

    plan = plan_of(desired_state({"match": "app", "protect": level}), live)

    assert ({"app": expected} if expected else {}) == _flags(plan)


def test_an_attribute_of_the_same_entry_wins_over_its_level():
    """And the level still closes what is below the tag."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest()})

    plan = plan_of(_protecting("immutable", deleteEnabled=True), live)

    assert {"app:v1": {"writeEnabled": False}, "app@A": {"deleteEnabled": False}} == _flags(plan)


def test_a_later_entry_wins_attribute_by_attribute():
    """A later level replaces the demand on the manifest too; a later attribute does not touch it."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest()})
    first = {"match": "v*", "protect": "immutable"}

    opened = plan_of(desired_state({"match": "app", "tags": [first, {"match": "v1", "protect": "open"}]}), live)
    writable = plan_of(desired_state({"match": "app", "tags": [first, {"match": "v1", "writeEnabled": True}]}), live)

    assert {} == _flags(opened)
    assert {"app:v1": {"deleteEnabled": False}, "app@A": {"deleteEnabled": False}} == _flags(writable)


def test_a_tag_that_is_locked_otherwise_keeps_its_manifest():
    """The closure never demands less than the tag: opening it as a level and locking it as an attribute locks both."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest()})

    plan = plan_of(_protecting("open", deleteEnabled=False), live)

    assert {"app:v1": {"deleteEnabled": False}, "app@A": {"deleteEnabled": False}} == _flags(plan)


def test_the_strictest_demand_on_a_shared_manifest_wins_and_is_named():
    """Two tags point at one manifest, one open, one not: it stays, on behalf of the stricter one."""
    desired = desired_state(
        {"match": "app", "tags": [{"match": "a*", "protect": "open"}, {"match": "z", "protect": "undeletable"}]}
    )
    live = repository("app", OPEN, {"a1": tag("a"), "z": tag("a")}, manifests={A: manifest()})

    change = plan_of(desired, live).changes[-1]

    assert (f"app@{A}", {"deleteEnabled": False}) == (str(change.address), change.after)
    assert (Via(plan_of(desired, live).changes[0].address, A), ("registry.yaml:3:5",)) == (change.via, change.origins)


def test_a_child_that_two_indexes_share_gets_the_stricter_demand():
    """However the registry orders them."""
    desired = desired_state(
        {"match": "app", "tags": [{"match": "a", "protect": "open"}, {"match": "b", "protect": "undeletable"}]}
    )
    manifests = {A: manifest(C, deleteEnabled=False), B: manifest(C), C: manifest()}
    live = repository("app", OPEN, {"a": tag("a"), "b": tag("b")}, manifests=manifests)

    plan = plan_of(desired, live)

    assert {
        "app:b": {"deleteEnabled": False},
        "app@A": {"deleteEnabled": True},
        "app@B": {"deleteEnabled": False},
        "app@C": {"deleteEnabled": False},
    } == _flags(plan)


def test_a_tag_that_is_pinned_elsewhere_protects_what_it_will_point_at():
    """Not what it points at now."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest(), B: manifest()})

    plan = plan_of(_protecting("immutable", digest=B), live)

    assert [("app:v1", "move"), (f"app@{B}", "update")] == [(str(c.address), c.action) for c in plan.changes]
    assert {"digest": B, "deleteEnabled": False, "writeEnabled": False} == plan.changes[0].after
    assert B == plan.changes[1].via.digest


def test_what_cannot_be_read_below_a_protected_tag_is_told():
    """The plan is not complete, and a finding says that the image may be less protected than the files say."""
    live = repository(
        "app",
        OPEN,
        {"v1": tag("a")},
        manifests={A: manifest(B, C)},
        unread_manifests={B: "401"},
        missing_manifests=(C,),
    )

    plan = plan_of(_protecting("immutable"), live)

    assert not plan.complete
    assert [f"app@{B}"] == [str(unknown.address) for unknown in plan.unknown]
    assert ["missing-child", "open-repository", "unread-child"] == [finding.code for finding in plan.findings]
    assert not any(finding.stops for finding in plan.findings)


def test_an_immutable_tag_in_a_repository_that_can_be_deleted_is_a_finding():
    """It is none once the files forbid to delete the repository."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest()})
    tags = [{"match": "v1", "protect": "immutable"}]

    open_one = plan_of(desired_state({"match": "app", "tags": tags}), live)
    closed = plan_of(desired_state({"match": "app", "protect": "undeletable", "tags": tags}), live)

    assert ["open-repository"] == [finding.code for finding in open_one.findings]
    assert () == closed.findings


def test_a_rule_about_manifests_and_a_tag_agree_on_the_stricter_word():
    """Neither can loosen what the other locks."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest(), B: manifest()})
    opening = {
        "match": "app",
        "tags": [{"match": "v1", "protect": "undeletable"}],
        "manifests": [{"deleteEnabled": True}],
    }
    locking = {"match": "app", "tags": [{"match": "v1", "protect": "open"}], "manifests": [{"deleteEnabled": False}]}

    assert {"app:v1": {"deleteEnabled": False}, "app@A": {"deleteEnabled": False}} == _flags(
        plan_of(desired_state(opening), live)
    )
    assert {"app@A": {"deleteEnabled": False}, "app@B": {"deleteEnabled": False}} == _flags(
        plan_of(desired_state(locking), live)
    )


def test_a_rule_about_an_index_reaches_its_children():
    """A level on a manifest is said of all that it stands for."""
    desired = desired_state({"match": "app", "manifests": [{"match": A, "protect": "immutable"}]})
    live = repository("app", OPEN, {}, manifests={A: manifest(B), B: manifest()})

    plan = plan_of(desired, live)

    assert {"app@A": {"deleteEnabled": False, "writeEnabled": False}, "app@B": {"deleteEnabled": False}} == _flags(plan)
    assert [None, None] == [change.via for change in plan.changes]


DIGESTS = [digest(letter) for letter in "abcdef"]
graphs = st.dictionaries(st.sampled_from(DIGESTS), st.lists(st.sampled_from(DIGESTS), max_size=3))
demands = st.lists(
    st.builds(
        Demand,
        value=st.booleans(),
        tag=st.sampled_from(["v1", "v2", "v3"]),
        root=st.sampled_from(DIGESTS),
        origin=st.just(desired_state({"match": "x"}).repositories[0].origin),
    )
)


@given(graphs, demands, st.randoms())
def test_a_demand_reaches_everything_below_it_and_never_gets_weaker(graph, said, random):
    """Whatever the graph, cycles included, and in whatever order things are listed."""
    manifests = {each: manifest(*children) for each, children in graph.items()}

    standing = spread(said, manifests)

    shuffled = list(said)
    random.shuffle(shuffled)
    assert standing == spread(shuffled, manifests)
    for each in said:
        for reached in _below(each.root, graph):
            assert standing[reached].value <= each.value


@given(graphs, demands)
def test_nothing_else_is_demanded(graph, said):
    """A manifest that is below no tag that demands something is left alone."""
    manifests = {each: manifest(*children) for each, children in graph.items()}

    reached = {below for each in said for below in _below(each.root, graph)}
    assert reached == spread(said, manifests).keys()


def _below(root, graph):
    seen, waiting = set(), [root]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += graph.get(each, [])
    return seen
