"""
What happens during a run, as values.

Whoever wants to know is a sink: any callable that takes one event. It must return
quickly and raise nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from reconciler.model.address import Address
from reconciler.planning.drift import Drifted, drift_counts, drifted
from reconciler.planning.plan import Blocked, Change, Finding, Plan, Unknown

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


@attrs.frozen
class RunStarted:
    """A run began."""

    operation: str  # plan, apply, drift, drift --heal, rollback, show
    registry: str  # empty: it failed before that was known


@attrs.frozen
class DriftFound:
    """Something drifted."""

    drifted: Drifted
    first_seen: Mapping[str, str]  # when each of its attributes was first seen to (RFC 3339), by its key


@attrs.frozen
class Counted:
    """What it comes to."""

    about: Literal["plan", "drift", "report"]
    counts: Mapping[str, int]


@attrs.frozen
class RunEnded:
    """A run ended, one way or the other."""

    exit_code: int
    status: Literal["ok", "changes", "failed", "interrupted"]
    message: str = ""  # of the error; empty: none, or it was told before


# Of a plan, its own values are what happens: it is found that this is to change, is blocked, or was not read.
Event: TypeAlias = (
    Outcome
    | RepositoryRead
    | SignedIn
    | Unlocked
    | Waiting
    | RunStarted
    | DriftFound
    | Counted
    | RunEnded
    | Change
    | Blocked
    | Unknown
    | Finding
)
Sink: TypeAlias = Callable[[Event], None]


def both(one: Sink, other: Sink) -> Sink:
    """A sink that tells two others, in this order."""

    def tell(event: Event) -> None:
        one(event)
        other(event)

    return tell


def plan_events(plan: Plan) -> Iterator[Event]:
    """What was found out while a plan was made."""
    yield from plan.changes
    yield from (DriftFound(each, {}) for each in drifted(attrs.evolve(plan, changes=())))
    yield from plan.blocked
    yield from plan.unknown
    yield from plan.findings
    lists = {name: len(getattr(plan, name)) for name in ("drift", "blocked", "missing", "unknown")}
    yield Counted("plan", {**attrs.asdict(plan.summary), **lists})


def drift_events(plan: Plan, found: Sequence[Drifted], first_seen: Mapping[str, str]) -> Iterator[Event]:
    """
    What was found out while drift was looked for.

    Args:
        plan: The plan that heals it.
        found: What drifted.
        first_seen: When each attribute was first seen to drift (RFC 3339), by its key.
    """
    for each in found:
        keys = {attribute.key for attribute in each.attributes}
        yield DriftFound(each, {key: at for key, at in first_seen.items() if key in keys})
    yield from plan.unknown
    yield from plan.findings
    yield Counted("drift", drift_counts(found))


def report_counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many changes ended how."""
    counts = Counter(outcome.status for outcome in outcomes)
    return {status: counts[status] for status in STATUSES}
