"""
What was last applied, for a whole registry: a memory, the files at a Git revision, or nothing.

A plan says which it was made on, so that `apply` can tell whether somebody else
applied in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import TypeAlias

import attrs

from reconciler.errors import PatternError, StateError
from reconciler.model.desired import DesiredState
from reconciler.model.last_applied import LastApplied, RememberedRepository
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.planning.cause import Base
from reconciler.planning.rulesfile import rules_from_bytes
from reconciler.planning.statefile import repository_from_line

_WITHOUT = "  --state none works without a memory; only causes are lost, no protection."


@attrs.frozen
class MemoryReference:
    """A memory, as it was when a plan was made."""

    lineage: str
    serial: int


@attrs.frozen
class RevisionReference:
    """A commit whose files say what was last applied."""

    commit: str


Reference: TypeAlias = MemoryReference | RevisionReference


class NoBase:
    """Nothing is known: every cause is unknown."""

    reference: Reference | None = None
    names: Collection[str] = ()

    def remembered(self, name: str) -> RememberedRepository:  # noqa: ARG002 - as the others have it
        """What is remembered of a repository: nothing."""
        return RememberedRepository()

    def of(self, name: str, remembered: RememberedRepository) -> Base:  # noqa: ARG002
        """What causes of changes in a repository are told by."""
        return Base(remembered)


class MemoryBase(NoBase):
    """A memory."""

    def __init__(self, last: LastApplied) -> None:
        self.reference = MemoryReference(last.lineage, last.serial)
        self.names = last.repositories.keys()
        self._last = last

    def remembered(self, name: str) -> RememberedRepository:
        """What is remembered of a repository; empty where that is nothing."""
        line = self._last.repositories.get(name)
        return RememberedRepository() if line is None else repository_from_line(line)

    def of(self, name: str, remembered: RememberedRepository) -> Base:
        """What causes of changes in a repository are told by."""
        return Base(remembered, self._rules_of(name) if self._last.rules else None)

    def _rules_of(self, name: str) -> Callable[[], RepositoryRules]:
        return lambda: self._index.for_repository(name)

    @cached_property
    def _index(self) -> DesiredIndex:
        try:
            return DesiredIndex(rules_from_bytes(self._last.rules))
        except (PatternError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(f"the rules that were last applied cannot be read: {error}\n{_WITHOUT}") from None


class RevisionBase(NoBase):
    """The files at the commit that was last applied."""

    def __init__(self, commit: str, desired: DesiredState) -> None:
        self.reference = RevisionReference(commit)
        self._index = DesiredIndex(desired)

    def of(self, name: str, remembered: RememberedRepository) -> Base:
        """What causes of changes in a repository are told by."""
        return Base(remembered, lambda: self._index.for_repository(name), are_rules_enough=True)


BaseState: TypeAlias = NoBase | MemoryBase | RevisionBase
