"""
Read which tags a repository has, and what the locked ones among them stand on.

Rules play no part here. One list shows a thousand tags, and only the indexes below
locked tags are read for their children, so that it takes few requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from reconciler.errors import ApiError, NotFoundError, ProtocolError
from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, Document, is_locked
from reconciler.model.live import LiveManifest, LiveRepository
from reconciler.registry.client import Client
from reconciler.registry.listing import counted
from reconciler.registry.manifests_known import FEW, ManifestsKnown, hides_everything


async def read_pointing(
    client: Client, name: str, *, tags: Collection[str], digests: Collection[str]
) -> LiveRepository:
    """
    The tags of repository `name`, and the manifests below those that are locked; a refusal is told in the value.

    Args:
        client: Where to read.
        name: Of the repository.
        tags: Names to ask for where the list leaves them out.
        digests: Manifests to read with all that is below them, whatever points there.

    Raises:
        ApiError: the registry hides everything.
    """
    try:
        return await _read(client, name, tags, digests)
    except NotFoundError as error:
        return LiveRepository(name, None, {}, missing=error.is_certain, unread="" if error.is_certain else str(error))
    except (ApiError, ProtocolError) as error:
        if hides_everything(error):
            raise
        return LiveRepository(name, None, {}, unread=str(error))


async def _read(client: Client, name: str, names: Collection[str], digests: Collection[str]) -> LiveRepository:
    async def look() -> Mapping[str, Document]:
        return await _tags(client, name, names)

    repository = await client.repository(name)
    tags, why = await counted(client, name, look, lambda each: each.tag_count, before=repository)
    locked = {str(document[DIGEST]) for document in tags.values() if is_locked(document)}
    known = ManifestsKnown(client, name, repository.manifest_count)
    await known.descend(sorted({*locked, *digests}))
    return LiveRepository(
        name,
        repository.document,
        tags,
        incomplete=f"of its tags {why}" if why else "",
        manifests={
            digest: LiveManifest(each.document, each.media_type, children=known.children(digest))
            for digest, each in known.found.items()
        },
        unread_manifests=known.unread,
    )


async def _tags(client: Client, name: str, names: Collection[str]) -> Mapping[str, Document]:
    found: dict[str, Document] = {}
    async for page, _ in client.tags(name):
        found.update((tag.name, tag.document) for tag in page)
    unlisted = sorted(each for each in names if each not in found)
    for start in range(0, len(unlisted), FEW):
        some = [Address(name, tag=each) for each in unlisted[start : start + FEW]]
        looks = await asyncio.gather(*map(client.look, some))
        for address, look in zip(some, looks, strict=True):
            if look.document is not None:
                found[address.tag] = look.document
    return found
