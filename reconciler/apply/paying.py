"""
Pay what an earlier run owes: lock again what it had unlocked for a moment.

That comes before anything is planned, for a plan must not take an open lock for what
somebody wants. Tags and manifests are locked first, and repositories after them; where
a repository was locked meanwhile, it is opened for them once more, which is owed as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import attrs

from reconciler.apply.book import Book
from reconciler.apply.locksmith import Locksmith, Restored
from reconciler.apply.retrying import in_parallel
from reconciler.errors import RegistryError
from reconciler.model.address import Address
from reconciler.model.attributes import WRITE, Document
from reconciler.planning.debts import Debt
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import Unlock
from reconciler.registry.client import Client

# It is locked again; it is gone; it was deleted and made anew since, so it is another one; it stays owed.
_Status: TypeAlias = Literal["paid", "void", "remade", "open"]


@attrs.frozen
class Settled:
    """What became of a debt."""

    debt: Debt
    status: _Status
    message: str = ""  # why, or what else a person should know


async def still_owed(client: Client, debts: Sequence[Debt], *, concurrency: int) -> tuple[Debt, ...]:
    """
    Of `debts` those that would be paid, not those for what is gone or was made anew; nothing is changed.

    Where that cannot be read it is taken for owed.
    """
    owed: list[Debt] = []

    async def look(debt: Debt) -> None:
        try:
            seen = await client.look(debt.address)
        except RegistryError:
            owed.append(debt)
        else:
            owed.extend([debt] if seen.document is not None and not debt.is_void_for(seen.created) else [])

    await in_parallel(debts, concurrency, look)
    return tuple(sorted(owed, key=lambda each: each.address.order))


async def pay_debts(
    client: Client,
    debts: Sequence[Debt],
    book: Book,
    *,
    concurrency: int,
    told: Callable[[Settled], None] = lambda _: None,
    forbidden: Callable[[], str] = lambda: "",
) -> tuple[Settled, ...]:
    """
    Pay all of `debts`, as far as that is possible.

    Args:
        client: Where to.
        debts: What is owed.
        book: Where it is recorded.
        concurrency: How many repositories, and resources of one, may be under way at the same time; at least 1.
        told: Is told each as it is settled.
        forbidden: Is asked why nothing may be changed, such as a run lock that was lost; empty: it may.

    Returns:
        What became of each, sorted by address. What is `open` is still recorded.
    """
    smith = Locksmith(client, book, forbidden)
    by_repository: defaultdict[str, list[Debt]] = defaultdict(list)
    for debt in debts:
        by_repository[debt.address.repository].append(debt)
    settled: list[Settled] = []

    def note(debt: Debt, restored: Restored) -> None:
        settled.append(Settled(debt, _STATUS[restored.status], restored.message))
        told(settled[-1])

    async def pay(repository: str) -> None:
        await _Payment(Address(repository), by_repository[repository], client, smith, note, concurrency).make()

    await in_parallel(sorted(by_repository), concurrency, pay)
    return tuple(sorted(settled, key=lambda each: each.debt.address.order))


_STATUS: dict[str, _Status] = {
    "locked": "paid",
    "gone": "void",
    "remade": "remade",
    "open": "open",
    "refused": "open",
}


@attrs.frozen(eq=False)
class _Payment:
    """What is owed in one repository, being paid."""

    repository: Address
    debts: Sequence[Debt]
    client: Client
    smith: Locksmith
    note: Callable[[Debt, Restored], None]
    concurrency: int

    async def make(self) -> None:
        """Pay all of it, the repository's own debt last."""
        inside = [debt for debt in self.debts if debt.address != self.repository]
        restored = await self._put_back(inside)
        refused = [debt for debt in inside if restored[debt.address].status == "refused"]
        if refused and await self._opened():
            restored |= await self._put_back(refused)
        for debt in inside:
            self.note(debt, restored[debt.address])
        await self._lock_repository((*refused, *inside))

    async def _put_back(self, debts: Sequence[Debt]) -> dict[Address, Restored]:
        restored: dict[Address, Restored] = {}

        async def put_back(debt: Debt) -> None:
            restored[debt.address] = await self.smith.put_back(debt.address, debt.locks, trusts_reads=True, debt=debt)

        await in_parallel(debts, self.concurrency, put_back)
        return restored

    async def _opened(self) -> bool:
        """Unlock the repository, where its lock is what forbids to lock what is in it."""
        before: Document = {WRITE: False}
        after: Document = {WRITE: True}
        try:
            live = (await self.client.look(self.repository)).document or {}
            if live.get(WRITE) is not False:
                return False
            return not await self.smith.take_off(Unlock(self.repository, before, after, make_patch(before, after), ()))
        except RegistryError:
            return False  # what is owed stays owed, and is told

    async def _lock_repository(self, inside: Sequence[Debt]) -> None:
        """Lock the repository as it was, and as it was before it was opened for what is in it."""
        own = next((debt for debt in self.debts if debt.address == self.repository), None)
        opened = self.smith.open.get(self.repository, {})
        if own and opened and await self._is_remade(own):
            self.note(own, Restored("remade"))
            own = None
        locks = {**opened, **(own.locks if own else {})}
        if not locks:
            return
        restored = await self.smith.put_back(self.repository, locks, trusts_reads=not opened, debt=own)
        if own:
            self.note(own, restored)
        elif restored.status != "locked":
            self.note(Debt(self.repository, locks, inside[0].run, inside[0].since), restored)

    async def _is_remade(self, debt: Debt) -> bool:
        """It is another one now; where that cannot be read, whoever locks it finds out."""
        try:
            return debt.is_void_for((await self.client.look(debt.address)).created)
        except RegistryError:
            return False
