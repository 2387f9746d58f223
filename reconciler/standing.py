"""
Read what still stands of a run that is to be undone, with as few requests as possible.

Where a manifest would be opened, lists show what needs it, and show what the run changed
as well. Elsewhere what is many is read by lists, and what is few one by one. A list may
lag: what it does not show as the run left it is read by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from reconciler.apply import still_owed
from reconciler.apply.pages import FEW, TagPages
from reconciler.apply.retrying import in_parallel
from reconciler.errors import NotFoundError, RegistryError
from reconciler.model.address import Address
from reconciler.model.attributes import Document
from reconciler.model.live import LiveRepository
from reconciler.planning.base import BaseState
from reconciler.planning.debts import Debt
from reconciler.planning.journal import Done
from reconciler.planning.owed import paid_document, paid_repository
from reconciler.planning.undo import Found, changed_since, opens_manifest, roots_after, wanted_for
from reconciler.registry.client import Client
from reconciler.registry.manifests_known import ManifestsKnown
from reconciler.registry.pointing import read_pointing


async def read_standing(
    client: Client, done: Sequence[Done], memory: BaseState, debts: Sequence[Debt], *, concurrency: int
) -> Found:
    """
    What the registry holds of all that undoing a run touches, and what needs the manifests that it would open.

    Args:
        client: Where to read.
        done: What the run did.
        memory: What was last applied.
        debts: Locks that count as on, as they will be when it is undone.
        concurrency: How many reads may be under way at the same time; at least 1.

    Raises:
        RegistryError: something that the run changed could not be read.
    """
    owed = await still_owed(client, debts, concurrency=concurrency)
    reading = _Reading(client, done, memory, owed)
    await in_parallel(
        sorted({each.address.repository for each in done if opens_manifest(each)}), concurrency, reading.whole
    )
    wanted = _by_repository(wanted_for(done, memory))
    await in_parallel(sorted(wanted.items()), concurrency, reading.by_lists)
    left = [address for addresses in wanted.values() for address in addresses if address not in reading.live]
    await in_parallel(sorted(left, key=str), concurrency, reading.one)
    return Found(reading.live, reading.repositories)


class _Reading:
    """What was read so far."""

    def __init__(self, client: Client, done: Sequence[Done], memory: BaseState, owed: Sequence[Debt]) -> None:
        self.live: dict[Address, Document | None] = {}
        self.repositories: dict[str, LiveRepository] = {}
        self._client = client
        self._memory = memory
        self._done = {each.address: each for each in done if each.is_ours}
        self._named = _by_repository(each.address for each in done)
        self._locked = _by_repository({*roots_after(done), *(debt.address for debt in owed)})
        self._owed = {debt.address: debt for debt in owed}

    async def whole(self, name: str) -> None:
        """Read a repository with all that needs its manifests."""
        named, locked = self._named[name], self._locked.get(name, ())
        read = await read_pointing(self._client, name, self._memory.remembered(name), named=named, locked=locked)
        here = [self._owed[address] for address in locked if address in self._owed]
        self.repositories[name] = paid_repository(read, here)

    async def by_lists(self, wanted: tuple[str, Collection[Address]]) -> None:
        """Look where lists show `wanted` of a repository, as far as they are worth it."""
        name, addresses = wanted
        if name in self.repositories:
            self._take_from(self.repositories[name], addresses)
            return
        tags = [address.tag for address in addresses if address.tag]
        digests = [address.digest for address in addresses if address.digest]
        if len(tags) > FEW:
            await self._tags(name, tags)
        if len(digests) > FEW:
            await self._manifests(name, digests)

    async def one(self, address: Address) -> None:
        """Read one by itself; None: the registry says that there is nothing."""
        try:
            document = await self._client.read(address)
        except NotFoundError as error:
            if not error.is_certain:
                raise
            self.live[address] = None
        else:
            self.live[address] = paid_document(document, self._owed.get(address))

    async def _tags(self, name: str, tags: Sequence[str]) -> None:
        pages = TagPages(self._client, name, tags)
        while part := await pages.next():
            for tag, look in part.shown.items():
                self._take(Address(name, tag=tag), look.document)

    async def _manifests(self, name: str, digests: Sequence[str]) -> None:
        known = ManifestsKnown(self._client, name, None)
        try:
            await known.read(digests)
        except RegistryError:
            return  # reading one by one tells why
        for digest in digests:
            self._take(Address(name, digest=digest), known.found[digest].document if digest in known.found else None)
        self.live.update((Address(name, digest=digest), None) for digest in known.missing)

    def _take_from(self, whole: LiveRepository, addresses: Iterable[Address]) -> None:
        if whole.missing:
            self.live.update(dict.fromkeys(addresses))
            return
        for address in addresses:
            if address.tag:
                self._take(address, whole.tags.get(address.tag))
            elif address.digest:
                known = whole.manifests.get(address.digest)
                self._take(address, known.document if known else None)
            else:
                self._take(address, whole.document)

    def _take(self, address: Address, shown: Document | None) -> None:
        """Believe what a list shows, where it is as the run left it."""
        if shown is None:
            return
        document = paid_document(shown, self._owed.get(address))
        if address not in self._done or not changed_since(self._done[address], document):
            self.live[address] = document


def _by_repository(addresses: Iterable[Address]) -> Mapping[str, Collection[Address]]:
    found: defaultdict[str, set[Address]] = defaultdict(set)
    for address in addresses:
        found[address.repository].add(address)
    return found
