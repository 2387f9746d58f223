"""Everybody is told at once, and nobody keeps anybody from it."""

from __future__ import annotations

import asyncio
import time

import attrs
import pytest
from happened import MOVED, TIGHTENED, batch, event, resolved

from reconciler.alerts.delivery import Delivery, deliver
from reconciler.alerts.sinks.critical_only import CriticalOnly, only_critical
from reconciler.alerts.sinks.in_thread import in_thread
from reconciler.errors import AlertError


@attrs.define
class Told:
    """A sink that remembers what it was told, or does something else instead."""

    name: str = "told"
    key: str = "told:"
    wants_each_run: bool = False
    error: Exception | None = None
    waits: bool = False
    batches: list = attrs.field(factory=list)

    async def __call__(self, batch):
        """Remember it."""
        if self.waits:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        self.batches.append(batch)


async def test_a_sink_that_fails_keeps_nobody_else_from_it():
    """One says no, one is wrong, one never ends: the fourth is told."""
    no = Told("no", "no:", error=AlertError("POST https://hooks.slack.com/…: 403"))
    wrong = Told("wrong", "wrong:", error=ValueError("the secret is s3cr3t"))
    slow = Told("slow", "slow:", waits=True)
    fine = Told()
    told = batch(event())

    deliveries = await deliver([(sink, told) for sink in (no, wrong, slow, fine)], timeout_s=0.1)

    bug = "failed in a way that is not foreseen (ValueError)\n  This is a bug in reconciler."
    assert (
        Delivery("no", "no:", "POST https://hooks.slack.com/…: 403", told=False),
        Delivery("wrong", "wrong:", bug, told=False),
        Delivery("slow", "slow:", "not done within 0 s", told=False),
        Delivery("told", "told:", "", told=True),
    ) == deliveries
    assert [told] == fine.batches


async def test_they_are_told_at_the_same_time():
    """Each waits for the other here, so one after the other would never end."""
    barrier = asyncio.Barrier(2)

    class Meets(Told):
        async def __call__(self, _):
            await barrier.wait()

    deliveries = await deliver([(Meets(), batch(event())), (Meets(), batch(event()))])

    assert [True, True] == [each.told for each in deliveries]


async def test_work_on_a_thread_is_left_behind_when_time_is_up():
    """A program that hangs in a library ends all the same."""
    began = time.monotonic()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await in_thread(lambda: time.sleep(0.5))

    assert time.monotonic() - began < 0.5


async def test_what_goes_wrong_on_a_thread_is_raised():
    """As if it had been done here."""

    def work():
        raise AlertError("no")

    with pytest.raises(AlertError, match="no"):
        await in_thread(work)


async def test_who_wants_the_critical_only_hears_of_nothing_else():
    """And is not called for the rest."""
    inner = Told()
    sink = CriticalOnly(inner, "told", "told:critical", wants_each_run=False)
    loosened, tightened = event("a:v1"), event("a:v2", TIGHTENED)

    await sink(batch(tightened))
    await sink(batch(loosened, tightened))

    assert [batch(loosened)] == inner.batches


def test_what_is_critical_no_more_is_over_for_who_hears_of_nothing_else():
    """What followed it is not told there, so nothing else tells that it is over."""
    lesser = event("a:v1", TIGHTENED)
    moved = event("a:v2", MOVED)
    over = [
        resolved(event("a:v1"), replaced_by=lesser.fingerprint),
        resolved(event("a:v2"), replaced_by=moved.fingerprint),
    ]

    left = only_critical(batch(*over, lesser, moved))

    assert ["", moved.fingerprint] == [each.replaced_by for each in left.news if each.status == "resolved"]
    assert (moved,) == left.firing
