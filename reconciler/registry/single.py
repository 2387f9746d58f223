"""
Read one resource with all that it depends on: its repository, its manifest, the children, what it is about.

A locked tag may keep its manifest, so the tags at each of these are read as well.

Rules decide what else has to be read: what retention makes of one tag depends on all
the others.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from reconciler.errors import ApiError, NotFoundError, ProtocolError, RefusedError, UnauthorizedError
from reconciler.model.address import Address, is_digest
from reconciler.model.attributes import DIGEST
from reconciler.model.last_applied import RememberedRepository
from reconciler.model.live import LiveManifest, LiveRepository
from reconciler.model.matching import RepositoryRules
from reconciler.registry.client import Client
from reconciler.registry.listing import listed_manifests, twice
from reconciler.registry.manifests_known import hides_everything
from reconciler.registry.reader import read_repository
from reconciler.registry.relations import subject_of
from reconciler.registry.resources import Manifest

_NOTHING = RememberedRepository()
_CANDIDATES = 10  # digests that are named where several begin alike


async def read_around(
    client: Client,
    address: Address,
    rules: RepositoryRules,
    now_ns: int,
    remembered: RememberedRepository = _NOTHING,
) -> LiveRepository:
    """
    The repository of `address` as far as `rules` speak of it, and the resource with what it depends on.

    Args:
        client: Where to read.
        address: The resource.
        rules: Those that speak of its repository.
        now_ns: The moment of the run, in nanoseconds since 1970.
        remembered: What was last applied there: a tag that lists leave out is asked for by its name.

    Raises:
        ApiError: the registry refuses, or answers in words that are not its own.
    """
    live = await read_repository(client, address.repository, rules, remembered, now_ns=now_ns)
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
    if not digest:
        return live
    live = await _with_manifests(client, [digest], live)
    if address.digest:
        live = await _with_subjects(client, digest, live)
    return await _with_tags_at(client, digest, live)


async def whole_address(client: Client, address: Address) -> Address:
    """
    The one manifest whose digest begins as that of `address`; whatever else that is stays as it is.

    Raises:
        RefusedError: none does, or several do.
        ApiError: the registry refuses.
    """
    if not address.digest or is_digest(address.digest):
        return address
    try:
        listed = await twice(lambda: listed_manifests(client, address.repository))
    except NotFoundError as error:
        if not error.is_certain:
            raise
        listed = {}
    found = sorted(digest for digest in listed if digest.startswith(address.digest))
    if len(found) == 1:
        return Address(address.repository, digest=found[0])
    if not found:
        raise RefusedError(
            f"{address}: the list of manifests of {address.repository} shows none that begins so\n"
            "  One that lists leave out (listEnabled false) is found by its whole digest."
        )
    more = [f"  and {len(found) - _CANDIDATES:,} more"] if len(found) > _CANDIDATES else []
    named = [f"  {digest}" for digest in found[:_CANDIDATES]]
    raise RefusedError("\n".join([f"{address}: {len(found):,} manifests begin so; give more of it", *named, *more]))


async def _with_tag(client: Client, address: Address, live: LiveRepository) -> LiveRepository:
    try:
        tag = await client.tag(address)
    except NotFoundError as error:
        if not error.is_certain:
            raise
        return live
    return attrs.evolve(live, tags={**live.tags, address.tag: tag.document})


async def _with_manifests(client: Client, digests: Iterable[str], live: LiveRepository) -> LiveRepository:
    """The manifests and all below them, each read once; what cannot be read is left out, and then not known."""
    found, waiting, asked = dict(live.manifests), [*digests], set[str]()
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


async def _with_subjects(client: Client, digest: str, live: LiveRepository) -> LiveRepository:
    """What a manifest is about, what that is about, and so on."""
    seen, waiting = set[str](), digest
    while waiting and waiting not in seen and (known := live.manifests.get(waiting)):
        seen.add(waiting)
        subject = await _subject(client, live.name, waiting) if known.subject is None else known.subject
        live = attrs.evolve(live, manifests={**live.manifests, waiting: attrs.evolve(known, subject=subject)})
        waiting = subject or ""
        live = await _with_manifests(client, [waiting] if waiting else [], live)
    return live


async def _subject(client: Client, name: str, digest: str) -> str | None:
    try:
        return await subject_of(client, name, digest)
    except UnauthorizedError as error:  # whoever may not pull may well read the rest
        if hides_everything(error):
            raise
        return None


async def _with_tags_at(client: Client, digest: str, live: LiveRepository) -> LiveRepository:
    """The tags at a manifest and at what it depends on, where not all of them were seen."""
    found, around = dict(live.tags), _around(digest, live)
    for each in sorted(around):
        if not live.tags.keys() >= set(live.manifests[each].tags):
            found.update((tag.name, tag.document) for tag in await client.tags_at(live.name, each))
    return attrs.evolve(live, tags=found)


def _around(digest: str, live: LiveRepository) -> set[str]:
    seen, waiting = set[str](), [digest]
    while waiting:
        each = waiting.pop()
        if each in live.manifests and each not in seen:
            seen.add(each)
            known = live.manifests[each]
            waiting += [*(known.children or ()), *([known.subject] if known.subject else [])]
    return seen


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
