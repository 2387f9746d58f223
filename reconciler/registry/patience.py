"""
What may be repeated, how often, and after which wait.

A read may be repeated after anything. A write only when nothing can have happened:
the connection never stood, or the registry said 429. Waiting as we were told to is
not the registry being slow, so it does not count against the timeout; it has
bounds of its own. They are minutes, because budgets refill every minute: a registry
that still says 429 after that is not going to serve this run.
"""

from __future__ import annotations

import attrs
import httpx

from reconciler.registry.exchange import Answer, Failure

MAX_FAILURES = 5
MAX_THROTTLED = 12
MAX_PAUSE_S = 120.0  # who asks for a longer one is not waited for at all
MAX_WAIT_S = 300.0  # in all pauses of one call together
TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = (500, 502, 503, 504)


@attrs.define
class Patience:
    """How much of it is left for one call."""

    left_s: float  # for attempts, and for the pauses after those that failed
    is_repeatable: bool  # asking twice is the same as asking once
    failures: int = 0
    throttled: int = 0
    waited_s: float = 0.0  # because of 429

    def retry_in_s(self, outcome: Answer | Failure, *, took_s: float, jitter: float) -> float | None:
        """
        Seconds until the call may be repeated; None: `outcome` stands.

        Args:
            outcome: Of the last attempt.
            took_s: What that attempt took.
            jitter: Random number in [0, 1).
        """
        self.left_s -= took_s
        if isinstance(outcome, Answer) and outcome.status == TOO_MANY_REQUESTS:
            return self._after_throttling(outcome, jitter)
        if not self._can_help(outcome):
            return None
        self.failures += 1
        retry_after_s = retry_after(outcome.headers) if isinstance(outcome, Answer) else None
        delay_s = retry_delay(self.failures, retry_after_s, jitter)
        self.left_s -= delay_s
        return delay_s if self.failures < MAX_FAILURES and self.left_s > 0 else None

    def _after_throttling(self, answer: Answer, jitter: float) -> float | None:
        self.throttled += 1
        asked_s = retry_after(answer.headers)
        delay_s = retry_delay(self.throttled, asked_s, jitter)
        if self.throttled > MAX_THROTTLED or (asked_s or 0) > MAX_PAUSE_S or self.waited_s + delay_s > MAX_WAIT_S:
            return None
        self.waited_s += delay_s
        return delay_s

    def _can_help(self, outcome: Answer | Failure) -> bool:
        """Another attempt may end better, and does no harm."""
        if isinstance(outcome, Answer):
            return outcome.status in _SERVER_ERRORS and self.is_repeatable
        return outcome.is_repeatable


def retry_delay(failures: int, retry_after_s: float | None, jitter: float) -> float:
    """
    Seconds to wait before the next attempt.

    The registry's own `Retry-After` wins, because only it knows when its
    per-minute budget refills; a little is added, so that workers do not all wake
    together. Otherwise the delay doubles from half a second.

    Args:
        failures: Attempts that have failed so far; at least 1.
        retry_after_s: The `Retry-After` header in seconds, if there was one.
        jitter: Random number in [0, 1).

    Source: RFC 9110, section 10.2.3.
    """
    if retry_after_s is not None:
        return retry_after_s + jitter
    return float((0.5 + jitter / 2) * min(30.0, 0.5 * 2 ** (failures - 1)))


def retry_after(headers: httpx.Headers) -> float | None:
    """The `Retry-After` header in seconds. ACR sends seconds; a date, or nonsense, counts as none."""
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
