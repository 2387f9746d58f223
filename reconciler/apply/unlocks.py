"""
Which locks come off for which change, and when they come back.

Whether a change of a tag or manifest is refused because its repository is locked is
documented and not recorded anywhere. So nothing is unlocked on suspicion: only what the
plan announces, and only when the registry has refused a change without it. First the
repository, which many changes may share, then the resource itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import attrs

from reconciler.apply.book import Book
from reconciler.apply.locksmith import Locksmith, Restored
from reconciler.apply.retrying import in_parallel
from reconciler.errors import ReconcilerError
from reconciler.events import Outcome, Sink, Unlocked
from reconciler.model.address import Address
from reconciler.model.attributes import Document
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import Change, Plan, Unlock
from reconciler.registry.client import Client

_MOST = 16  # resources of a repository that are unlocked at the same time
_OWED = "It is recorded as owed; the next apply locks it first."


@attrs.define(eq=False)
class Keys:
    """What may be unlocked for one change, and has not been yet: one group after the other."""

    groups: Iterator[tuple[Unlock, ...]]


class Unlocks:
    """The unlocks that a plan announces, and what has become of them."""

    def __init__(self, plan: Plan, client: Client, book: Book, *, sink: Sink, forbidden: Callable[[], str]) -> None:
        self._client = client
        self._smith = Locksmith(client, book, forbidden)
        self._sink = sink
        self._announced = {unlock.address: unlock for unlock in plan.unlocks}
        self._inside: defaultdict[str, list[Address]] = defaultdict(list)
        for unlock in plan.unlocks:
            if unlock.address.kind != "repository":
                self._inside[unlock.address.repository].append(unlock.address)
        self._locks: defaultdict[Address, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stuck: dict[Address, str] = {}  # what could not be unlocked, and why
        self._told: dict[Address, Unlocked] = {}

    def keys_for(self, change: Change) -> Keys:
        """What may be unlocked for `change`, when it is refused."""
        return Keys(iter(tuple(self._groups(change))))

    async def help(self, keys: Keys) -> str | None:
        """
        Unlock what may help a change that was refused.

        Returns:
            None: it may work now. Otherwise why not, which is empty where nothing is announced.
        """
        whys: set[str] = set()
        for group in keys.groups:
            stuck = await self._open_all(group)
            if len(stuck) < len(group):
                return None
            whys |= stuck
        return "\n  ".join(sorted(whys))

    async def ended(self, outcome: Outcome) -> None:
        """Put back what came off for this change alone, however it ended; of what is gone nothing is left to lock."""
        change, is_open = outcome.change, self._smith.open
        mine = [address for address in self._only_for(change) if address in is_open]
        if change.action == "delete" and outcome.status == "verified":
            mine += [change.address] if change.kind == "repository" and change.address in is_open else []
            await in_parallel(mine, _MOST, self._forget)
        elif mine:
            await in_parallel(mine, _MOST, self._put_back)

    async def close(self) -> None:
        """Put back all that is still off: first what is in repositories, then theirs."""
        for kinds in (("tag", "manifest"), ("repository",)):
            left = sorted((each for each in self._smith.open if each.kind in kinds), key=lambda each: each.order)
            await in_parallel(left, _MOST, self._put_back)

    def told(self) -> tuple[Unlocked, ...]:
        """What was unlocked so far, and whether it is locked again; sorted by address."""
        cut_off = {
            address: Unlocked(address, tuple(sorted(locks)), "open", f"cut off before it was locked again\n  {_OWED}")
            for address, locks in self._smith.open.items()
            if address not in self._told or self._told[address].status != "open"
        }
        told = {**self._told, **cut_off}
        return tuple(told[address] for address in sorted(told, key=lambda address: address.order))

    def _groups(self, change: Change) -> Iterable[tuple[Unlock, ...]]:
        repository = Address(change.address.repository)
        if change.address == repository and change.action != "delete":
            return  # no lock forbids to change the attributes of a repository
        if repository in self._announced:
            yield (self._announced[repository],)
        inside = tuple(self._announced[address] for address in self._only_for(change) if address in self._announced)
        if inside:
            yield inside

    def _only_for(self, change: Change) -> list[Address]:
        """What no other change needs unlocked."""
        inside = self._inside.get(change.address.repository, [])
        return list(inside) if change.kind == "repository" else [change.address]

    async def _open_all(self, group: tuple[Unlock, ...]) -> set[str]:
        """Unlock all of a group; for each that could not be, why."""
        stuck: set[str] = set()

        async def open_one(unlock: Unlock) -> None:
            why = await self._open(unlock)
            if why:
                stuck.add(why)

        await in_parallel(group, _MOST, open_one)
        return stuck

    async def _open(self, unlock: Unlock) -> str:
        """Why it could not be; empty: it is open, perhaps because another change needed that too."""
        address = unlock.address
        async with self._locks[address]:
            if address not in self._smith.open and address not in self._stuck:
                why = await self._smith.take_off(unlock)
                if why:
                    self._stuck[address] = why
            return self._stuck.get(address, "")

    async def _put_back(self, address: Address) -> None:
        async with self._locks[address]:
            locks = self._smith.open.get(address)
            if locks is None:
                return
            try:
                restored = await self._smith.put_back(address, locks)
                if restored.status == "refused" and await self._reopened(Address(address.repository)):
                    restored = await self._smith.put_back(address, locks)
            except Exception as error:  # noqa: BLE001 - the others must be locked all the same, and all be told
                said = str(error) if isinstance(error, ReconcilerError) else f"reconciler itself failed: {error!r}"
                restored = Restored("open", said)
            self._tell(address, locks, restored)

    async def _reopened(self, repository: Address) -> bool:
        """Unlock a repository that somebody locked meanwhile, if the plan announces that; whether it is open now."""
        announced = self._announced.get(repository)
        if announced is None:
            return False
        async with self._locks[repository]:
            live = (await self._client.look(repository)).document or {}
            before: Document = {name: False for name in announced.before if live.get(name) is False}
            after: Document = dict.fromkeys(before, True)
            again = attrs.evolve(announced, before=before, after=after, patch=make_patch(before, after))
            return bool(before) and not await self._smith.take_off(again)

    async def _forget(self, address: Address) -> None:
        locks = self._smith.open[address]
        self._tell(address, locks, await self._smith.void(address))

    def _tell(self, address: Address, locks: Document, restored: Restored) -> None:
        is_open = restored.status in ("open", "refused")
        message = restored.message
        if is_open:
            message = f"it could not be locked again: {message}\n  {_OWED}"
        elif restored.status == "gone":
            message = "\n  ".join(filter(None, ["it is gone, so there is nothing to lock", message]))
        self._told[address] = Unlocked(address, tuple(sorted(locks)), "open" if is_open else "restored", message)
        self._sink(self._told[address])
