"""Drift as values, for tests of what is told about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builders import digest

from reconciler.alerts.event import DriftEvent
from reconciler.alerts.making import Run, event_of
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


def _heal(each: Drifted) -> str:
    return f"reconciler drift registry.yaml --heal --target {each.address}"
