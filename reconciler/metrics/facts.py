"""What is told about one run, as a value: whoever runs fills it in, and knows nothing of metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from reconciler.events import Outcome, Status
from reconciler.planning.cause import Cause
from reconciler.planning.drift import Drifted, Severity, severity_of
from reconciler.planning.plan import ACTIONS, Action, Plan
from reconciler.registry.tally import Tally


@attrs.frozen
class Seen:
    """What a run saw of the registry."""

    managed: int  # resources, as all of these
    unmanaged: int
    unread: int  # or not in full
    planned: Mapping[Action, int]  # changes
    drifting: Mapping[tuple[Cause, Severity], int] | None  # None: the run did not look for drift

    @property
    def is_complete(self) -> bool:
        """Everything could be read."""
        return not self.unread


@attrs.frozen
class RunFacts:
    """One run, from its first moment to its end."""

    registry: str
    command: str  # drift, plan, apply, watch
    ended_s: float  # Unix time
    duration_s: float
    is_success: bool  # it did what it was asked, whatever it found
    seen: Seen | None = None  # None: it did not come so far, or had no need to look
    changes: Mapping[tuple[Action, Status], int] = attrs.field(factory=dict)  # how they ended
    tally: Tally = attrs.field(factory=Tally)


def seen_in(plan: Plan, found: Sequence[Drifted] | None, outcomes: Sequence[Outcome] = ()) -> Seen:
    """
    What a run saw.

    Args:
        plan: Of everything, not only of what drifted.
        found: What drifted; None: that was not looked for.
        outcomes: Of the changes that were made then; what one of them verified drifts no more.
    """
    healed = {outcome.change.address for outcome in outcomes if outcome.status == "verified"}
    left = None if found is None else [each for each in found if not (each.can_heal and each.address in healed)]
    unread = max(len({unknown.address for unknown in plan.unknown}), int(not plan.complete))
    return Seen(
        managed=plan.summary.managed,
        unmanaged=plan.summary.unmanaged,
        unread=unread,
        planned={action: getattr(plan.summary, action) for action in ACTIONS},
        drifting=None if left is None else Counter((each.cause, severity_of(each.ways)) for each in left),
    )


def changes_in(outcomes: Sequence[Outcome]) -> Mapping[tuple[Action, Status], int]:
    """How changes ended, counted."""
    return Counter((outcome.change.action, outcome.status) for outcome in outcomes)
