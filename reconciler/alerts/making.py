"""
What a run found to drift, as events that say so.

Attributes that keep coming back are told apart from others, so one resource may be told
in two events: the fingerprint of each is made of what it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import attrs
import orjson

from reconciler.alerts.event import AttributeEvent, DriftEvent
from reconciler.alerts.meaning import meaning
from reconciler.planning.drift import Attribute, Drifted, severity_of, ways_of


@attrs.frozen
class Run:
    """What a run knows beside the drift itself."""

    registry: str
    at: str  # RFC 3339: when it was
    first_seen: Mapping[str, str]  # RFC 3339, by the key of an attribute
    heal: Callable[[Drifted], str]  # the command that undoes it


def event_of(each: Drifted, attributes: Sequence[Attribute], run: Run, pattern: str = "") -> DriftEvent:
    """
    The event about some attributes of a resource that drifted.

    Args:
        each: The resource.
        attributes: Those that the event is about, sorted by name.
        run: What else is known.
        pattern: That they come back again and again, in words; empty: they do not.
    """
    seen = [run.first_seen[one.key] for one in attributes if one.key in run.first_seen]
    ways = each.ways if len(attributes) == len(each.attributes) else ways_of(attributes)
    return DriftEvent(
        registry=run.registry,
        address=each.address,
        status="firing",
        severity=severity_of(ways),
        ways=ways,
        cause=each.cause,
        attributes=tuple(_attribute(each, one) for one in attributes),
        fingerprint=_fingerprint(run.registry, each, [one.name if pattern else one.key for one in attributes]),
        first_seen=min(seen, default=run.at),
        last_seen=run.at,
        at=run.at,
        origins=each.origins,
        meaning=meaning(each.address, attributes),
        heal=run.heal(each),
        can_heal=each.can_heal,
        pattern=pattern,
    )


def _attribute(each: Drifted, one: Attribute) -> AttributeEvent:
    # Without a memory nobody knows what it was: planning takes the files for it, which is no knowledge.
    before = None if each.cause == "unknown" else one.last_applied
    return AttributeEvent(one.name, before, one.live, one.desired)


def _fingerprint(registry: str, each: Drifted, said: Sequence[str]) -> str:
    return f"sha256:{hashlib.sha256(orjson.dumps([registry, str(each.address), said])).hexdigest()}"
