"""Drift events are as their schema says."""

from __future__ import annotations

import attrs
import pytest
from builders import digest
from jsonschema import Draft202012Validator

from reconciler.alerts.event import event_document
from reconciler.alerts.making import Run, event_of
from reconciler.model.address import parse_address
from reconciler.planning.drift import Drifted, attribute, ways_of
from reconciler.schema.formats import schema_of

EVENTS = [
    ("app", {"teleportEnabled": (True, False)}, True),
    ("app:v1", {"deleteEnabled": (False, True), "writeEnabled": (False, True)}, True),
    ("app:v1", {"digest": (digest("a"), digest("b")), "deleteEnabled": (False, False)}, False),
    (f"app@{digest('c')}", {"deleteEnabled": (False, None)}, False),
]


def _document(address, values, can_heal, **changes):
    where = parse_address(address)
    desired = {name: before if can_heal else None for name, (before, _) in values.items()}
    attributes = tuple(attribute(where, name, *values[name], desired[name]) for name in sorted(values))
    each = Drifted(where, ways_of(attributes), "drift", attributes, ("registry.yaml:9:18",), can_heal)
    run = Run(
        "contoso.azurecr.io", "2026-11-26T20:10:03Z", {}, lambda drift: f"reconciler drift --heal {drift.address}"
    )
    return event_document(attrs.evolve(event_of(each, attributes, run), **changes))


def _problems(document):
    return list(Draft202012Validator(schema_of("event")).iter_errors(document))


@pytest.mark.parametrize(("address", "values", "can_heal"), EVENTS)
def test_events_are_valid(address, values, can_heal):
    """Of every kind of resource, begun and over."""
    begun = _document(address, values, can_heal)
    over = _document(address, values, can_heal, status="resolved", replaced_by=f"sha256:{'0' * 64}")

    assert [[], []] == [_problems(begun), _problems(over)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "odd"},
        {"severity": "info"},
        {"ways": []},
        {"attributes": {}},
        {"attributes": {"deleteEnabled": {"before": False, "live": True}}},
        {"address": "A B"},
        {"fingerprint": "sha256:1"},
        {"more": 1},
    ],
)
def test_what_is_no_event_is_not(wrong):
    """The schema is no empty promise."""
    assert 1 <= len(_problems({**_document(*EVENTS[0]), **wrong}))
