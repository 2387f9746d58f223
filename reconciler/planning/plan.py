"""
A plan and all that is in it, as values: shown, saved, compared and checked again.

What a change means (its effects) and when it is carried out (its stage) follow from
its documents alone. So a plan that was read from a file can be held to both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from reconciler.model.address import Address, Kind
from reconciler.model.attributes import DELETE, LIST, READ, WRITE, Document
from reconciler.planning.base import Reference
from reconciler.planning.cause import Cause, gravest
from reconciler.planning.patch import Patch

Action = Literal["update", "move", "create", "delete"]
Effect = Literal["hide", "loosen", "tighten"]

ACTIONS: tuple[Action, ...] = ("update", "move", "create", "delete")

# Two stages never overlap: every change of one has ended before the next begins.
STAGE_UNLOCK, STAGE_ATTRIBUTES, STAGE_REPOSITORY = 1, 3, 5


@attrs.frozen
class Change:
    """What the plan does to one resource; a value that can be shown, saved and checked again."""

    address: Address
    kind: Kind
    action: Action
    causes: Mapping[str, Cause]  # who moved, for each attribute that changes
    effects: tuple[Effect, ...]  # sorted
    before: Document  # what changes, and the digest of a tag
    after: Document
    patch: Patch
    origins: tuple[str, ...]  # who asked for it: file:line:column, in file order
    stage: int

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of what changes, sorted."""
        return tuple(sorted(name for name in self.after if self.before.get(name) != self.after[name]))

    @property
    def cause(self) -> Cause:
        """The gravest of its causes."""
        return gravest(self.causes.values())


@attrs.frozen
class Drift:
    """
    What somebody else did to a locked resource and no change of an attribute undoes: it was moved, or deleted.

    A lock alone proves nothing: `az acr import --force` moves a tag that cannot be written.
    """

    address: Address
    before: Document  # as last applied: the digest of a tag, the locks that it had
    after: Document | None  # what is live instead; None: it is gone
    origins: tuple[str, ...]  # who wants it locked


@attrs.frozen
class Blocked:
    """Something that was asked for and that cannot be done as things are."""

    address: Address
    reason_code: str  # an open set: readers tolerate codes they do not know
    message: str


@attrs.frozen
class Unknown:
    """Something that could not be read, or not in full: whether all of it is in sync is not known."""

    address: Address
    message: str


@attrs.frozen
class Finding:
    """A remark about the plan as a whole; those about limits stop `apply`."""

    code: str  # an open set
    message: str


@attrs.frozen
class Summary:
    """Resources, counted."""

    update: int
    move: int
    create: int
    delete: int
    managed: int  # resources that some rule declares, and that exist
    unmanaged: int  # resources that were seen and that no rule declares

    @property
    def changes(self) -> int:
        """All changes, whatever they do."""
        return self.update + self.move + self.create + self.delete


@attrs.frozen
class Plan:
    """The changes that make live state what the files declare, and all that a reader should know about them."""

    registry: str
    desired_digest: str
    base: Reference | None  # what was last applied, for the causes; None: not known
    complete: bool  # false: something could not be read in full, see `unknown`
    changes: tuple[Change, ...]  # sorted by address
    drift: tuple[Drift, ...]  # that no change undoes, sorted by address
    blocked: tuple[Blocked, ...]
    missing: tuple[Address, ...]  # named exactly, and the registry does not hold it
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]
    summary: Summary

    @property
    def has_changes(self) -> bool:
        """There is something to apply. This is the one place where that is decided."""
        return bool(self.changes)


def effects_of(before: Document, after: Document, changed: Iterable[str]) -> tuple[Effect, ...]:
    """What a change of attributes means: permissions withdrawn, granted, or listing and reading turned off."""
    effects: set[Effect] = set()
    for name in changed:
        if name in (DELETE, WRITE):
            effects.add("tighten" if before[name] and not after[name] else "loosen")
        elif name in (LIST, READ):
            effects.add("hide" if before[name] and not after[name] else "loosen")
    return tuple(sorted(effects))


def stage_of(address: Address, desired: Document, changed: Iterable[str]) -> int:
    """
    When to carry the change out.

    Tags cannot be patched while their repository has `writeEnabled: false`, so it
    is locked after them and unlocked before them. Source: PowerShell help of
    Update-AzContainerRegistryTag.
    """
    if address.kind != "repository":
        return STAGE_ATTRIBUTES
    return STAGE_UNLOCK if WRITE in changed and desired[WRITE] else STAGE_REPOSITORY
