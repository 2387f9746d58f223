"""The report of an apply as JSON, one object, sorted."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from reconciler import __version__
from reconciler.events import Outcome, Unlocked, report_counts
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import FORMAT_VERSION, fingerprint


def report_to_json(
    plan: Plan, outcomes: tuple[Outcome, ...], *, interrupted: bool, unlocked: Sequence[Unlocked] = ()
) -> bytes:
    """
    The report: each outcome in the order of the plan, how many ended how, and what was unlocked for a moment.

    What the plan could not do was not tried and has no outcome, but a run fails for it, so it is told too.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "registry": plan.registry,
        "fingerprint": fingerprint(plan),
        "interrupted": interrupted,
        "outcomes": [outcome_document(outcome) for outcome in outcomes],
        "blocked": [
            {"address": str(each.address), "reason_code": each.reason_code, "message": each.message}
            for each in plan.blocked
        ],
        "summary": report_counts(outcomes),
        "unlocked": [unlocked_document(each) for each in unlocked],
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def outcome_document(outcome: Outcome) -> dict[str, str]:
    """How one change ended, as plain JSON values."""
    return {
        "address": str(outcome.change.address),
        "action": outcome.change.action,
        "status": outcome.status,
        "message": outcome.message,
    }


def unlocked_document(each: Unlocked) -> dict[str, str | list[str]]:
    """What was unlocked for a moment, as plain JSON values."""
    return {
        "address": str(each.address),
        "attributes": list(each.attributes),
        "status": each.status,
        "message": each.message,
    }
