"""
Refresh: read the live state that the rules talk about, and nothing else.

No catalog where every repository is named exactly, no list of tags where nothing is
declared about tags, no repository where nothing is declared about it or its tags. Each
repository is handed on as soon as it is read and then forgotten, so memory grows
with the largest repository and not with the registry.

A refusal of one repository leaves the others readable, so it is told and the read
goes on. Where the registry cannot be reached, lets nobody sign in or keeps
throttling, the read ends: asking for the others would end the same way, later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing

import attrs

from reconciler.errors import ApiError, NotFoundError, ProtocolError, ReconcilerError, ThrottledError, first_of
from reconciler.model.address import Address
from reconciler.model.attributes import Document
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.registry.client import Client
from reconciler.registry.listing import counted, twice
from reconciler.registry.resources import Repository

Receive = Callable[[RepositoryRules, LiveRepository], None]

_FEW = 16  # names that are cheaper to ask for one by one than by reading on in a list of unknown length
_PAIR = 2  # names that cost no more than the two counts that would spare asking for them
_STOP = None
_HIDDEN = "a tag that the list leaves out, such as a hidden one (listEnabled false), is read where a rule names it"
# A proxy's 404 is no proof. Source: recordings test_delete_tag_does_not_exist, test_get_misspell_property.
_UNKNOWN_CODES = {"repository": ("NAME_UNKNOWN",), "tag": ("TAG_UNKNOWN",)}


async def refresh(client: Client, index: DesiredIndex, *, concurrency: int, receive: Receive) -> None:
    """
    Read every repository that the rules may speak of and hand each to `receive`, in no particular order.

    Args:
        client: Where to read.
        index: What the files declare.
        concurrency: How many repositories to read at the same time; at least 1.
        receive: Is given each repository with the rules that speak of it.

    Raises:
        RegistryError: the catalog, or the registry altogether, cannot be read.
    """
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=4 * concurrency)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(_read_from(queue, client, index, receive))
            async for name in _repositories(client, index):
                await queue.put(name)
            for _ in range(concurrency):
                await queue.put(_STOP)
    except* ReconcilerError as failures:
        raise first_of(failures) from None


async def _repositories(client: Client, index: DesiredIndex) -> AsyncIterator[str]:
    """Names to read: the catalog, where it is needed, and what is named exactly but not in it, each once."""
    listed: set[str] = set()
    if index.needs_catalog:
        async for name in _catalog(client, listed):
            yield name
    for name in index.exact_repositories:
        if name not in listed:
            yield name


async def _catalog(client: Client, listed: set[str]) -> AsyncIterator[str]:
    """Names in the catalog that are not yet in `listed`; they are put there. A broken list gets a second look."""
    for is_last_look in (False, True):
        try:
            async for page in client.catalog():
                for name in page:
                    if name not in listed:
                        listed.add(name)
                        yield name
        except ProtocolError:
            if is_last_look:
                raise
        else:
            return


async def _read_from(queue: asyncio.Queue[str | None], client: Client, index: DesiredIndex, receive: Receive) -> None:
    while (name := await queue.get()) is not _STOP:
        rules = index.for_repository(name)
        receive(rules, await read_repository(client, name, rules))


async def read_repository(client: Client, name: str, rules: RepositoryRules) -> LiveRepository:
    """What `rules` talk about, of one repository; a refusal is told in the value."""
    try:
        repository = await _repository(client, name) if rules.declares_attributes else None
        if rules.declares_attributes and repository is None:
            return LiveRepository(name, None, {}, missing=True)
        seen = await _Tags(client, name, rules).read(repository) if rules.declares_tags else _Seen({})
    except NotFoundError:
        return await _confirm_missing(client, name)
    except (ApiError, ProtocolError) as error:
        return _unread(name, error)
    document = repository.document if repository else None
    return LiveRepository(name, document, seen.tags, missing_tags=seen.missing, incomplete=seen.incomplete)


async def _confirm_missing(client: Client, name: str) -> LiveRepository:
    """A repository is gone when a GET of the repository itself says so."""
    try:
        if await _repository(client, name) is None:
            return LiveRepository(name, None, {}, missing=True)
    except (ApiError, ProtocolError) as error:
        return _unread(name, error)
    return LiveRepository(name, None, {}, unread=f"{name}: the registry answers that it is there and that it is not")


def _unread(name: str, error: ApiError | ProtocolError) -> LiveRepository:
    """
    The repository that `error` hides.

    Raises:
        ApiError: it is `error`, and hides all the others too.
    """
    is_sign_in = isinstance(error, ApiError) and error.method == "POST"
    if is_sign_in or isinstance(error, ThrottledError):
        raise error
    return LiveRepository(name, None, {}, unread=str(error))


async def _repository(client: Client, name: str) -> Repository | None:
    """The repository; None where the registry says in its own words that it does not hold it."""
    try:
        return await client.repository(name)
    except NotFoundError as error:
        if error.code not in _UNKNOWN_CODES["repository"]:
            raise
        return None


@attrs.frozen
class _Seen:
    """What a read of the tags showed."""

    tags: Mapping[str, Document]
    missing: tuple[str, ...] = ()  # exact names for which a GET said that there is none
    incomplete: str = ""


class _Tags:
    """Reads the tags of one repository that its rules talk about."""

    def __init__(self, client: Client, name: str, rules: RepositoryRules) -> None:
        self._client = client
        self._name = name
        self._rules = rules
        self._missing: tuple[str, ...] = ()

    async def read(self, repository: Repository | None) -> _Seen:
        """The tags; `repository` is what was read of the repository itself, if it was."""
        if self._rules.has_tag_wildcards:
            tags, incomplete = await self._counted(repository)
        else:
            tags, incomplete = await self._named(repository), ""
        return _Seen(tags, self._missing, incomplete)

    async def _named(self, repository: Repository | None) -> Mapping[str, Document]:
        """Just the names that rules give."""
        names = self._rules.exact_tags
        is_by_pattern = len(names) > _PAIR and not self._rules.named_exactly
        before = repository or (await self._client.repository(self._name) if is_by_pattern else None)
        tags, is_whole = await twice(self._until_few_are_left) if len(names) > 1 else ({}, False)
        if is_whole and before is not None and is_by_pattern and any(name not in tags for name in names):
            # Rules for many repositories name what most of them lack. Where nothing is hidden, the counts before and
            # after the list tell that.
            after = await self._client.repository(self._name)
            if before.tag_count == len(tags) == after.tag_count:
                return tags
        return await self._by_name(names, tags)

    async def _counted(self, repository: Repository | None) -> tuple[Mapping[str, Document], str]:
        """All tags, as far as the list and the names in the rules show them, and why these may not be all."""
        look = self._listed_and_named if self._rules.named_exactly else self._listed
        tags, why = await counted(self._client, self._name, look, _tag_count, before=repository)
        if why and self._rules.exact_tag_count and not self._rules.named_exactly:
            # What the list leaves out may be what rules name.
            tags, why = await counted(self._client, self._name, self._listed_and_named, _tag_count)
        return tags, f"of its tags {why}; {_HIDDEN}" if why else ""

    async def _listed(self) -> Mapping[str, Document]:
        tags: dict[str, Document] = {}
        async with aclosing(self._client.tags(self._name)) as pages:
            async for page, _ in pages:
                tags.update((tag.name, tag.document) for tag in page)
        return tags

    async def _listed_and_named(self) -> Mapping[str, Document]:
        return await self._by_name(self._rules.exact_tags, await self._listed())

    async def _until_few_are_left(self) -> tuple[Mapping[str, Document], bool]:
        """Read on in the list while that takes fewer requests than asking by name; and whether it was all of it."""
        tags: dict[str, Document] = {}
        async with aclosing(self._client.tags(self._name)) as pages:
            async for page, has_next in pages:
                tags.update((tag.name, tag.document) for tag in page)
                if has_next and sum(name not in tags for name in self._rules.exact_tags) <= _FEW:
                    return tags, False
        return tags, True

    async def _by_name(self, names: Sequence[str], seen: Mapping[str, Document]) -> Mapping[str, Document]:
        """`seen`, and of `names` what it lacks, each read by its name."""
        unseen = [name for name in names if name not in seen]
        found, missing = dict(seen), []
        for start in range(0, len(unseen), _FEW):
            some = unseen[start : start + _FEW]
            documents = await asyncio.gather(*map(self._tag, some))
            missing += [name for name, document in zip(some, documents, strict=True) if document is None]
            found.update((name, known) for name, known in zip(some, documents, strict=True) if known is not None)
        self._missing = tuple(missing)
        return found

    async def _tag(self, name: str) -> Document | None:
        """The document; None where the registry says in its own words that it does not hold it."""
        try:
            return (await self._client.tag(Address(self._name, tag=name))).document
        except NotFoundError as error:
            if error.code not in _UNKNOWN_CODES["tag"]:
                raise
            return None


def _tag_count(repository: Repository) -> int | None:
    return repository.tag_count
