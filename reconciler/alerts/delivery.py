"""
Tell everybody at once, and let nobody stop anybody.

A sink may be slow, say no, or be wrong itself. What comes of it is a value, so that the
others are told, the drift is shown, and what was not taken is told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import attrs

from reconciler.alerts.sink import Batch, Sink
from reconciler.errors import ReconcilerError

TIMEOUT_S = 60.0  # for the last resort; sinks have a shorter patience of their own


@attrs.frozen
class Delivery:
    """What became of telling one sink."""

    name: str  # of the sink
    key: str
    error: str  # why it has not been told; empty: it has
    told: bool


async def deliver(batches: Iterable[tuple[Sink, Batch]], *, timeout_s: float = TIMEOUT_S) -> tuple[Delivery, ...]:
    """
    Give each sink its batch, all at the same time; what became of it, in the same order.

    Args:
        batches: Sinks, and what each is told.
        timeout_s: For each of them, in all.
    """
    return tuple(await asyncio.gather(*(_deliver(sink, batch, timeout_s) for sink, batch in batches)))


async def _deliver(sink: Sink, batch: Batch, timeout_s: float) -> Delivery:
    error = await _error_of(sink, batch, timeout_s)
    return Delivery(sink.name, sink.key, error, told=not error)


async def _error_of(sink: Sink, batch: Batch, timeout_s: float) -> str:
    try:
        async with asyncio.timeout(timeout_s) as limit:
            await sink(batch)
    except ReconcilerError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a bug in one sink is no reason to keep drift from the others
        if isinstance(error, TimeoutError) and limit.expired():
            return f"not done within {timeout_s:,.0f} s"
        # Its text may hold what the sink was sent with.
        return f"failed in a way that is not foreseen ({type(error).__name__})\n  This is a bug in reconciler."
    return ""
