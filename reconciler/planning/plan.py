"""
From what is declared and what is live to the ordered list of changes.

A desired document is the live one overlaid with what the rules declare, so an
attribute that nobody declared cannot change, and neither can one that the
registry did not report. Repositories are planned one at a time: what is in sync
is counted and forgotten, and memory grows with the number of changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from reconciler.model.address import Address, Kind
from reconciler.model.attributes import DELETE, DIGEST, LIST, READ, WRITE, Document
from reconciler.model.live import LiveRepository
from reconciler.model.matching import RepositoryRules
from reconciler.planning.patch import Patch, make_patch
from reconciler.planning.rules import Declared, declare, values

Action = Literal["update", "move", "create", "delete"]
Cause = Literal["config", "drift", "conflict", "unknown"]
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
    cause: Cause
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
    complete: bool  # false: something could not be read in full, see `unknown`
    changes: tuple[Change, ...]  # sorted by address
    blocked: tuple[Blocked, ...]
    missing: tuple[Address, ...]  # named exactly, and the registry does not hold it
    unknown: tuple[Unknown, ...]
    findings: tuple[Finding, ...]
    summary: Summary

    @property
    def has_changes(self) -> bool:
        """There is something to apply. This is the one place where that is decided."""
        return bool(self.changes)


@attrs.frozen
class RepositoryPlan:
    """What is to be said about one repository; a plan is the sum of these."""

    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    missing: tuple[Address, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    managed: int = 0
    unmanaged: int = 0

    @property
    def has_something_to_say(self) -> bool:
        """It is more than two counts."""
        return bool(self.changes or self.blocked or self.missing or self.unknown)


def plan_repository(rules: RepositoryRules, live: LiveRepository) -> RepositoryPlan:
    """Compare one repository and its tags with what the rules declare about them."""
    here = Address(live.name)
    if live.unread:
        return RepositoryPlan(unknown=(Unknown(here, live.unread),))
    if live.missing:
        return RepositoryPlan(missing=(here,) if rules.named_exactly else ())
    found = _Found()
    declared = declare(rule for rule in rules.rules if rule.attributes)
    if live.document is None or not declared:
        found.unmanaged += 1
    else:
        found.compare(here, live.document, declared)
    _plan_tags(rules, live, found)
    missing = tuple(Address(live.name, tag=name) for name in live.missing_tags)
    return RepositoryPlan(
        changes=tuple(found.changes),
        blocked=tuple(found.blocked),
        missing=missing if rules.named_exactly else (),
        unknown=(Unknown(here, live.incomplete),) if live.incomplete else (),
        managed=found.managed,
        unmanaged=found.unmanaged,
    )


class _Found:
    """What has been found out about one repository so far."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.blocked: list[Blocked] = []
        self.managed = 0
        self.unmanaged = 0

    def compare(self, address: Address, live: Document, declared: Declared) -> None:
        self.managed += 1
        wanted = values(declared)
        if wanted.items() <= live.items():
            return
        unsupported = sorted(wanted.keys() - live.keys())
        self.blocked += [_unsupported(address, declared, attribute) for attribute in unsupported]
        desired = {**live, **{name: value for name, value in wanted.items() if name in live}}
        if desired != live:
            self.changes.append(_update(address, live, desired, declared))


def _plan_tags(rules: RepositoryRules, live: LiveRepository, found: _Found) -> None:
    # Tags by the hundred match the same few rules, so what these declare is worked out once for each combination.
    known: dict[tuple[object, ...], tuple[Declared, Mapping[str, bool]]] = {}
    in_sync = unmanaged = 0
    rules_for = rules.for_tag
    for name, document in live.tags.items():
        matching = rules_for(name)
        if not matching:
            unmanaged += 1
            continue
        if matching not in known:
            declared = declare(matching)
            known[matching] = (declared, values(declared))
        declared, wanted = known[matching]
        if not declared:
            unmanaged += 1
        elif wanted.items() <= document.items():
            in_sync += 1
        else:
            found.compare(Address(live.name, tag=name), document, declared)
    found.managed += in_sync
    found.unmanaged += unmanaged


def _update(address: Address, live: Document, desired: Document, declared: Declared) -> Change:
    changed = sorted(name for name in desired if desired[name] != live[name])
    shown = [*changed, DIGEST] if DIGEST in live else changed
    origins = {declared[name].origin for name in changed}
    return Change(
        address=address,
        kind=address.kind,
        action="update",
        cause="unknown",  # who moved is known only to somebody who remembers
        effects=effects_of(live, desired, changed),
        before={name: live[name] for name in shown},
        after={name: desired[name] for name in shown},
        patch=make_patch(live, desired),
        origins=tuple(str(origin) for origin in sorted(origins, key=lambda o: (o.file, o.line, o.column))),
        stage=stage_of(address, desired, changed),
    )


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


def _unsupported(address: Address, declared: Declared, attribute: str) -> Blocked:
    asked = declared[attribute].origin
    message = f"{asked} declares {attribute}, which this registry does not report here; it is not written"
    return Blocked(address, "unsupported-attribute", message)


def make_plan(registry: str, desired_digest: str, parts: Iterable[RepositoryPlan]) -> Plan:
    """The plan for the whole registry, in an order that depends on names alone."""
    parts = tuple(parts)
    changes = sorted((c for part in parts for c in part.changes), key=lambda change: change.address.order)
    blocked = sorted((b for part in parts for b in part.blocked), key=lambda b: (b.address.order, b.message))
    unknown = sorted((u for part in parts for u in part.unknown), key=lambda u: u.address.order)
    missing = sorted((m for part in parts for m in part.missing), key=lambda address: address.order)
    counts = dict.fromkeys(ACTIONS, 0)
    for change in changes:
        counts[change.action] += 1
    summary = Summary(
        **counts,
        managed=sum(part.managed for part in parts),
        unmanaged=sum(part.unmanaged for part in parts),
    )
    return Plan(
        registry=registry,
        desired_digest=desired_digest,
        complete=not unknown,
        changes=tuple(changes),
        blocked=tuple(blocked),
        missing=tuple(missing),
        unknown=tuple(unknown),
        findings=(),
        summary=summary,
    )
