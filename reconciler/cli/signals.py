"""
What a signal does: while a run lock is held, while a memory is being written, and in an event loop.

An exception that a handler raises in the middle of an event loop may leave it waiting for ever for
what it had just been told. So there a signal cancels what runs, and is raised when that has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

from reconciler.cli.output import note

T = TypeVar("T")


def asking_to_stop() -> list[signal.Signals]:
    """The signals that ask a run to stop; that of a closed terminal unless it does not matter (nohup)."""
    hung_up = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hung_up]


def run_asked(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    Run to its end; a signal that asks to stop cancels it, where its handler says so by being interrupted.

    Raises:
        KeyboardInterrupt: it was cancelled by a signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(coroutine)
    handlers = {number: signal.getsignal(number) for number in asking_to_stop()}
    asked: list[signal.Signals] = []

    async def main() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def heed(number: signal.Signals, handler: Callable[[int, FrameType | None], object]) -> None:
            try:
                handler(number, None)
            except KeyboardInterrupt:
                asked.append(number)
                if task is not None:
                    task.cancel()

        ours = {number: handler for number, handler in handlers.items() if callable(handler)}
        for number, handler in ours.items():
            loop.add_signal_handler(number, heed, number, handler)
        try:
            return await coroutine
        finally:
            for number, handler in ours.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if asked:
            raise KeyboardInterrupt from None
        raise


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
