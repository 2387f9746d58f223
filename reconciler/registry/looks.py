"""
A resource as it was at a certain moment, for whoever is about to change it.

Beside its attributes a look shows what a delete depends on: when a tag or manifest was last pushed,
whether a tag points at a manifest, how much a repository holds. And it tells when the
registry was asked: what was seen a while ago may not be so any more.
"""

from __future__ import annotations

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import MANIFEST_COUNT, TAG_COUNT, TAGGED, UPDATED, Document, Value
from reconciler.registry import shapes
from reconciler.registry.exchange import Answer
from reconciler.registry.resources import Manifest, Repository, Tag


@attrs.frozen(eq=False)
class Look:
    """What the registry showed of one resource."""

    document: Document | None  # None: the registry says in its own words that it is not there
    at_s: float  # by `steady_s`, when it was asked
    said: str = ""  # of what is not there, how the registry put it
    tags: tuple[str, ...] = ()  # at a manifest, or some of them
    created: str = ""  # as sent; empty: not told. Another time is another resource of the same name


@attrs.frozen(eq=False)
class TagPage:
    """A page of the tags of a repository, sorted by name."""

    tags: tuple[tuple[str, Look], ...]
    has_next: bool


def look_of(answer: Answer, address: Address) -> Look:
    """What `answer` shows of the resource at `address`."""
    if address.tag:
        return _of_tag(shapes.tag_of(answer, address), answer.sent_at_s)
    if address.digest:
        return _of_manifest(shapes.manifest_of(answer, address), answer.sent_at_s)
    return _of_repository(shapes.repository_of(answer, address.repository), answer.sent_at_s)


def tag_page_of(answer: Answer, repository: str) -> TagPage:
    """The page of tags in `answer`."""
    tags = shapes.tags_of(answer, repository)
    looks = tuple((tag.name, _of_tag(tag, answer.sent_at_s)) for tag in tags)
    return TagPage(looks, has_next=bool(answer.headers.get("link")))


def _of_tag(tag: Tag, at_s: float) -> Look:
    document = {**tag.document, UPDATED: tag.updated} if tag.updated else tag.document
    return Look(document, at_s, created=tag.created)


def _of_manifest(manifest: Manifest, at_s: float) -> Look:
    known = {UPDATED: manifest.updated} if manifest.updated else {}
    document = {**manifest.document, TAGGED: bool(manifest.tags), **known}
    return Look(document, at_s, tags=manifest.tags, created=manifest.created)


def _of_repository(repository: Repository, at_s: float) -> Look:
    counts = {TAG_COUNT: repository.tag_count, MANIFEST_COUNT: repository.manifest_count}
    known: dict[str, Value] = {name: count for name, count in counts.items() if count is not None}
    if repository.updated:
        known[UPDATED] = repository.updated
    return Look({**repository.document, **known}, at_s, created=repository.created)
