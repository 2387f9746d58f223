"""What is to be said about one repository, as a value: a plan is the sum of these."""

from __future__ import annotations

import attrs

from reconciler.model.address import Address
from reconciler.model.desired import RepositoryRule, TagRule
from reconciler.planning.closure import Demand
from reconciler.planning.plan import Blocked, Change, Drift, Retention, Unknown, Unlock
from reconciler.planning.remember import Observed


@attrs.frozen
class Remark:
    """Something about one resource that a finding is made of."""

    code: str
    address: Address


@attrs.frozen
class RepositoryPlan:
    """What is to be said about one repository; a plan is the sum of these."""

    changes: tuple[Change, ...] = ()
    unlocks: tuple[Unlock, ...] = ()
    drift: tuple[Drift, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    missing: tuple[Address, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    remarks: tuple[Remark, ...] = ()
    demands: tuple[Demand, ...] = ()  # of tags on manifests
    retention: tuple[Retention, ...] = ()
    spoken: frozenset[RepositoryRule | TagRule] = frozenset()  # the entries that match something here
    managed: int = 0
    unmanaged: int = 0
    unselected: int = 0
    observed: Observed | None = None  # None: it could not be read

    @property
    def has_something_to_say(self) -> bool:
        """It is more than its counts."""
        return bool(self.changes or self.drift or self.blocked or self.missing or self.unknown or self.remarks)

    def plus(self, other: RepositoryPlan) -> RepositoryPlan:
        """The same, with the counts of another added."""
        return attrs.evolve(
            self,
            managed=self.managed + other.managed,
            unmanaged=self.unmanaged + other.unmanaged,
            unselected=self.unselected + other.unselected,
        )

    def without_counts(self) -> RepositoryPlan:
        """What it has to say, as far as a plan cares."""
        return attrs.evolve(self, managed=0, unmanaged=0, unselected=0, observed=None, demands=(), spoken=frozenset())
