"""What a refresh finds out, repository by repository; what is in sync is counted and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli.clock import nanoseconds

if TYPE_CHECKING:
    from reconciler.cli.steps import Given
    from reconciler.model.desired import DesiredState, RepositoryRule, TagRule
    from reconciler.model.last_applied import RememberedRepository
    from reconciler.model.live import LiveRepository
    from reconciler.model.matching import RepositoryRules
    from reconciler.planning.base import BaseState
    from reconciler.planning.compare import RepositoryPlan
    from reconciler.planning.debts import Debt
    from reconciler.planning.remember import Observed


class Gathered:
    """What was found out so far, repository by repository."""

    def __init__(self, desired: DesiredState, base: BaseState, given: Given, *, keep: bool) -> None:
        from reconciler.planning.compare import RepositoryPlan

        self.lines: dict[str, bytes] = {}
        self.pending: list[tuple[Observed, RememberedRepository]] = []
        self.owed: Sequence[Debt] = ()  # of what was given as owed, what still is
        self.unmatched: tuple[str, ...] = ()  # patterns that selected nothing
        self.desired = desired  # as it is now
        self.spoken: set[RepositoryRule | TagRule] = set()  # the entries that match something
        self._base = base
        self._keep = keep
        self._selection = given.selection
        self._now_ns = nanoseconds(given.now)
        self._parts: list[RepositoryPlan] = []
        self._counts = RepositoryPlan()

    @property
    def parts(self) -> list[RepositoryPlan]:
        """The plans of those with something to say, and the counts of all."""
        return [*self._parts, self._counts]

    def add(self, rules: RepositoryRules, live: LiveRepository, remembered: RememberedRepository) -> None:
        """Plan one repository that was read."""
        from reconciler.planning.compare import plan_repository

        if not self._selection.selects_in(live.name):
            return
        base = self._base.of(live.name, remembered)
        part = plan_repository(rules, live, base, self._now_ns, self._selection)
        self._counts = self._counts.plus(part)
        self.spoken |= part.spoken
        if part.has_something_to_say:
            self._parts.append(part.without_counts())
        if self._keep:
            self._remember(live.name, part.observed, remembered)

    def _remember(self, name: str, observed: Observed | None, remembered: RememberedRepository) -> None:
        from reconciler.planning.remember import NOTHING_MADE, line_after
        from reconciler.planning.statefile import repository_to_line

        if observed is None:  # it could not be read
            self.lines[name] = b"" if remembered.is_empty else repository_to_line(name, remembered)
        elif observed.is_settled:
            self.lines[name] = line_after(observed, remembered, NOTHING_MADE, lambda _: False)
        else:
            self.pending.append((observed, remembered))
