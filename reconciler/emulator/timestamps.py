"""
Times as ACR has them: ticks of 100 ns, written as RFC 3339 in UTC with trailing zeros trimmed.

Source: recordings test_get_repository_properties and test_list_registry_artifacts.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache

_TICKS_PER_SECOND = 10_000_000
_NS_PER_TICK = 100


class Clock:
    """Hands out ticks that never repeat, so that a list by time has one order."""

    def __init__(self, after: int) -> None:
        self._last = after

    def tick(self) -> int:
        """Now, in 100 ns since 1970, and later than every tick before it."""
        self._last = max(self._last + 1, time.time_ns() // _NS_PER_TICK)
        return self._last


def rfc3339(ticks: int) -> str:
    """Such as `2021-08-17T18:14:00.732549Z`."""
    seconds, fraction = divmod(ticks, _TICKS_PER_SECOND)
    digits = f"{fraction:07d}".rstrip("0")
    return f"{_to_the_second(seconds)}.{digits}Z" if digits else f"{_to_the_second(seconds)}Z"


@lru_cache(maxsize=1024)  # a page of tags shares few seconds, and this is what a timestamp costs
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
