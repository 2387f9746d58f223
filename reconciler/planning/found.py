"""
What comparing one repository has found out so far.

The parts of a comparison (the repository itself, its tags, its manifests) put what
they find here, and each sees what those before it found: which tags go decides which
manifests may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, LOCKS, WRITE, Document, is_locked
from reconciler.model.desired import Absent
from reconciler.model.last_applied import NOTHING
from reconciler.model.live import LiveManifest, LiveRepository
from reconciler.planning import changes
from reconciler.planning.cause import Base
from reconciler.planning.closure import Demand
from reconciler.planning.plan import (
    STAGE_DELETE,
    STAGE_MOVE,
    Blocked,
    Change,
    Drift,
    Unknown,
    Unlock,
    Via,
)
from reconciler.planning.remember import Alike, Observed, Pending
from reconciler.planning.rules import Declared, values

# Of the repository itself: it takes writes; it will before they come; we lock it; somebody else does.
RepositoryLock = Literal["none", "ends", "ours", "foreign"]
DECLARE_IT = "Declare it, true or false."
_OF_TAGS = (STAGE_MOVE, STAGE_MOVE + 1, STAGE_DELETE)


@attrs.frozen
class Remark:
    """Something about one resource that a finding is made of."""

    code: str
    address: Address


@attrs.frozen
class RepositoryPlan:
    """What is to be said about one repository; a plan is the sum of these."""

    changes: tuple[Change, ...] = ()
    unlocks: tuple[Unlock, ...] = ()
    drift: tuple[Drift, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    missing: tuple[Address, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    remarks: tuple[Remark, ...] = ()
    demands: tuple[Demand, ...] = ()  # of tags on manifests
    managed: int = 0
    unmanaged: int = 0
    observed: Observed | None = None  # None: it could not be read

    @property
    def has_something_to_say(self) -> bool:
        """It is more than two counts."""
        return bool(self.changes or self.drift or self.blocked or self.missing or self.unknown or self.remarks)


class Found:
    """What has been found out about one repository so far."""

    def __init__(self, live: LiveRepository, base: Base, now_ns: int) -> None:
        self.live = live
        self.base = base
        self.now_ns = now_ns
        self.here = Address(live.name)
        self.repository_lock: RepositoryLock = "none"
        self.changes: list[Change] = []
        self.unlocks: list[Unlock] = []
        self.drift: list[Drift] = []
        self.blocked: list[Blocked] = []
        self.unknown: list[Unknown] = []
        self.remarks: list[Remark] = []
        self.attributes: Document = {}
        self.alike: list[Alike] = []
        self.alike_manifests: list[Alike] = []
        self.pending: dict[Address, Pending] = {}
        self.demands: list[Demand] = []
        self.pinned: set[str] = set()  # tags that are not there and shall point somewhere
        self.created: set[str] = set()  # those of them that can
        self.left_alone: set[str] = set()  # digests that are wanted absent and locked: no rule may open them for that
        self.needed: set[str] = set()  # digests that are wanted absent by name and stay
        self.gone: set[str] = set()  # tags that will be deleted
        self.held: set[str] = set()  # digests that a tag will point at, whoever declares it or not
        self.has_immutable = False  # some tag is said to be
        self.managed = 0
        self.unmanaged = 0

    def set_repository_lock(self, declared: Declared) -> None:
        """Tell what the rules make of the `writeEnabled` of the repository, which stops every write inside."""
        if self.live.document is None or self.live.document.get(WRITE) is not False:
            return
        if WRITE not in declared:
            self.repository_lock = "foreign"
        else:
            self.repository_lock = "ends" if declared[WRITE].value else "ours"

    def is_tagged(self, digest: str, manifest: LiveManifest) -> bool:
        """Some tag will point at it: one that was seen, or one that the registry names and no list shows."""
        unseen = (name for name in manifest.tags if name not in self.live.tags and name not in self.gone)
        return digest in self.held or any(unseen)

    def compare(self, address: Address, live: Document, declared: Declared, via: Via | None = None) -> bool:
        """Find what of a resource is not as declared; whether all is."""
        self.managed += 1
        wanted = values(declared)
        if wanted.items() <= live.items():
            return True
        unsupported = sorted(wanted.keys() - live.keys())
        self.blocked += [_unsupported(address, declared, attribute) for attribute in unsupported]
        desired = {**live, **{name: value for name, value in wanted.items() if name in live}}
        if desired != live:
            self.changes.append(changes.update(address, live, desired, declared, self.base, via=via))
        flags = {name: value for name, value in wanted.items() if name != DIGEST}
        in_sync = {name: value for name, value in flags.items() if live.get(name) == value}
        waiting = tuple(name for name in flags if name not in in_sync)
        was = self.base.remembered.tags.get(address.tag, NOTHING)
        is_elsewhere = wanted.get(DIGEST, live.get(DIGEST)) != live.get(DIGEST)
        digest = was.digest if is_elsewhere else str(live.get(DIGEST, ""))  # where it was pointed, not where it is
        self.pending[address] = Pending(in_sync, digest, waiting)
        return False

    def delete(
        self, address: Address, live: Document, absent: Absent, also: Document | None = None, rank: int = 0
    ) -> bool:
        """Delete what is declared absent, unless it is locked; whether it will be."""
        self.managed += 1
        why = self.lock_in_the_way(live, absent)
        if why:
            self.block(address, "locked", f"{absent.origin} wants it absent, and {why}")
        else:
            if is_locked(live):
                self.unlocks.append(changes.unlock(address, live, (absent.origin,)))
            cause = self.base.cause_of_delete(address)
            self.changes.append(changes.delete(address, live, absent.origin, cause, also=also or {}, rank=rank))
        self.pending[address] = Pending({}, str(live.get(DIGEST, "")), (), all_or_nothing=True)
        return not why

    def block(self, address: Address, code: str, message: str) -> None:
        """Note that something cannot be done as things are."""
        self.blocked.append(Blocked(address, code, message))

    def plan(self, missing: tuple[Address, ...]) -> RepositoryPlan:
        """All of it."""
        live = self.live
        incomplete = [why for why in (live.incomplete, live.incomplete_manifests) if why]
        self.unknown += [Unknown(self.here, "; ".join(incomplete))] if incomplete else []
        self._announce_repository_unlock()
        return RepositoryPlan(
            changes=tuple(self.changes),
            unlocks=tuple(self.unlocks),
            drift=tuple(self.drift),
            blocked=tuple(self.blocked),
            missing=missing,
            unknown=tuple(self.unknown),
            remarks=tuple(self.remarks),
            demands=tuple(self.demands),
            managed=self.managed,
            unmanaged=self.unmanaged,
            observed=self._observed(is_whole=not self.unknown),
        )

    def _observed(self, *, is_whole: bool) -> Observed:
        return Observed(
            self.live.name,
            self.alike,
            self.attributes,
            self.pending,
            self.drift,
            is_whole=is_whole,
            alike_manifests=self.alike_manifests,
        )

    @property
    def foreign_lock(self) -> str:
        """What to say where a lock of the repository that is not ours is in the way."""
        return f"{self.here} has writeEnabled false, which no rule declares. {DECLARE_IT}"

    def lock_in_the_way(self, live: Document, absent: Absent) -> str:
        """Why a resource cannot be deleted; empty: it can."""
        if self.repository_lock == "foreign":
            return self.foreign_lock
        advice = f"unlock: true at {absent.origin} would delete it all the same."
        if self.repository_lock == "ours" and not absent.unlock:
            return f"{self.here} is locked: writeEnabled is false. {advice}"
        if is_locked(live) and not absent.unlock:
            return f"it is locked: {' and '.join(locks_of(live))} {_is(live)} false. {advice}"
        return ""

    def _announce_repository_unlock(self) -> None:
        """What is to be written in a repository that we lock may need it open for that long."""
        needs = [change for change in self.changes if change.stage in _OF_TAGS and change.address != self.here]
        if self.repository_lock == "ours" and needs and self.live.document is not None:
            asked = tuple(sorted({origin for change in needs for origin in change.origins}))
            lock = {WRITE: self.live.document[WRITE]}
            self.unlocks.append(attrs.evolve(changes.unlock(self.here, lock, ()), origins=asked))


def locks_of(live: Document) -> Sequence[str]:
    """The attributes that lock it."""
    return [name for name in LOCKS if live.get(name) is False]


def _is(live: Document) -> str:
    return "is" if len(locks_of(live)) == 1 else "are"


def _unsupported(address: Address, declared: Mapping[str, object], attribute: str) -> Blocked:
    asked = getattr(declared[attribute], "origin", "")
    message = f"{asked} declares {attribute}, which this registry does not report here; it is not written"
    return Blocked(address, "unsupported-attribute", message)
