"""
Read again what a saved plan would touch, before anything is written.

A plan may have waited for its approval for days. Whoever approved it saw values that
have to hold still; where one does not, the whole plan deserves a second thought, unless
its user says that the rest may go ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

from reconciler.apply import Interrupt, Report
from reconciler.errors import NotFoundError, ReconcilerError, RefusedError, first_of
from reconciler.events import SO_ALREADY, Outcome
from reconciler.model.address import Address
from reconciler.planning.patch import failed_tests
from reconciler.planning.plan import Change, Plan
from reconciler.registry.client import Client

Found = Mapping[Address, Outcome | None]


async def recheck(
    plan: Plan, client: Client, *, concurrency: int, progress: Callable[[], None], interrupt: Interrupt
) -> Found:
    """
    Of each change: `verified` where it is so already, `stale` where a `test` fails, None where it can be made.

    Args:
        plan: What is to be carried out.
        client: Where to read.
        concurrency: How many reads may be under way at the same time; at least 1.
        progress: Is called after each read.
        interrupt: Ends it when it is called.

    Raises:
        RegistryError: something could not be read; nothing was written.
        RefusedError: it was interrupted.
    """
    found: dict[Address, Outcome | None] = {}
    remaining = iter(plan.changes)

    async def work(changes: Iterator[Change]) -> None:
        for change in changes:
            if interrupt.times:
                raise RefusedError("interrupted; nothing was changed")
            found[change.address] = await _state_of(change, client)
            progress()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(plan.changes))):
                group.create_task(work(remaining))
    except* ReconcilerError as failures:
        raise first_of(failures) from None
    return found


def refused(plan: Plan, found: Found) -> Report:
    """The report of a plan that was not carried out because some of it is stale."""
    stale = sum(outcome is not None and outcome.status == "stale" for outcome in found.values())
    begun = "so none of it was begun; --on-stale skip leaves out just that"
    why = f"{stale:,} of this plan {'is' if stale == 1 else 'are'} stale, {begun}"
    return _report(plan, found, lambda change: Outcome(change, "not-attempted", why))


def repeated(plan: Plan, found: Found) -> Report:
    """The report of a plan that was carried out before: what is not so any more is told, and left alone."""
    why = "it changed after this plan was applied; make a new plan"
    return _report(plan, found, lambda change: Outcome(change, "stale", why))


def _report(plan: Plan, found: Found, otherwise: Callable[[Change], Outcome]) -> Report:
    """What was found; `otherwise` gives the outcome of a change that could be made and is not."""
    outcomes = tuple(found[change.address] or otherwise(change) for change in plan.changes)
    return Report(plan, outcomes, interrupted=False)


def is_stale(found: Found) -> bool:
    """Some of the plan is not as it was when the plan was made."""
    return any(outcome is not None and outcome.status == "stale" for outcome in found.values())


async def _state_of(change: Change, client: Client) -> Outcome | None:
    try:
        live = await client.read(change.address)
    except NotFoundError as error:
        if not error.is_certain:
            raise
        return Outcome(change, "stale", f"it is not there any more: {error}")
    if change.after.items() <= live.items():
        return Outcome(change, "verified", SO_ALREADY)
    mismatches = failed_tests(change.patch, live)
    if mismatches:
        how = "; ".join(map(str, mismatches))
        return Outcome(change, "stale", f"{how}. It changed after the plan was made; make a new plan.")
    return None
