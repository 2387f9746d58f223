"""How much may be under way, and when nothing may start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import TypeVar

import httpx
import pytest
from hypothesis import given, settings, strategies as st
from servers import refusal, repository, tag

from reconciler.model.address import Address
from reconciler.registry.budget import Budget

RATE = "x-ms-ratelimit-remaining-calls-per-second"
NO_HEADERS = httpx.Headers()
SOON_S = 2.0  # whoever has not started by then never will
Item = TypeVar("Item")


def _throttle(budget: Budget, delay_s: float = 0.0) -> None:
    """The answer to a request that was sent just now is 429."""
    budget.throttled(delay_s, sent_at_s=time.monotonic())


async def _started_at_s(budget: Budget) -> float:
    """Be under way for a moment; when it began."""
    async with budget:
        return time.monotonic()


async def _in_line(budget: Budget, count: int = 1) -> list[asyncio.Task[Budget]]:
    """So many who want to start, each as far as it gets by itself."""
    tasks = [asyncio.create_task(budget.__aenter__()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def test_a_429_halves_what_may_be_under_way():
    """Down to one, and never to none."""
    budget, limits = Budget(8), []

    for _ in range(5):
        _throttle(budget)
        limits.append(budget.limit)

    assert [4, 2, 1, 1, 1] == limits


def test_the_429s_of_one_round_halve_it_once():
    """Those that were sent before the first one came tell nothing new."""
    budget = Budget(32)
    sent_at_s = time.monotonic()

    for _ in range(32):
        budget.throttled(0.0, sent_at_s=sent_at_s)

    assert 16 == budget.limit


def test_a_round_of_answers_lets_one_more_start():
    """As many answers as may be under way make a round."""
    budget = Budget(8)
    _throttle(budget)

    for _ in range(5):  # one more than 4, because each answer counts a little less than the one before
        budget.answered(NO_HEADERS)

    assert 5 == int(budget.limit)


def test_it_grows_back_to_what_it_was_and_no_further():
    """However many answers come."""
    budget = Budget(8)
    _throttle(budget)

    for _ in range(1000):
        budget.answered(NO_HEADERS)

    assert 8 == budget.limit


async def test_a_pause_is_waited_for_by_all_at_the_same_time():
    """Those who were there and those who come; the pause of one is not added to that of another."""
    budget = Budget(64)
    began_s = time.monotonic()
    _throttle(budget, 0.1)

    started_s = await asyncio.gather(*(_started_at_s(budget) for _ in range(20)))

    assert began_s + 0.1 <= min(started_s) <= max(started_s) < began_s + 0.1 * 5


async def test_a_shorter_pause_does_not_end_a_longer_one():
    """`Retry-After` counts down, and answers overtake each other."""
    budget = Budget(4)
    began_s = time.monotonic()
    _throttle(budget, 0.1)
    _throttle(budget, 0.01)

    assert began_s + 0.1 <= await _started_at_s(budget)


async def test_what_waits_while_writes_are_throttled_are_writes(registry, connect):
    """ACR counts kinds of requests apart (container-registry-skus.md), and so do we."""
    target = "/acr/v1/team%2Fapp/_tags/v1"
    registry.on(f"PATCH {target}", refusal(429, "TOOMANYREQUESTS", retry_after="1"), tag("team/app", "v1"))
    registry.on("/acr/v1/team%2Fapp", repository("team/app"))

    async with connect() as client:
        await client.read(Address("team/app"))
        update = asyncio.create_task(client.update(Address("team/app", tag="v1"), {"writeEnabled": False}))
        await _until(lambda: registry.count("PATCH") == 1)
        for _ in range(5):
            await client.read(Address("team/app"))
        await update

    assert ["GET", "PATCH", *["GET"] * 5, "PATCH"] == [request.method for request in registry.requests]


async def test_workers_that_are_throttled_wait_together(registry, connect, pauses):
    """Eight meet the 429 at once; whoever asks while they wait does not meet it, and nobody meets it again."""
    answer = repository("team/app")
    registry.on("/acr/v1/team%2Fapp", answer, *[refusal(429, "TOOMANYREQUESTS", retry_after="1")] * 8, answer)

    async with connect(concurrency=8) as client:
        await client.read(Address("team/app"))
        eight = [asyncio.create_task(client.read(Address("team/app"))) for _ in range(8)]
        await _until(lambda: len(pauses) == 8)
        await asyncio.gather(*eight, *(client.read(Address("team/app")) for _ in range(20)))

    assert (8, ["read"] * 8) == (len(pauses), [pause.kind for pause in pauses])
    assert 1 + 8 + 8 + 20 == registry.count("GET")


async def test_starts_are_spread_as_the_registry_says():
    """Twenty a second are one every 50 ms."""
    budget = Budget(64)
    budget.answered(httpx.Headers({RATE: "20"}))

    started_s = sorted(await asyncio.gather(*(_started_at_s(budget) for _ in range(5))))

    between_s = [after - before for before, after in pairwise(started_s)]
    assert [True] * 4 == [0.049 <= pause_s < 0.5 for pause_s in between_s]


async def test_a_rate_of_nothing_is_one_in_a_second():
    """The registry counts on the second; a second start is not for now, and the first one was."""
    budget = Budget(64)
    budget.answered(httpx.Headers({RATE: "0"}))

    started, waiting = await asyncio.wait([asyncio.create_task(_started_at_s(budget)) for _ in range(3)], timeout=0.2)

    assert (1, 2) == (len(started), len(waiting))
    await _cancel(*waiting)


@pytest.mark.parametrize("text", ["", "-1", "many", "1e9", "9" * 400, ".5", "\u0663", "nan", "1 2"])
async def test_a_rate_that_is_none_is_not_heeded(text):
    """Nothing is spread over time because of it."""
    budget = Budget(64)
    budget.answered(httpx.Headers({RATE: text.encode()}))

    started, _ = await asyncio.wait([asyncio.create_task(_started_at_s(budget)) for _ in range(50)], timeout=SOON_S)

    assert 50 == len(started)


async def test_whoever_is_cancelled_in_the_line_is_passed_over():
    """The next one gets the place."""
    budget = Budget(1)
    async with budget:
        second, third = await _in_line(budget, 2)
        await _cancel(second)

    assert budget is await asyncio.wait_for(third, SOON_S)


async def test_whoever_is_called_and_cancelled_calls_the_next_one():
    """The place that it was given is not lost."""
    budget = Budget(1)
    async with budget:
        second, third = await _in_line(budget, 2)
    await _cancel(second)

    assert budget is await asyncio.wait_for(third, SOON_S)


async def test_whoever_is_called_into_a_pause_and_cancelled_there_calls_the_next_one():
    """It was called when a place was free, and has to wait for the registry's pause to end."""
    budget = Budget(1)
    async with budget:
        second, third = await _in_line(budget, 2)
    _throttle(budget, 0.05)
    await asyncio.sleep(0)
    await _cancel(second)

    assert budget is await asyncio.wait_for(third, SOON_S)


async def test_a_failed_request_makes_room_for_the_next_one():
    """Whatever it failed with."""
    budget = Budget(1)
    with pytest.raises(RuntimeError):
        async with budget:
            raise RuntimeError

    assert (0, 1) == (budget.under_way, len(await _in_line(budget)))


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "begin", "end", "cancel", "throttle", "pause", "answer"]), st.integers(0, 99)),
    max_size=60,
)


@settings(deadline=None)
@given(most=st.integers(1, 5), steps=STEPS)
def test_never_more_than_the_limit_start_and_everybody_gets_a_turn(most, steps):
    """In whatever order requests begin, end, are cancelled and throttled; at the end nobody is left waiting."""
    asyncio.run(asyncio.wait_for(_Crowd(Budget(most)).play(steps), 10))


class _Crowd:
    """Requests of one budget; each that starts looks whether it may."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._ends: dict[asyncio.Task[None], asyncio.Event] = {}

    async def play(self, steps: list[tuple[str, int]]) -> None:
        """Do all steps, then let everybody come to an end."""
        for what, number in steps:
            getattr(self, f"_{what}")(number)
            for _ in range(3):
                await asyncio.sleep(0)
        for end in self._ends.values():
            end.set()
        outcomes = await asyncio.gather(*self._ends, return_exceptions=True)
        assert {None} >= {outcome for outcome in outcomes if not isinstance(outcome, asyncio.CancelledError)}
        assert 0 == self._budget.under_way

    async def _request(self, end: asyncio.Event) -> None:
        async with self._budget:
            assert 1 <= self._budget.under_way <= int(self._budget.limit)
            await end.wait()

    def _begin(self, _: int) -> None:
        end = asyncio.Event()
        self._ends[asyncio.create_task(self._request(end))] = end

    def _end(self, number: int) -> None:
        self._one(list(self._ends.values()), number, asyncio.Event.set)

    def _cancel(self, number: int) -> None:
        self._one(list(self._ends), number, asyncio.Task.cancel)

    def _throttle(self, _: int) -> None:
        _throttle(self._budget)

    def _pause(self, _: int) -> None:
        _throttle(self._budget, 0.001)

    def _answer(self, _: int) -> None:
        self._budget.answered(NO_HEADERS)

    def _one(self, items: list[Item], number: int, do: Callable[[Item], object]) -> None:
        if items:
            do(items[number % len(items)])


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not holds():
            await asyncio.sleep(0)


async def _cancel(*tasks: Awaitable[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
