"""What is told about retention of one resource, held against what a plan does."""

from __future__ import annotations

from builders import OPEN, desired_state, digest, manifest, repository, tag
from hypothesis import given
from test_protection_properties import MANY, cases
from worlds import NOW_NS

from reconciler.model.address import Address
from reconciler.model.live import Moment
from reconciler.model.matching import DesiredIndex
from reconciler.planning.compare import plan_repository
from reconciler.planning.retained import retained


@MANY
@given(cases())
def test_a_reason_to_stay_is_told_just_where_a_plan_lets_it_stay(case):
    """Whatever else is declared: what no entry keeps goes, and what goes is kept by some entry no longer."""
    rule, world = case
    live, rules = world.read(names=()), DesiredIndex(desired_state(rule)).for_repository("app")
    part = plan_repository(rules, live, now_ns=NOW_NS)
    going = {change.address for change in part.changes if change.action == "delete"}
    contents = (*(Address("app", tag=name) for name in live.tags), *(Address("app", digest=d) for d in live.manifests))

    told = {address: retained(address, rules, live, part, NOW_NS) for address in contents}

    let_go = {address for address, entries in told.items() if any(not each.why for each in entries)}
    assert let_go == {address for address in going if told[address]}


def test_of_a_manifest_that_a_signature_names_it_is_told_which_keeps_it():
    """The tag is about it by its name alone."""
    a, signature = digest("a"), f"sha256-{'a' * 64}.sig"
    rule = {"match": "app", "manifests": [{"tagged": False, "keep": {"newerThan": 3600}}]}
    rules = DesiredIndex(desired_state(rule)).for_repository("app")
    manifests = {a: manifest(updated=Moment("", 0)), digest("b"): manifest(tags=(signature,))}
    live = repository("app", OPEN, {signature: tag("b")}, manifests=manifests)
    part = plan_repository(rules, live, now_ns=NOW_NS)

    [told] = retained(Address("app", digest=a), rules, live, part, NOW_NS)

    assert (False, f"a tag is about it:\n{signature}") == (told.goes, told.why)


def test_of_a_lock_that_a_rule_would_take_off_it_is_told_that_it_keeps():
    """The plan opens nothing that it would then let go."""
    rule = {"match": "app", "tags": [{"match": "b*", "protect": "open", "keep": {"last": 1}}]}
    rules = DesiredIndex(desired_state(rule)).for_repository("app")
    times = {"b1": Moment("", 1), "b2": Moment("", 2)}
    live = repository("app", OPEN, {"b1": tag("a", deleteEnabled=False), "b2": tag("a")}, tag_times=times)
    part = plan_repository(rules, live, now_ns=NOW_NS)

    [told] = retained(Address("app", tag="b1"), rules, live, part, NOW_NS)

    assert (False, "it is locked") == (told.goes, told.why)
