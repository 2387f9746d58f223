"""What a signal does outside the event loop: while a run lock is held, and while a memory is being written."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from reconciler.cli.output import note


def asking_to_stop() -> list[signal.Signals]:
    """The signals that ask a run to stop; that of a closed terminal unless it does not matter (nohup)."""
    hung_up = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hung_up]


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the body like Ctrl-C: by leaving it, so that a run lock is released."""
    with _handled(asking_to_stop()[1:], signal.default_int_handler):
        yield


@contextlib.contextmanager
def uninterrupted(told: str = "interrupted: what was done is being written down; a moment") -> Iterator[None]:
    """
    Finish the body whatever signal comes: it is short, and what it writes is worth the wait.

    Args:
        told: To whoever sends one.
    """
    with _handled(asking_to_stop(), lambda _number, _frame: note(told)):
        yield


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Let the handlers be after the body what they were before: an event loop that had its own leaves none behind."""
    before = {number: signal.getsignal(number) for number in asking_to_stop()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class Stopping:
    """Whether somebody asked a command that goes on for ever to stop; it is interrupted where that is harmless."""

    def __init__(self) -> None:
        self.is_asked = False
        self._is_held = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Be asked by signals, as long as the body runs."""
        with _handled(asking_to_stop(), self._ask):
            yield

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Finish the body first."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        self.check()

    def check(self) -> None:
        """
        Go no further where somebody asked.

        Raises:
            KeyboardInterrupt: somebody did.
        """
        if self.is_asked:
            raise KeyboardInterrupt

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        is_again, self.is_asked = self.is_asked, True
        if is_again or not self._is_held:
            raise KeyboardInterrupt


@contextlib.contextmanager
def _handled(signals: list[signal.Signals], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
