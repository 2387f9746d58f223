"""A plan as tests: every resource that is not as it is declared fails one."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.attributes import DIGEST
from reconciler.planning.cause import Cause
from reconciler.planning.plan import Change, Drift, Plan
from reconciler.planning.planfile import fingerprint
from reconciler.render.change_rows import rows
from reconciler.render.junit import Case, case_about, to_junit
from reconciler.render.plan_summary import has_cause, told_causes


def plan_to_junit(plan: Plan) -> bytes:
    """
    The plan as JUnit's XML.

    A change, what is blocked, what moved or went though locked, and what keeps the plan from being applied fail. What
    could not be read is an error, what the registry does not hold is skipped.
    """
    about = {"fingerprint": fingerprint(plan)}
    return to_junit("plan", plan.registry, _cases(plan), about, "is as the files declare")


def _cases(plan: Plan) -> Iterator[Case]:
    for finding in plan.findings:
        if finding.stops:
            first, *more = finding.message.split("\n")
            yield Case(plan.registry, f"is within limits: {finding.code}", "failure", finding.code, first, tuple(more))
    causes = told_causes(plan)
    yield from (_change(change, causes) for change in plan.changes)
    yield from map(_drift, plan.drift)
    yield from blocked_cases(plan)
    for unknown in plan.unknown:
        yield case_about(unknown.address, "can be read", "error", "unknown", unknown.message)
    for address in plan.missing:
        yield case_about(address, "is there", "skipped", "missing", "the registry does not hold it")


def blocked_cases(plan: Plan) -> Iterator[Case]:
    """What the files want and no change could do."""
    for each in plan.blocked:
        claim = f"can be made as declared: {each.reason_code}"
        yield case_about(each.address, claim, "failure", each.reason_code, each.message)


def _change(change: Change, causes: set[Cause]) -> Case:
    told = [" ".join(text.split()) for _, text in rows(change, 0)]
    message = f"{change.action}: {', '.join(told)}" if told else change.action
    is_told = change.cause in causes and has_cause(change)
    details = [f"cause: {change.cause}"] if is_told else []
    details += [f"asked for at {origin}" for origin in change.origins]
    return case_about(change.address, "is as declared", "failure", change.action, message, *details)


def _drift(drift: Drift) -> Case:
    live = f"it moved to {drift.after[DIGEST]}" if drift.after else "it is gone"
    details = (f"last applied {drift.before[DIGEST]}", *(f"locked by {origin}" for origin in drift.origins))
    return case_about(drift.address, "is where it was locked", "failure", "drift", live, *details)
