"""
What is told about one resource that drifted, whoever it is told to.

Every sink makes its own message of the same value: `reconciler.drift.v1`. Its fingerprint
stays the same for as long as it is the same drift, so whoever receives it twice can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs

from reconciler.model.address import Address, parse_address
from reconciler.model.attributes import Value
from reconciler.planning.cause import Cause
from reconciler.planning.drift import WAYS, Severity, Way

TYPE = "reconciler.drift.v1"
FORMAT_VERSION = "1.0"

Status = Literal["firing", "resolved"]

_STATUSES: tuple[Status, ...] = ("firing", "resolved")
_SEVERITIES: tuple[Severity, ...] = ("critical", "warning")
_CAUSES: tuple[Cause, ...] = ("drift", "config", "conflict", "unknown")
_TEXTS = (
    "registry",
    "fingerprint",
    "first_seen",
    "last_seen",
    "at",
    "meaning",
    "heal",
    "pattern",
    "replaced_by",
)


@attrs.frozen
class AttributeEvent:
    """One attribute: what it was last applied as, what is live, and what the files declare."""

    name: str
    before: Value | None  # None: not known, or it was not there
    live: Value | None  # None: the resource is gone
    desired: Value | None  # None: no apply undoes it


@attrs.frozen
class DriftEvent:
    """That a resource drifts, or does so no more."""

    registry: str
    address: Address
    status: Status
    severity: Severity
    ways: tuple[Way, ...]  # what became of it, the gravest first
    cause: Cause
    attributes: tuple[AttributeEvent, ...]  # sorted by name
    fingerprint: str  # sha256:…, the same as long as it is the same drift
    first_seen: str  # RFC 3339
    last_seen: str  # RFC 3339; of what is resolved, when it was last seen to drift
    at: str  # RFC 3339: when the run was that tells it
    origins: tuple[str, ...]  # the rules that it breaks, file:line:column
    meaning: str  # one plain sentence
    heal: str  # the command that undoes it
    can_heal: bool  # false: no change of an attribute undoes it, a person has to decide
    pattern: str = ""  # that it comes back again and again, in words
    replaced_by: str = ""  # of what is resolved: the fingerprint under which the resource drifts otherwise now

    @property
    def gravity(self) -> tuple[int, int, int, tuple[str, str, str]]:
        """Sort key: firing before resolved, the gravest first, then by address."""
        way = WAYS.index(self.ways[0])
        return (_STATUSES.index(self.status), _SEVERITIES.index(self.severity), way, self.address.order)


def gravest_first(events: Iterable[DriftEvent]) -> tuple[DriftEvent, ...]:
    """Events in the order in which people should read them."""
    return tuple(sorted(events, key=lambda event: event.gravity))


def event_document(event: DriftEvent) -> dict[str, Any]:
    """The event as plain JSON values; `specs/schemas/event.v1.schema.json` is their shape."""
    return {
        "format_version": FORMAT_VERSION,
        "registry": event.registry,
        "address": str(event.address),
        "kind": event.address.kind,
        "status": event.status,
        "severity": event.severity,
        "ways": list(event.ways),
        "cause": event.cause,
        "attributes": {
            each.name: {"before": each.before, "live": each.live, "desired": each.desired} for each in event.attributes
        },
        "fingerprint": event.fingerprint,
        "first_seen": event.first_seen,
        "last_seen": event.last_seen,
        "at": event.at,
        "origins": list(event.origins),
        "meaning": event.meaning,
        "heal": event.heal,
        "can_heal": event.can_heal,
        "pattern": event.pattern,
        "replaced_by": event.replaced_by,
    }


def event_from_document(document: Mapping[str, Any]) -> DriftEvent:
    """
    The event that `event_document` made these values of.

    Raises:
        KeyError, TypeError, ValueError, AddressError: they are not such values.
    """
    members = {name: document[name] for name in attrs.fields_dict(DriftEvent)}
    members["address"] = parse_address(document["address"])
    members["attributes"] = tuple(
        AttributeEvent(name, *(_value(each[at]) for at in ("before", "live", "desired")))
        for name, each in sorted(document["attributes"].items())
    )
    for name in ("ways", "origins"):
        members[name] = tuple(document[name])
    texts = (*(members[name] for name in _TEXTS), *members["ways"], *members["origins"])
    if not all(isinstance(text, str) for text in texts) or not isinstance(document["can_heal"], bool):
        raise TypeError("a member is of another type")
    if document["status"] not in _STATUSES or document["severity"] not in _SEVERITIES:
        raise ValueError("no such status or severity")
    if not members["ways"] or not set(members["ways"]) <= set(WAYS) or document["cause"] not in _CAUSES:
        raise ValueError("no such way to drift, or no such cause")
    return DriftEvent(**members)


def _value(value: object) -> Value | None:
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError("no value of an attribute")
