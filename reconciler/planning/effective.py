"""
What can really happen to a resource, whatever its own attributes say.

A tag with every lock is lost when the manifest below it goes, and so is an image when
one child of its index does. Each question is answered from all the attributes that
decide it together, the way the registry does; each "yes" comes with the one attribute
that would make it a "no".

Sources: Microsoft, container-registry-image-lock.md; for repositories with locked
contents MicrosoftDocs/SupportArticles-docs, azure-container-registry,
delete-operation-issues. That a locked tag keeps its manifest from being deleted was seen
in a third-party lab only, so the answer is "perhaps" where nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, LIST, READ, WRITE, Document

Verdict = Literal["yes", "no", "perhaps", "unknown"]


@attrs.frozen
class Answer:
    """Whether something can happen, and what would stop it."""

    question: str
    verdict: Verdict
    stop: str = ""  # the attribute that would make it a no; empty where it is one
    where: Address | None = None  # whose attribute that is


@attrs.frozen(eq=False)
class Image:
    """A tag with all that it stands for and stands in, at one moment; None: not known, or not there."""

    repository: Document | None
    tag: Document | None
    manifest: tuple[Address, Document | None] | None
    children: Mapping[Address, Document | None]  # of an index, nested ones too


def effective(address: Address, image: Image) -> tuple[Answer, ...]:
    """
    What can happen to the resource at `address`, question by question.

    Args:
        address: A repository, tag or manifest.
        image: It, and what it depends on.
    """
    here = Address(address.repository)
    if address.tag:
        return tuple(_about_tag(address, here, image))
    if address.digest:
        return tuple(_about_manifest(address, here, image))
    return tuple(_about_repository(here, image.repository))


def _about_tag(address: Address, here: Address, image: Image) -> Iterable[Answer]:
    repository, tag = image.repository, image.tag
    manifest_address, manifest = image.manifest or (None, None)
    yield _answer("overwritten", [(tag, WRITE), (repository, WRITE)], WRITE, address)
    yield _answer("deleted", [*_deletable(tag), (repository, WRITE)], DELETE, address)
    lost = _answer("lost with its manifest", [*_deletable(manifest), (repository, WRITE)], DELETE, manifest_address)
    yield _unless_locked(lost, tag)
    for question in _lost_children(image):
        yield _unless_locked(question, None)
    yield _lost_with_repository(here, repository, [tag, manifest, *image.children.values()])
    read = [(each, READ) for each in (repository, tag, manifest, *image.children.values())]
    yield _answer("pulled", read, READ, address)
    yield _answer("listed", [(tag, LIST)], LIST, address)


def _about_manifest(address: Address, here: Address, image: Image) -> Iterable[Answer]:
    repository, manifest = image.repository, (image.manifest or (None, None))[1]
    deleted = _answer("deleted", [*_deletable(manifest), (repository, WRITE)], DELETE, address)
    yield _unless_locked(deleted, image.tag)
    yield from _lost_children(image)
    yield _lost_with_repository(here, repository, [manifest, *image.children.values()])
    read = [(each, READ) for each in (repository, manifest, *image.children.values())]
    yield _answer("pulled", read, READ, address)
    yield _answer("listed", [(manifest, LIST)], LIST, address)


def _about_repository(here: Address, repository: Document | None) -> Iterable[Answer]:
    yield _answer("pushed to", [(repository, WRITE)], WRITE, here)
    yield _answer("deleted, while nothing in it is locked", _deletable(repository), DELETE, here)
    yield _answer("pulled from", [(repository, READ)], READ, here)
    yield _answer("listed", [(repository, LIST)], LIST, here)


def _lost_children(image: Image) -> Iterable[Answer]:
    """Whether a part of an index can go; answered by the weakest of its children."""
    if not image.children:
        return
    answers = [
        _answer("lost in part, with a child", [*_deletable(child), (image.repository, WRITE)], DELETE, address)
        for address, child in image.children.items()
    ]
    gravest: tuple[Verdict, ...] = ("yes", "unknown", "no")
    yield min(answers, key=lambda answer: (gravest.index(answer.verdict), str(answer.where)))


def _lost_with_repository(here: Address, repository: Document | None, contents: list[Document | None]) -> Answer:
    answer = _answer("lost with its repository", _deletable(repository), DELETE, here)
    if answer.verdict == "yes" and any(_is_locked(each) for each in contents):
        return Answer(answer.question, "no")
    return answer


def _unless_locked(answer: Answer, tag: Document | None) -> Answer:
    """A tag that is locked may keep its manifest; that is not documented."""
    return attrs.evolve(answer, verdict="perhaps") if answer.verdict == "yes" and _is_locked(tag) else answer


def _deletable(document: Document | None) -> list[tuple[Document | None, str]]:
    return [(document, WRITE), (document, DELETE)]


def _is_locked(document: Document | None) -> bool:
    return document is not None and (document.get(WRITE) is False or document.get(DELETE) is False)


def _answer(question: str, needed: Iterable[tuple[Document | None, str]], stop: str, where: Address | None) -> Answer:
    """Yes where every attribute that is needed is there and true."""
    values = [None if document is None else document.get(name, True) for document, name in needed]
    if False in values:
        return Answer(question, "no")
    if None in values:
        return Answer(question, "unknown")
    return Answer(question, "yes", stop, where)
