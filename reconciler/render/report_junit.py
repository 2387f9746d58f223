"""The report of an apply as tests: each change passes when it was read back as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.events import Outcome, Status, Unlocked
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import fingerprint
from reconciler.render.junit import Case, Result, case_about, to_junit
from reconciler.render.plan_junit import blocked_cases

_RESULTS: Mapping[Status, Result] = {"verified": "passed", "not-attempted": "skipped"}


def report_to_junit(plan: Plan, outcomes: Sequence[Outcome], unlocked: Sequence[Unlocked] = ()) -> bytes:
    """
    The report as JUnit's XML.

    What ended verified passes, what was not attempted is skipped, all else fails; and so does what is blocked, and
    what was unlocked for a moment and is not known to be locked again.
    """
    about = {"fingerprint": fingerprint(plan)}
    return to_junit("apply", plan.registry, _cases(plan, outcomes, unlocked), about, "is as the files declare")


def _cases(plan: Plan, outcomes: Sequence[Outcome], unlocked: Sequence[Unlocked]) -> Iterator[Case]:
    for outcome in outcomes:
        claim, result = f"was made as planned ({outcome.change.action})", _RESULTS.get(outcome.status, "failure")
        yield case_about(outcome.change.address, claim, result, outcome.status, outcome.message)
    yield from blocked_cases(plan)
    for each in unlocked:
        if each.status == "open":
            message = f"{' and '.join(each.attributes)} not restored: {each.message}"
            yield case_about(each.address, "is locked again", "failure", "open", message)
