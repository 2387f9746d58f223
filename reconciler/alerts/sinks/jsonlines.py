"""
A file of events, one line each, for whatever collects logs.

Several runs may write to one file; no line of it is there in part. A file that holds something
else is left alone: whoever mistypes a name shall not lose their desired state or their memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import orjson

from reconciler.alerts.appending import WAIT_S, append
from reconciler.alerts.cloudevent import cloud_event
from reconciler.alerts.sink import Batch, Sink
from reconciler.alerts.sinks.critical_only import CriticalOnly
from reconciler.alerts.sinks.in_thread import in_thread

_NOT_OURS = ("/dev/", "/proc/self/fd/")  # what stderr goes to may be a file, and holds other lines too


@attrs.frozen
class JsonLines:
    """Appends events to a file."""

    name: str
    key: str
    path: str
    wants_each_run: bool = False
    wait_s: float = WAIT_S  # for others who append

    async def __call__(self, batch: Batch) -> None:
        """
        Append the news.

        Raises:
            AlertError: the file cannot be written, or holds something else; it is as it was.
        """
        if batch.news:
            lines = [orjson.dumps(cloud_event(event)) + b"\n" for event in batch.news]
            why_not = None if self.path.startswith(_NOT_OURS) else _why_not
            await in_thread(lambda: append(self.path, lines, wait_s=self.wait_s, why_not=why_not))


def appended_by(sinks: Iterable[Sink]) -> Iterator[str]:
    """The paths of the files that these sinks append to."""
    for sink in sinks:
        inner = sink.sink if isinstance(sink, CriticalOnly) else sink
        if isinstance(inner, JsonLines):
            yield inner.path


def _why_not(first: bytes) -> str:
    try:
        document = orjson.loads(first)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict) and "specversion" in document:
        return ""
    return "holds something else than events, so nothing is appended\n  Name a file that is new, empty, or of events."
