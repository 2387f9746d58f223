"""The report of an apply as JSON, one object, sorted."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from reconciler import __version__
from reconciler.events import STATUSES, Outcome, Unlocked
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import FORMAT_VERSION, fingerprint


def report_to_json(
    plan: Plan, outcomes: tuple[Outcome, ...], *, interrupted: bool, unlocked: Sequence[Unlocked] = ()
) -> bytes:
    """The report: each outcome in the order of the plan, how many ended how, and what was unlocked for a moment."""
    counts = dict.fromkeys(STATUSES, 0)
    for outcome in outcomes:
        counts[outcome.status] += 1
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "registry": plan.registry,
        "fingerprint": fingerprint(plan),
        "interrupted": interrupted,
        "outcomes": [
            {
                "address": str(outcome.change.address),
                "action": outcome.change.action,
                "status": outcome.status,
                "message": outcome.message,
            }
            for outcome in outcomes
        ],
        "summary": counts,
        "unlocked": [
            {
                "address": str(each.address),
                "attributes": list(each.attributes),
                "status": each.status,
                "message": each.message,
            }
            for each in unlocked
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
