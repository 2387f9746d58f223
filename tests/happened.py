"""Drift as values, for tests of what is told about it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from builders import digest

from reconciler.alerts.event import DriftEvent, gravest_first
from reconciler.alerts.making import Run, event_of
from reconciler.alerts.sink import Batch
from reconciler.model.address import parse_address
from reconciler.model.attributes import Value
from reconciler.planning.cause import Cause
from reconciler.planning.drift import Drifted, attribute, ways_of

REGISTRY = "contoso.azurecr.io"
AT = "2026-11-26T20:10:03Z"
UNLOCKED = {"deleteEnabled": (False, True)}
TIGHTENED = {"deleteEnabled": (True, False)}
MOVED = {"digest": (digest("a"), digest("b"))}


def drifted(
    address: str,
    values: Mapping[str, tuple[Value | None, Value | None]] = UNLOCKED,
    *,
    cause: Cause = "drift",
    can_heal: bool = True,
) -> Drifted:
    """A resource that drifted; values are what was last applied and what is live, by attribute."""
    where = parse_address(address)
    attributes = tuple(
        attribute(where, name, before, live, before if can_heal else None)
        for name, (before, live) in sorted(values.items())
    )
    return Drifted(where, ways_of(attributes), cause, attributes, ("registry.yaml:9:18",), can_heal)


def run(at: str = AT, first_seen: Mapping[str, str] | None = None) -> Run:
    """A run at that moment."""
    return Run(
        REGISTRY, at, first_seen or {}, lambda each: f"reconciler drift registry.yaml --heal --target {each.address}"
    )


def event(address: str = "prod/api:v1.2.0", *args: Any, at: str = AT, **others: Any) -> DriftEvent:
    """The event about such a resource."""
    each = drifted(address, *args, **others)
    return event_of(each, each.attributes, run(at))


def events(names: Sequence[str], *args: Any, **others: Any) -> tuple[DriftEvent, ...]:
    """Several of them."""
    return tuple(event(name, *args, **others) for name in names)


def resolved(told: DriftEvent, at: str = "2026-11-26T21:10:03Z", **others: Any) -> DriftEvent:
    """That it drifts no more."""
    return attrs.evolve(told, status="resolved", at=at, **others)


def batch(*news: DriftEvent, firing: Sequence[DriftEvent] | None = None, **others: Any) -> Batch:
    """What a sink is given: this news, and all that fires; unless said otherwise, just the news that fires."""
    fires = [event for event in news if event.status == "firing"] if firing is None else firing
    members = {"at": AT, "interval_s": None, "is_complete": True, "command": "reconciler drift registry.yaml", **others}
    return Batch(REGISTRY, gravest_first(news), gravest_first(fires), **members)


@functools.cache
def many(number: int = 4_000) -> tuple[DriftEvent, ...]:
    """As many tags that drifted, with the longest names there are, one moved for each 400 that were unlocked."""
    name = "very-long-tag-name-" * 6
    return tuple(
        event(f"{'team/' * 8}app:{name}{place:04}", MOVED if place % 400 == 0 else UNLOCKED) for place in range(number)
    )
