"""
Whether something came to need a manifest since the plan was made.

A plan may wait for days, and in that time somebody may push an index with a child that
had no tag, or sign it. Deleting it then breaks their image. So before the first manifest
of a repository goes, its indexes are read again, and who refers to those that go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from reconciler.apply.retrying import in_parallel
from reconciler.errors import NotFoundError
from reconciler.model.address import Address
from reconciler.model.live import INDEXES
from reconciler.registry.client import Client


async def needed_since(
    client: Client, repository: str, going: Collection[str], *, concurrency: int
) -> Mapping[str, str]:
    """
    Which of `going`, digests, must stay after all, and why.

    Raises:
        RegistryError: that cannot be read.
    """
    staying = [digest for digest in await _indexes(client, repository) if digest not in going]
    needed: dict[str, str] = {}
    referrers: dict[str, tuple[str, ...]] = {}

    async def look_into(index: str) -> None:
        for child in await _children(client, Address(repository, digest=index)):
            if child in going:
                needed.setdefault(child, f"it is a child of {index}")

    async def look_at(digest: str) -> None:
        referrers[digest] = tuple([each.digest for each in await client.referrers(Address(repository, digest=digest))])

    await in_parallel(staying, concurrency, look_into)
    await in_parallel(sorted(going), concurrency, look_at)
    _spread(needed, referrers, going)
    return needed


def _spread(needed: dict[str, str], referrers: Mapping[str, Iterable[str]], going: Collection[str]) -> None:
    """Who refers to what stays, stays; and so does what somebody who stays refers to."""
    for digest, about in referrers.items():
        for referrer in about:
            if referrer not in going:
                needed.setdefault(digest, f"{referrer} is about it")
    waiting = list(needed)
    while waiting:
        for referrer in referrers.get(waiting.pop(), ()):
            if referrer in going and referrer not in needed:
                needed[referrer] = "it is about a manifest that stays"
                waiting.append(referrer)


async def _indexes(client: Client, repository: str) -> list[str]:
    found: list[str] = []
    async for page, _ in client.manifests(repository):
        found += [manifest.digest for manifest in page if manifest.media_type in INDEXES]
    return found


async def _children(client: Client, address: Address) -> tuple[str, ...]:
    try:
        return tuple([each.digest for each in (await client.manifest(address)).references])
    except NotFoundError as error:
        if not error.is_certain:
            raise
        return ()  # it went in between, and needs nothing
