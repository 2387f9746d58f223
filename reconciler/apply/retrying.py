"""How long a read is good for, how often something is tried again, and when it may have been done already."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from reconciler.errors import ApiError, ReconcilerError, UnreachableError, first_of
from reconciler.registry.patience import retry_delay

# Reads after a write may lag: Microsoft's own tests wait 5 to 10 s (azure-sdk-for-python test_delete_tag).
READ_BACK_DELAYS_S = (0.2, 0.4, 0.8, 1.6, 3.2, 4.0)
FRESH_S = 5.0  # what was read longer ago is read again before anything is sent that goes by it
MAX_ATTEMPTS = 3
_SERVER_ERROR = 500
_Item = TypeVar("_Item")


def pause_s(failure: ApiError | UnreachableError, attempt: int) -> float:
    """Seconds until it may be tried again."""
    asked_s = failure.retry_after_s if isinstance(failure, ApiError) else None
    return retry_delay(attempt, asked_s, random.random())  # noqa: S311 - jitter


def may_have_happened(error: ApiError | UnreachableError, verb: str) -> bool:
    """What was sent may have been carried out; not so where signing in for it failed, or no connection stood."""
    if error.method != verb:
        return False
    return error.was_sent if isinstance(error, UnreachableError) else error.status >= _SERVER_ERROR


async def in_parallel(items: Sequence[_Item], most: int, work: Callable[[_Item], Awaitable[None]]) -> None:
    """
    Do `work` for each of `items`, at most so many at the same time.

    Raises:
        ReconcilerError: one of them failed; the others were cut off.
    """
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(most, len(items))):
                group.create_task(worker())
    except* ReconcilerError as failures:
        raise first_of(failures) from None
