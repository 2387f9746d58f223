"""
What comparing one repository has found out so far.

The parts of a comparison (the repository itself, its tags, its manifests) put what
they find here, and each sees what those before it found: which tags go decides which
manifests may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, LOCKS, TAGGED, WRITE, Document, is_locked
from reconciler.model.desired import Absent, ManifestRule, RepositoryRule, TagRule
from reconciler.model.last_applied import NOTHING
from reconciler.model.live import LiveManifest, LiveRepository
from reconciler.model.matching import RepositoryRules, wants_present
from reconciler.model.retention import lasting
from reconciler.model.selection import EVERYTHING, Selection
from reconciler.planning import changes
from reconciler.planning.cause import Base
from reconciler.planning.closure import Demand
from reconciler.planning.plan import (
    STAGE_DELETE,
    STAGE_MOVE,
    Blocked,
    Change,
    Drift,
    Matching,
    Retention,
    Unknown,
    Unlock,
    Via,
    opens_manifest,
)
from reconciler.planning.remember import Alike, Observed, Pending
from reconciler.planning.repository_plan import Remark, RepositoryPlan
from reconciler.planning.rules import Declared, values

# Of the repository itself: it takes writes; it will before they come; we lock it; somebody else does.
RepositoryLock = Literal["none", "ends", "ours", "foreign"]
DECLARE_IT = "Declare it, true or false."
_OF_TAGS = (STAGE_MOVE, STAGE_MOVE + 1, STAGE_DELETE)


class Found:
    """What has been found out about one repository so far."""

    def __init__(self, live: LiveRepository, base: Base, now_ns: int = 0, selection: Selection = EVERYTHING) -> None:
        self.live = live
        self.base = base
        self.now_ns = now_ns
        self.selection = selection
        self.here = Address(live.name)
        self.repository_lock: RepositoryLock = "none"
        self.is_closed = False  # for good: nothing in it goes by retention
        self.limit: Mapping[Address, Change] | None = None  # what a run about everything would do
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
        self.retention: list[Retention] = []
        self.spoken: set[RepositoryRule | TagRule] = set()
        self.pinned: set[str] = set()  # tags that are not there and shall point somewhere
        self.absent: set[Address] = set()  # of what must not be there, and is not
        self.created: set[str] = set()  # those of them that can
        self.left_alone: set[str] = set()  # digests that are wanted absent and locked: no rule may open them for that
        self.needed: set[str] = set()  # digests that are wanted absent by name and stay
        self.gone: set[str] = set()  # tags that will be deleted
        self.held: set[str] = set()  # digests that a tag will point at, whoever declares it or not
        self.has_immutable = False  # some tag is said to be
        self.managed = 0
        self.unmanaged = 0
        self.unselected = 0  # what rules declare, and nobody asked for in this run: it stays as it is

    def selects(self, address: Address) -> bool:
        """It may be changed; all else stays as it is, and what is needed by it stays as well."""
        return self.selection.is_everything or self.selection.selects(address)

    def set_repository_lock(self, rules: RepositoryRules, declared: Declared) -> None:
        """Tell what the rules make of the `writeEnabled` of the repository, which stops every write inside."""
        self.is_closed = lasting(self.live.document or {}, rules.rules).get(WRITE) is False
        if self.live.document is None or self.live.document.get(WRITE) is not False:
            return
        if WRITE not in declared:
            self.repository_lock = "foreign"
        else:
            ends = declared[WRITE].value and self.selects(self.here)
            self.repository_lock = "ends" if ends else "ours"

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
        desired.update(self._beyond_limit(address, live, desired))
        if desired != live:
            self._update(address, live, desired, declared, via)
        flags = {name: value for name, value in wanted.items() if name != DIGEST}
        in_sync = {name: value for name, value in flags.items() if live.get(name) == value}
        waiting = tuple(name for name in flags if name not in in_sync)
        was = self.base.remembered.tags.get(address.tag, NOTHING)
        is_elsewhere = wanted.get(DIGEST, live.get(DIGEST)) != live.get(DIGEST)
        digest = was.digest if is_elsewhere else str(live.get(DIGEST, ""))  # where it was pointed, not where it is
        self.pending[address] = Pending(in_sync, digest, waiting)
        return False

    def _beyond_limit(self, address: Address, live: Document, desired: Document) -> Document:
        """The locks as they are, that this run, about a part, would change and one about everything would not."""
        if self.limit is None:
            return {}
        whole = self.limit.get(address)
        after = whole.after if whole else {}
        return {name: live[name] for name in LOCKS if name in live and desired[name] != after.get(name, live[name])}

    def _update(self, address: Address, live: Document, desired: Document, declared: Declared, via: Via | None) -> None:
        """Note an update, and what it rests on where it opens a manifest: no tag, or no other tag that is locked."""
        also: Document = {}
        tags: tuple[str, ...] = ()
        if opens_manifest(address, desired, [name for name in desired if desired[name] != live[name]]):
            manifest = self.live.manifests[address.digest]
            tags = tuple(sorted({*self._tags_at.get(address.digest, ()), *manifest.tags} - self.gone))
            if not self.is_tagged(address.digest, manifest):
                also = {TAGGED: False}
        change = changes.update(address, live, desired, declared, self.base, via=via, also=also, tags=tags)
        self.changes.append(change)

    @cached_property
    def _tags_at(self) -> Mapping[str, Sequence[str]]:
        """The tags that will point at each digest, asked once all is known about the tags."""
        after = {change.address.tag: change.after for change in self.changes if change.address.tag}
        found: dict[str, list[str]] = {}
        for name in sorted((self.live.tags.keys() | after.keys()) - self.gone):
            digest = after.get(name, {}).get(DIGEST) or self.live.tags.get(name, {}).get(DIGEST, "")
            found.setdefault(str(digest), []).append(name)
        return found

    def delete(
        self, address: Address, live: Document, absent: Absent, also: Document | None = None, rank: int = 0
    ) -> bool:
        """Delete what is declared absent, unless it is locked; whether it will be."""
        if self.limit is not None and (address not in self.limit or self.limit[address].action != "delete"):
            self.unselected += 1
            return False
        self.managed += 1
        why = self.lock_in_the_way(live, absent)
        if why:
            self.block(address, "locked", f"{absent}, and {why}")
        else:
            if is_locked(live):
                self.unlocks.append(changes.unlock(address, live, (absent.origin,)))
            cause = self.base.cause_of_delete(address)
            self.changes.append(changes.delete(address, live, absent.origin, cause, also=also or {}, rank=rank))
        self.pending[address] = Pending({}, str(live.get(DIGEST, "")), (), all_or_nothing=True)
        return not why

    def note_absent(self, address: Address) -> None:
        """What must not be there is not."""
        self.absent.add(address)
        if self.selects(address):
            self.managed += 1
        else:
            self.unselected += 1

    def count_again(self, rules: Sequence[TagRule] | Sequence[ManifestRule]) -> None:
        """Note what keeps things of one kind, where something goes because it is not kept."""
        apart = tuple(_matching(rule) for rule in rules if _decides(rule))
        self.retention += [
            Retention(
                address=self.here,
                kind=rule.kind,
                last=rule.keep.last,
                newer_than_s=rule.keep.newer_than_s,
                of=_matching(rule),
                apart=apart,
                origin=str(rule.keep.origin),
            )
            for rule in rules
            if rule.keep is not None
        ]

    def block(self, address: Address, code: str, message: str) -> None:
        """Note that something cannot be done as things are."""
        self.blocked.append(Blocked(address, code, message))

    def plan(self, missing: tuple[Address, ...]) -> RepositoryPlan:
        """All of it."""
        live = self.live
        incomplete = [why for why in (live.incomplete, live.incomplete_manifests) if why]
        self.unknown += [Unknown(self.here, "; ".join(incomplete))] if incomplete else []
        self._announce_repository_unlock()
        if self.repository_lock == "foreign" and any(change.address != self.here for change in self.changes):
            self.remarks.append(Remark("locked-repository", self.here))
        return RepositoryPlan(
            changes=tuple(self.changes),
            unlocks=tuple(self.unlocks),
            drift=tuple(self.drift),
            blocked=tuple(self.blocked),
            missing=missing,
            unknown=tuple(self.unknown),
            remarks=tuple(self.remarks),
            demands=tuple(self.demands),
            retention=tuple(self.retention),
            spoken=frozenset(self.spoken),
            managed=self.managed,
            unmanaged=self.unmanaged,
            unselected=self.unselected,
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
            children={digest: each.children for digest, each in self.live.manifests.items() if each.children},
        )

    @property
    def foreign_lock(self) -> str:
        """What to say where a lock of the repository that is not ours is in the way."""
        return f"{self.here} has writeEnabled false, which no rule declares. {DECLARE_IT}"

    def lock_in_the_way(self, live: Document, absent: Absent) -> str:
        """Why a resource cannot be deleted; empty: it can."""
        if self.repository_lock == "foreign":
            return self.foreign_lock
        if self.repository_lock == "ours" and not absent.unlock:
            return f"{self.here} is locked: writeEnabled is false. {absent.advice}"
        if is_locked(live) and not absent.unlock:
            return f"it is locked: {' and '.join(locks_of(live))} {_is(live)} false. {absent.advice}"
        return ""

    def _announce_repository_unlock(self) -> None:
        """What is to be written in a repository that we lock may need it open for that long."""
        needs = [change for change in self.changes if change.stage in _OF_TAGS and change.address != self.here]
        if self.repository_lock == "ours" and needs and self.live.document is not None:
            asked = tuple(sorted({origin for change in needs for origin in change.origins}))
            lock = {WRITE: self.live.document[WRITE]}
            self.unlocks.append(attrs.evolve(changes.unlock(self.here, lock, ()), origins=asked))


def _matching(rule: TagRule | ManifestRule) -> Matching:
    match, exclude = (tuple(each.text for each in patterns) for patterns in (rule.match, rule.exclude))
    types = rule.media_type if isinstance(rule, ManifestRule) else ()
    return Matching(match, exclude, tuple(each.text for each in types))


def _decides(rule: TagRule | ManifestRule) -> bool:
    return rule.ensure is not None or wants_present(rule)


def locks_of(live: Document) -> Sequence[str]:
    """The attributes that lock it."""
    return [name for name in LOCKS if live.get(name) is False]


def _is(live: Document) -> str:
    return "is" if len(locks_of(live)) == 1 else "are"


def _unsupported(address: Address, declared: Mapping[str, object], attribute: str) -> Blocked:
    asked = getattr(declared[attribute], "origin", "")
    message = f"{asked} declares {attribute}, which this registry does not report here; it is not written"
    return Blocked(address, "unsupported-attribute", message)
