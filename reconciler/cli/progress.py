"""
How far a run is, on stderr: a line that moves on a terminal, a line every 10 s otherwise.

A pipeline's log is read later and searched; a bar would fill it with escapes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
import time
from collections.abc import Iterator

from reconciler.cli.output import draw, is_terminal, note
from reconciler.events import Event, Outcome, RepositoryRead, SignedIn, Waiting
from reconciler.render.words import count

INTERVAL_S = 10.0
_REFRESH_S = 0.1
_CLEAR = "\r\x1b[K"
_MANY = {"read": "reads", "write": "writes", "delete": "deletes", "sign-in": "sign-ins"}


class Progress:
    """Counts what happens and shows it; a sink."""

    def __init__(self, *, quiet: bool, changes: int = 0, tells_sign_in: bool = True) -> None:
        self.repositories = 0
        self.tags = 0
        self._changes = changes
        self._is_quiet = quiet
        self.ended = 0
        self._looked = 0
        self._tells_sign_in = tells_sign_in
        self._told_until_s: dict[str, float] = {}  # of pauses, by kind of request

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case RepositoryRead(tags=tags):
                self.repositories += 1
                self.tags += tags
            case Outcome():
                self.ended += 1
            case SignedIn() if self._tells_sign_in:
                who = f"{event.who} ({event.way})" if event.who else event.way
                self._tell("\n          ".join([f"Sign-in   {who}", *event.passed_over]))
            case Waiting():
                self._tell_pause(event)

    def looked(self) -> None:
        """Take note that one resource of a saved plan was read again."""
        self._looked += 1

    def line(self) -> str:
        """Where the run is."""
        if self._changes and self._looked and not self.ended:
            return f"looked again at {self._looked:,} of {count(self._changes, 'change')}"
        if self._changes:
            return f"applied {self.ended:,} of {count(self._changes, 'change')}"
        return f"read {count(self.repositories, 'repository', 'repositories')}, {count(self.tags, 'tag')}"

    def _tell_pause(self, pause: Waiting) -> None:
        now = time.monotonic()
        if now >= self._told_until_s.get(pause.kind, 0.0):  # many calls are told to wait at the same time
            self._told_until_s[pause.kind] = now + pause.delay_s
            self._tell(f"the registry is throttling {_MANY[pause.kind]} (429); they wait {math.ceil(pause.delay_s)} s")

    def _tell(self, text: str) -> None:
        if not self._is_quiet:
            note(f"{_CLEAR if is_terminal(sys.stderr) else ''}{text}")


@contextlib.contextmanager
def shown(progress: Progress, *, quiet: bool) -> Iterator[Progress]:
    """Show `progress` while the body runs inside an event loop."""
    if quiet:
        yield progress
        return
    moves = is_terminal(sys.stderr)
    ticker = asyncio.get_running_loop().create_task(_tick(progress, moves=moves))
    try:
        yield progress
    finally:
        ticker.cancel()
        if moves:
            draw(_CLEAR)


async def _tick(progress: Progress, *, moves: bool) -> None:
    while True:
        await asyncio.sleep(_REFRESH_S if moves else INTERVAL_S)
        if moves:
            draw(f"{_CLEAR}{progress.line()}")
        else:
            note(f"{progress.line()} …")
