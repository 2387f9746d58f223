"""
`--stream`: what happens, as it happens, a line of JSON for each event; a sink.

Each line leaves in one write and at once, so what a killed run left behind is valid line by
line. Whoever reads it may go away, and a disk may be full: a run that may be changing
things goes on all the same, and fails at its end because it could not tell.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import click

from reconciler.cli import CHANGES, OK
from reconciler.cli.clock import precise_text
from reconciler.cli.formats import Formats
from reconciler.cli.options import NDJSON
from reconciler.cli.output import note
from reconciler.errors import ReconcilerError, RefusedError

if TYPE_CHECKING:
    from reconciler.events import Event, RunEnded

_STATUSES: Mapping[int, Literal["ok", "changes"]] = {OK: "ok", CHANGES: "changes"}


class Stream:
    """Writes events to descriptors; to none it writes nothing."""

    def __init__(self, operation: str = "", descriptors: Iterable[int] = (), *, is_broken: bool = False) -> None:
        self.operation = operation
        self.is_broken = is_broken  # somebody did not get all of it
        self._descriptors = list(descriptors)
        self._written = 0

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if self._descriptors:
            from reconciler.render.event_lines import event_line

            line = event_line(event, at=precise_text(), sequence=self._written + 1)
            for descriptor in list(self._descriptors):
                self._write(descriptor, line)
            self._written += 1

    def all(self, events: Iterable[Event]) -> None:
        """Write several events; none of them is made where nothing is written."""
        if self._descriptors:
            for event in events:
                self(event)

    def started(self, registry: str) -> None:
        """The registry of the run is known."""
        from reconciler.events import RunStarted

        self(RunStarted(self.operation, registry))

    def ended(self, event: RunEnded) -> None:
        """The last line; the first one too where the run failed before it knew its registry."""
        if not self._written:
            self.started("")
        self(event)

    def _write(self, descriptor: int, line: bytes) -> None:
        try:
            while line:
                try:
                    line = line[os.write(descriptor, line) :]
                except BlockingIOError:  # whoever started us shares a descriptor that does not wait
                    select.select([], [descriptor], [])
        except OSError as error:
            self._descriptors.remove(descriptor)
            self.is_broken = True
            note(f"warning: the stream of events ends here: {error.strerror}")


def stream_for(formats: Formats, operation: str) -> Stream:
    """
    The stream that `--format` asks for.

    Raises:
        RefusedError: a file that it is to go to cannot be opened.
    """
    descriptors = [_opened(path) for name, path in formats.files if name == NDJSON]
    if formats.stdout != NDJSON:
        return Stream(operation, descriptors)
    if sys.stdout is None:
        note("warning: there is no stream of events: standard output is closed")
        return Stream(operation, descriptors, is_broken=True)
    return Stream(operation, [sys.stdout.fileno(), *descriptors])


def told(stream: Stream, body: Callable[[], int]) -> int:
    """
    Run `body`, a command; whatever comes of it is the last line of its stream.

    Returns:
        Its exit code.

    Raises:
        RefusedError: it went well, but not all of the stream was written.
    """
    from reconciler.events import RunEnded

    try:
        code = body()
    except BaseException as error:
        with contextlib.suppress(KeyboardInterrupt):
            stream.ended(_ended_by(error))
        raise
    stream.ended(RunEnded(code, _STATUSES.get(code, "failed")))
    if stream.is_broken and code in _STATUSES:
        raise RefusedError(
            "not all events could be written\n  Whoever read them has gone, or the disk is full; see the warning above."
        )
    return code


def _ended_by(error: BaseException) -> RunEnded:
    from reconciler.events import RunEnded

    is_interrupted = isinstance(error, KeyboardInterrupt | click.Abort)
    message = str(error).partition("\n")[0] if isinstance(error, ReconcilerError) else ""
    return RunEnded(1, "interrupted" if is_interrupted else "failed", message)


def _opened(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        raise RefusedError(f"--format ndjson={path}: cannot be written: {error.strerror}") from None
