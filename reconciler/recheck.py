"""
Read again what a saved plan would touch, before anything is written.

A plan may have waited for its approval for days. Whoever approved it saw values that
have to hold still; where one does not, the whole plan deserves a second thought, unless
its user says that the rest may go ahead.

Some of what a change depends on comes about only while the plan is carried out: that no
tag points at a manifest, where the same plan deletes these tags; that a tag points at
what is protected with it, where the same plan puts it there. That is checked then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from reconciler.apply import Interrupt, Recheck, Report
from reconciler.apply.pages import FEW, TagPages
from reconciler.apply.retrying import in_parallel
from reconciler.apply.steps import holds
from reconciler.apply.vias import Vias, points_elsewhere
from reconciler.errors import RefusedError
from reconciler.events import SO_ALREADY, Outcome
from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, TAGGED
from reconciler.planning.patch import failed_tests
from reconciler.planning.plan import Change, Plan
from reconciler.registry.client import Client
from reconciler.registry.looks import Look

Found = Mapping[Address, Outcome | None]
_NEW_PLAN = "It changed after the plan was made; make a new plan."


async def recheck(
    plan: Plan,
    client: Client,
    *,
    concurrency: int,
    progress: Callable[[], None],
    interrupt: Interrupt,
    recheck: Recheck = "page",
) -> Found:
    """
    Of each change: `verified` where it is so already, `stale` where a `test` fails, None where it can be made.

    Args:
        plan: What is to be carried out.
        client: Where to read.
        concurrency: How many reads may be under way at the same time; at least 1.
        progress: Is called for each change that was looked at.
        interrupt: Ends it when it is called.
        recheck: How to read many tags of a repository.

    Raises:
        RegistryError: something could not be read; nothing was written.
        RefusedError: it was interrupted.
    """
    looking = _Looking(plan, client, concurrency, progress, interrupt)
    many, others = _many_tags(plan) if recheck == "page" else ({}, plan.changes)
    await in_parallel(list(many.values()), concurrency, looking.by_pages)
    await in_parallel(others, concurrency, looking.one)
    return looking.found


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


def is_stale(found: Found) -> bool:
    """Some of the plan is not as it was when the plan was made."""
    return any(outcome is not None and outcome.status == "stale" for outcome in found.values())


def _report(plan: Plan, found: Found, otherwise: Callable[[Change], Outcome]) -> Report:
    """What was found; `otherwise` gives the outcome of a change that could be made and is not."""
    outcomes = tuple(found[change.address] or otherwise(change) for change in plan.changes)
    return Report(plan, outcomes, interrupted=False)


def _many_tags(plan: Plan) -> tuple[Mapping[str, Sequence[Change]], Sequence[Change]]:
    """The changes of tags, by repository, where they are many; and all others."""
    tags: defaultdict[str, list[Change]] = defaultdict(list)
    for change in plan.changes:
        if change.kind == "tag":
            tags[change.address.repository].append(change)
    many = {repository: changes for repository, changes in tags.items() if len(changes) > FEW}
    return many, [each for each in plan.changes if each.kind != "tag" or each.address.repository not in many]


class _Looking:
    """What was found so far."""

    def __init__(
        self, plan: Plan, client: Client, concurrency: int, progress: Callable[[], None], interrupt: Interrupt
    ) -> None:
        self.found: dict[Address, Outcome | None] = {}
        self._client = client
        self._vias = Vias(client)
        self._concurrency = concurrency
        self._progress = progress
        self._interrupt = interrupt
        self._will_point_at = {
            change.address: change.after[DIGEST] for change in plan.changes if change.action in ("move", "create")
        }
        self._will_leave = {
            change.address for change in plan.changes if change.kind == "tag" and change.action in ("move", "delete")
        }

    async def by_pages(self, changes: Sequence[Change]) -> None:
        """Look at many tags of one repository; what is not as it should be on a page gets a look of its own."""
        by_name = {change.address.tag: change for change in changes}
        pages = TagPages(self._client, changes[0].address.repository, by_name)
        self._check_interrupt()
        while part := await pages.next():
            doubted = []
            for name, look in part.shown.items():
                outcome = self._state(by_name[name], look)
                if outcome is not None and outcome.status == "stale":
                    doubted.append(name)
                else:
                    self._note(by_name[name], outcome)
            others = [by_name[name] for name in (*part.others, *doubted)]
            await in_parallel(others, self._concurrency, self.one)
            self._check_interrupt()

    async def one(self, change: Change) -> None:
        """Look at what one change touches."""
        self._check_interrupt()
        outcome = self._state(change, await self._client.look(change.address))
        if outcome is None and change.via and self._will_point_at.get(change.via.address) != change.via.digest:
            how = points_elsewhere(change.via, await self._vias.look(change.via.address))
            outcome = Outcome(change, "stale", f"{how}. {_NEW_PLAN}") if how else None
        self._note(change, outcome)

    def _state(self, change: Change, look: Look) -> Outcome | None:
        if holds(change.after or None, look.document):
            return Outcome(change, "verified", SO_ALREADY)
        how = self._what_changed(change, look)
        return Outcome(change, "stale", f"{how}. {_NEW_PLAN}") if how else None

    def _what_changed(self, change: Change, look: Look) -> str:
        """How it is not as it was when the plan was made; empty: it is."""
        if change.action == "create":
            return "" if look.document is None else f"it is there already and points at {look.document.get(DIGEST)}"
        if look.document is None:
            return f"it is not there any more: {look.said}"
        here = change.address.repository
        unplanned = [name for name in look.tags if Address(here, tag=name) not in self._will_leave]
        mismatches = failed_tests(change.patch, look.document)
        return "; ".join(str(each) for each in mismatches if unplanned or each.attribute != TAGGED)

    def _note(self, change: Change, outcome: Outcome | None) -> None:
        self.found[change.address] = outcome
        self._progress()

    def _check_interrupt(self) -> None:
        if self._interrupt.times:
            raise RefusedError("interrupted; nothing was changed")
