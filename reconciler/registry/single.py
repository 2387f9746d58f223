"""
Read one resource with all that it depends on: its repository, its manifest, the children.

Rules decide what else has to be read: what retention makes of one tag depends on all
the others.
"""

from __future__ import annotations

import attrs

from reconciler.errors import ApiError, NotFoundError, ProtocolError
from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST
from reconciler.model.live import LiveManifest, LiveRepository
from reconciler.model.matching import RepositoryRules
from reconciler.registry.client import Client
from reconciler.registry.reader import read_repository
from reconciler.registry.resources import Manifest


async def read_around(client: Client, address: Address, rules: RepositoryRules, now_ns: int) -> LiveRepository:
    """
    The repository of `address` as far as `rules` speak of it, and the resource with what it depends on.

    Raises:
        ApiError: the registry refuses, or answers in words that are not its own.
    """
    live = await read_repository(client, address.repository, rules, {}, now_ns=now_ns)
    if live.missing or live.unread:
        return live
    try:
        repository = await client.repository(address.repository)
    except NotFoundError as error:
        if not error.is_certain:
            raise
        return LiveRepository(address.repository, None, {}, missing=True)
    live = attrs.evolve(live, document=repository.document)
    if address.tag and address.tag not in live.tags:
        live = await _with_tag(client, address, live)
    digest = address.digest or str(live.tags.get(address.tag, {}).get(DIGEST, ""))
    return await _with_manifests(client, digest, live) if digest else live


async def _with_tag(client: Client, address: Address, live: LiveRepository) -> LiveRepository:
    try:
        tag = await client.tag(address)
    except NotFoundError as error:
        if not error.is_certain:
            raise
        return live
    return attrs.evolve(live, tags={**live.tags, address.tag: tag.document})


async def _with_manifests(client: Client, digest: str, live: LiveRepository) -> LiveRepository:
    """The manifest and all below it, each read once; what cannot be read is left out, and then not known."""
    found, waiting, asked = dict(live.manifests), [digest], set[str]()
    while waiting:
        each = waiting.pop()
        if each in asked:
            continue
        asked.add(each)
        known = found.get(each)
        if known is None or known.children is None:
            known = await _manifest(client, Address(live.name, digest=each))
        if known is not None:
            found[each] = known
            waiting += known.children or ()
    return attrs.evolve(live, manifests=found)


async def _manifest(client: Client, address: Address) -> LiveManifest | None:
    try:
        return _live(await client.manifest(address))
    except NotFoundError as error:
        if not error.is_certain:
            raise
        return None
    except (ApiError, ProtocolError):
        return None


def _live(manifest: Manifest) -> LiveManifest:
    children = tuple(each.digest for each in manifest.references)
    return LiveManifest(manifest.document, manifest.media_type, children=children, tags=manifest.tags)
