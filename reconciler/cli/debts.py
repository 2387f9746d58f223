"""
Locks that are owed, kept beside the memory; paid by every run that changes something, before it plans.

Many locks may come off in the same moment, and an object store takes a while for each
write. So those who wait for one go into the next together, and each goes on when its
own entry is durable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from reconciler.cli.clock import now_text
from reconciler.cli.memory import Memory, update_blob
from reconciler.cli.output import note
from reconciler.cli.progress import Progress
from reconciler.cli.record import Run
from reconciler.cli.registry import Registry, Traffic, client_for, tell
from reconciler.cli.signals import run_asked
from reconciler.errors import BackendError, RefusedError, StateError
from reconciler.model.attributes import DIGEST
from reconciler.planning.debts import Debt, debts_from_bytes, debts_to_bytes

if TYPE_CHECKING:
    from reconciler.apply import Settled
    from reconciler.backend.store import Store
    from reconciler.model.address import Address
    from reconciler.planning.plan import Unlock
    from reconciler.registry.looks import Look

DEBTS = ".debts"
_SHOWN = 10
_NOT_OWED = {"void": "it is gone", "remade": "it was deleted and made anew since"}


@attrs.frozen(eq=False)
class _Entry:
    """What somebody waits to have written."""

    address: Address
    debt: Debt | None  # None: it is paid
    written: asyncio.Future[None]


class DebtBook:
    """The record of debts of one registry; used from one event loop."""

    def __init__(self, store: Store, registry: str, run: str) -> None:
        self._store = store
        self._registry = registry
        self._run = run
        self._waiting: list[_Entry] = []
        self._writer: asyncio.Task[None] | None = None

    async def owe(self, unlock: Unlock, seen: Look | None = None) -> None:
        """Write down that the locks in `unlock` are about to be taken off what was `seen`."""
        await self._write(unlock.address, _debt_of(unlock, seen, self._run))

    async def paid(self, address: Address) -> None:
        """Strike out what is owed at `address`."""
        await self._write(address, None)

    async def _write(self, address: Address, debt: Debt | None) -> None:
        entry = _Entry(address, debt, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await entry.written

    async def _write_all(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._put, entries)
            except Exception as error:  # noqa: BLE001 - whoever waits raises it
                _finish(entries, error)
            else:
                _finish(entries, None)

    def _put(self, entries: Sequence[_Entry]) -> None:
        update_blob(self._store, DEBTS, lambda content: self._changed(content, entries))

    def _changed(self, content: bytes, entries: Sequence[_Entry]) -> bytes:
        """The record with `entries`; what somebody else wrote there stays."""
        known = {debt.address: debt for debt in _debts(content, self._store, self._registry)}
        for entry in entries:
            if entry.debt is None:
                known.pop(entry.address, None)
            else:
                known[entry.address] = _merged(known.get(entry.address), entry.debt)
        return debts_to_bytes(self._registry, known.values()) if known or content else content


def read_debts(store: Store, registry: str) -> tuple[Debt, ...]:
    """
    What is owed, as it stands in a place.

    Raises:
        StateError: what stands there cannot be trusted, or is about another registry.
    """
    blob = store.read(DEBTS)
    return () if blob is None else _debts(blob.content, store, registry)


def all_debts(store: Store) -> tuple[Debt, ...] | None:
    """What is owed in a place, whatever registry it is about; None: that cannot be read, which is told."""
    try:
        blob = store.read(DEBTS)
        return debts_from_bytes(blob.content, f"{store.name}{DEBTS}")[1] if blob and blob.content else ()
    except StateError as error:
        note(f"warning: {error}")
        return None


def book_for(memory: Memory, registry: Registry, run: Run) -> DebtBook | None:
    """Where a run records what it owes; None: there is no such place."""
    return None if memory.store is None else DebtBook(memory.store, registry.name, run.id)


def pay_first(memory: Memory, registry: Registry, traffic: Traffic, operation: str) -> tuple[Settled, ...]:
    """
    Pay what earlier runs owe, before anything is planned, and tell what became of each; the run lock is held.

    Raises:
        RefusedError: some of it could not be paid. It stays recorded.
        StateError: what is owed cannot be read.
    """
    debts = read_debts(memory.store, registry.name) if memory.store else ()
    if not debts:
        return ()
    settled = run_asked(_paid(debts, memory, registry, traffic, operation))
    left = [each for each in settled if each.status == "open"]
    if left:
        raise RefusedError(_unpaid(left))
    return settled


def note_debts(store: Store | None, registry: Registry) -> tuple[Debt, ...]:
    """What is owed, which is told and not paid; whoever plans goes by what will hold once it is."""
    try:
        debts = read_debts(store, registry.name) if store else ()
    except BackendError as error:
        note(f"warning: {error}")
        return ()
    for debt in debts[:_SHOWN]:
        note(f"note: {debt.address}: {_locks(debt)} owed since run {debt.run}; the next apply locks it first")
    if len(debts) > _SHOWN:
        note(f"note: {len(debts) - _SHOWN:,} more are owed")
    return debts


async def _paid(
    debts: Sequence[Debt], memory: Memory, registry: Registry, traffic: Traffic, operation: str
) -> tuple[Settled, ...]:
    from reconciler.apply import pay_debts

    book = book_for(memory, registry, Run.begun(operation, memory))
    assert book is not None  # noqa: S101 - the debts were read from its store
    async with client_for(registry, traffic, Progress(quiet=traffic.quiet, tells_sign_in=False)) as client:
        return await pay_debts(
            client,
            debts,
            book,
            concurrency=traffic.concurrency,
            told=lambda settled: tell(_told(settled), traffic, when=settled.status != "open"),
            forbidden=memory.why_not,
        )


def _told(settled: Settled) -> str:
    debt = settled.debt
    if settled.status in _NOT_OWED:
        became = f"{_NOT_OWED[settled.status]}, so nothing is owed for it any more"
    else:
        became = f"{', '.join(debt.attributes)} {'is' if len(debt.locks) == 1 else 'are'} false again"
    more = f"\n          {settled.message}" if settled.message else ""
    return f"Paid      {debt.address}: {became} (owed since run {debt.run}){more}"


def _unpaid(left: Sequence[Settled]) -> str:
    lines = ["what an earlier run unlocked for a moment could not be locked again; nothing else was changed"]
    for each in left[:_SHOWN]:
        why = each.message.replace("\n", "\n  ")
        lines.append(f"  {each.debt.address}: {_locks(each.debt)} owed since run {each.debt.run}: {why}")
    if len(left) > _SHOWN:
        lines.append(f"  … and {len(left) - _SHOWN:,} more")
    lines.append("  Lock it by hand or see to it that we may, and run again: it is looked at first each time.")
    return "\n".join(lines)


def _locks(debt: Debt) -> str:
    return f"{' and '.join(debt.attributes)} {'is' if len(debt.locks) == 1 else 'are'}"


def _debts(content: bytes, store: Store, registry: str) -> tuple[Debt, ...]:
    if not content:
        return ()
    place = f"{store.name}{DEBTS}"
    about, debts = debts_from_bytes(content, place)
    if about != registry:
        raise StateError(
            f"{place}: what is owed there is about {about}, not {registry}; it is left as it is\n"
            "  Each registry needs a memory of its own: --state LOCATION names one."
        )
    return debts


def _debt_of(unlock: Unlock, seen: Look | None, run: str) -> Debt:
    document = (seen.document if seen else None) or {}
    return Debt(
        unlock.address,
        unlock.before,
        run,
        now_text(),
        created=seen.created if seen else "",
        digest=str(document.get(DIGEST, "")) if unlock.address.tag else "",
    )


def _merged(known: Debt | None, debt: Debt) -> Debt:
    """Both: what was owed before is not yet paid."""
    if known is None or known.is_void_for(debt.created):
        return debt
    locks = dict.fromkeys((*known.locks, *debt.locks), False)
    return attrs.evolve(known, locks=locks)


def _finish(entries: Sequence[_Entry], error: Exception | None) -> None:
    for entry in entries:
        if entry.written.done():
            continue  # whoever waited was cut off
        if error is None:
            entry.written.set_result(None)
        else:
            entry.written.set_exception(error)
