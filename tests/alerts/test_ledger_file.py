"""The ledger as bytes: whole, the same again, and no trap where it is damaged."""

from __future__ import annotations

import json

import attrs
import pytest
from happened import AT, MOVED, drifted, run

from reconciler.alerts.ledger import Ledger, after, awaited, told
from reconciler.alerts.ledger_file import ledger_from_bytes, ledger_to_bytes
from reconciler.errors import AlertError, StateError


def _ledger() -> Ledger:
    seen = after(Ledger(), [drifted("app:v1"), drifted("app:v2", MOVED)], run(), is_whole=True)
    first, *_ = (alert.event for alert in seen.alerts.values())
    seen = awaited(seen, ["slack-1", "teams-1"])
    return attrs.evolve(told(seen, "slack-1", [first]), busy={"teams-1": "2026-11-26T20:15:03Z"})


def test_it_comes_back_as_it_was():
    """Alerts, who was told, rounds and who is busy."""
    ledger = _ledger()

    assert ledger == ledger_from_bytes(ledger_to_bytes(ledger))
    assert {"slack-1"} == {key for alert in ledger.alerts.values() for key in alert.told}


def test_nothing_is_an_empty_ledger():
    """An empty object stands for nothing in an object store."""
    assert Ledger() == ledger_from_bytes(b"") == ledger_from_bytes(b"\n")


def _changed(change):
    document = json.loads(ledger_to_bytes(_ledger()))
    change(document)
    return json.dumps(document).encode()


def _set(*path, to):
    def change(document):
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"null",
        b'{"kind": "other", "format_version": "1.0"}',
        *map(
            _changed,
            [
                _set("alerts", 0, "event", "address", to="A B"),
                _set("alerts", 0, "event", "first_seen", to="2026-11-26T20:10:03"),
                _set("alerts", 0, "event", "attributes", to=[]),
                _set("alerts", 0, "event", "cause", to=["drift"]),
                _set("alerts", 0, "event", "attributes", "deleteEnabled", "live", to={}),
                _set("alerts", 0, "event", "heal", to=7),
                _set("alerts", 0, "awaited_by", to=[7]),
                _set("alerts", 0, "told", to={"s": {"status": "odd", "at": AT}}),
                _set("rounds", "contoso.azurecr.io app:v1 deleteEnabled", "began", to=["yesterday"]),
                _set("busy", to={"s": 7}),
                _set("alerts", to=None),
            ],
        ),
    ],
)
def test_what_is_damaged_is_refused(content):
    """Never half a ledger, and never a bug."""
    with pytest.raises(AlertError, match="cannot be read"):
        ledger_from_bytes(content)


def test_a_later_version_is_left_alone():
    """It may hold what this one would lose."""
    with pytest.raises(StateError, match="a later version"):
        ledger_from_bytes(_changed(_set("format_version", to="2.0")))
