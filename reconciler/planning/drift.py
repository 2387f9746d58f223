"""
Of a plan, only what drifted: what somebody changed behind our back.

The files may differ from the registry for reasons of their own; that is none of the
matter here. What is left of a plan can be healed like any other: its changes are just
those attributes that are not as they were last applied, and its limits are the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import attrs
import orjson

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, TAGGED, Value
from reconciler.planning.cause import Cause
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import ACTIONS, Action, Change, Drift, Plan, effects_of, opens_manifest, stage_of

Way = Literal["hidden", "loosened", "moved", "deleted", "tightened", "changed"]
Severity = Literal["critical", "warning"]

WAYS: tuple[Way, ...] = ("hidden", "loosened", "moved", "deleted", "tightened", "changed")
SEVERITIES: tuple[Severity, ...] = ("critical", "warning")
_CRITICAL = frozenset({"hidden", "loosened", "moved", "deleted"})
_DRIFTED: tuple[Cause, ...] = ("drift", "conflict")
_WAY_OF: Mapping[str, Way] = {"hide": "hidden", "loosen": "loosened", "tighten": "tightened"}


@attrs.frozen
class Attribute:
    """One attribute that drifted."""

    name: str
    last_applied: Value | None
    live: Value | None  # None: the resource is gone
    desired: Value | None  # None: no apply undoes it
    key: str  # the same as long as it is the same drift of this attribute, for who remembers since when


@attrs.frozen
class Drifted:
    """One resource that drifted."""

    address: Address
    ways: tuple[Way, ...]  # what became of it, the gravest first
    cause: Cause
    attributes: tuple[Attribute, ...]  # sorted by name
    origins: tuple[str, ...]  # the rules that it breaks
    can_heal: bool

    @property
    def fingerprint(self) -> str:
        """The same as long as it is the same drift: resource, attributes and values, nothing else."""
        return _digest([str(self.address), self.ways, [each.key for each in self.attributes]])

    def first_seen(self, seen: Mapping[str, str]) -> str:
        """When it began to be seen: the first of its attributes; empty: not known."""
        return min((seen[each.key] for each in self.attributes if each.key in seen), default="")


def severity_of(ways: Iterable[Way]) -> Severity:
    """How grave it is that a resource drifted in these ways: what can be lost, or is, is critical."""
    return "warning" if _CRITICAL.isdisjoint(ways) else "critical"


def ways_of(attributes: Iterable[Attribute]) -> tuple[Way, ...]:
    """What became of a resource by these attributes alone, the gravest first."""
    attributes = tuple(attributes)
    if all(each.live is None for each in attributes):
        return ("deleted",)
    before = {each.name: each.last_applied for each in attributes if each.last_applied is not None}
    live = {each.name: each.live for each in attributes if each.live is not None}
    ways = {_WAY_OF[effect] for effect in effects_of(before, live, live)}
    if DIGEST in live:
        ways.add("moved")
    return tuple(way for way in WAYS if way in ways) or ("changed",)


def only_drift(plan: Plan, *, is_known: bool) -> Plan:
    """
    The plan that heals what drifted, and does nothing else.

    Args:
        plan: Of everything.
        is_known: There is something to tell drift by; without it every difference may be drift, and counts as such.
    """
    causes = _DRIFTED if is_known else (*_DRIFTED, "unknown")
    changes = [_narrowed(change, causes) for change in plan.changes]
    left = tuple(change for change in changes if change is not None)
    counts = Counter(change.action for change in left)
    summary = attrs.evolve(plan.summary, **{action: counts[action] for action in ACTIONS})
    touched = {change.address for change in left}
    around = {Address(change.address.repository) for change in left}
    unlocks = tuple(unlock for unlock in plan.unlocks if unlock.address in touched | around)
    return attrs.evolve(plan, changes=left, unlocks=unlocks, blocked=(), missing=(), summary=summary, retention=())


def drifted(plan: Plan, last_applied: Callable[[Address, str], Value | None] | None = None) -> tuple[Drifted, ...]:
    """
    What drifted, from the plan that heals it, sorted by address.

    Args:
        plan: The plan that heals it.
        last_applied: What an attribute of a resource was last applied as, where files and registry both moved from
            that; None: it is taken for what the files say now.
    """
    found = [*(_of_change(change, last_applied) for change in plan.changes), *map(_beyond_change, plan.drift)]
    return tuple(sorted(found, key=lambda each: (each.address.order, each.ways)))


def drift_counts(found: Sequence[Drifted]) -> dict[str, int]:
    """How many resources drifted, and how many of them which way; one may have several."""
    ways = Counter(way for each in found for way in each.ways)
    return {"resources": len({each.address for each in found}), **{way: ways[way] for way in WAYS}}


def _narrowed(change: Change, causes: tuple[Cause, ...]) -> Change | None:
    """What of a change has one of these causes; None: nothing of it."""
    if change.action == "delete":  # what was deleted and came back is nobody's drift: tags are pushed all the time
        return None
    names = [name for name in change.attributes if change.causes[name] in causes]
    if len(names) == len(change.attributes):
        return change
    if not names or (change.action == "create" and DIGEST not in names):
        return None
    if change.action == "create":
        return change
    kept = {*names, DIGEST, TAGGED}
    action: Action = "move" if DIGEST in names else "update"
    before = {name: value for name, value in change.before.items() if name in kept}
    after = {name: value for name, value in change.after.items() if name in kept}
    if action == "update" and DIGEST in before:
        after[DIGEST] = before[DIGEST]
    if not opens_manifest(change.address, after, names):
        before.pop(TAGGED, None)
        after.pop(TAGGED, None)
    return attrs.evolve(
        change,
        action=action,
        causes={name: change.causes[name] for name in names},
        effects=effects_of(before, after, names),
        before=before,
        after=after,
        patch=make_patch(before, after),
        stage=stage_of(change.address, action, after, names),
        rank=change.rank if opens_manifest(change.address, after, names) else 0,
    )


def _of_change(change: Change, last_applied: Callable[[Address, str], Value | None] | None) -> Drifted:
    def before(name: str) -> Value | None:
        if last_applied is not None and change.causes[name] == "conflict":
            return last_applied(change.address, name)
        return change.after[name]

    # What heals it goes from live to last applied, so what became of it is the same the other way round.
    effects = effects_of(change.after, change.before, change.attributes)
    ways = {_WAY_OF[effect] for effect in effects} | _ways_by_action(change)
    attributes = tuple(
        attribute(change.address, name, before(name), change.before.get(name), change.after[name])
        for name in change.attributes
    )
    in_order = tuple(way for way in WAYS if way in ways) or ("changed",)
    return Drifted(change.address, in_order, change.cause, attributes, change.origins, can_heal=True)


def _ways_by_action(change: Change) -> set[Way]:
    if change.action == "move":
        return {"moved"}
    return {"deleted"} if change.action == "create" else set()


def _beyond_change(drift: Drift) -> Drifted:
    live = drift.after
    attributes = tuple(
        attribute(drift.address, name, value, live[name] if live else None, None)
        for name, value in sorted(drift.before.items())
    )
    way: Way = "deleted" if live is None else "moved"
    return Drifted(drift.address, (way,), "drift", attributes, drift.origins, can_heal=False)


def attribute(
    address: Address, name: str, last_applied: Value | None, live: Value | None, desired: Value | None
) -> Attribute:
    """One attribute of a resource that drifted, with the key of just that."""
    return Attribute(name, last_applied, live, desired, _digest([str(address), name, last_applied, live]))


def _digest(said: object) -> str:
    return f"sha256:{hashlib.sha256(orjson.dumps(said)).hexdigest()}"
