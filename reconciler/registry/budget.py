"""
How much is asked of the registry at the same time, and when nothing is.

ACR counts reads, writes, deletes and sign-ins apart, per minute and for everybody
who uses the registry (container-registry-skus.md), so nobody can know beforehand
how much is left. A budget learns it from the answers: a 429 stops its kind of
request until the time that the registry named and halves how many may be under
way; every answer that is none lets that number grow back. Where the registry tells
how many calls a second are left, they are spread over the second.

One budget is shared by all callers. Without it each of 32 workers would meet the
429 on its own, again and again, and the registry would go on counting.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from typing import Self

import httpx

# Only on answers about sign-in and deletes. Source: recordings test_delete_repository, az acr login (2026-09).
_RATE = "x-ms-ratelimit-remaining-calls-per-second"
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_MAX_INTERVAL_S = 1.0


class Budget:
    """One kind of request: how many may be under way, and until when none may start. Entered once for each."""

    def __init__(self, most: int) -> None:
        """Begin with `most` under way at the same time, which is also what it grows back to."""
        self.under_way = 0
        self.limit = float(most)
        self._most = float(most)
        self._closed_until_s = 0.0  # on the monotonic clock, like all times here
        self._closed_s = 0.0  # in all, what is left of the last time included
        self._interval_s = 0.0  # between two starts; 0 while the registry has named no rate
        self._next_start_s = 0.0
        self._cut_at_s = 0.0  # when the limit was last halved
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> Self:
        try:
            await self._admitted()
        except asyncio.CancelledError:
            self._wake()  # whoever was called and does not come calls the next one
            raise
        self.under_way += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.under_way -= 1
        self._wake()

    def throttled(self, delay_s: float, *, sent_at_s: float) -> None:
        """
        A 429 came: start nothing for `delay_s`, and then half as much at the same time.

        Many are under way when the first 429 comes, and theirs come too. Those that
        were sent before the last cut tell nothing new, so they cut no further.
        """
        now_s = time.monotonic()
        self._closed_s += max(0.0, now_s + delay_s - max(now_s, self._closed_until_s))
        self._closed_until_s = max(self._closed_until_s, now_s + delay_s)
        if sent_at_s > self._cut_at_s:
            self._cut_at_s = now_s
            self.limit = max(1.0, self.limit / 2)

    @property
    def closed_s(self) -> float:
        """For how long a 429 has let nothing start so far, however many waited, and however many 429s said so."""
        return self._closed_s - max(0.0, self._closed_until_s - time.monotonic())

    def answered(self, headers: httpx.Headers) -> None:
        """An answer came that was no 429: grow back, by one for each round of answers, and heed the named rate."""
        if self.limit < self._most:
            self.limit = min(self._most, self.limit + 1 / self.limit)
        left = headers.get(_RATE)
        if left is not None and _NUMBER.fullmatch(left):
            self._interval_s = min(_MAX_INTERVAL_S, 1 / max(1.0, float(left)))

    def _pause_s(self) -> float:
        """Seconds until a request may start; it takes the place that it is given among those that are spread."""
        if not self._closed_until_s and not self._interval_s:
            return 0.0
        now_s = time.monotonic()
        if now_s < self._closed_until_s:
            return self._closed_until_s - now_s
        self._closed_until_s = 0.0
        if now_s < self._next_start_s:
            return self._next_start_s - now_s
        if self.under_way < int(self.limit):
            self._next_start_s = now_s + self._interval_s
        return 0.0

    async def _admitted(self) -> None:
        """Wait until no pause is left, and a place is free."""
        while True:
            pause_s = self._pause_s()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            elif self.under_way < int(self.limit):
                return
            else:
                await self._turn()

    async def _turn(self) -> None:
        """Wait until another request has ended."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _wake(self) -> None:
        free = int(self.limit) - self.under_way
        while self._waiting and free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
