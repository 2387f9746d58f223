"""The wish to stop, which may come at any moment and twice."""

from __future__ import annotations

import asyncio
from typing import Any


class Interrupt:
    """
    The wish to stop: what is under way is finished first, what is not is left.

    Asked a second time, what is under way is cut off too.
    """

    def __init__(self) -> None:
        self.times = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    def __call__(self) -> None:
        """Ask to stop; may be called from a signal handler of the event loop."""
        self.times += 1
        if self.times > 1:
            for task in self._tasks:
                task.cancel()

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Let `task` be cut off by the second wish, also where that came already."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.times > 1:
            task.cancel()
