"""A signal in an event loop ends it in order, and leaves handlers as they were."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from reconciler.cli.signals import Stopping, run_asked, terminated_as_interrupted, uninterrupted


async def _asked(ended: list[str]) -> str:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.2)
    finally:
        ended.append("in order")
    return "done"


def test_what_runs_is_cancelled_and_then_it_is_raised():
    """The coroutine ends by being cancelled, not by an exception wherever the loop was."""
    ended: list[str] = []

    with terminated_as_interrupted():
        with pytest.raises(KeyboardInterrupt):
            run_asked(_asked(ended))
        handler = signal.getsignal(signal.SIGTERM)

    assert ["in order"] == ended
    assert signal.default_int_handler is handler


def test_who_does_not_want_to_be_interrupted_is_not():
    """What must be brought to an end is; who asked is remembered by whom it concerns."""
    stopping = Stopping()

    with uninterrupted("a moment"):
        first = run_asked(_asked([]))
    with stopping.listening(), pytest.raises(KeyboardInterrupt), stopping.held():
        second = run_asked(_asked([]))

    assert ("done", "done", True) == (first, second, stopping.is_asked)
