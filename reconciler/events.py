"""
What happens during a run, as values.

Whoever wants to know is a sink: any callable that takes one event. It must return
quickly and raise nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from reconciler.model.address import Address
from reconciler.planning.plan import Change

Status = Literal["verified", "unconfirmed", "stale", "blocked", "failed", "not-attempted"]
SO_ALREADY = "it was so already"
STATUSES: tuple[Status, ...] = ("verified", "unconfirmed", "stale", "blocked", "failed", "not-attempted")


@attrs.frozen
class Outcome:
    """How one change ended."""

    change: Change
    status: Status
    message: str = ""  # why, and what now; empty where there is nothing to say

    @property
    def was_so_already(self) -> bool:
        """Nothing was sent for it."""
        return self.status == "verified" and self.message == SO_ALREADY


@attrs.frozen
class Unlocked:
    """A resource that was unlocked for a moment, because a change needed that."""

    address: Address
    attributes: tuple[str, ...]  # the locks that were taken off, sorted
    status: Literal["restored", "open"]  # locked again, or gone; not known to be
    message: str = ""


@attrs.frozen
class RepositoryRead:
    """A repository and its tags were read."""

    name: str
    tags: int


@attrs.frozen
class SignedIn:
    """The registry let somebody in."""

    way: str  # in words, such as Microsoft Entra
    who: str  # as far as it is known; may be empty
    passed_over: tuple[str, ...] = ()  # other ways that were found and did not work, and why


@attrs.frozen
class Waiting:
    """The registry asked for a pause, and it is kept."""

    delay_s: float
    kind: str  # of request that waits: read, write, delete or sign-in


Event: TypeAlias = Outcome | RepositoryRead | SignedIn | Unlocked | Waiting
Sink: TypeAlias = Callable[[Event], None]
