"""
All changes of a plan, in their stages: what is tried, what no longer makes sense to try.

Stages and ranks are kept apart by a barrier, and between two of them nothing is under
way. What was unlocked for a moment is locked again before repositories get what they
are to have for good, and in any case at the end.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal, TypeAlias

from reconciler.apply.attempt import Attempt, Ended, Tools
from reconciler.apply.batch import Batch
from reconciler.apply.book import Book, NoBook
from reconciler.apply.interrupt import Interrupt
from reconciler.apply.pages import FEW
from reconciler.apply.report import Report
from reconciler.apply.resting import Children, Resting
from reconciler.apply.retrying import FRESH_S
from reconciler.apply.unlocks import Unlocks
from reconciler.apply.worth import Worth
from reconciler.events import Outcome, Sink
from reconciler.model.address import Address
from reconciler.planning.plan import STAGE_DELETE, STAGE_REPOSITORY, Change, Plan
from reconciler.registry.client import Client

# Read many tags of a repository one by one, or a page at a time, before and after they are changed.
Recheck: TypeAlias = Literal["each", "page"]
_Unit: TypeAlias = Change | list[Change]


async def apply_plan(
    plan: Plan,
    client: Client,
    *,
    concurrency: int,
    sink: Sink,
    interrupt: Interrupt,
    forbidden: Callable[[], str] = lambda: "",
    book: Book | None = None,
    recheck: Recheck = "page",
    fresh_s: float = FRESH_S,
    children: Children = lambda _: {},
) -> Report:
    """
    Converge the registry to `plan`, stage by stage.

    Args:
        plan: What to do.
        client: Where to do it.
        concurrency: How many changes may be under way at the same time; at least 1.
        sink: Is told each `Outcome` as it happens.
        interrupt: Stops the run when it is called.
        forbidden: Is asked before each change why it may not be made, such as a run lock that was lost; empty: it may.
        book: Where it is recorded that locks are owed; None: nowhere, so nothing is unlocked for a moment.
        recheck: How to read many tags of a repository.
        fresh_s: How old a read may be when something is sent that goes by it, in seconds.
        children: What the indexes of a repository stand for, as far as that is remembered.
    """
    unlocks = Unlocks(plan, client, book or NoBook(), sink=sink, forbidden=forbidden)
    tools = Tools(client, unlocks, forbidden, fresh_s=fresh_s)
    resting = Resting(client, concurrency, children)
    run = Run(tools, resting, concurrency, sink=sink, interrupt=interrupt, recheck=recheck)
    await _stage_by_stage(run, plan)
    outcomes = tuple(run.outcomes[change.address] for change in plan.changes)
    return Report(plan, outcomes, interrupted=interrupt.times > 0, unlocked=run.unlocks.told())


async def _stage_by_stage(run: Run, plan: Plan) -> None:
    for (stage, _), changes in groupby(sorted(plan.changes, key=_turn), key=_turn):
        if stage == STAGE_REPOSITORY:
            await run.close()
        together = list(changes)
        if stage == STAGE_DELETE:
            await run.look_what_stays(together, plan)
        await run.together(together)
    await run.close()


def _turn(change: Change) -> tuple[int, int]:
    return change.stage, change.rank


class Run:
    """What is known while a plan is carried out."""

    def __init__(
        self, tools: Tools, resting: Resting, concurrency: int, *, sink: Sink, interrupt: Interrupt, recheck: Recheck
    ) -> None:
        self.outcomes: dict[Address, Outcome] = {}
        self.client = tools.client
        self.unlocks = tools.unlocks
        self.concurrency = concurrency
        self.slots = asyncio.Semaphore(concurrency)  # one for each change that is under way
        self._tools = tools
        self._worth = Worth(interrupt, tools.forbidden)
        self._sink = sink
        self._interrupt = interrupt
        self._recheck = recheck
        self._resting = resting

    async def look_what_stays(self, changes: Sequence[Change], plan: Plan) -> None:
        """Before something goes, find out what must stay after all."""
        await self._resting.look(changes, plan)

    async def together(self, changes: list[Change]) -> None:
        """Try all of `changes`; when this returns each has an outcome."""
        self._worth.begin()
        units = self._units(changes)
        remaining = iter(units)
        await self._finished(*(self._work(remaining) for _ in range(min(self.concurrency, len(units)))))
        for change in changes:
            if change.address not in self.outcomes:
                self.end(Outcome(change, "not-attempted", self._worth.why_not(change) or "it was cut off"))

    async def close(self) -> None:
        """Lock again what was unlocked for a moment; the second wish to stop cuts that off, too."""
        await self._finished(self.unlocks.close())

    def attempt(self, change: Change) -> Attempt:
        """Begin with `change`."""
        return Attempt(change, self._tools)

    def why_not(self, change: Change) -> str:
        """Why `change` is not to be tried; empty: it is."""
        return self._worth.why_not(change)

    async def one(self, change: Change) -> None:
        """Try one change, when its turn comes."""
        async with self.slots:
            if reason := self.why_not(change):
                self.end(Outcome(change, "not-attempted", reason))
            elif kept := await self._resting.why_kept(change):
                self.end(kept)
            else:
                attempt = self.attempt(change)
                await self.guarded(attempt, attempt.run())

    async def guarded(self, attempt: Attempt, work: Awaitable[Ended]) -> Ended:
        """Do `work` for a change, which ends with the outcome that comes of it, also where something fails."""
        try:
            ended = await work
        except asyncio.CancelledError:
            self.end(attempt.cut_off())
            raise
        except Exception as error:  # noqa: BLE001 - every change is in the report, also when we fail ourselves
            self._worth.learn(error, attempt.change)
            ended = attempt.failed(error)
        if isinstance(ended, Outcome):
            await self.ended(ended)
        return ended

    async def ended(self, outcome: Outcome) -> None:
        """Lock again what was unlocked for just this change, and note how it ended."""
        try:
            await self.unlocks.ended(outcome)
        finally:
            self.end(outcome)

    def end(self, outcome: Outcome) -> None:
        """Note how a change ended; what is said first stands."""
        if outcome.change.address not in self.outcomes:
            self.outcomes[outcome.change.address] = outcome
            self._worth.note(outcome)
            self._resting.note(outcome)
            self._sink(outcome)

    def _units(self, changes: Iterable[Change]) -> Sequence[_Unit]:
        """What one worker does: a change, or all tags of a repository, where they are many."""
        tags: defaultdict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if self._recheck == "page" and change.kind == "tag" and change.action == "update":
                tags[change.address.repository].append(change)
        many = {repository: some for repository, some in tags.items() if len(some) > FEW}
        in_batches = {change.address for some in many.values() for change in some}
        return [*many.values(), *(change for change in changes if change.address not in in_batches)]

    async def _work(self, remaining: Iterator[_Unit]) -> None:
        for unit in remaining:
            if isinstance(unit, Change):
                await self.one(unit)
            else:
                await Batch(self, unit).run()

    async def _finished(self, *work: Awaitable[None]) -> None:
        """Do all of `work`, unless the second wish to stop cuts it off."""
        tasks = [asyncio.ensure_future(each) for each in work]
        for task in tasks:
            self._interrupt.watch(task)
        for failure in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(failure, Exception):
                self._worth.halt(f"reconciler itself failed: {failure!r}")
