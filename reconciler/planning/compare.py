"""
From what is declared and what is live to the changes that make one the other.

A desired document is the live one overlaid with what the rules declare, so an
attribute that nobody declared cannot change, and neither can one that the
registry did not report. Repositories are compared one at a time: what is in sync
is counted and forgotten, and memory grows with the number of changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, DIGEST, WRITE, Document
from reconciler.model.last_applied import Remembered
from reconciler.model.live import LiveRepository
from reconciler.model.matching import RepositoryRules
from reconciler.planning.base import Reference
from reconciler.planning.cause import UNREMEMBERED, Base
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import (
    ACTIONS,
    Blocked,
    Change,
    Drift,
    Plan,
    Summary,
    Unknown,
    effects_of,
    stage_of,
)
from reconciler.planning.remember import Alike, Observed, Pending
from reconciler.planning.rules import Declared, declare, values

_LOCKS = (DELETE, WRITE)


@attrs.frozen
class RepositoryPlan:
    """What is to be said about one repository; a plan is the sum of these."""

    changes: tuple[Change, ...] = ()
    drift: tuple[Drift, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    missing: tuple[Address, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    managed: int = 0
    unmanaged: int = 0
    observed: Observed | None = None  # None: it could not be read

    @property
    def has_something_to_say(self) -> bool:
        """It is more than two counts."""
        return bool(self.changes or self.drift or self.blocked or self.missing or self.unknown)


def plan_repository(rules: RepositoryRules, live: LiveRepository, base: Base = UNREMEMBERED) -> RepositoryPlan:
    """
    Compare one repository and its tags with what the rules declare about them.

    Args:
        rules: Those that speak of it.
        live: What a read showed.
        base: What was last applied, for the causes.
    """
    here = Address(live.name)
    if live.unread:
        return RepositoryPlan(unknown=(Unknown(here, live.unread),))
    found = _Found(base)
    if live.missing:
        _look_for_deleted(rules, live.name, base.remembered.tags, found)
        _look_for_deleted_repository(rules, live.name, found)
        return found.plan(live, missing=(here,) if rules.named_exactly else ())
    declared = declare(rule for rule in rules.rules if rule.attributes)
    if live.document is None or not declared:
        found.unmanaged += 1
    else:
        found.compare(here, live.document, declared)
    _plan_tags(rules, live, found)
    _look_for_deleted(rules, live.name, live.gone_tags, found)
    missing = tuple(Address(live.name, tag=name) for name in live.missing_tags)
    return found.plan(live, missing=missing if rules.named_exactly else ())


class _Found:
    """What has been found out about one repository so far."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.changes: list[Change] = []
        self.drift: list[Drift] = []
        self.blocked: list[Blocked] = []
        self.attributes: Document = {}
        self.alike: list[Alike] = []
        self.pending: dict[Address, Pending] = {}
        self.managed = 0
        self.unmanaged = 0

    def compare(self, address: Address, live: Document, declared: Declared) -> None:
        self.managed += 1
        wanted = values(declared)
        if wanted.items() <= live.items():
            self.attributes = wanted
            return
        unsupported = sorted(wanted.keys() - live.keys())
        self.blocked += [_unsupported(address, declared, attribute) for attribute in unsupported]
        desired = {**live, **{name: value for name, value in wanted.items() if name in live}}
        if desired != live:
            self.changes.append(_update(address, live, desired, declared, self.base))
        in_sync = {name: value for name, value in wanted.items() if live.get(name) == value}
        waiting = tuple(name for name in wanted if name not in in_sync)
        self.pending[address] = Pending(in_sync, str(live.get(DIGEST, "")), waiting)

    def plan(self, live: LiveRepository, missing: tuple[Address, ...]) -> RepositoryPlan:
        here = Address(live.name)
        return RepositoryPlan(
            changes=tuple(self.changes),
            drift=tuple(self.drift),
            blocked=tuple(self.blocked),
            missing=missing,
            unknown=(Unknown(here, live.incomplete),) if live.incomplete else (),
            managed=self.managed,
            unmanaged=self.unmanaged,
            observed=Observed(
                live.name, self.alike, self.attributes, self.pending, self.drift, is_whole=not live.incomplete
            ),
        )


class _Expected:
    """What the same rules declare about all tags that match them, and which of these are so."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.wanted = values(declared)
        self.stays = self.wanted.get(WRITE) is False  # nobody can move such a tag without unlocking it first
        self.names: list[str] = []
        self.digests: list[str] = []


def _plan_tags(rules: RepositoryRules, live: LiveRepository, found: _Found) -> None:
    # Tags by the hundred match the same few rules, so what these declare is worked out once for each combination.
    known: dict[tuple[object, ...], _Expected] = {}
    in_sync = unmanaged = 0
    rules_for = rules.for_tag
    remembered = found.base.remembered.tags
    for name, document in live.tags.items():
        matching = rules_for(name)
        if not matching:
            unmanaged += 1
            continue
        if matching not in known:
            known[matching] = _Expected(declare(matching))
        expected = known[matching]
        if not expected.declared:
            unmanaged += 1
            continue
        if expected.wanted.items() <= document.items():
            in_sync += 1
            expected.names.append(name)
            expected.digests.append(str(document.get(DIGEST, "")))
        else:
            found.compare(Address(live.name, tag=name), document, expected.declared)
        if expected.stays and name in remembered:
            _look_for_moved(Address(live.name, tag=name), document, remembered[name], expected.declared, found)
    found.alike += [Alike(each.wanted, each.names, each.digests) for each in known.values() if each.names]
    found.managed += in_sync
    found.unmanaged += unmanaged


def _look_for_moved(address: Address, live: Document, was: Remembered, declared: Declared, found: _Found) -> None:
    """A tag that nobody could write to, and that points elsewhere all the same."""
    if was.attributes.get(WRITE) is False and was.digest not in ("", live.get(DIGEST)):
        before, after = {DIGEST: was.digest}, {DIGEST: live[DIGEST]}
        found.drift.append(Drift(address, before, after, _origins(declared, (WRITE,))))


def _look_for_deleted(rules: RepositoryRules, repository: str, names: Iterable[str], found: _Found) -> None:
    """Tags that nobody could delete, and that are gone all the same."""
    remembered, rules_for = found.base.remembered.tags, rules.for_tag
    for name in names:
        _note_deleted(Address(repository, tag=name), remembered[name], declare(rules_for(name)), found)


def _look_for_deleted_repository(rules: RepositoryRules, name: str, found: _Found) -> None:
    was = Remembered(found.base.remembered.attributes)
    _note_deleted(Address(name), was, declare(rules.rules), found)


def _note_deleted(address: Address, was: Remembered, declared: Declared, found: _Found) -> None:
    locks = tuple(name for name in _LOCKS if name in declared and declared[name].value is False)
    if was.was_locked and locks:
        before = {**was.attributes, DIGEST: was.digest} if was.digest else was.attributes
        found.drift.append(Drift(address, before, None, _origins(declared, locks)))


def _update(address: Address, live: Document, desired: Document, declared: Declared, base: Base) -> Change:
    changed = sorted(name for name in desired if desired[name] != live[name])
    shown = [*changed, DIGEST] if DIGEST in live else changed
    return Change(
        address=address,
        kind=address.kind,
        action="update",
        causes=base.causes(address, live, desired, changed),
        effects=effects_of(live, desired, changed),
        before={name: live[name] for name in shown},
        after={name: desired[name] for name in shown},
        patch=make_patch(live, desired),
        origins=_origins(declared, changed),
        stage=stage_of(address, desired, changed),
    )


def _origins(declared: Declared, names: Iterable[str]) -> tuple[str, ...]:
    origins = {declared[name].origin for name in names}
    return tuple(str(origin) for origin in sorted(origins, key=lambda o: (o.file, o.line, o.column)))


def _unsupported(address: Address, declared: Declared, attribute: str) -> Blocked:
    asked = declared[attribute].origin
    message = f"{asked} declares {attribute}, which this registry does not report here; it is not written"
    return Blocked(address, "unsupported-attribute", message)


def make_plan(
    registry: str, desired_digest: str, parts: Iterable[RepositoryPlan], base: Reference | None = None
) -> Plan:
    """The plan for the whole registry, in an order that depends on names alone."""
    parts = tuple(parts)
    changes = sorted((c for part in parts for c in part.changes), key=lambda change: change.address.order)
    drift = sorted((d for part in parts for d in part.drift), key=lambda drift: drift.address.order)
    blocked = sorted((b for part in parts for b in part.blocked), key=lambda b: (b.address.order, b.message))
    unknown = sorted((u for part in parts for u in part.unknown), key=lambda u: u.address.order)
    missing = sorted((m for part in parts for m in part.missing), key=lambda address: address.order)
    return Plan(
        registry=registry,
        desired_digest=desired_digest,
        base=base,
        complete=not unknown,
        changes=tuple(changes),
        drift=tuple(drift),
        blocked=tuple(blocked),
        missing=tuple(missing),
        unknown=tuple(unknown),
        findings=(),
        summary=_summary(parts, changes),
    )


def _summary(parts: Iterable[RepositoryPlan], changes: Iterable[Change]) -> Summary:
    counts = Counter(change.action for change in changes)
    managed, unmanaged = 0, 0
    for part in parts:
        managed, unmanaged = managed + part.managed, unmanaged + part.unmanaged
    return Summary(**{action: counts[action] for action in ACTIONS}, managed=managed, unmanaged=unmanaged)
