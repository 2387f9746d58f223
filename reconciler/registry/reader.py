"""
Refresh: read the live state that the rules talk about, and nothing else.

No catalog where every repository is named exactly, no list of tags where nothing is
declared about tags, no repository where nothing is declared about it or its tags, no
manifest where no rule protects or deletes anything. Each repository is handed on as
soon as it is read and then forgotten, so memory grows with the largest repository and
not with the registry.

A refusal of one repository leaves the others readable, so it is told and the read
goes on. Where the registry cannot be reached, lets nobody sign in or keeps
throttling, the read ends: asking for the others would end the same way, later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Protocol

from reconciler.errors import ApiError, NotFoundError, ProtocolError, ReconcilerError, first_of
from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.registry.client import Client
from reconciler.registry.manifest_reader import ManifestReader, needs_repository
from reconciler.registry.manifests_known import hides_everything
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


async def refresh(
    client: Client,
    index: DesiredIndex,
    memory: Memory,
    *,
    concurrency: int,
    receive: Receive,
    now_ns: int | None = None,
) -> None:
    """
    Read every repository that the rules may speak of and hand each to `receive`, in no particular order.

    Args:
        client: Where to read.
        index: What the files declare.
        memory: What was last applied.
        concurrency: How many repositories to read at the same time; at least 1.
        receive: Is given each repository with the rules that speak of it, and what is remembered of it.
        now_ns: The moment of the run, in nanoseconds since 1970, which spares asking about what is too new to be
            deleted; None: its age spares nothing.

    Raises:
        RegistryError: the catalog, or the registry altogether, cannot be read.
    """
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=4 * concurrency)

    async def read(name: str) -> None:
        rules, remembered = index.for_repository(name), memory.remembered(name)
        receive(rules, await read_repository(client, name, rules, remembered, now_ns=now_ns), remembered)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(_each(queue, read))
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


async def _each(queue: asyncio.Queue[str | None], read: Callable[[str], Awaitable[None]]) -> None:
    while (name := await queue.get()) is not _STOP:
        await read(name)


async def read_repository(
    client: Client,
    name: str,
    rules: RepositoryRules,
    remembered: RememberedRepository,
    *,
    now_ns: int | None = None,
) -> LiveRepository:
    """What `rules` talk about, of one repository; a refusal is told in the value. `now_ns` is as `refresh` has it."""
    is_asked_for = rules.declares_attributes or needs_repository(rules)
    try:
        repository = await _repository(client, name) if is_asked_for else None
        if is_asked_for and repository is None:
            return LiveRepository(name, None, {}, missing=True)
        tags = await _tags(client, name, rules, remembered.tags, repository)
        reader = ManifestReader(client, name, rules, repository, now_ns=now_ns, remembered=remembered)
        manifests = await reader.read(tags)
    except NotFoundError:
        return await _confirm_missing(client, name)
    except (ApiError, ProtocolError) as error:
        return _unread(name, error)
    return LiveRepository(
        name,
        repository.document if repository else None,
        tags.tags,
        missing_tags=tags.missing,
        gone_tags=tags.gone,
        incomplete=tags.incomplete,
        tag_times=tags.times,
        manifests=manifests.manifests,
        missing_manifests=manifests.missing,
        unread_manifests=manifests.unread,
        incomplete_manifests=manifests.incomplete,
        tag_count=repository.tag_count if repository else None,
        manifest_count=repository.manifest_count if repository else None,
        updated=repository.updated if repository else "",
    )


async def _tags(
    client: Client,
    name: str,
    rules: RepositoryRules,
    remembered: Mapping[str, Remembered],
    repository: Repository | None,
) -> Seen:
    if not (rules.declares_tags or rules.needs_all_tags or rules.may_go):
        return Seen({})
    return await TagReader(client, name, rules, remembered).read(repository)


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
    if hides_everything(error):
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
