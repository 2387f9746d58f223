"""
Refresh: read the live state that the rules talk about, and nothing else.

No catalog where every repository is named exactly, no list of tags where nothing is
declared about tags, no repository where nothing is declared about it. Each
repository is handed on as soon as it is read and then forgotten, so memory grows
with the largest repository and not with the registry.

A refusal of one repository leaves the others readable, so it is told and the read
goes on. Where the registry cannot be reached, lets nobody sign in or keeps
throttling, the read ends: asking for the others would end the same way, later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from reconciler.errors import ApiError, NotFoundError, ProtocolError, ReconcilerError, ThrottledError
from reconciler.model.address import Address
from reconciler.model.attributes import Document
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.registry.client import Client

Receive = Callable[[RepositoryRules, LiveRepository], None]

_FEW = 16  # names that are cheaper to ask for one by one than by reading on in a list of unknown length
_STOP = None
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
        raise _first(failures) from None


async def _repositories(client: Client, index: DesiredIndex) -> AsyncIterator[str]:
    """Names to read: the catalog, where it is needed, and what is named exactly but not in it, each once."""
    listed: set[str] = set()
    if index.needs_catalog:
        async for page in client.catalog():
            for name in page:
                if name not in listed:
                    listed.add(name)
                    yield name
    for name in index.exact_repositories:
        if name not in listed:
            yield name


async def _read_from(queue: asyncio.Queue[str | None], client: Client, index: DesiredIndex, receive: Receive) -> None:
    while (name := await queue.get()) is not _STOP:
        rules = index.for_repository(name)
        receive(rules, await read_repository(client, name, rules))


async def read_repository(client: Client, name: str, rules: RepositoryRules) -> LiveRepository:
    """What `rules` talk about, of one repository; a refusal is told in the value."""
    try:
        document = await _read(client, Address(name)) if rules.declares_attributes else None
        if rules.declares_attributes and document is None:
            return LiveRepository(name, None, {}, missing=True)
        tags, missing_tags = await _read_tags(client, name, rules) if rules.declares_tags else ({}, ())
    except NotFoundError:
        return await _confirm_missing(client, name)
    except (ApiError, ProtocolError) as error:
        return _unread(name, error)
    return LiveRepository(name, document, tags, missing_tags=missing_tags)


async def _confirm_missing(client: Client, name: str) -> LiveRepository:
    """A repository is gone when a GET of the repository itself says so."""
    try:
        if await _read(client, Address(name)) is None:
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


async def _read(client: Client, address: Address) -> Document | None:
    """The document; None where the registry says in its own words that it does not hold it."""
    try:
        return await client.read(address)
    except NotFoundError as error:
        if error.code not in _UNKNOWN_CODES[address.kind]:
            raise
        return None


async def _read_tags(client: Client, name: str, rules: RepositoryRules) -> tuple[dict[str, Document], tuple[str, ...]]:
    """Tags with their documents, and the exact names for which a GET said that there is none."""
    named = rules.exact_tags if rules.named_exactly or rules.exact_tag_count <= _FEW else ()
    tags: dict[str, Document] = {}
    is_whole_list = False
    if rules.has_tag_wildcards or len(named) != 1:
        is_whole_list = await _list_tags(client, name, tags, () if rules.has_tag_wildcards else named)
    if is_whole_list and not rules.named_exactly:
        return tags, ()
    return tags, await _read_one_by_one(client, name, [tag for tag in named if tag not in tags], tags)


async def _list_tags(client: Client, name: str, tags: dict[str, Document], enough: tuple[str, ...]) -> bool:
    """Read the list into `tags`, whole or until few of `enough` are left to see; whether it is the whole list."""
    pages = client.tags(name)
    async with contextlib.aclosing(pages):
        async for page, has_next in pages:
            tags.update(page)
            if enough and has_next and sum(tag not in tags for tag in enough) <= _FEW:
                return False
    return True


async def _read_one_by_one(
    client: Client, name: str, unseen: Sequence[str], tags: dict[str, Document]
) -> tuple[str, ...]:
    """Read each tag by its name into `tags`; the names that the registry does not hold."""
    missing = []
    for start in range(0, len(unseen), _FEW):
        some = unseen[start : start + _FEW]
        documents = await asyncio.gather(*(_read(client, Address(name, tag=tag)) for tag in some))
        missing += [tag for tag, document in zip(some, documents, strict=True) if document is None]
        tags.update((tag, document) for tag, document in zip(some, documents, strict=True) if document is not None)
    return tuple(missing)


def _first(failures: BaseExceptionGroup[ReconcilerError]) -> ReconcilerError:
    """One failure out of the many that the same cause gave to all workers."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
