"""Retention: what stays by its place or its age, what takes no place, and what a lock keeps."""

from __future__ import annotations

import pytest
from builders import LOCKED, OPEN, desired_state, manifest, plan_of, repository, tag
from hypothesis import given, strategies as st
from test_absence import DAY, NOW_NS, A, B, C, D, _codes, _days_ago, _deeds, _manifests, _tags

from reconciler.model.address import Address
from reconciler.model.desired import Keep
from reconciler.model.retention import outdated
from reconciler.planning.plan import Matching

TIMES = {f"b{days:02}": _days_ago(days) for days in range(10)}


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ({"last": 3}, {f"b{days:02}" for days in range(3, 10)}),
        ({"newerThan": 5 * DAY}, {f"b{days:02}" for days in range(5, 10)}),
        ({"last": 7, "newerThan": 5 * DAY}, {f"b{days:02}" for days in range(7, 10)}),
        ({"last": 2, "newerThan": 5 * DAY}, {f"b{days:02}" for days in range(5, 10)}),
        ({"last": 10}, set()),
    ],
)
def test_retention_keeps_the_last_ones_and_the_new_ones(keep, expected):
    """Both reasons count, so naming two keeps more."""
    live = repository("app", OPEN, {name: tag("a") for name in TIMES}, tag_times=TIMES)

    plan = _tags({"match": "b*", "keep": keep}, live=live)

    assert {f"app:{name}" for name in expected} == _deeds(plan).keys()
    assert all("lastUpdateTime" in change.before for change in plan.changes)


@pytest.mark.parametrize(
    ("entries", "document"),
    [
        ([{"match": "b*", "keep": {"last": 1}}], tag("a", deleteEnabled=False)),
        ([{"match": "b*", "keep": {"last": 1}}], tag("a", writeEnabled=False)),
        ([{"match": "b*", "keep": {"last": 1}}, {"match": "b05", "protect": "undeletable"}], tag("a")),
        ([{"match": "b05", "protect": "undeletable"}, {"match": "b*", "keep": {"last": 1}}], tag("a")),
        ([{"match": "b*", "keep": {"last": 1}}, {"match": "b05", "digest": A}], tag("a")),
    ],
)
def test_retention_never_deletes_what_is_locked_or_what_a_rule_protects(entries, document):
    """A live lock, a level of protection wherever it stands, a pin."""
    live = repository("app", OPEN, {"b05": document, "b00": tag("a")}, tag_times=TIMES, manifests={A: manifest()})

    plan = _tags(*entries, live=live)

    assert "delete" not in _deeds(plan).values()
    assert {} == _codes(plan)


@pytest.mark.parametrize("lock", ["deleteEnabled", "writeEnabled"])
def test_what_retention_would_let_go_is_not_opened_for_that(lock):
    """A lock keeps it, though a rule would take that off: the next apply would delete what this one opened."""
    open_and_keep = {"protect": "open", "keep": {"last": 1}}
    times = {A: _days_ago(5), B: _days_ago(1)}
    manifests = {each: manifest(updated=at, **{lock: each is not A}) for each, at in times.items()}
    tags = {"b05": tag("c", **{lock: False}), "b00": tag("c")}

    plan = _tags({"match": "b*", **open_and_keep}, live=repository("app", OPEN, tags, tag_times=TIMES))
    below = _manifests({"tagged": False, **open_and_keep}, manifests=manifests)

    assert ({}, {"app:b05": "locked"}) == (_deeds(plan), _codes(plan))
    assert ({}, {f"app@{A}": "locked"}) == (_deeds(below), _codes(below))
    assert "registry.yaml:2:5 keeps it no more, and it is locked" in plan.blocked[0].message


def test_a_plan_tells_what_retention_keeps_by_its_place():
    """Whoever carries it out counts again; what is pinned takes no place then, either."""
    live = repository(
        "app", OPEN, {"b05": tag("a"), "b00": tag("a"), "b01": tag("a")}, tag_times=TIMES, manifests={A: manifest()}
    )
    pinned = {"match": "b01", "digest": A}

    by_place = _tags({"match": "b*", "exclude": "bx", "keep": {"last": 1}}, pinned, live=live)
    by_age = _tags({"match": "b*", "keep": {"newerThan": 4 * DAY}}, live=live)

    (kept,) = by_place.retention
    assert (Address("app"), "tag", 1, None, Matching(("b*",), ("bx",)), (Matching(("b01",), ()),)) == (
        kept.address,
        kept.kind,
        kept.last,
        kept.newer_than_s,
        kept.of,
        kept.apart,
    )
    assert ({"app:b05": "delete"}, {"app:b05": "delete"}) == (_deeds(by_place), _deeds(by_age))
    assert [(None, 4 * DAY)] == [(each.last, each.newer_than_s) for each in by_age.retention]


def test_what_goes_anyway_takes_no_place():
    """Of four one stays, though the newest is wanted absent by itself."""
    absent = {"match": "b00", "ensure": "absent"}
    tags = {f"b0{each}": tag("a") for each in range(4)}
    manifests = {each: manifest(updated=_days_ago(at)) for at, each in enumerate((A, B, C, D))}

    of_tags = _tags({"match": "b*", "keep": {"last": 1}}, absent, live=repository("app", OPEN, tags, tag_times=TIMES))
    of_manifests = _manifests(
        {"tagged": False, "keep": {"last": 1}}, {"match": A, "ensure": "absent"}, manifests=manifests
    )

    assert {"app:b00", "app:b02", "app:b03"} == _deeds(of_tags).keys()
    assert {f"app@{each}" for each in (A, C, D)} == _deeds(of_manifests).keys()
    assert [("b00",), (A,)] == [plan.retention[0].apart[0].match for plan in (of_tags, of_manifests)]


def test_what_one_entry_lets_go_takes_no_place_in_another():
    """Each keeps as many as it says, of those that stay."""
    tags = {name: tag("a") for name in ("b1", "b2", "b3", "n1", "n2", "n3")}
    times = {name: _days_ago(10 - at) for at, name in enumerate(tags)}
    live = repository("app", OPEN, tags, tag_times=times)

    plan = _tags({"match": "**", "keep": {"last": 2}}, {"match": "n*", "keep": {"last": 1}}, live=live)

    assert {"app:b1", "app:b2", "app:n1", "app:n2"} == _deeds(plan).keys()


SIGNATURE = f"sha256-{'a' * 64}.sig"


SIGNED_TWICE = f"sha256-{'c' * 64}.sig"


@pytest.mark.parametrize(
    ("entries", "tags", "goes"),
    [
        ([{"match": "v1", "digest": A}], {"v1": tag("b")}, False),
        ([{"match": "v1", "digest": A}], {}, False),
        ([{"match": "v1", "digest": B}], {"v1": tag("a")}, True),
        ([{"match": "v1", "ensure": "absent"}], {"v1": tag("a")}, True),
        ([{"match": "v1", "ensure": "absent"}], {"v1": tag("a", deleteEnabled=False)}, False),
        ([{"match": "v1", "protect": "open", "keep": {"newerThan": DAY}}], {"v1": tag("a", writeEnabled=False)}, False),
    ],
)
def test_a_signature_goes_by_where_tags_will_be(entries, tags, goes):
    """Moved, created, deleted or kept by a lock; and the signature of a signature with it."""
    tags = {**tags, SIGNATURE: tag("c"), SIGNED_TWICE: tag("d")}
    live = repository(
        "app",
        OPEN,
        tags,
        tag_times=dict.fromkeys(tags, _days_ago(20)),
        missing_tags=() if "v1" in tags else ("v1",),
        manifests={A: manifest(), B: manifest()},
    )

    plan = _tags({"match": "sha256-*", "keep": {"newerThan": DAY}}, *entries, live=live)

    assert [goes, goes] == [f"app:{name}" in _deeds(plan) for name in (SIGNATURE, SIGNED_TWICE)]


@pytest.mark.parametrize("live", [OPEN, LOCKED])
def test_in_a_repository_that_rules_freeze_retention_does_nothing(live):
    """Before it is frozen or after: otherwise the first apply would do what the second one never does."""
    tags = [{"match": "b*", "keep": {"last": 1}}]
    frozen = desired_state({"match": "app", "protect": "frozen", "tags": tags})

    plan = plan_of(frozen, repository("app", live, {"b05": tag("a"), "b00": tag("a")}, tag_times=TIMES), now_ns=NOW_NS)

    assert "delete" not in _deeds(plan).values()


@pytest.mark.parametrize(("other", "goes"), [("b00", False), ("b05", True)])
def test_a_signature_stays_while_a_tag_at_what_it_is_about_does(other, goes):
    """It is about that by its name; where the tag goes as well, both do."""
    signature = f"sha256-{'a' * 64}.sig"
    times = {**TIMES, signature: _days_ago(8)}
    tags = {other: tag("a"), "b01": tag("b"), signature: tag("c")}
    live = repository("app", OPEN, tags, tag_times=times)

    plan = _tags({"match": "**", "keep": {"newerThan": 4 * DAY}}, live=live)

    assert goes == (f"app:{signature}" in _deeds(plan))


def test_retention_keeps_what_has_no_time():
    """And lets it take the place of no other."""
    live = repository("app", OPEN, {"b00": tag("a"), "b01": tag("a"), "x": tag("a")}, tag_times=TIMES)

    assert {"app:b01": "delete"} == _deeds(_tags({"match": "**", "keep": {"last": 1}}, live=live))


def test_retention_of_manifests_goes_by_their_time():
    """Untagged ones, older than a week; one without a time stays."""
    manifests = {
        A: manifest(updated=_days_ago(1)),
        B: manifest(updated=_days_ago(8)),
        C: manifest(),
    }

    plan = _manifests({"tagged": False, "keep": {"newerThan": 7 * DAY}}, manifests=manifests)

    assert {f"app@{B}": "delete"} == _deeds(plan)
    assert "day 92" == plan.changes[0].before["lastUpdateTime"]  # who pushes it again makes it new


names = st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), st.integers(0, 50)), unique_by=lambda each: each[0])


@given(names, st.none() | st.integers(1, 5), st.none() | st.integers(1, 40), st.randoms())
def test_retention_does_not_depend_on_the_order_of_a_list(items, last, newer_than_s, random):
    """The registry may list in any order; ties are broken by name."""
    if last is None and newer_than_s is None:
        last = 1
    keep = Keep(last, newer_than_s, desired_state({"match": "x"}).repositories[0].origin)
    shuffled = list(items)
    random.shuffle(shuffled)

    gone = outdated(items, keep, 50 * 10**9)

    assert gone == outdated(shuffled, keep, 50 * 10**9)
    assert len(gone) <= max(0, len(items) - (last or 0))
