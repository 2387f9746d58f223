"""Drift as tests: every resource that somebody changed fails one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.planning.debts import Debt
from reconciler.planning.drift import Drifted
from reconciler.planning.plan import Plan
from reconciler.render.drift_words import attribute_change
from reconciler.render.junit import Case, case_about, to_junit


def drift_to_junit(
    plan: Plan, drifted: Sequence[Drifted], first_seen: Mapping[str, str], owed: Sequence[Debt] = ()
) -> bytes:
    """
    The drift as JUnit's XML: what drifted, or is still unlocked, fails; what could not be read is an error.

    Args:
        plan: The plan that heals it.
        drifted: What drifted.
        first_seen: When each attribute was first seen to drift, by its key.
        owed: What a run that did not end left unlocked.
    """
    return to_junit("drift", plan.registry, _cases(plan, drifted, first_seen, owed), {}, "is as it was last applied")


def _cases(
    plan: Plan, drifted: Sequence[Drifted], first_seen: Mapping[str, str], owed: Sequence[Debt]
) -> Iterator[Case]:
    for each in drifted:
        yield _drifted(each, each.first_seen(first_seen))
    for debt in owed:
        message = f"{' and '.join(debt.attributes)} owed since run {debt.run}"
        yield case_about(debt.address, "is locked again", "failure", "owed", message)
    for unknown in plan.unknown:
        yield case_about(unknown.address, "can be read", "error", "unknown", unknown.message)


def _drifted(each: Drifted, since: str) -> Case:
    details = [f"first seen {since}"] if since else []
    details += [f"declared at {origin}" for origin in each.origins]
    message = f"{', '.join(each.ways)}: {', '.join(map(attribute_change, each.attributes))}"
    return case_about(each.address, "is as it was last applied", "failure", each.ways[0], message, *details)
