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

from reconciler.model.address import Address
from reconciler.model.attributes import is_locked
from reconciler.model.last_applied import Remembered
from reconciler.model.live import LiveRepository
from reconciler.model.matching import RepositoryRules, absent
from reconciler.model.selection import EVERYTHING, Selection
from reconciler.planning.base import Reference
from reconciler.planning.cause import UNREMEMBERED, Base
from reconciler.planning.compare_manifests import compare_manifests
from reconciler.planning.compare_tags import compare_tags, note_deleted
from reconciler.planning.delete_repository import delete_repository
from reconciler.planning.found import Found
from reconciler.planning.plan import ACTIONS, Change, Plan, Summary, Unknown
from reconciler.planning.remarks import findings_from
from reconciler.planning.repository_plan import Remark, RepositoryPlan
from reconciler.planning.rules import Declared, declare

__all__ = ["RepositoryPlan", "make_plan", "plan_repository"]


def plan_repository(
    rules: RepositoryRules,
    live: LiveRepository,
    base: Base = UNREMEMBERED,
    now_ns: int = 0,
    selection: Selection = EVERYTHING,
) -> RepositoryPlan:
    """
    Compare one repository, and what is in it, with what the rules declare.

    Args:
        rules: Those that speak of it.
        live: What a read showed.
        base: What was last applied, for the causes.
        now_ns: The moment of the run, in nanoseconds since 1970.
        selection: What may be changed; the rest is looked at all the same, because it may need what is selected.
    """
    if live.unread:
        return RepositoryPlan(unknown=(Unknown(Address(live.name), live.unread),))
    found = Found(live, base, now_ns, selection)
    if not selection.is_everything:
        whole = plan_repository(rules, live, base, now_ns)
        found.limit = {change.address: change for change in whole.changes}
    wanted = absent(rules.rules)
    _note_spoken(rules, found, goes=wanted is not None)
    if live.missing:
        _note_missing(rules, found)
        if wanted is not None:
            found.note_absent(found.here)
        return found.plan((found.here,) if rules.named_exactly and wanted is None else ())
    if wanted is not None:
        delete_repository(wanted, rules, found)
        return found.plan(())
    declared = declare(rules.rules)
    found.set_repository_lock(rules, declared)
    _compare_repository(declared, found)
    compare_tags(rules, found)
    compare_manifests(rules, found)
    _note_open_repository(declared, found)
    return found.plan(_missing(rules, found) if rules.named_exactly else ())


def _note_spoken(rules: RepositoryRules, found: Found, *, goes: bool) -> None:
    """Note which entries match something, as far as the repository itself tells."""
    is_told = found.live.missing and rules.named_exactly  # as missing
    found.spoken.update(rules.rules if is_told or not found.live.missing else ())
    if is_told or goes:  # what is in it decides nothing
        found.spoken.update(rules.tag_rules)


def _missing(rules: RepositoryRules, found: Found) -> tuple[Address, ...]:
    """What a rule names exactly, is not there, and will not be."""
    live, missing = found.live, set(found.live.missing_manifests)
    tags = (Address(live.name, tag=name) for name in live.missing_tags if name not in found.pinned)
    manifests = (Address(live.name, digest=digest) for digest in rules.exact_manifests if digest in missing)
    told = tuple(each for each in (*tags, *manifests) if each not in found.absent and found.selects(each))
    found.spoken.update(rule for each in told if each.tag for rule in rules.for_tag(each.tag))
    return told


def _compare_repository(declared: Declared, found: Found) -> None:
    document = found.live.document
    if document is None or not declared:
        found.unmanaged += 1
    elif not found.selects(found.here):
        found.unselected += 1
    elif found.compare(found.here, document, declared):
        found.attributes = {name: said.value for name, said in declared.items()}


def _note_open_repository(declared: Declared, found: Found) -> None:
    """Tags that are said to be immutable, in a repository that may be deleted as a whole."""
    document = found.live.document
    if not found.has_immutable or document is None:
        return
    after = {**document, **{name: said.value for name, said in declared.items() if name in document}}
    if not is_locked(after):
        found.remarks.append(Remark("open-repository", found.here))


def _note_missing(rules: RepositoryRules, found: Found) -> None:
    """What was locked in a repository that is gone, and the repository."""
    known, for_tag = found.base.remembered, rules.for_tag
    for name, was in known.tags.items():
        note_deleted(Address(found.live.name, tag=name), was, declare(for_tag(name)), found)
    note_deleted(found.here, Remembered(known.attributes), declare(rules.rules), found)


def make_plan(
    registry: str, desired_digest: str, parts: Iterable[RepositoryPlan], base: Reference | None = None
) -> Plan:
    """The plan for the whole registry, in an order that depends on names alone."""
    parts = tuple(parts)
    planned = sorted((c for part in parts for c in part.changes), key=lambda change: change.address.order)
    unlocks = sorted((u for part in parts for u in part.unlocks), key=lambda unlock: unlock.address.order)
    drift = sorted((d for part in parts for d in part.drift), key=lambda drift: drift.address.order)
    blocked = sorted((b for part in parts for b in part.blocked), key=lambda b: (b.address.order, b.message))
    unknown = sorted((u for part in parts for u in part.unknown), key=lambda u: u.address.order)
    missing = sorted((m for part in parts for m in part.missing), key=lambda address: address.order)
    return Plan(
        registry=registry,
        desired_digest=desired_digest,
        base=base,
        complete=not unknown,
        changes=tuple(planned),
        unlocks=tuple(unlocks),
        drift=tuple(drift),
        blocked=tuple(blocked),
        missing=tuple(missing),
        unknown=tuple(unknown),
        findings=findings_from(remark for part in parts for remark in part.remarks),
        summary=_summary(parts, planned),
        retention=tuple(sorted((each for part in parts for each in part.retention), key=lambda each: each.order)),
    )


def _summary(parts: Iterable[RepositoryPlan], planned: Iterable[Change]) -> Summary:
    counts = Counter(change.action for change in planned)
    managed = unmanaged = unselected = 0
    for part in parts:
        managed, unmanaged = managed + part.managed, unmanaged + part.unmanaged
        unselected += part.unselected
    actions = {action: counts[action] for action in ACTIONS}
    return Summary(**actions, managed=managed, unmanaged=unmanaged, unselected=unselected)
