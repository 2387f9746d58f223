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
from collections.abc import Iterable, Iterator
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
from reconciler.events import Outcome, Sink
from reconciler.model.attributes import WRITE, Document
from reconciler.planning.patch import failed_tests, request_body
from reconciler.planning.plan import STAGE_REPOSITORY, STAGE_UNLOCK, Change, Plan
from reconciler.registry.client import Client

# Reads after a write may lag: Microsoft's own tests wait 5 to 10 s (azure-sdk-for-python test_delete_tag).
READ_BACK_DELAYS_S = (0.2, 0.4, 0.8, 1.6, 3.2, 4.0)
MAX_ATTEMPTS = 3
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


async def apply_plan(plan: Plan, client: Client, *, concurrency: int, sink: Sink, interrupt: Interrupt) -> Report:
    """
    Converge the registry to `plan`, stage by stage.

    Args:
        plan: What to do.
        client: Where to do it.
        concurrency: How many changes may be under way at the same time; at least 1.
        sink: Is told each `Outcome` as it happens.
        interrupt: Stops the run when it is called.
    """
    run = _Run(client, sink, interrupt)
    by_stage = sorted(plan.changes, key=attrgetter("stage"))
    for _, changes in groupby(by_stage, key=attrgetter("stage")):
        await run.stage(list(changes), concurrency)
    outcomes = tuple(run.outcomes[change.address] for change in plan.changes)
    return Report(plan, outcomes, interrupted=interrupt.times > 0)


class _Run:
    """What is known while a plan is carried out: outcomes so far, and what no longer makes sense to try."""

    def __init__(self, client: Client, sink: Sink, interrupt: Interrupt) -> None:
        self.outcomes: dict[object, Outcome] = {}
        self._client = client
        self._sink = sink
        self._interrupt = interrupt
        self._halt = ""  # why no further change is tried at all
        self._refused: dict[str, str] = {}  # repository → why no further change of it is tried
        self._unverified: set[str] = set()  # repositories with a change that did not end verified

    async def stage(self, changes: list[Change], concurrency: int) -> None:
        """Try all of `changes`; when this returns each has an outcome."""
        remaining = iter(changes)
        workers = [asyncio.create_task(self._work(remaining)) for _ in range(min(concurrency, len(changes)))]
        for worker in workers:
            self._interrupt.watch(worker)
        results = await asyncio.gather(*workers, return_exceptions=True)
        for change in remaining:
            self._end(Outcome(change, "not-attempted", "interrupted"))
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _work(self, remaining: Iterator[Change]) -> None:
        for change in remaining:
            reason = self._why_not(change)
            if reason:
                self._end(Outcome(change, "not-attempted", reason))
            else:
                await self._try(change)

    async def _try(self, change: Change) -> None:
        attempt = _Attempt(change, self._client)
        try:
            outcome = await attempt.run()
        except UnauthorizedError as error:
            self._refused[change.address.repository] = (
                f"the registry refused another change of this repository: {error}"
            )
            outcome = attempt.failed(error)
        except (UnreachableError, ThrottledError) as error:
            self._halt = f"the registry could not be reached for another change: {error}"
            outcome = attempt.failed(error)
        except RegistryError as error:
            outcome = attempt.failed(error)
        except asyncio.CancelledError:
            self._end(attempt.cut_off())
            raise
        self._end(outcome)

    def _why_not(self, change: Change) -> str:
        """Why `change` is not to be tried; empty: it is."""
        repository = change.address.repository
        if self._interrupt.times:
            return "interrupted"
        if self._halt:
            return self._halt
        if repository in self._refused:
            return self._refused[repository]
        if repository in self._unverified and _locks_repository(change):
            return f"another change of {repository} did not end verified, and locking it now would block the next run"
        return ""

    def _end(self, outcome: Outcome) -> None:
        repository = outcome.change.address.repository
        if outcome.status != "verified":
            self._unverified.add(repository)
            if outcome.change.stage == STAGE_UNLOCK:
                self._refused.setdefault(repository, f"unlocking {repository} for it did not end verified")
        self.outcomes[outcome.change.address] = outcome
        self._sink(outcome)


def _locks_repository(change: Change) -> bool:
    return change.stage == STAGE_REPOSITORY and WRITE in change.attributes and not change.after[WRITE]


class _Attempt:
    """One change being made, and whether its PATCH may have reached the registry."""

    def __init__(self, change: Change, client: Client) -> None:
        self._change = change
        self._client = client
        self._was_sent = False

    async def run(self) -> Outcome:
        """Read, test, PATCH, read back; when it is unclear whether a PATCH arrived, look, and only then repeat."""
        for attempts_left in reversed(range(MAX_ATTEMPTS)):
            stale = await self._stale()
            if stale:
                return stale
            try:
                self._was_sent = True
                await self._client.update(self._change.address, request_body(self._change.patch))
            except (UnreachableError, ApiError) as error:
                if not _may_have_happened(error):
                    self._was_sent = False
                    return self._refusal(error)
                if not attempts_left:
                    raise
            else:
                break
        return await self._verify()

    def failed(self, error: ReconcilerError) -> Outcome:
        """The outcome when the registry or the way to it failed."""
        if self._was_sent:
            return Outcome(
                self._change, "unconfirmed", f"the change was sent, and whether it holds is not known: {error}"
            )
        return Outcome(self._change, "failed", str(error))

    def cut_off(self) -> Outcome:
        """The outcome when there was no time to finish."""
        if self._was_sent:
            return Outcome(self._change, "unconfirmed", "interrupted after the change was sent")
        return Outcome(self._change, "not-attempted", "interrupted")

    def _refusal(self, error: RegistryError) -> Outcome:
        if isinstance(error, UnauthorizedError | ThrottledError | UnreachableError):
            raise error
        return Outcome(self._change, "blocked" if isinstance(error, DisallowedError) else "failed", str(error))

    async def _stale(self) -> Outcome | None:
        """The outcome where the resource is not what the plan was made for; None: go on."""
        try:
            live = await self._client.read(self._change.address)
        except NotFoundError as error:
            return Outcome(self._change, "stale", f"it is not there any more: {error}")
        if self._was_sent and _holds(self._change.after, live):
            return Outcome(self._change, "verified")
        mismatches = failed_tests(self._change.patch, live)
        if not mismatches:
            return None
        changed = "; ".join(map(str, mismatches))
        return Outcome(self._change, "stale", f"{changed}. It changed after the plan was made; make a new plan.")

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


def _may_have_happened(error: RegistryError) -> bool:
    if isinstance(error, ApiError):
        return error.status >= _SERVER_ERROR
    return True


def _holds(after: Document, live: Document) -> bool:
    return after.items() <= live.items()


def _differences(after: Document, live: Document) -> Iterable[str]:
    for name in sorted(after):
        if live.get(name) != after[name]:
            value = live.get(name)
            yield f"{name} {str(value).lower() if isinstance(value, bool) else value}"
