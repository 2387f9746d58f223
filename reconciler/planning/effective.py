"""
What can really happen to a resource, whatever its own attributes say.

A tag with every lock is lost when the manifest below it goes, and so is an image when
one child of its index does. Each question is answered from all the attributes that
decide it together, the way the registry does; each "yes" comes with the one attribute
that would make it a "no".

Sources: Microsoft, container-registry-image-lock.md; for repositories with locked
contents MicrosoftDocs/SupportArticles-docs, azure-container-registry,
delete-operation-issues. That a locked tag keeps its manifest from being deleted was seen
in a third-party lab only, so the answer is "perhaps" where nothing else does. ACR deletes what
is about a manifest along with it (container-registry-manage-artifact.md); that a lock on such a
referrer stops that is not documented, so that is "perhaps" too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeAlias

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, LIST, READ, WRITE, Document

Verdict = Literal["yes", "no", "perhaps", "unknown"]
_Needed: TypeAlias = tuple[Document | None, str, Address | None]  # an attribute that has to be true, and whose it is


@attrs.frozen
class Answer:
    """Whether something can happen, and what would stop it, or does."""

    question: str
    verdict: Verdict
    stop: str = ""  # the attribute that would make it a no, or that alone does; empty where several do
    where: Address | None = None  # whose attribute that is


@attrs.frozen(eq=False)
class Image:
    """A tag or manifest with all that it stands for and stands in, at one moment; None: not known, or not there."""

    repository: Document | None
    tag: Document | None
    manifest: tuple[Address, Document | None] | None
    children: Mapping[Address, Document | None]  # of an index, nested ones too
    subjects: Mapping[Address, Document | None] | None = attrs.field(factory=dict)  # what it is about, and so on
    held: Collection[Address] = ()  # manifests that a locked tag points at


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
    where, manifest = image.manifest or (None, None)
    yield _answer("overwritten", [(tag, WRITE, address), (repository, WRITE, here)], WRITE, address)
    yield _answer("deleted", [*_deletable(tag, address), (repository, WRITE, here)], DELETE, address)
    lost = _manifest_deleted("lost with its manifest", image.manifest, image)
    yield _perhaps(lost) if _is_locked(tag) else lost
    yield from _lost_children(image)
    yield _lost_with_repository(here, image)
    read = [(repository, here), (tag, address), (manifest, where)]
    yield _pulled(address, read, image)
    yield _answer("listed", [(tag, LIST, address)], LIST, address)


def _about_manifest(address: Address, here: Address, image: Image) -> Iterable[Answer]:
    repository, manifest = image.repository, (image.manifest or (None, None))[1]
    yield _manifest_deleted("deleted", image.manifest, image)
    yield from _lost_children(image)
    yield from _lost_with_subject(manifest, image)
    yield _lost_with_repository(here, image)
    yield _pulled(address, [(repository, here), (manifest, address)], image)
    yield _answer("listed", [(manifest, LIST, address)], LIST, address)


def _pulled(address: Address, read: Iterable[tuple[Document | None, Address | None]], image: Image) -> Answer:
    children = ((document, where) for where, document in image.children.items())
    return _answer("pulled", [(each, READ, where) for each, where in (*read, *children)], READ, address)


def _about_repository(here: Address, repository: Document | None) -> Iterable[Answer]:
    yield _answer("pushed to", [(repository, WRITE, here)], WRITE, here)
    yield _answer("deleted, while nothing in it is locked", _deletable(repository, here), DELETE, here)
    yield _answer("pulled from", [(repository, READ, here)], READ, here)
    yield _answer("listed", [(repository, LIST, here)], LIST, here)


def _manifest_deleted(question: str, manifest: tuple[Address, Document | None] | None, image: Image) -> Answer:
    """Whether a manifest can go, whoever it is asked for; a locked tag may keep it, which is not documented."""
    address, document = manifest or (None, None)
    here = Address(address.repository) if address else None
    answer = _answer(question, [*_deletable(document, address), (image.repository, WRITE, here)], DELETE, address)
    return _perhaps(answer) if address in image.held else answer


def _lost_children(image: Image) -> Iterable[Answer]:
    """Whether a part of an index can go; answered by the weakest of its children."""
    if image.children:
        yield _gravest(_manifest_deleted("lost in part, with a child", each, image) for each in image.children.items())


def _lost_with_subject(referrer: Document | None, image: Image) -> Iterable[Answer]:
    """Whether a signature goes along with what it is about; a lock on it may keep it, which is not documented."""
    question = "lost with what it is about"
    if image.subjects is None:
        yield Answer(question, "unknown")
    elif image.subjects:
        lost = _gravest(_manifest_deleted(question, each, image) for each in image.subjects.items())
        yield _perhaps(lost) if _is_locked(referrer) else lost


def _gravest(answers: Iterable[Answer]) -> Answer:
    order: tuple[Verdict, ...] = ("yes", "perhaps", "unknown", "no")
    answers = tuple(answers)
    gravest = min(answers, key=lambda answer: (order.index(answer.verdict), str(answer.where)))
    is_one = gravest.verdict != "no" or len(set(answers)) == 1
    return gravest if is_one else Answer(gravest.question, "no")


def _lost_with_repository(here: Address, image: Image) -> Answer:
    """The registry refuses to delete a repository while something in it is locked."""
    answer = _answer("lost with its repository", _deletable(image.repository, here), DELETE, here)
    contents = (image.tag, (image.manifest or (None, None))[1], *image.children.values())
    if answer.verdict in ("yes", "no") and (image.held or any(map(_is_locked, contents))):
        return Answer(answer.question, "no")
    return answer


def _perhaps(answer: Answer) -> Answer:
    return attrs.evolve(answer, verdict="perhaps") if answer.verdict == "yes" else answer


def _deletable(document: Document | None, where: Address | None) -> list[_Needed]:
    return [(document, WRITE, where), (document, DELETE, where)]


def _is_locked(document: Document | None) -> bool:
    return document is not None and (document.get(WRITE) is False or document.get(DELETE) is False)


def _answer(question: str, needed: Iterable[_Needed], stop: str, where: Address | None) -> Answer:
    """Yes where every attribute that is needed is there and true."""
    values = [(None if document is None else document.get(name, True), name, owner) for document, name, owner in needed]
    closed = [(name, owner) for value, name, owner in values if value is False]
    if closed:
        return Answer(question, "no", *closed[0]) if len(closed) == 1 else Answer(question, "no")
    if any(value is None for value, _, _ in values):
        return Answer(question, "unknown")
    return Answer(question, "yes", stop, where)
