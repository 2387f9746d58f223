"""What a signal does outside the event loop: while a run lock is held, and while a memory is being written."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from reconciler.cli.output import note

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end the body like Ctrl-C: by leaving it, so that a run lock is released."""
    with _handled((signal.SIGTERM,), signal.default_int_handler):
        yield


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Finish the body whatever signal comes: it is short, and what it writes is worth the wait."""
    with _handled(_SIGNALS, lambda number, frame: note("interrupted: what was done is being written down; a moment")):  # noqa: ARG005
        yield


@contextlib.contextmanager
def _handled(signals: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
