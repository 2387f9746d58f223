"""
What a sink is, and what it is given.

A sink is a callable that takes a batch: everything that it is to be told in one run, so
that 4,000 tags of one cause become one message. What a sink was told is remembered by
its `key`; `name` is how messages call it, and neither holds a secret.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from reconciler.alerts.event import DriftEvent


@attrs.frozen
class Batch:
    """What one sink is told at once."""

    registry: str
    news: tuple[DriftEvent, ...]  # to be told now, the gravest first: what began, is repeated, or is resolved
    firing: tuple[DriftEvent, ...]  # all that fires now, told before or not, the gravest first
    at: str  # RFC 3339: when the run was
    interval_s: float | None  # until the next run; None: not known
    is_complete: bool  # everything could be read, so what is not in `firing` does not drift
    command: str = "reconciler drift"  # shows everything that fires


class Sink(Protocol):
    """Takes a batch, and returns when the other side has it."""

    @property
    def name(self) -> str:
        """As messages call it."""

    @property
    def key(self) -> str:
        """What it is remembered by: the same in each run."""

    @property
    def wants_each_run(self) -> bool:
        """It is given a batch in each run, also without news: what it is told does not last."""

    async def __call__(self, batch: Batch) -> None:
        """
        Tell it.

        Raises:
            AlertError: it was not taken, after all patience.
        """
