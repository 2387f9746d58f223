"""
Whether something came to need a manifest since the plan was made.

A plan may wait for days, and in that time somebody may push an index with a child that
had no tag, or sign it. Deleting it then breaks their image. So before the first manifest
of a repository goes, its indexes are read again, and who refers to those that go. What
goes itself, but needs another one until then, has to be gone first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import attrs

from reconciler.apply.retrying import in_parallel
from reconciler.errors import ProtocolError
from reconciler.model.address import Address
from reconciler.model.attributes import LOCKS, Document
from reconciler.model.live import tags_about
from reconciler.registry.client import Client
from reconciler.registry.manifests_known import ManifestsKnown
from reconciler.registry.resources import Manifest


@attrs.frozen
class Needs:
    """Who needs manifests that are to go."""

    by_others: Mapping[str, str]  # digests that must stay after all, and why
    by_going: Mapping[str, Collection[str]]  # for others, the digests that have to be gone before


async def needed_since(
    client: Client,
    repository: str,
    going: Mapping[str, Document],
    *,
    concurrency: int,
    children: Mapping[str, tuple[str, ...]],
) -> Needs:
    """
    Which manifests must stay after all, or wait for others.

    Args:
        client: Where to look.
        repository: In which one.
        going: The digests of those that are to go, each with what the plan rests on.
        concurrency: How many reads may be under way at the same time; at least 1.
        children: What indexes stand for, as far as that is remembered.

    Raises:
        RegistryError: that cannot be read.
    """
    known = await _manifests(client, repository, going, children)
    tags = await _tags(client, repository)
    names = {digest: next((each for each in tags_about(digest) if each in tags), "") for digest in going}
    needed = {digest: f"the tag {name} is about it" for digest, name in sorted(names.items()) if name}
    for digest, before in sorted(going.items()):
        if why := _why_changed(known.found.get(digest), before):
            needed.setdefault(digest, why)
    waiting = _above(known, repository, going, needed)
    referrers: dict[str, tuple[str, ...]] = {}

    async def look_at(digest: str) -> None:
        referrers[digest] = tuple([each.digest for each in await client.referrers(Address(repository, digest=digest))])
        waiting[digest] |= {each for each in referrers[digest] if each in going}

    await in_parallel(sorted(going), concurrency, look_at)
    _spread(needed, referrers, waiting, going)
    return Needs(needed, waiting)


def _above(
    known: ManifestsKnown, repository: str, going: Collection[str], needed: dict[str, str]
) -> defaultdict[str, set[str]]:
    """For each child that is to go the indexes that are, too; those of an index that stays are added to `needed`."""
    waiting: defaultdict[str, set[str]] = defaultdict(set)
    for index in sorted(known.found):
        for child in _below(known, Address(repository, digest=index)):
            if child in going and index in going:
                waiting[child].add(index)
            elif child in going:
                needed.setdefault(child, f"it is a child of {index}")
    return waiting


def _why_changed(manifest: Manifest | None, before: Document) -> str:
    """Why one that was to go stays though nothing needs it; empty: it goes, or is gone."""
    if manifest is None:
        return ""
    if manifest.tags:
        return f"the tag {manifest.tags[0]} points at it"
    closed = [name for name in LOCKS if before.get(name) is True and manifest.document.get(name) is False]
    return f"{' and '.join(closed)} is false" if closed else ""


def _spread(
    needed: dict[str, str],
    referrers: Mapping[str, Iterable[str]],
    waiting: Mapping[str, Collection[str]],
    going: Collection[str],
) -> None:
    """Who refers to what stays, stays, and so do its children; and what somebody who stays refers to."""
    for digest, about in referrers.items():
        for referrer in about:
            if referrer not in going:
                needed.setdefault(digest, f"{referrer} is about it")
    below: defaultdict[str, list[str]] = defaultdict(list)
    for digest in sorted(waiting):
        for other in sorted(waiting[digest]):  # an index that it is a child of, or a referrer of it
            below[other].append(digest)
    left = list(needed)
    while left:
        digest = left.pop()
        for other in (*below.get(digest, ()), *referrers.get(digest, ())):
            if other in going and other not in needed:
                needed[other] = f"it belongs to {digest}, which stays"
                left.append(other)


async def _manifests(
    client: Client, repository: str, going: Collection[str], children: Mapping[str, tuple[str, ...]]
) -> ManifestsKnown:
    """
    All manifests, the indexes among them with what they stand for.

    Raises:
        ProtocolError: these are not all: one that hides may need what is to go.
    """
    counted = await client.repository(repository)
    known = ManifestsKnown(client, repository, counted.manifest_count, children)
    if why := await known.read_all(counted, going):
        raise ProtocolError(f"{repository}: of its manifests {why}")
    await known.ask(digest for digest in known.found if known.children(digest) is None)
    return known


def _below(known: ManifestsKnown, index: Address) -> tuple[str, ...]:
    """
    The digests below one manifest.

    Raises:
        ProtocolError: they could not be read.
    """
    below = known.children(index.digest)
    if below is None:
        raise ProtocolError(f"{index}: {known.unread.get(index.digest, 'its children could not be read')}")
    return below


async def _tags(client: Client, repository: str) -> set[str]:
    """The names of all tags: one may be about a manifest by its name alone."""
    names = set[str]()
    async for page, _ in client.tags(repository):
        names.update(tag.name for tag in page)
    return names
