"""What came of a plan, as a value."""

from __future__ import annotations

import attrs

from reconciler.events import Outcome, Unlocked
from reconciler.planning.plan import Plan


@attrs.frozen
class Report:
    """How every change of a plan ended, in the order of the plan, and what was unlocked for that."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    interrupted: bool
    unlocked: tuple[Unlocked, ...] = ()  # sorted by address

    @property
    def is_success(self) -> bool:
        """Every change ended verified, and nothing that was unlocked for that stayed so."""
        return not self.left_open and all(outcome.status == "verified" for outcome in self.outcomes)

    @property
    def left_open(self) -> tuple[Unlocked, ...]:
        """What was unlocked for a moment and is not known to be locked again."""
        return tuple(each for each in self.unlocked if each.status == "open")
