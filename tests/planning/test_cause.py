"""Who moved: every case of last applied, desired and live, attribute by attribute."""

from __future__ import annotations

import pytest
from builders import OPEN, desired_state, digest, manifest, repository, tag
from examples import some
from hypothesis import given, settings, strategies as st

from reconciler.model.address import Address
from reconciler.model.attributes import REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES
from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.matching import DesiredIndex
from reconciler.planning.base import RevisionBase
from reconciler.planning.cause import Base, cause_of, gravest
from reconciler.planning.compare import plan_repository

A, B, C = digest("a"), digest("b"), digest("c")
KINDS = {
    "repository": Address("app"),
    "tag": Address("app", tag="v1"),
    "manifest": Address("app", digest=A),
}

# Last applied, desired, live: only cases in which the last two differ, for otherwise there is nothing to explain.
CASES = [
    (False, False, True, "drift"),
    (True, True, False, "drift"),
    (True, False, True, "config"),
    (False, True, False, "config"),
    (None, False, True, "unknown"),
    (None, True, False, "unknown"),
    (A, A, B, "drift"),
    (A, B, A, "config"),
    (A, B, C, "conflict"),
    (None, A, B, "unknown"),
]


@pytest.mark.parametrize(("base", "desired", "live", "expected"), CASES)
def test_a_value_that_is_still_the_last_applied_one_has_not_moved(base, desired, live, expected):
    """So the other one has; where both are different, both have; without a base nobody can say."""
    assert expected == cause_of(base, desired, live)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "case"),
    [
        (name, case)
        for name in (*TAG_ATTRIBUTES, "digest")
        for case in CASES
        if (name == "digest") == (case[2] in (A, B, C))
    ],
)
def test_each_attribute_of_each_kind_has_a_cause_of_its_own(kind, name, case):
    """Another attribute of the same resource, which nobody touched but the files, keeps its own."""
    base, desired, live, expected = case
    address, other = KINDS[kind], "listEnabled" if name != "listEnabled" else "readEnabled"
    attributes = {other: True} if base is None or name == "digest" else {other: True, name: base}
    remembered = Remembered(attributes, base if name == "digest" and base else "")
    repositories = {
        "repository": RememberedRepository({**attributes, **({"digest": base} if remembered.digest else {})}),
        "tag": RememberedRepository(tags={"v1": remembered}),
        "manifest": RememberedRepository(manifests={A: remembered}),
    }

    causes = Base(repositories[kind]).causes(
        address, {name: live, other: True}, {name: desired, other: False}, [name, other]
    )

    assert {name: expected, other: "config"} == causes


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        (("config", "drift", "unknown", "conflict"), "conflict"),
        (("unknown", "config", "drift"), "drift"),
        (("unknown", "config"), "config"),
        (("unknown",), "unknown"),
        ((), "unknown"),
    ],
)
def test_the_gravest_cause_stands_for_the_resource(causes, expected):
    """Conflict, drift, config, unknown, in this order."""
    assert expected == gravest(causes)


def _rules(*rules):
    return DesiredIndex(desired_state(*rules)).for_repository("app")


def _cause(now, then, remembered, live):
    base = Base(remembered, lambda: _rules(*then))
    (change,) = plan_repository(_rules(*now), live, base).changes
    return dict(change.causes)


LOCK_V = {"match": "app", "tags": [{"match": "v*", "deleteEnabled": False}]}


def test_a_rule_that_is_new_about_a_resource_is_a_change_of_the_files():
    """No rule spoke of the tag then, so nobody broke a promise: the files want something new."""
    live = repository("app", OPEN, {"v1": tag()})

    assert {"deleteEnabled": "config"} == _cause([LOCK_V], [], RememberedRepository(), live)


def test_a_resource_that_is_new_under_an_old_rule_has_an_unknown_cause():
    """It was pushed since, or never read: who left it open is not known."""
    live = repository("app", OPEN, {"v2": tag()})

    assert {"deleteEnabled": "unknown"} == _cause([LOCK_V], [LOCK_V], RememberedRepository(), live)


def test_files_at_a_revision_tell_what_was_last_applied():
    """What they declared is the base; what they did not is new in the files."""
    now = {"match": "app", "tags": [{"match": "v*", "deleteEnabled": False, "writeEnabled": False}]}
    base = RevisionBase("c0ffee", desired_state(LOCK_V)).of("app", RememberedRepository())

    (change,) = plan_repository(_rules(now), repository("app", OPEN, {"v1": tag()}), base).changes

    assert {"deleteEnabled": "drift", "writeEnabled": "config"} == change.causes


FLAGS = st.booleans()


@settings(max_examples=some(100))
@given(
    applied=st.dictionaries(st.sampled_from(TAG_ATTRIBUTES), FLAGS, min_size=1),
    edited=st.sampled_from(TAG_ATTRIBUTES),
    side=st.sampled_from(["files", "registry"]),
    kind=st.sampled_from(["repository", "tag"]),
)
def test_editing_one_side_after_an_apply_gives_the_cause_of_that_side(applied, edited, side, kind):
    """Whichever attribute is edited, in the files or in the registry, and whether it was managed before or not."""

    def rule(flags):
        return (
            {"match": "app", **flags} if kind == "repository" else {"match": "app", "tags": [{"match": "v1", **flags}]}
        )

    unmanaged = {name: True for name in REPOSITORY_ATTRIBUTES if name not in applied and name != "teleportEnabled"}
    live = {**unmanaged, **applied}
    remembered = (
        RememberedRepository(applied)
        if kind == "repository"
        else RememberedRepository(tags={"v1": Remembered(applied, A)})
    )
    wanted, held = dict(applied), dict(live)
    if side == "files":
        wanted[edited] = not live[edited]
    else:
        held[edited] = not live[edited]
    document = held if kind == "repository" else OPEN
    tags = {} if kind == "repository" else {"v1": {"digest": A, **held}}
    base = Base(remembered, lambda: _rules(rule(applied)))

    changes = plan_repository(_rules(rule(wanted)), repository("app", document, tags), base).changes

    expected = {edited: "config"} if side == "files" else {edited: "drift"}
    is_managed = side == "files" or edited in applied
    assert ([expected] if is_managed else []) == [dict(change.causes) for change in changes]


def _cause_of_one(rule, live, remembered, rules_then=None):
    """The cause of the one change that the rule makes of a repository of which something is remembered."""
    then = None if rules_then is None else lambda: DesiredIndex(desired_state(rules_then)).for_repository("app")
    rules = DesiredIndex(desired_state(rule)).for_repository("app")
    (change,) = plan_repository(rules, live, Base(remembered, then)).changes
    return change.cause


PIN = {"match": "app", "tags": [{"match": "v1", "digest": B}]}


@pytest.mark.parametrize(("remembered", "expected"), [(B, "drift"), (A, "config"), (C, "conflict"), (None, "unknown")])
def test_a_move_has_a_cause_like_any_attribute(remembered, expected):
    """Where it was pointed, where it must point and where it points are the three values."""
    known = {} if remembered is None else {"v1": Remembered({}, remembered)}
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={B: manifest()})

    assert expected == _cause_of_one(PIN, live, RememberedRepository(tags=known), PIN)


@pytest.mark.parametrize(("remembered", "expected"), [(B, "drift"), (A, "conflict"), (None, "unknown")])
def test_a_pinned_tag_that_is_gone_was_deleted_by_somebody(remembered, expected):
    """If it was remembered; one that never was is new."""
    known = {} if remembered is None else {"v1": Remembered({}, remembered)}
    live = repository("app", OPEN, missing_tags=("v1",), manifests={B: manifest()})

    assert expected == _cause_of_one(PIN, live, RememberedRepository(tags=known), PIN)


@pytest.mark.parametrize(
    ("remembered", "rules_then", "expected"),
    [
        ({"v1": Remembered({"deleteEnabled": True}, A)}, {"match": "app"}, "config"),
        ({}, {"match": "app"}, "config"),
        ({}, {"match": "app", "tags": [{"match": "v*", "ensure": "absent"}]}, "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_a_delete_is_the_files_doing_or_nobody_knows(remembered, rules_then, expected):
    """A tag under an old rule that wants it absent was pushed since, which is nobody's drift."""
    rule = {"match": "app", "tags": [{"match": "v*", "ensure": "absent"}]}
    live = repository("app", OPEN, {"v1": tag("a")})

    assert expected == _cause_of_one(rule, live, RememberedRepository(tags=remembered), rules_then)


@pytest.mark.parametrize(
    ("remembered", "rules_then", "expected"),
    [
        ({A: Remembered({"deleteEnabled": False})}, {"match": "app"}, "drift"),
        ({}, {"match": "app", "tags": [{"match": "v1", "protect": "undeletable"}]}, "unknown"),
        ({}, {"match": "app", "tags": [{"match": "v1", "deleteEnabled": False}]}, "config"),
    ],
)
def test_the_manifest_below_a_tag_has_a_cause(remembered, rules_then, expected):
    """An old level that reached it makes a new manifest unknown; a level that is new makes it config."""
    rule = {"match": "app", "tags": [{"match": "v1", "protect": "undeletable"}]}
    live = repository("app", OPEN, {"v1": tag("a", deleteEnabled=False)}, manifests={A: manifest()})

    assert expected == _cause_of_one(rule, live, RememberedRepository(manifests=remembered), rules_then)
