"""A sink that is told of what is critical, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from reconciler.alerts.event import DriftEvent
from reconciler.alerts.sink import Batch, Sink


@attrs.frozen
class CriticalOnly:
    """Hands on what is critical."""

    sink: Sink
    name: str
    key: str
    wants_each_run: bool

    async def __call__(self, batch: Batch) -> None:
        """Tell the sink, where there is something to tell."""
        left = only_critical(batch)
        if left.news or self.wants_each_run:
            await self.sink(left)


def only_critical(batch: Batch) -> Batch:
    """
    The batch without what is not critical.

    Where something graver became something that is left out here, nothing follows it:
    then it is resolved for good, as far as this sink is concerned.
    """
    firing = _critical(batch.firing)
    known = {event.fingerprint for event in firing}
    news = (
        event if event.replaced_by in known else attrs.evolve(event, replaced_by="") for event in _critical(batch.news)
    )
    return attrs.evolve(batch, news=tuple(news), firing=firing)


def _critical(events: Iterable[DriftEvent]) -> tuple[DriftEvent, ...]:
    return tuple(event for event in events if event.severity == "critical")
