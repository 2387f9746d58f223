"""What was asked of a registry, and how long it let us wait, is counted where it happens."""

from __future__ import annotations

import time

import pytest
from servers import raw, refusal, repository

from reconciler.registry.accounts import only
from reconciler.registry.budget import Budget
from reconciler.registry.client import Client
from reconciler.registry.location import parse_location
from reconciler.registry.tally import Tally, total
from reconciler.registry.transport import Transport


async def test_requests_are_counted_by_what_came_of_them(registry, pauses):
    """Repeats too, by status, and as none where no answer came; throttled was the kind that was, as long as it was."""
    throttled = refusal(429, "TOOMANYREQUESTS", retry_after="0")
    registry.on("*", throttled, throttled, raw(b""), repository("app"))
    tallies: list[Tally] = []
    transport = Transport(
        parse_location(registry.url), timeout_s=30, concurrency=8, on_pause=pauses.append, on_close=tallies.append
    )

    async with Client(transport, only(None)) as client:
        await client.repository("app")

    (tally,) = tallies
    assert {("read", "429"): 2, ("read", "none"): 1, ("read", "200"): 1} == tally.requests
    paused_s = pytest.approx(sum(pause.delay_s for pause in pauses))
    assert {"read": paused_s, "write": 0, "delete": 0, "sign-in": 0} == tally.throttled_s


async def test_the_time_that_is_throttled_is_counted_once():
    """However many 429s come for it."""
    budget, began_s = Budget(32), time.monotonic()

    for _ in range(32):
        budget.throttled(0.1, sent_at_s=began_s)
    async with budget:
        took_s = time.monotonic() - began_s

    assert 0.1 <= budget.closed_s <= took_s


def test_a_time_that_has_not_passed_is_not_counted():
    """A run that is interrupted has not waited for what was left."""
    budget = Budget(32)

    budget.throttled(3600, sent_at_s=time.monotonic())

    assert budget.closed_s < 600


def test_what_several_connections_came_to_is_added_up():
    """A run opens one for each of its phases."""
    one = Tally({("read", "200"): 3}, {"read": 1.5, "write": 0})
    other = Tally({("read", "200"): 1, ("write", "200"): 2}, {"read": 0.5, "write": 4})

    assert Tally({("read", "200"): 4, ("write", "200"): 2}, {"read": 2, "write": 4}) == total([one, other])
