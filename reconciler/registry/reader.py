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
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Protocol

from reconciler.errors import ApiError, NotFoundError, ProtocolError, ReconcilerError, ThrottledError, first_of
from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.registry.client import Client
from reconciler.registry.resources import Repository
from reconciler.registry.tag_reader import Seen, TagReader

Receive = Callable[[RepositoryRules, LiveRepository, RememberedRepository], None]

_STOP = None
# A proxy's 404 is no proof. Source: recordings test_delete_tag_does_not_exist, test_get_misspell_property.
_UNKNOWN_CODE = "NAME_UNKNOWN"


class Memory(Protocol):
    """What was last applied: what is in it is read by its name where a list leaves it out."""

    @property
    def names(self) -> Collection[str]:
        """The repositories of which something is remembered."""

    def remembered(self, name: str) -> RememberedRepository:
        """What is remembered of one."""


async def refresh(client: Client, index: DesiredIndex, memory: Memory, *, concurrency: int, receive: Receive) -> None:
    """
    Read every repository that the rules may speak of and hand each to `receive`, in no particular order.

    Args:
        client: Where to read.
        index: What the files declare.
        memory: What was last applied.
        concurrency: How many repositories to read at the same time; at least 1.
        receive: Is given each repository with the rules that speak of it, and what is remembered of it.

    Raises:
        RegistryError: the catalog, or the registry altogether, cannot be read.
    """
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=4 * concurrency)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(_read_from(queue, client, index, memory, receive))
            async for name in _repositories(client, index, memory.names):
                await queue.put(name)
            for _ in range(concurrency):
                await queue.put(_STOP)
    except* ReconcilerError as failures:
        raise first_of(failures) from None


async def _repositories(client: Client, index: DesiredIndex, remembered: Collection[str]) -> AsyncIterator[str]:
    """Names to read: the catalog, where it is needed, and what is named exactly or remembered but not in it."""
    listed: set[str] = set()
    if index.needs_catalog:
        async for name in _catalog(client, listed):
            yield name
    for name in index.exact_repositories:
        if name not in listed:
            listed.add(name)
            yield name
    for name in sorted(remembered):
        if name not in listed and index.for_repository(name).rules:
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


async def _read_from(
    queue: asyncio.Queue[str | None], client: Client, index: DesiredIndex, memory: Memory, receive: Receive
) -> None:
    while (name := await queue.get()) is not _STOP:
        rules, remembered = index.for_repository(name), memory.remembered(name)
        receive(rules, await read_repository(client, name, rules, remembered.tags), remembered)


async def read_repository(
    client: Client, name: str, rules: RepositoryRules, remembered: Mapping[str, Remembered]
) -> LiveRepository:
    """What `rules` talk about, of one repository; a refusal is told in the value."""
    try:
        repository = await _repository(client, name) if rules.declares_attributes else None
        if rules.declares_attributes and repository is None:
            return LiveRepository(name, None, {}, missing=True)
        seen = await TagReader(client, name, rules, remembered).read(repository) if rules.declares_tags else Seen({})
    except NotFoundError:
        return await _confirm_missing(client, name)
    except (ApiError, ProtocolError) as error:
        return _unread(name, error)
    document = repository.document if repository else None
    return LiveRepository(
        name,
        document,
        seen.tags,
        missing_tags=seen.missing,
        gone_tags=seen.gone,
        incomplete=seen.incomplete,
    )


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
        if error.code != _UNKNOWN_CODE:
            raise
        return None
