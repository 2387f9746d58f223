"""
Lists that are as long as the registry says they are.

A list of ACR can lack entries and look whole (Azure/acr#257, #875), and it leaves
out what has `listEnabled: false`. The repository counts its tags and manifests, so
the two are compared. They are not read in the same moment, and people push: a list
is believed where some count around it explains its length. Where none does, after
a second look, it is used for what it shows and told as not complete.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from reconciler.errors import ProtocolError
from reconciler.registry.client import Client
from reconciler.registry.resources import Manifest, Repository

Item = TypeVar("Item")
_Look = Callable[[], Awaitable[Mapping[str, Item]]]
_Count = Callable[[Repository], int | None]
_Complete = Callable[[Mapping[str, Manifest]], Awaitable[Mapping[str, Manifest]]]


async def counted(
    client: Client, name: str, look: _Look[Item], count_of: _Count, *, before: Repository | None = None
) -> tuple[Mapping[str, Item], str]:
    """
    What `look` finds in repository `name`, and why it may not be all; empty: it is.

    Args:
        client: Where to ask for the counts.
        name: Of the repository.
        look: Reads the list, and whatever else is known to be there.
        count_of: The count to compare with.
        before: The repository, where it was read already.
    """
    found = await twice(look)
    counts = [count_of(before or await client.repository(name))]
    if counts[0] in (None, len(found)):
        return found, ""
    counts.append(count_of(await client.repository(name)))
    if _is_explained(len(found), counts):
        return found, ""
    found = await twice(look)
    counts.append(count_of(await client.repository(name)))
    # A count that is left out explains nothing; the first one was there, or there would have been no second look.
    told = [count for count in counts[1:] if count is not None] or [count for count in counts if count is not None]
    if _is_explained(len(found), told):
        return found, ""
    return found, f"{len(found):,} were found and the registry counts {told[-1]:,}"


async def twice(look: Callable[[], Awaitable[Item]]) -> Item:
    """What `look` finds, at the second attempt where the first cannot be trusted."""
    try:
        return await look()
    except ProtocolError:
        return await look()


async def _as_it_is(listed: Mapping[str, Manifest]) -> Mapping[str, Manifest]:
    return listed


async def list_manifests(
    client: Client, name: str, *, before: Repository | None = None, complete: _Complete = _as_it_is
) -> tuple[Mapping[str, Manifest], str]:
    """
    The manifests of a repository by digest, and why these may not be all; empty: they are.

    Args:
        client: Where to ask.
        name: Of the repository.
        before: The repository, where it was read already.
        complete: Adds to what the list shows whatever else is known to be there.
    """

    async def look() -> Mapping[str, Manifest]:
        return await complete(await listed_manifests(client, name))

    return await counted(client, name, look, lambda repository: repository.manifest_count, before=before)


async def listed_manifests(client: Client, name: str) -> Mapping[str, Manifest]:
    """What one look at the list of manifests shows, by digest."""
    found: dict[str, Manifest] = {}
    async with aclosing(client.manifests(name)) as pages:
        async for page, _ in pages:
            found.update((manifest.digest, manifest) for manifest in page)
    return found


def _is_explained(found: int, counts: Sequence[int | None]) -> bool:
    """Somebody pushed or deleted while we looked, and that is all."""
    known = [count for count in counts if count is not None]
    return not known or min(known) <= found <= max(known)
