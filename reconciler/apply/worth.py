"""
What is still worth trying, as far as what happened so far tells.

A registry that is down is not asked a thousand times, and nobody is refused a thousand
times for the same reason. What depends on something that was not done is left for
the next run: a manifest whose tags did not go, the lock of a repository over a tag
that was not finished.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.apply.interrupt import Interrupt
from reconciler.errors import ApiError, RegistryError, ThrottledError, UnauthorizedError, UnreachableError
from reconciler.events import Outcome
from reconciler.model.attributes import WRITE
from reconciler.planning.plan import STAGE_REPOSITORY, STAGE_UNLOCK, Change

MAX_FAILURES_IN_A_ROW = 5
_SERVER_ERROR = 500


class Worth:
    """Whether a change is to be tried."""

    def __init__(self, interrupt: Interrupt, forbidden: Callable[[], str]) -> None:
        self._interrupt = interrupt
        self._forbidden = forbidden
        self._halt = ""  # why no further change is tried at all
        self._failures_in_a_row = 0  # changes that ended on a 5xx, since one was verified
        self._refused: dict[str, str] = {}  # repository → why no further change of it is tried
        self._unverified: set[str] = set()  # repositories with a change that did not end verified
        self._undone: set[str] = set()  # those with such a move, create or delete
        self._undone_before: frozenset[str] = frozenset()  # the same, before the present rank

    def begin(self) -> None:
        """Note that a stage, or a rank in it, begins."""
        self._undone_before = frozenset(self._undone)

    def why_not(self, change: Change) -> str:
        """Why `change` is not to be tried; empty: it is."""
        repository = change.address.repository
        if self._interrupt.times:
            return "interrupted"
        if why := self._halt or self._forbidden():
            return why
        if repository in self._refused:
            return self._refused[repository]
        if repository in self._unverified and _locks_repository(change):
            return f"another change of {repository} did not end verified, and locking it now would block the next run"
        if repository in self._undone_before and change.action == "delete" and change.kind != "tag":
            return f"another change of {repository} did not end verified, and this one depends on it"
        return ""

    def halt(self, why: str) -> None:
        """Try nothing more."""
        self._halt = self._halt or why

    def note(self, outcome: Outcome) -> None:
        """Take note of how a change ended."""
        change, repository = outcome.change, outcome.change.address.repository
        if outcome.status == "verified":
            self._failures_in_a_row = 0
            return
        self._unverified.add(repository)
        if change.action != "update":
            self._undone.add(repository)
        if change.stage == STAGE_UNLOCK:
            self._refused.setdefault(repository, f"unlocking {repository} for it did not end verified")

    def learn(self, error: Exception, change: Change) -> None:
        """Take note of which changes are not worth trying after `error`."""
        if isinstance(error, UnauthorizedError):
            repository = change.address.repository
            self._refused[repository] = f"the registry refused another change of this repository: {error}"
        elif isinstance(error, ApiError) and not isinstance(error, ThrottledError):
            self._failures_in_a_row += error.status >= _SERVER_ERROR
            if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
                self._halt = f"the registry failed {self._failures_in_a_row} changes in a row: {error}"
        elif isinstance(error, UnreachableError | ThrottledError):
            self._halt = f"the registry could not be reached for another change: {error}"
        elif not isinstance(error, RegistryError):
            self._halt = f"reconciler itself failed at another change: {error!r}"


def _locks_repository(change: Change) -> bool:
    return change.stage == STAGE_REPOSITORY and WRITE in change.attributes and not change.after[WRITE]
