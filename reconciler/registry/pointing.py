"""
Read which tags and manifests a repository has, and what the locked ones among them stand on.

Rules play no part here. One list shows a thousand tags, another a thousand manifests, and
only the indexes that are locked or below locked tags are read for their children, so that
it takes few requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from reconciler.errors import ApiError, NotFoundError, ProtocolError
from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, Document, is_locked
from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.live import INDEXES, LiveManifest, LiveRepository
from reconciler.registry.client import Client
from reconciler.registry.listing import counted
from reconciler.registry.manifests_known import FEW, ManifestsKnown, hides_everything


async def read_pointing(
    client: Client,
    name: str,
    remembered: RememberedRepository,
    *,
    named: Collection[Address],
    locked: Collection[Address],
) -> LiveRepository:
    """
    The tags and manifests of repository `name`, with what the locked ones stand on; a refusal is told in the value.

    Args:
        client: Where to read.
        name: Of the repository.
        remembered: What was locked there is asked for by its name where a list leaves it out.
        named: Tags and manifests that are asked for in the same way.
        locked: Tags and manifests that are taken for locked, whatever they are now; asked for as well.

    Raises:
        ApiError: the registry hides everything.
    """
    try:
        return await _read(client, name, remembered, {*named, *locked}, locked)
    except NotFoundError as error:
        return LiveRepository(name, None, {}, missing=error.is_certain, unread="" if error.is_certain else str(error))
    except (ApiError, ProtocolError) as error:
        if hides_everything(error):
            raise
        return LiveRepository(name, None, {}, unread=str(error))


async def _read(
    client: Client,
    name: str,
    remembered: RememberedRepository,
    named: Collection[Address],
    locked: Collection[Address],
) -> LiveRepository:
    names = {address.tag for address in named if address.tag} | _locked_in(remembered.tags)
    digests = {address.digest for address in named if address.digest} | _locked_in(remembered.manifests)

    async def look() -> Mapping[str, Document]:
        return await _tags(client, name, names)

    repository = await client.repository(name)
    tags, why = await counted(client, name, look, lambda each: each.tag_count, before=repository)
    known = ManifestsKnown(client, name, repository.manifest_count, remembered.children)
    why_manifests = await known.read_all(repository, sorted(digests | {str(each[DIGEST]) for each in tags.values()}))
    roots = {address.digest for address in locked if address.digest} | _locked_indexes(known)
    taken = {address.tag for address in locked}
    roots |= {str(each[DIGEST]) for tag, each in tags.items() if is_locked(each) or tag in taken}
    await known.descend(sorted(roots))
    return LiveRepository(
        name,
        repository.document,
        tags,
        incomplete=f"of its tags {why}" if why else "",
        manifests={
            digest: LiveManifest(each.document, each.media_type, children=known.children(digest))
            for digest, each in known.found.items()
        },
        incomplete_manifests=f"of its manifests {why_manifests}" if why_manifests else "",
        unread_manifests=known.unread,
    )


def _locked_in(remembered: Mapping[str, Remembered]) -> set[str]:
    return {name for name, was in remembered.items() if was.was_locked}


def _locked_indexes(known: ManifestsKnown) -> set[str]:
    return {digest for digest, each in known.found.items() if each.media_type in INDEXES and is_locked(each.document)}


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
