"""
Carry a plan out, and say of each change how it ended.

A change is made in three requests: a fresh read, on which every `test` of its patch
must hold; a PATCH with what differs; and a read-back, because an answer of 200 says
that the request was understood, not that the attribute is set (Azure/acr#212).
Stages are kept apart by a barrier. Nothing that goes wrong with one change stops
the others, except where they could not succeed either.

The report covers every change, whatever happens: failures, refusals, interrupts.
Running again finishes the job.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter

import attrs

from reconciler.errors import (
    ApiError,
    DisallowedError,
    NotFoundError,
    ReconcilerError,
    RegistryError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
)
from reconciler.events import SO_ALREADY, Outcome, Sink
from reconciler.model.attributes import WRITE, Document
from reconciler.planning.patch import failed_tests, request_body
from reconciler.planning.plan import STAGE_REPOSITORY, STAGE_UNLOCK, Change, Plan
from reconciler.registry.client import Client
from reconciler.registry.patience import MAX_PAUSE_S, retry_delay

# Reads after a write may lag: Microsoft's own tests wait 5 to 10 s (azure-sdk-for-python test_delete_tag).
READ_BACK_DELAYS_S = (0.2, 0.4, 0.8, 1.6, 3.2, 4.0)
MAX_ATTEMPTS = 3
MAX_FAILURES_IN_A_ROW = 5
_SERVER_ERROR = 500


@attrs.frozen
class Report:
    """How every change of a plan ended, in the order of the plan."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    interrupted: bool

    @property
    def is_success(self) -> bool:
        """Every change ended verified."""
        return all(outcome.status == "verified" for outcome in self.outcomes)


class Interrupt:
    """
    The wish to stop: what is under way is finished first, what is not is left.

    Asked a second time, what is under way is cut off too.
    """

    def __init__(self) -> None:
        self.times = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self) -> None:
        """Ask to stop; may be called from a signal handler of the event loop."""
        self.times += 1
        if self.times > 1:
            for task in self._tasks:
                task.cancel()

    def watch(self, task: asyncio.Task[None]) -> None:
        """Let `task` be cut off by the second wish."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def apply_plan(
    plan: Plan,
    client: Client,
    *,
    concurrency: int,
    sink: Sink,
    interrupt: Interrupt,
    forbidden: Callable[[], str] = lambda: "",
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
    """
    run = _Run(client, sink, interrupt, forbidden)
    by_stage = sorted(plan.changes, key=attrgetter("stage"))
    for _, changes in groupby(by_stage, key=attrgetter("stage")):
        await run.stage(list(changes), concurrency)
    outcomes = tuple(run.outcomes[change.address] for change in plan.changes)
    return Report(plan, outcomes, interrupted=interrupt.times > 0)


class _Run:
    """What is known while a plan is carried out: outcomes so far, and what no longer makes sense to try."""

    def __init__(self, client: Client, sink: Sink, interrupt: Interrupt, forbidden: Callable[[], str]) -> None:
        self.outcomes: dict[object, Outcome] = {}
        self._client = client
        self._sink = sink
        self._interrupt = interrupt
        self._forbidden = forbidden
        self._halt = ""  # why no further change is tried at all
        self._failures_in_a_row = 0  # changes that ended on a 5xx, since one was verified
        self._refused: dict[str, str] = {}  # repository → why no further change of it is tried
        self._unverified: set[str] = set()  # repositories with a change that did not end verified

    async def stage(self, changes: list[Change], concurrency: int) -> None:
        """Try all of `changes`; when this returns each has an outcome."""
        remaining = iter(changes)
        workers = [asyncio.create_task(self._work(remaining)) for _ in range(min(concurrency, len(changes)))]
        for worker in workers:
            self._interrupt.watch(worker)
        await asyncio.gather(*workers, return_exceptions=True)
        for change in remaining:
            self._end(Outcome(change, "not-attempted", "interrupted"))

    async def _work(self, remaining: Iterator[Change]) -> None:
        for change in remaining:
            reason = self._why_not(change)
            if reason:
                self._end(Outcome(change, "not-attempted", reason))
            else:
                await self._try(change)

    async def _try(self, change: Change) -> None:
        attempt = _Attempt(change, self._client, self._forbidden)
        try:
            outcome = await attempt.run()
        except asyncio.CancelledError:
            self._end(attempt.cut_off())
            raise
        except Exception as error:  # noqa: BLE001 - every change is in the report, also when we fail ourselves
            self._learn_from(error, change)
            outcome = attempt.failed(error)
        self._end(outcome)

    def _learn_from(self, error: Exception, change: Change) -> None:
        """Which changes are not worth trying after `error`."""
        if isinstance(error, UnauthorizedError):
            repository = change.address.repository
            self._refused[repository] = f"the registry refused another change of this repository: {error}"
        elif isinstance(error, ApiError) and not isinstance(error, ThrottledError):
            self._failures_in_a_row += error.status >= _SERVER_ERROR
            if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
                self._halt = f"the registry failed {self._failures_in_a_row} changes in a row: {error}"
        elif isinstance(error, UnreachableError | ThrottledError):
            self._halt = f"the registry could not be reached for another change: {error}"
        elif not isinstance(error, RegistryError):
            self._halt = f"reconciler itself failed at another change: {error!r}"

    def _why_not(self, change: Change) -> str:
        """Why `change` is not to be tried; empty: it is."""
        repository = change.address.repository
        if self._interrupt.times:
            return "interrupted"
        if why := self._halt or self._forbidden():
            return why
        if repository in self._refused:
            return self._refused[repository]
        if repository in self._unverified and _locks_repository(change):
            return f"another change of {repository} did not end verified, and locking it now would block the next run"
        return ""

    def _end(self, outcome: Outcome) -> None:
        repository = outcome.change.address.repository
        if outcome.status == "verified":
            self._failures_in_a_row = 0
        else:
            self._unverified.add(repository)
            if outcome.change.stage == STAGE_UNLOCK:
                self._refused.setdefault(repository, f"unlocking {repository} for it did not end verified")
        self.outcomes[outcome.change.address] = outcome
        self._sink(outcome)


def _locks_repository(change: Change) -> bool:
    return change.stage == STAGE_REPOSITORY and WRITE in change.attributes and not change.after[WRITE]


class _Attempt:
    """One change being made, and whether a PATCH of it may have been carried out."""

    def __init__(self, change: Change, client: Client, forbidden: Callable[[], str]) -> None:
        self._change = change
        self._forbidden = forbidden
        self._client = client
        self._is_unclear = False  # a PATCH left, and its answer did not come, or did not tell

    async def run(self) -> Outcome:
        """Look, PATCH, read back; where it is unclear whether a PATCH arrived, look again before it is repeated."""
        attempt = 0
        while True:
            known = await self._look()
            if known:
                return known
            if why := self._forbidden():  # it took time to look
                return self._stopped(why)
            failure = await self._send()
            if failure is None:
                return await self._verify()
            attempt += 1
            pause_s = _pause_s(failure, attempt)
            if attempt == MAX_ATTEMPTS or not _may_have_happened(failure) or pause_s > MAX_PAUSE_S:
                return await self._look_after(failure)
            await asyncio.sleep(pause_s)

    async def _send(self) -> UnreachableError | ApiError | None:
        """Send the PATCH; what went wrong, if something did."""
        was_unclear, self._is_unclear = self._is_unclear, True
        try:
            await self._client.update(self._change.address, request_body(self._change.patch))
        except (UnreachableError, ApiError) as error:
            self._is_unclear = was_unclear or _may_have_happened(error)
            return error
        return None

    def failed(self, error: Exception) -> Outcome:
        """The outcome when the registry, the way to it or we ourselves failed."""
        said = str(error) if isinstance(error, ReconcilerError) else f"reconciler itself failed: {error!r}"
        if self._is_unclear:
            return Outcome(self._change, "unconfirmed", f"a PATCH was sent, and whether it holds is not known: {said}")
        return Outcome(self._change, "failed", said)

    def cut_off(self) -> Outcome:
        """The outcome when there was no time to finish."""
        return self._stopped("interrupted")

    def _stopped(self, why: str) -> Outcome:
        if self._is_unclear:
            return Outcome(self._change, "unconfirmed", f"{why} after a PATCH was sent")
        return Outcome(self._change, "not-attempted", why)

    async def _look_after(self, failure: UnreachableError | ApiError) -> Outcome:
        """The outcome of a change whose last PATCH failed; an earlier one may hold all the same."""
        known = await self._look() if self._is_unclear else None
        if known:
            return known
        if isinstance(failure, DisallowedError) and not self._is_unclear:
            return Outcome(self._change, "blocked", str(failure))
        raise failure

    async def _look(self) -> Outcome | None:
        """Read afresh. The outcome, where it is as it should be, or not as the plan was made for; None: go on."""
        try:
            live = await self._client.read(self._change.address)
        except NotFoundError as error:
            if not error.is_certain:
                raise
            return self._changed(f"it is not there any more: {error}")
        if _holds(self._change.after, live):
            return Outcome(self._change, "verified", "" if self._is_unclear else SO_ALREADY)
        mismatches = failed_tests(self._change.patch, live)
        return self._changed("; ".join(map(str, mismatches))) if mismatches else None

    def _changed(self, how: str) -> Outcome:
        if self._is_unclear:
            return Outcome(self._change, "unconfirmed", f"a PATCH was sent and its answer was lost; since then, {how}")
        return Outcome(self._change, "stale", f"{how}. It changed after the plan was made; make a new plan.")

    async def _verify(self) -> Outcome:
        """Read until the registry shows what was asked for, within bounds."""
        for delay_s in (*READ_BACK_DELAYS_S, None):
            live = await self._client.read(self._change.address)
            if _holds(self._change.after, live):
                return Outcome(self._change, "verified")
            if delay_s is not None:
                await asyncio.sleep(delay_s)
        shown = ", ".join(_differences(self._change.after, live))
        waited_s = sum(READ_BACK_DELAYS_S)
        return Outcome(self._change, "unconfirmed", f"accepted, but {waited_s:.0f} s later the registry shows {shown}")


def _pause_s(failure: UnreachableError | ApiError, attempt: int) -> float:
    asked_s = failure.retry_after_s if isinstance(failure, ApiError) else None
    return retry_delay(attempt, asked_s, random.random())  # noqa: S311 - jitter


def _may_have_happened(error: UnreachableError | ApiError) -> bool:
    """The PATCH may have been carried out; not so where signing in for it failed, or no connection stood."""
    if error.method != "PATCH":
        return False
    return error.was_sent if isinstance(error, UnreachableError) else error.status >= _SERVER_ERROR


def _holds(after: Document, live: Document) -> bool:
    return after.items() <= live.items()


def _differences(after: Document, live: Document) -> Iterable[str]:
    for name in sorted(after):
        if live.get(name) != after[name]:
            value = live.get(name)
            yield f"{name} {str(value).lower() if isinstance(value, bool) else value}"
