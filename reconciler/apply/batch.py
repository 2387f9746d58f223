"""
Many tags of one repository: one page is the fresh look at all that are on it.

After the PATCHes one page verifies them as well. Whatever a page does not show, or shows
as it should not be, gets a look of its own, as every change does without pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.apply.attempt import Attempt
from reconciler.apply.pages import FEW, WORTH_IT, TagPages
from reconciler.apply.retrying import READ_BACK_DELAYS_S, in_parallel
from reconciler.events import Outcome
from reconciler.planning.plan import Change
from reconciler.registry.looks import Look

if TYPE_CHECKING:
    from reconciler.apply.run import Run

_MAX_FRUITLESS = 3


class Batch:
    """Updates of tags of one repository, being made."""

    def __init__(self, run: Run, changes: Sequence[Change]) -> None:
        self._run = run
        self._changes = {change.address.tag: change for change in changes}
        self._repository = changes[0].address.repository
        self._unseen: dict[str, Attempt] = {}  # sent, and not verified yet
        self._fruitless = 0  # pages in a row that were too old for all that they showed

    async def run(self) -> None:
        """Try all of them."""
        pages = self._pages(self._changes)
        try:
            while self._is_worth_it() and (part := await pages.next()):
                late = await self._send(part.shown)
                self._fruitless = self._fruitless + 1 if part.shown and len(late) == len(part.shown) else 0
                if self._fruitless < _MAX_FRUITLESS:
                    pages.put_back(late)
                    late = []
                await self._each([*part.others, *late])
                await self._verify()
        finally:
            for attempt in self._unseen.values():
                self._run.end(attempt.cut_off())
        await self._each([name for name, change in self._changes.items() if change.address not in self._run.outcomes])

    def _is_worth_it(self) -> bool:
        """Some change may still be made; all are alike in what forbids them."""
        return not self._run.why_not(next(iter(self._changes.values())))

    def _pages(self, names: Mapping[str, object]) -> TagPages:
        return TagPages(self._run.client, self._repository, names)

    async def _each(self, names: Sequence[str]) -> None:
        await in_parallel(names, self._run.concurrency, lambda name: self._run.one(self._changes[name]))

    async def _send(self, shown: Mapping[str, Look]) -> Sequence[str]:
        """Send what the page permits; the names of those whose turn came when the page was old."""
        late: list[str] = []

        async def send(name: str) -> None:
            change = self._changes[name]
            async with self._run.slots:
                if reason := self._run.why_not(change):
                    self._run.end(Outcome(change, "not-attempted", reason))
                    return
                attempt = self._run.attempt(change)
                look = None if attempt.is_doubted_by(shown[name]) else shown[name]
                ended = await self._run.guarded(attempt, attempt.until_sent(look, may_be_late=True))
            if ended == "late":
                late.append(name)
            elif ended == "sent":
                self._unseen[name] = attempt

        await in_parallel(list(shown), self._run.concurrency, send)
        return late

    async def _verify(self) -> None:
        """See by pages that what was sent is so; where they show too little of it, one by one."""
        for delay_s in READ_BACK_DELAYS_S:
            unseen = len(self._unseen)
            if unseen <= FEW:
                break
            await self._verify_by_pages()
            if unseen - len(self._unseen) < WORTH_IT:
                await self._finish(list(self._unseen)[:FEW])
            if len(self._unseen) > FEW:
                await asyncio.sleep(delay_s)
        await self._finish(list(self._unseen))

    async def _verify_by_pages(self) -> None:
        pages = self._pages(self._unseen)
        while part := await pages.next():
            for name, look in part.shown.items():
                outcome = self._unseen[name].seen_in(look)
                if outcome is not None:
                    del self._unseen[name]
                    await self._run.ended(outcome)
            await self._finish(part.others)

    async def _finish(self, names: Sequence[str]) -> None:
        async def finish(name: str) -> None:
            async with self._run.slots:
                attempt = self._unseen[name]
                await self._run.guarded(attempt, attempt.finish())
            del self._unseen[name]

        await in_parallel(names, self._run.concurrency, finish)
