"""
How many calls of each class a registry takes, and what it says to those that are too many.

Budgets are token buckets, for the whole registry: full at first, refilled evenly,
one token for each call. A throttled class takes nothing until its time is over.
Source of classes, refill and figures: container-registry-skus.md. That `Retry-After`
counts down, and what the rate header says: recordings of sign-in and of deletions.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping

import attrs

CLASSES = ("read", "write", "delete", "referrers", "sign_in")
# Of Basic and Standard; what the rate header tells where no budget is set. Only these two classes have the header.
_NOMINAL = {"sign_in": "10000/min", "delete": "500/min"}
_READS = ("GET", "HEAD")
_RATE = re.compile(r"(?P<calls>[1-9][0-9]{0,6})/(?P<unit>s|min)(?: burst (?P<burst>[1-9][0-9]{0,6}))?")
_SECONDS = {"s": 1, "min": 60}
_MINUTE_S = 60


@attrs.frozen
class Rate:
    """What a bucket holds, and how fast it fills."""

    per_second: float
    burst: int


def parse_rate(text: str) -> Rate:
    """
    The rate that `10000/min`, `5/s` or `5/s burst 20` spells; without a burst it is the number before the slash.

    Raises:
        ValueError: it spells none.
    """
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f'must be like "10000/min" or "5/s burst 20", not "{text}"')
    calls = int(match["calls"])
    return Rate(calls / _SECONDS[match["unit"]], int(match["burst"] or calls))


def class_of(method: str, path: str) -> str:
    """Which budget a call is paid from."""
    if path.startswith("/oauth2/"):
        return "sign_in"
    if method == "DELETE":
        return "delete"
    if method not in _READS:
        return "write"
    return "referrers" if path.startswith("/v2/") and "/referrers/" in path else "read"


class Limits:
    """The budgets of one emulator, and which of its classes take no call for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._budgets: dict[str, str] = {}
        self._buckets = {name: _Bucket(parse_rate(rate)) for name, rate in _NOMINAL.items()}
        self._throttled_until: dict[str, float] = {}

    def throttle(self, seconds: Mapping[str, float]) -> None:
        """Take no call of these classes for so many seconds, and all calls of the others."""
        now = time.monotonic()
        with self._lock:
            self._throttled_until = {name: now + left for name, left in seconds.items() if left > 0}

    def throttled_s(self) -> dict[str, float]:
        """For how many seconds more the throttled classes take no call."""
        now = time.monotonic()
        with self._lock:
            return {name: round(end - now, 3) for name, end in self._throttled_until.items() if end > now}

    def set_budgets(self, budgets: Mapping[str, str]) -> None:
        """Take so many calls of these classes, and any number of the others; a budget that stays is not refilled."""
        wanted = {**_NOMINAL, **budgets}
        with self._lock:
            current = {**_NOMINAL, **self._budgets}
            self._buckets = {
                name: self._buckets[name] if rate == current.get(name) else _Bucket(parse_rate(rate))
                for name, rate in wanted.items()
            }
            self._budgets = dict(budgets)

    def budgets(self) -> dict[str, str]:
        """The budgets, as they were set."""
        with self._lock:
            return dict(self._budgets)

    def take(self, name: str) -> int | None:
        """Let one call of a class pass; the seconds to wait where it is one too many."""
        if not self._throttled_until and name not in self._buckets:
            return None
        now = time.monotonic()
        with self._lock:
            throttled_s = self._throttled_until.get(name, now) - now
            if throttled_s > 0:
                return math.ceil(throttled_s)
            bucket = self._buckets.get(name)
            wait_s = bucket.take(now) if bucket else 0.0
            return math.ceil(wait_s) if wait_s > 0 and name in self._budgets else None

    def remaining(self, name: str) -> str | None:
        """
        What the rate header says in answers of a class; None where they have none.

        Source: recordings, where sign-in tells `166.65` and `166.383333`, sixtieths of
        calls in a minute, and deletions tell whole numbers such as `8`.
        """
        if name not in _NOMINAL:
            return None
        with self._lock:
            per_second = self._buckets[name].tokens / _MINUTE_S
        return str(int(per_second)) if name == "delete" else f"{per_second:.6f}".rstrip("0").rstrip(".")


class _Bucket:
    """Tokens, of which each call takes one."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._filled_at = time.monotonic()
        self.tokens = float(rate.burst)

    def take(self, now: float) -> float:
        """Take a token; the seconds until there is one, where there is none."""
        filled = self.tokens + (now - self._filled_at) * self._rate.per_second
        self.tokens, self._filled_at = min(filled, self._rate.burst), max(now, self._filled_at)
        if self.tokens < 1:
            return (1 - self.tokens) / self._rate.per_second
        self.tokens -= 1
        return 0.0
