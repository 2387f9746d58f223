"""Exceptions: what holds for a while, what is told about their end, and plans that depend on the time."""

from __future__ import annotations

import attrs
import pytest
from builders import LOCKED, OPEN, desired_state, digest, manifest, plan_of, repository, tag

from reconciler.model.address import parse_address
from reconciler.model.desired import Declaration, ExceptionRule, Origin, Target
from reconciler.model.exceptions import in_force
from reconciler.model.live import Moment
from reconciler.model.pattern import compile_pattern
from reconciler.planning.explain import exceptions_about
from reconciler.planning.planfile import desired_digest
from reconciler.planning.remarks import exception_findings
from reconciler.planning.timing import expiry, goes_by_time

A = digest("a")
HOUR_NS = 3600 * 10**9
UNTIL = 100 * HOUR_NS
PLACE = Origin("registry.yaml", 20, 5)
RULE = {"match": "app", "tags": [{"match": "v*", "protect": "immutable"}]}


def _excepting(repository_name="app", *, tag_name="", of_digest="", attribute="writeEnabled", value=True):
    target = Target(
        compile_pattern(repository_name),
        tag=compile_pattern(tag_name) if tag_name else None,
        digest=compile_pattern(of_digest) if of_digest else None,
    )
    declared = (Declaration(attribute, value, PLACE),)
    exception = ExceptionRule((target,), declared, "1970-01-05T04:00:00Z", UNTIL, "INC-4711, vendor re-push", PLACE)
    return attrs.evolve(desired_state(RULE), exceptions=(exception,))


def _after(desired, now_ns):
    live = repository("app", OPEN, {"v1": tag("a", **LOCKED_FLAGS)}, manifests={A: manifest(deleteEnabled=False)})
    return {str(c.address): c.after for c in plan_of(in_force(desired, now_ns), live).changes}


LOCKED_FLAGS = {"deleteEnabled": False, "writeEnabled": False}


def test_an_exception_beats_every_rule_while_it_is_in_force():
    """Until its last moment, and not at it."""
    desired = _excepting(tag_name="v1")

    assert {"app:v1": {"digest": A, "writeEnabled": True}} == _after(desired, UNTIL - 1)
    assert {} == _after(desired, UNTIL)
    assert {} == _after(desired, UNTIL + HOUR_NS)


def test_an_exception_for_a_manifest_beats_what_a_tag_demands_of_it():
    """Nothing else does."""
    desired = _excepting(of_digest="sha256:a*", attribute="deleteEnabled")

    assert {f"app@{A}": {"deleteEnabled": True}} == _after(desired, 0)


def test_an_exception_for_a_repository_speaks_of_the_repository_alone():
    """Its tags stay as their rules say."""
    live = repository("app", LOCKED, {"v1": tag("a", **LOCKED_FLAGS)}, manifests={A: manifest(deleteEnabled=False)})

    plan = plan_of(in_force(_excepting(), 0), live)

    assert {"app": {"writeEnabled": True}} == {str(change.address): change.after for change in plan.changes}


@pytest.mark.parametrize(
    ("now_ns", "expected"),
    [
        (UNTIL - 25 * HOUR_NS, []),
        (UNTIL - 24 * HOUR_NS, ["exception-ends-soon"]),
        (UNTIL - 1, ["exception-ends-soon"]),
        (UNTIL, ["exception-ended"]),
        (UNTIL + 10_000 * HOUR_NS, ["exception-ended"]),
    ],
)
def test_an_end_is_told_a_day_before_and_after(now_ns, expected):
    """Such a finding stops nothing."""
    findings = exception_findings(_excepting(tag_name="v1"), now_ns, plan_of(desired_state()))

    assert expected == [finding.code for finding in findings]
    assert not any(finding.stops for finding in findings)
    assert all("registry.yaml:20:5 (INC-4711, vendor re-push)" in finding.message for finding in findings)


def test_a_plan_made_for_an_exception_ends_with_it():
    """Applied later it would loosen what nobody wants loose any more."""
    desired = _excepting(tag_name="v1")
    live = repository("app", OPEN, {"v1": tag("a", **LOCKED_FLAGS)}, manifests={A: manifest(deleteEnabled=False)})
    plan = plan_of(in_force(desired, 0), live)
    other = plan_of(desired_state(RULE), repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest()}))

    assert "1970-01-05T04:00:00Z" == expiry(plan, desired, 0)
    assert (None, None) == (expiry(other, desired, 0), expiry(plan, desired, UNTIL))


@pytest.mark.parametrize(
    ("desired", "expected"),
    [
        (desired_state(RULE), False),
        (_excepting(tag_name="v1"), True),
        (desired_state({"match": "app", "tags": [{"match": "v*", "keep": {"last": 3}}]}), False),
        (desired_state({"match": "app", "tags": [{"match": "v*", "keep": {"newerThan": 60}}]}), True),
        (desired_state({"match": "app", "manifests": [{"tagged": False, "keep": {"newerThan": 60}}]}), True),
    ],
)
def test_a_plan_says_when_it_was_made_only_where_that_matters(desired, expected):
    """Otherwise equal input would give different bytes."""
    assert expected == goes_by_time(desired)


def test_an_exception_is_part_of_what_is_desired():
    """So an approval does not survive another reason, end or target."""
    digests = {
        desired_digest(each)
        for each in (desired_state(RULE), _excepting(tag_name="v1"), _excepting(tag_name="v2"), _excepting())
    }

    assert 4 == len(digests)


@pytest.mark.parametrize(
    ("rules", "document"),
    [
        ([{"match": "v*", "keep": {"last": 1}, "deleteEnabled": False}], tag("a")),
        ([{"match": "v*", "keep": {"last": 1}}], tag("a", deleteEnabled=False)),
    ],
)
def test_an_exception_lets_nothing_go_for_ever(rules, document):
    """It opens a tag for a while; a rule or a lock that keeps it from retention holds again afterwards."""
    desired = attrs.evolve(
        desired_state({"match": "app", "tags": rules}),
        exceptions=_excepting(tag_name="v1", attribute="deleteEnabled").exceptions,
    )
    times = {"v1": Moment("at 1", 1), "v2": Moment("at 2", 2)}
    live = repository("app", OPEN, {"v1": document, "v2": tag("a", deleteEnabled=False)}, tag_times=times)

    plan = plan_of(in_force(desired, 0), live, now_ns=10)

    assert "delete" not in {change.action for change in plan.changes}


@pytest.mark.parametrize(
    ("speaks_of", "expected"),
    [
        ({}, ["app"]),
        ({"tag_name": "v*"}, ["app:v1"]),
        ({"of_digest": "sha256:a*"}, [f"app@{A}"]),
        ({"repository_name": "other", "tag_name": "v*"}, []),
    ],
)
def test_an_exception_is_about_what_it_names_and_not_about_what_is_in_it(speaks_of, expected):
    """Whether it has ended makes no difference to that."""
    desired = _excepting(**speaks_of)
    addresses = map(parse_address, ("app", "app:v1", "app:latest", f"app@{A}"))

    assert expected == [str(each) for each in addresses if exceptions_about(each, desired.exceptions)]


def test_what_an_exception_has_opened_is_not_let_go_by_the_next_apply():
    """It may have been locked by hand before: nobody knows any more."""
    rules = [{"match": "v*", "keep": {"last": 1}}]
    below = {"tagged": False, "keep": {"last": 1}}
    desired = desired_state({"match": "app", "tags": rules, "manifests": [below]})
    of_tag = _excepting(tag_name="v1", attribute="deleteEnabled").exceptions
    of_manifest = _excepting(of_digest=A, attribute="deleteEnabled").exceptions
    times = {"v1": Moment("at 1", 1), "v2": Moment("at 2", 2)}
    manifests = {A: manifest(updated=times["v1"]), digest("b"): manifest(updated=times["v2"])}
    live = repository("app", OPEN, {"v1": tag("c"), "v2": tag("c")}, tag_times=times, manifests=manifests)

    plan = plan_of(in_force(attrs.evolve(desired, exceptions=(*of_tag, *of_manifest)), 0), live, now_ns=10)

    assert () == plan.changes
    assert {"app:v1", f"app@{A}"} == {str(c.address) for c in plan_of(desired, live, now_ns=10).changes}


def test_an_exception_that_opens_a_repository_does_not_start_retention_in_it():
    """The repository is frozen for good."""
    rule = {"match": "app", "protect": "frozen", "tags": [{"match": "v*", "keep": {"last": 1}}]}
    desired = attrs.evolve(desired_state(rule), exceptions=_excepting(attribute="writeEnabled").exceptions)
    times = {"v1": Moment("at 1", 1), "v2": Moment("at 2", 2)}
    live = repository("app", LOCKED, {"v1": tag("c"), "v2": tag("c")}, tag_times=times)

    plan = plan_of(in_force(desired, 0), live, now_ns=10)

    assert {"app"} == {str(change.address) for change in plan.changes}


def test_changes_that_an_exception_asks_for_are_told_with_its_reason_and_end():
    """Whoever reviews the plan may not have the file."""
    desired = _excepting(tag_name="v1")
    live = repository("app", OPEN, {"v1": tag("a", **LOCKED_FLAGS)}, manifests={A: manifest(deleteEnabled=False)})

    [finding] = exception_findings(desired, 0, plan_of(in_force(desired, 0), live))

    assert ("exception-in-force", False) == (finding.code, finding.stops)
    assert "1 change is made for the exception at registry.yaml:20:5 (INC-4711, vendor re-push)" in finding.message
    assert "which ends at 1970-01-05T04:00:00Z" in finding.message


def test_what_an_exception_opens_takes_no_place_of_others():
    """A rule locks it for good; others must not go because of an exception."""
    rules = [{"match": "**", "keep": {"last": 1}}, {"match": "v*", "protect": "immutable"}]
    desired = attrs.evolve(
        desired_state({"match": "app", "tags": rules}),
        exceptions=(
            *_excepting(tag_name="v*", attribute="deleteEnabled").exceptions,
            *_excepting(tag_name="v*", attribute="writeEnabled").exceptions,
        ),
    )
    times = {"b1": Moment("at 1", 1), "v1": Moment("at 2", 2)}
    live = repository("app", OPEN, {"b1": tag("a"), "v1": tag("a", **LOCKED_FLAGS)}, tag_times=times)

    plan = plan_of(in_force(desired, 0), live, now_ns=10)

    assert "delete" not in {change.action for change in plan.changes}


def test_an_exception_that_freezes_a_repository_opens_nothing_in_it():
    """What retention would let go once it is open stays as it is, before and after."""
    rule = {"match": "app", "tags": [{"match": "v*", "protect": "open", "keep": {"last": 1}}]}
    frozen = _excepting(attribute="writeEnabled", value=False).exceptions
    desired = in_force(attrs.evolve(desired_state(rule), exceptions=frozen), 0)
    times = {"v1": Moment("at 1", 1), "v2": Moment("at 2", 2)}
    tags = {"v1": tag("c", deleteEnabled=False), "v2": tag("c")}

    for document in (OPEN, {**OPEN, "writeEnabled": False}):
        plan = plan_of(desired, repository("app", document, tags, tag_times=times), now_ns=10)
        assert "app:v1" not in {str(change.address) for change in plan.changes}


def test_a_manifest_that_an_exception_opens_takes_no_place_of_others():
    """A rule locks it for good."""
    below = [{"tagged": False, "keep": {"last": 1}}, {"match": A, "deleteEnabled": False}]
    desired = attrs.evolve(
        desired_state({"match": "app", "manifests": below}),
        exceptions=_excepting(of_digest=A, attribute="deleteEnabled").exceptions,
    )
    manifests = {
        A: manifest(deleteEnabled=False, updated=Moment("at 2", 2)),
        digest("b"): manifest(updated=Moment("at 1", 1)),
    }

    plan = plan_of(in_force(desired, 0), repository("app", OPEN, manifests=manifests), now_ns=10)

    assert "delete" not in {change.action for change in plan.changes}


def test_an_exception_that_freezes_a_repository_opens_no_manifest_in_it():
    """Before and after: as soon as it is open again, retention would let it go."""
    below = {"tagged": False, "protect": "open", "keep": {"last": 1}}
    frozen = _excepting(attribute="writeEnabled", value=False).exceptions
    desired = in_force(attrs.evolve(desired_state({"match": "app", "manifests": [below]}), exceptions=frozen), 0)
    manifests = {
        A: manifest(deleteEnabled=False, updated=Moment("at 1", 1)),
        digest("b"): manifest(updated=Moment("at 2", 2)),
    }

    for document in (OPEN, {**OPEN, "writeEnabled": False}):
        plan = plan_of(desired, repository("app", document, manifests=manifests), now_ns=10)
        assert f"app@{A}" not in {str(change.address) for change in plan.changes}
