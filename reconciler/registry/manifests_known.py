"""
The manifests of one repository, each read once, with as few requests as possible.

A list shows a thousand manifests in one request, but names no children of an index; a
request for one manifest brings them along. So what is needed is read by the list where
that has fewer pages than there are manifests needed, and else one by one. What a list
leaves out is asked for by its digest: lists hide and truncate.

A single manifest that cannot be read leaves the others readable. It is told, and
nothing is concluded from it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Mapping

from reconciler.errors import ApiError, NotFoundError, ProtocolError, ThrottledError
from reconciler.model.address import Address
from reconciler.model.live import INDEXES
from reconciler.registry.client import PAGE_SIZE, Client
from reconciler.registry.listing import list_manifests, listed_manifests, twice
from reconciler.registry.resources import Manifest, Repository

FEW = 16  # manifests that are asked for at once, and up to which a list of unknown length is not read
_MAX_DEPTH = 2_000  # of indexes in indexes; digests allow no cycle, so only answers that lie have no end
_REPOSITORY_UNKNOWN, _UNKNOWN = "NAME_UNKNOWN", "MANIFEST_UNKNOWN"  # a proxy's 404 is no proof


def hides_everything(error: ApiError | ProtocolError) -> bool:
    """It is no answer about one resource: asking for another would end the same way."""
    is_sign_in = isinstance(error, ApiError) and error.method == "POST"
    return is_sign_in or isinstance(error, ThrottledError)


class ManifestsKnown:
    """What is known of the manifests of one repository so far."""

    def __init__(
        self, client: Client, name: str, count: int | None, children: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """
        Nothing is known yet but what is remembered.

        Args:
            client: Where to ask.
            name: Of the repository.
            count: How many manifests it has, as far as known.
            children: What indexes stand for, which never changes.
        """
        self.found: dict[str, Manifest] = {}
        self.missing: set[str] = set()  # digests for which a GET said that there is none
        self.unread: dict[str, str] = {}  # digests that a GET did not show, and why; a list may have shown them
        self._client = client
        self._name = name
        self._remembered = children or {}
        self._pages = None if count is None else max(1, math.ceil(count / PAGE_SIZE))
        self._is_listed = False
        self._asked: set[str] = set()
        self._answered: set[str] = set()  # those of the asked ones that came with their children

    def children(self, digest: str) -> tuple[str, ...] | None:
        """The digests below one that was found; None: they were not read."""
        manifest = self.found[digest]
        if digest in self._answered:
            return tuple(dict.fromkeys(each.digest for each in manifest.references))
        return self._remembered.get(digest) if manifest.media_type in INDEXES else ()

    async def read(self, digests: Collection[str], *, closing: Collection[str] = ()) -> None:
        """Find `digests`, and the children of those that are in `closing`."""
        wanted = self._below(closing).union(digests)
        unknown = sum(digest not in self.found and digest not in self._asked for digest in wanted)
        if not self._is_listed and self._is_more_than_the_list(unknown):
            self._take(await twice(lambda: listed_manifests(self._client, self._name)))
        await self.ask(
            digest
            for digest in digests
            if digest not in self.found or (digest in closing and self.children(digest) is None)
        )

    async def read_all(self, repository: Repository | None, known: Collection[str]) -> str:
        """Find all that the list shows, and of `known` what it does not; why these may not be all of them."""

        async def complete(listed: Mapping[str, Manifest]) -> Mapping[str, Manifest]:
            self._take(listed)
            await self.ask(digest for digest in known if digest not in listed)
            return dict(self.found)

        _, why = await list_manifests(self._client, self._name, before=repository, complete=complete)
        return why

    async def descend(self, roots: Iterable[str]) -> set[str]:
        """
        Find all that is below `roots`, level by level; the digests of it, `roots` included.

        Raises:
            ProtocolError: it has no end.
        """
        level = list(dict.fromkeys(roots))
        seen = set(level)
        for _ in range(_MAX_DEPTH):
            if not level:
                return seen
            await self.read(level, closing=seen)
            below = (child for digest in level if digest in self.found for child in self.children(digest) or ())
            level = [child for child in dict.fromkeys(below) if child not in seen]
            seen.update(level)
        raise ProtocolError(
            f"{self._name}: an index has more than {_MAX_DEPTH:,} levels of other indexes below it\n"
            "  What it stands for cannot be known. Is a proxy in between?"
        )

    async def ask(self, digests: Iterable[str]) -> None:
        """Read each by itself, a few at once; whoever was asked for is not asked for again."""
        unasked = [digest for digest in dict.fromkeys(digests) if digest not in self._asked]
        self._asked.update(unasked)
        for start in range(0, len(unasked), FEW):
            await asyncio.gather(*map(self._ask, unasked[start : start + FEW]))

    def _below(self, roots: Iterable[str]) -> set[str]:
        """What stands below these, as far as that is remembered."""
        below, waiting = set[str](), list(roots) if self._remembered else []
        while waiting:
            for child in self._remembered.get(waiting.pop(), ()):
                if child not in below:
                    below.add(child)
                    waiting.append(child)
        return below

    def _take(self, listed: Mapping[str, Manifest]) -> None:
        """What the list shows replaces what an earlier one showed, but not what was asked for by itself."""
        self.found = {**listed, **{digest: self.found[digest] for digest in self._answered}}
        self._is_listed = True

    def _is_more_than_the_list(self, count: int) -> bool:
        return count > (FEW if self._pages is None else self._pages)

    async def _ask(self, digest: str) -> None:
        try:
            self.found[digest] = await self._client.manifest(Address(self._name, digest=digest))
            self._answered.add(digest)
        except NotFoundError as error:
            if error.code == _REPOSITORY_UNKNOWN:
                raise
            if error.code == _UNKNOWN:
                self.missing.add(digest)
                self.found.pop(digest, None)
            else:
                self.unread[digest] = str(error)
        except (ApiError, ProtocolError) as error:
            if hides_everything(error):
                raise
            self.unread[digest] = str(error)
