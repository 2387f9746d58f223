"""What is told about retention of one resource, held against what a plan does."""

from __future__ import annotations

from builders import desired_state
from hypothesis import given
from test_protection_properties import MANY, cases
from worlds import NOW_NS

from reconciler.model.address import Address
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
