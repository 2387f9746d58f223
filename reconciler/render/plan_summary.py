"""What is said of a plan as a whole, and how grave a change is: the same in every format that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconciler.planning.cause import GRAVEST_FIRST, Cause
from reconciler.planning.plan import ACTIONS, Change, Plan
from reconciler.render.words import count, safe

GRAVE = ("hide", "loosen")  # effects, the gravest first


def claims(plan: Plan) -> list[str]:
    """How many changes of each action."""
    if not plan.changes:
        return ["no changes" if plan.complete else "no changes in what could be read"]
    counts = ((action, getattr(plan.summary, action)) for action in ACTIONS)
    return [f"{number:,} to {action}" for action, number in counts if number]


def summary_lines(plan: Plan) -> list[str]:
    """What is said below these: why there are changes, how much does not change, and until when it stands."""
    return [line for line in (_causes(plan), _rest(plan), _times(plan)) if line]


def blocked(plan: Plan) -> str:
    """How much of what the files want could not be planned: `2 resources are blocked`; empty: nothing."""
    number = len({each.address for each in plan.blocked})
    return f"{count(number, 'resource is', 'resources are')} blocked" if number else ""


def effects(changes: Sequence[Change]) -> str:
    """What they mean, in parentheses; empty: nothing to permissions."""
    counts = Counter(effect for change in changes for effect in change.effects)
    means = ", ".join(f"{counts[effect]:,} {effect}" for effect in ("tighten", "loosen", "hide") if counts[effect])
    return f"({means})" if means else ""


def _causes(plan: Plan) -> str:
    """Why there are changes, resource by resource; empty: there are none, or nothing was remembered to tell by."""
    counts = Counter(change.cause for change in plan.changes if has_cause(change))
    if not plan.base or not counts:
        return ""
    return f"Cause: {', '.join(f'{counts[cause]:,} {cause}' for cause in GRAVEST_FIRST if counts[cause])}."


def _rest(plan: Plan) -> str:
    # What is blocked is not as it was declared, whether or not something else about it changes.
    not_in_sync = {change.address for change in plan.changes} | {blocked.address for blocked in plan.blocked}
    not_in_sync |= {drift.address for drift in plan.drift if drift.after is not None}
    parts = [f"{plan.summary.managed - len(not_in_sync):,} in sync", f"{plan.summary.unmanaged:,} unmanaged"]
    notes = (
        (plan.drift, "drifted"),
        (plan.blocked, "blocked"),
        (plan.missing, "missing"),
        (plan.unknown, "not read"),
    )
    parts += [f"{len(some):,} {what}" for some, what in notes if some]
    parts += [f"{plan.summary.unselected:,} not selected"] if plan.summary.unselected else []
    return f"{', '.join(parts)}."


def _times(plan: Plan) -> str:
    """Which moment it is for, and until when it stands; empty: any, and as long as nothing changes."""
    said = [f"Made for {safe(plan.now)}: rules go by that time."] if plan.now else []
    said += [f"Not to be applied from {safe(plan.expires)} on: an exception ends."] if plan.expires else []
    return " ".join(said)


def has_cause(change: Change) -> bool:
    """Something moved. What must not be there and was never remembered goes whoever put it there."""
    return change.action != "delete" or change.cause != "unknown"


def told_causes(plan: Plan) -> set[Cause]:
    """The causes that are worth a word at each change; none where nothing was remembered to tell by."""
    return {"drift", "conflict", "unknown"} if plan.base else set()


def gravity(change: Change) -> int:
    """How grave a change is, by what cannot be had back; 0 is the gravest."""
    if change.action == "delete":
        return 0
    ranks = (rank for rank, effect in enumerate(GRAVE, 1) if effect in change.effects)
    return next(ranks, len(GRAVE) + (1 if change.action == "move" else 2))
