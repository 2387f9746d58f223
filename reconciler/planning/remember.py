"""
What to remember after a run: what is as declared, found so or made so.

Of what did not end verified the old memory stays, and so it does where a repository
could not be read, or not in full. A locked tag that somebody moved or deleted stays
remembered as it was, until a person accepts that: otherwise the next run of a pipeline
would take the new image for the released one, and nobody would hear of it again.
What no rule declares any more is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, TAGGED, WRITE, Document
from reconciler.model.last_applied import NOTHING, Counts, LastApplied, LastRun, Remembered, RememberedRepository
from reconciler.planning.plan import Drift
from reconciler.planning.statefile import counts_of, repository_from_line, repository_to_line

Accepts = Callable[[Address], bool]


@attrs.frozen(eq=False)
class Alike:
    """Tags, or manifests, that are all as declared, and for which the same was."""

    attributes: Document
    names: Sequence[str]
    digests: Sequence[str]  # that the tags point at; of manifests, empty texts


@attrs.frozen
class Pending:
    """One resource that is not yet as declared."""

    in_sync: Document  # the attributes that are
    digest: str  # of a tag
    waiting: tuple[str, ...]  # the declared attributes that are not
    all_or_nothing: bool = False  # it is created or deleted; unless that is verified, what was remembered stays


@attrs.frozen(eq=False)
class Observed:
    """What a comparison of one repository found, as far as a memory cares."""

    name: str
    alike: Sequence[Alike] = ()
    attributes: Document = attrs.field(factory=dict)  # of the repository, where all of them are as declared
    pending: Mapping[Address, Pending] = attrs.field(factory=dict)
    drift: Sequence[Drift] = ()
    is_whole: bool = True  # what was not seen is not there
    alike_manifests: Sequence[Alike] = ()
    children: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)  # of the indexes that were read

    @property
    def is_settled(self) -> bool:
        """Nothing that happens later in the run makes a difference."""
        return self.is_whole and not self.pending and not self.drift


@attrs.frozen
class Written:
    """Who writes a memory, and when."""

    at: str  # RFC 3339
    tool_version: str
    new_lineage: str  # for a memory that begins


@attrs.frozen(eq=False)
class Made:
    """What the changes of a run came to, by address."""

    true: Mapping[Address, Document] = attrs.field(factory=dict)  # what each verified one left
    unclear: Mapping[Address, Document] = attrs.field(factory=dict)  # what those would leave that may hold, or not
    moved: Collection[Address] = ()  # those of the true ones whose tag we pointed somewhere


NOTHING_MADE = Made()


def line_after(observed: Observed, before: RememberedRepository, made: Made, accepts: Accepts) -> bytes:
    """
    The line of one repository after a run; empty: nothing of it is remembered.

    Args:
        observed: What was found before the changes.
        before: What was remembered.
        made: What the changes came to.
        accepts: Whether to remember as it is now what was moved or deleted though locked.
    """
    here = Address(observed.name)
    if here in observed.pending and observed.pending[here].all_or_nothing:
        return b"" if made.true.get(here) == {} else _line(observed.name, before)
    tags, manifests = _all(observed.alike), _all(observed.alike_manifests)
    children = observed.children
    if not observed.is_whole:
        tags, manifests = {**before.tags, **tags}, {**before.manifests, **manifests}
        children = {**before.children, **children}
    now = RememberedRepository(observed.attributes, tags, manifests, children)
    for address, pending in observed.pending.items():
        now = _with_pending(now, before, address, pending, made)
    return _line(observed.name, _undisturbed(now, observed, before, accepts))


def _with_pending(
    now: RememberedRepository, before: RememberedRepository, address: Address, pending: Pending, made: Made
) -> RememberedRepository:
    """`now` with one resource that was not as declared, as far as the run made it so; its maps are changed."""
    after, unclear = made.true.get(address), made.unclear.get(address, {})
    old = _of(before, address)
    kept = {name: old.attributes[name] for name in pending.waiting if name in old.attributes and name not in unclear}
    attributes = {**kept, **pending.in_sync, **_flags(after or {})}
    if not address.tag and not address.digest:
        return attrs.evolve(now, attributes=attributes)
    known: Any = now.tags if address.tag else now.manifests
    name = address.tag or address.digest
    if after == {}:
        known.pop(name, None)
    elif pending.all_or_nothing and after is None:
        known.update({name: old} if old != NOTHING else {})
    elif attributes or DIGEST in (after or {}):
        digest = str((after or {}).get(DIGEST, pending.digest)) if address.tag else ""
        known[name] = Remembered(attributes, digest)
    return now


def _of(before: RememberedRepository, address: Address) -> Remembered:
    if address.tag:
        return before.tags.get(address.tag, NOTHING)
    return before.manifests.get(address.digest, NOTHING) if address.digest else Remembered(before.attributes)


def lines_with(last: LastApplied | None, made: Made, accepted: Iterable[Drift] = ()) -> dict[str, bytes]:
    """
    All lines after a run that read no more than it touched.

    Args:
        last: What was remembered.
        made: What the run made true, which is added.
        accepted: What moved or went though locked, and is remembered as it is from now on.
    """
    lines = dict(last.repositories) if last else {}
    by_repository: dict[str, list[Address]] = {}
    for address in (*made.true, *made.unclear):
        by_repository.setdefault(address.repository, []).append(address)
    for name, addresses in by_repository.items():
        before = repository_from_line(lines[name]) if name in lines else RememberedRepository()
        lines[name] = _line(name, _with(before, addresses, made))
    for drift in accepted:
        name = drift.address.repository
        if lines.get(name):
            lines[name] = _line(name, _accepted(repository_from_line(lines[name]), drift))
    return lines


def _accepted(before: RememberedRepository, drift: Drift) -> RememberedRepository:
    """What is remembered once a person has accepted what somebody did."""
    name = drift.address.tag
    if not name:
        return attrs.evolve(before, attributes={})
    tags = {each: was for each, was in before.tags.items() if each != name or drift.after is not None}
    if drift.after is not None and name in tags:
        tags[name] = tags[name]._replace(digest=str(drift.after[DIGEST]))
    return attrs.evolve(before, tags=tags)


def next_memory(
    last: LastApplied | None,
    registry: str,
    lines: Mapping[str, bytes],
    *,
    desired: tuple[str, bytes] | None,
    run: LastRun | None,
    written: Written,
) -> LastApplied | None:
    """
    The memory that follows `last`; None where it would say the same.

    Args:
        last: The one before; None: this is the first.
        registry: What it is about.
        lines: Of the repositories.
        desired: The digest and the rules of the files that were applied; None: they stay as they were.
        run: The run that did something; None: nothing was done.
        written: By whom, and when.
    """
    lines = {name: line for name, line in lines.items() if line}
    digest, rules = desired or ((last.desired_digest, last.rules) if last else ("", b""))
    if last and run is None and (digest, rules, lines) == (last.desired_digest, last.rules, last.repositories):
        return None
    if last is None and run is None and not lines:
        return None
    return LastApplied(
        registry=registry,
        lineage=last.lineage if last else written.new_lineage,
        serial=last.serial + 1 if last else 1,
        written=written.at,
        tool_version=written.tool_version,
        desired_digest=digest,
        run=attrs.evolve(run, serial=last.serial + 1 if last else 1) if run else (last.run if last else None),
        rules=rules,
        repositories=lines,
        counts=_total(map(counts_of, lines.values())),
    )


def restated(ours: LastApplied, theirs: LastApplied | None, lines: Mapping[str, bytes]) -> LastApplied:
    """What we wanted to write, as what follows `theirs`: with their lines and what we made true, in `lines`."""
    kept = {name: line for name, line in lines.items() if line}
    serial = theirs.serial + 1 if theirs else 1
    return attrs.evolve(
        ours,
        lineage=theirs.lineage if theirs else ours.lineage,
        serial=serial,
        run=attrs.evolve(ours.run, serial=serial) if ours.run else None,
        repositories=kept if theirs else ours.repositories,
        counts=_total(map(counts_of, (kept if theirs else ours.repositories).values())),
    )


def _all(alike: Iterable[Alike]) -> dict[str, Remembered]:
    found: dict[str, Remembered] = {}
    for group in alike:
        found.update(zip(group.names, map(Remembered, repeat(group.attributes), group.digests), strict=True))
    return found


def _undisturbed(
    now: RememberedRepository, observed: Observed, before: RememberedRepository, accepts: Accepts
) -> RememberedRepository:
    """`now`, but for what somebody moved or deleted: that stays as it was remembered."""
    tags, attributes = dict(now.tags), now.attributes
    for drift in observed.drift:
        if accepts(drift.address):
            continue
        if not drift.address.tag:
            attributes = before.attributes
        elif drift.after is None:
            tags[drift.address.tag] = before.tags[drift.address.tag]
        elif drift.address.tag in tags:  # unless nothing of it is known for sure any more
            tags[drift.address.tag] = tags[drift.address.tag]._replace(digest=str(drift.before[DIGEST]))
    return attrs.evolve(now, attributes=attributes, tags=tags)


def _with(before: RememberedRepository, addresses: Iterable[Address], made: Made) -> RememberedRepository:
    tags, manifests, attributes = dict(before.tags), dict(before.manifests), before.attributes
    for address in addresses:
        after, unclear = made.true.get(address), made.unclear.get(address, {})
        known = tags if address.tag else manifests
        name = address.tag or address.digest
        if not name:
            if after == {}:
                return RememberedRepository()  # it was deleted with all that was in it
            attributes = _onto(attributes, after or {}, unclear)
        elif after == {}:
            known.pop(name, None)
        else:
            old = known.get(name, NOTHING)
            digest = _digest_after(old, after or {}, is_moved=address in made.moved) if address.tag else ""
            known[name] = Remembered(_onto(old.attributes, after or {}, unclear), digest)
    return attrs.evolve(before, attributes=attributes, tags=tags, manifests=manifests)


def _onto(old: Document, after: Document, unclear: Document) -> Document:
    return {**{name: value for name, value in old.items() if name not in unclear}, **_flags(after)}


def _digest_after(old: Remembered, after: Document, *, is_moved: bool) -> str:
    """Where a tag points, unless others moved it though it was locked, and still is: then where it pointed."""
    stays = old.digest and old.attributes.get(WRITE) is False and after.get(WRITE) is not True and not is_moved
    return old.digest if stays else str(after.get(DIGEST, old.digest))


def _flags(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in (DIGEST, TAGGED)}


def _line(name: str, remembered: RememberedRepository) -> bytes:
    return b"" if remembered.is_empty else repository_to_line(name, remembered)


def _total(counts: Iterable[Counts]) -> Counts:
    repositories = tags = manifests = 0
    for each in counts:
        repositories += each.repositories
        tags += each.tags
        manifests += each.manifests
    return Counts(repositories, tags, manifests)
