"""
A file of events, one line each, for whatever collects logs.

Several runs may write to one file; no line of it is there in part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import orjson

from reconciler.alerts.appending import append
from reconciler.alerts.cloudevent import cloud_event
from reconciler.alerts.sink import Batch, Sink
from reconciler.alerts.sinks.critical_only import CriticalOnly
from reconciler.alerts.sinks.in_thread import in_thread


@attrs.frozen
class JsonLines:
    """Appends events to a file."""

    name: str
    key: str
    path: str
    wants_each_run: bool = False

    async def __call__(self, batch: Batch) -> None:
        """
        Append the news.

        Raises:
            AlertError: the file cannot be written; it is as it was.
        """
        if batch.news:
            lines = [orjson.dumps(cloud_event(event)) + b"\n" for event in batch.news]
            await in_thread(lambda: append(self.path, lines))


def appended_by(sinks: Iterable[Sink]) -> Iterator[str]:
    """The paths of the files that these sinks append to."""
    for sink in sinks:
        inner = sink.sink if isinstance(sink, CriticalOnly) else sink
        if isinstance(inner, JsonLines):
            yield inner.path
