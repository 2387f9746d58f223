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
from reconciler.model.attributes import DELETE, LIST, LOCKS, READ, WRITE, Document
from reconciler.planning.base import Reference
from reconciler.planning.cause import Cause, gravest
from reconciler.planning.patch import Patch

Action = Literal["update", "move", "create", "delete"]
Effect = Literal["hide", "loosen", "tighten"]

ACTIONS: tuple[Action, ...] = ("update", "move", "create", "delete")

# Two stages never overlap: every change of one has ended before the next begins.
STAGE_UNLOCK, STAGE_MOVE, STAGE_ATTRIBUTES, STAGE_DELETE, STAGE_REPOSITORY = 1, 2, 3, 4, 5
FIRST_RANK = 1  # of manifests in the stage of deletes: after the tags, which have none

# Findings that stop `apply`; all others are remarks.
LIMITS = frozenset(
    {
        "loosen-limit",
        "hide-limit",
        "move-limit",
        "delete-limit",
        "empty-desired-state",
        "incomplete",
    }
)


@attrs.frozen
class Via:
    """The tag on whose behalf a manifest is changed; where it points elsewhere by then, the change is stale."""

    address: Address
    digest: str  # that it pointed at, or that the plan points it at


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
    rank: int = 0  # in its stage: those of a higher one begin when all of a lower one have ended
    via: Via | None = None  # of a manifest that a rule about a tag reaches
    tags: tuple[str, ...] = ()  # of a manifest that is opened: those that were seen at it, or will be there; sorted

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of what changes, sorted."""
        names = self.before.keys() | self.after.keys()
        return tuple(sorted(name for name in names if self.before.get(name) != self.after.get(name)))

    @property
    def cause(self) -> Cause:
        """The gravest of its causes."""
        return gravest(self.causes.values())


@attrs.frozen
class Unlock:
    """
    A lock that may have to be taken off for a moment, and is put back before the run ends.

    It is announced, and done only where the registry refuses a change without it.
    """

    address: Address
    before: Document  # the locks, each of them false
    after: Document  # the same, each of them true
    patch: Patch
    origins: tuple[str, ...]  # who asked for what needs it


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
class Matching:
    """Patterns of an entry, as they stand in the files."""

    match: tuple[str, ...]
    exclude: tuple[str, ...]
    media_type: tuple[str, ...] = ()  # of manifests; empty: every type


@attrs.frozen
class Retention:
    """
    What retention keeps where something goes by it.

    It is counted again before the first of that goes: what was newer may be gone by then.
    """

    address: Address  # the repository
    kind: Kind  # tags, or manifests without a tag
    last: int | None  # so many of the newest stay; None: that keeps nothing
    newer_than_s: int | None  # what is younger stays, in seconds; None: that keeps nothing
    of: Matching
    apart: tuple[Matching, ...]  # what takes no place, because a rule decides about it
    origin: str

    @property
    def order(self) -> tuple[str, str, str]:
        """Sort key."""
        return (self.address.repository, self.kind, self.origin)


@attrs.frozen
class Finding:
    """A remark about the plan as a whole."""

    code: str  # an open set
    message: str

    @property
    def stops(self) -> bool:
        """A plan with it is not applied."""
        return self.code in LIMITS


@attrs.frozen
class Summary:
    """Resources, counted."""

    update: int
    move: int
    create: int
    delete: int
    managed: int  # resources that some rule declares, and that exist
    unmanaged: int  # resources that were seen and that no rule declares
    unselected: int = 0  # resources that some rule declares and that the run leaves out: not looked whether in sync

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
    unlocks: tuple[Unlock, ...]  # that changes may need for a moment, sorted by address
    drift: tuple[Drift, ...]  # that no change undoes, sorted by address
    blocked: tuple[Blocked, ...]
    missing: tuple[Address, ...]  # named exactly, and the registry does not hold it
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]
    summary: Summary
    retention: tuple[Retention, ...] = ()  # that deletes rest on, sorted
    now: str | None = None  # RFC 3339: when it was made; None: no rule depends on that
    expires: str | None = None  # RFC 3339: when an exception that changes depend on ends; None: none does

    @property
    def has_changes(self) -> bool:
        """There is something to apply. This is the one place where that is decided."""
        return bool(self.changes)


def effects_of(before: Document, after: Document, changed: Iterable[str]) -> tuple[Effect, ...]:
    """
    What a change of attributes means: permissions withdrawn, granted, or listing and reading turned off.

    What is created begins with every permission; what is deleted has none that matter.
    """
    if not after:
        return ()
    effects: set[Effect] = set()
    for name in changed:
        is_granted = before.get(name, True)
        if name in (DELETE, WRITE, LIST, READ) and is_granted != after[name]:
            withdrawn: Effect = "tighten" if name in (DELETE, WRITE) else "hide"
            effects.add(withdrawn if is_granted else "loosen")
    return tuple(sorted(effects))


def opens_manifest(address: Address, desired: Document, changed: Iterable[str]) -> bool:
    """A lock comes off a manifest for good."""
    return bool(address.digest) and any(name in LOCKS and desired[name] is True for name in changed)


def stage_of(address: Address, action: Action, desired: Document, changed: Iterable[str]) -> int:
    """
    When to carry the change out.

    Tags and manifests cannot be patched while their repository has `writeEnabled:
    false`, so it is locked after them and unlocked before them. Source: PowerShell help
    of Update-AzContainerRegistryTag. What is protected is protected before anything is
    deleted. A manifest is opened after the tags that protected it have moved or gone.
    """
    if action != "update":
        return STAGE_DELETE if action == "delete" else STAGE_MOVE
    if opens_manifest(address, desired, changed):
        return STAGE_DELETE
    if address.kind != "repository":
        return STAGE_ATTRIBUTES
    return STAGE_UNLOCK if WRITE in changed and desired[WRITE] else STAGE_REPOSITORY
