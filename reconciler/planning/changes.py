"""
Changes, made from what is live and what is declared: one function for each action.

Each shows what it needs for itself and nothing else: what changes, what must still
hold when it is carried out, who asked for it. Everything else about a change follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, LOCKS, Document, Value
from reconciler.model.desired import Origin
from reconciler.planning.cause import Base, Cause
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import (
    FIRST_RANK,
    Action,
    Change,
    Unlock,
    Via,
    effects_of,
    opens_manifest,
    stage_of,
)
from reconciler.planning.rules import Declared


def update(
    address: Address,
    live: Document,
    desired: Document,
    declared: Declared,
    base: Base,
    *,
    via: Via | None = None,
    also: Document | None = None,
    tags: tuple[str, ...] = (),
) -> Change:
    """
    Attributes change, and where the tag points, if `desired` says so: then it is a move.

    Args:
        address: Of which resource.
        live: Its document.
        desired: The same, as it shall be.
        declared: Who asked for what.
        base: What was last applied.
        via: The tag on whose behalf a manifest is changed.
        also: What must hold besides, such as that a manifest has no tag.
        tags: Those at a manifest that is opened.
    """
    changed = sorted(name for name in desired if desired[name] != live[name])
    shown = [*changed, DIGEST] if DIGEST in live else changed
    also = also or {}
    return _change(
        address,
        "move" if DIGEST in changed else "update",
        {**{name: live[name] for name in shown}, **also},
        {**{name: desired[name] for name in shown}, **also},
        causes=base.causes(address, live, desired, changed, via=via.address.tag if via else ""),
        origins=origins(declared, changed),
        rank=FIRST_RANK if opens_manifest(address, desired, changed) else 0,
        via=via,
        tags=tags,
    )


def create(address: Address, declared: Declared, base: Base) -> Change:
    """The tag is not there; it begins with every permission, so only what it must not have is said."""
    withdrawn = {name: said.value for name, said in declared.items() if name != DIGEST and said.value is False}
    after: dict[str, Value] = {DIGEST: declared[DIGEST].value, **withdrawn}
    return _change(
        address,
        "create",
        {},
        after,
        causes=base.causes(address, {}, after, sorted(after)),
        origins=origins(declared, after),
    )


def delete(
    address: Address, live: Document, asked: Origin, cause: Cause, *, also: Mapping[str, Value], rank: int = 0
) -> Change:
    """
    The resource goes, unless something that this depends on changes before.

    Args:
        address: Which one.
        live: Its document.
        asked: Who wants that.
        cause: Who moved.
        also: What must hold besides, such as that a manifest has no tag.
        rank: When it goes, among what is deleted.
    """
    # A lock that is there has to come off first, and is announced; one that comes later is somebody's word.
    before = {name: value for name, value in live.items() if name == DIGEST or (name in LOCKS and value)}
    before.update(also)
    return _change(address, "delete", before, {}, causes=dict.fromkeys(before, cause), origins=(str(asked),), rank=rank)


def unlock(address: Address, live: Document, asked: Iterable[Origin]) -> Unlock:
    """All locks of a resource come off for a moment."""
    before: Document = {name: False for name in LOCKS if live.get(name) is False}
    after: Document = dict.fromkeys(before, True)
    return Unlock(address, before, after, make_patch(before, after), in_order(asked))


def origins(declared: Declared, names: Iterable[str]) -> tuple[str, ...]:
    """Who asked for these attributes, in file order."""
    return in_order(declared[name].origin for name in names)


def in_order(asked: Iterable[Origin]) -> tuple[str, ...]:
    """Places in files, each once, in file order."""
    return tuple(str(origin) for origin in sorted(set(asked), key=lambda o: (o.file, o.line, o.column)))


def _change(
    address: Address,
    action: Action,
    before: Document,
    after: Document,
    *,
    causes: Mapping[str, Cause],
    origins: tuple[str, ...],
    rank: int = 0,
    via: Via | None = None,
    tags: tuple[str, ...] = (),
) -> Change:
    changed = [name for name in causes if before.get(name) != after.get(name)]
    return Change(
        address=address,
        kind=address.kind,
        action=action,
        causes=causes,
        effects=effects_of(before, after, changed),
        before=before,
        after=after,
        patch=make_patch(before, after),
        origins=origins,
        stage=stage_of(address, action, after, changed),
        rank=rank,
        via=via,
        tags=tags,
    )
