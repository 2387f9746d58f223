"""
The ledger as bytes, beside the memory: sorted, so that equal ledgers give equal bytes.

It is no memory of what was applied: whoever loses it is told once more what they know.
So a damaged one is no reason to keep silent about drift, and is begun anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from reconciler.alerts.event import Status, event_document, event_from_document
from reconciler.alerts.ledger import Alert, Ledger, Rounds, Telling
from reconciler.errors import AddressError, AlertError, StateError

FORMAT_VERSION = "1.0"
_KIND = "acr-reconciler alerts"


def ledger_to_bytes(ledger: Ledger) -> bytes:
    """The ledger as UTF-8 JSON."""
    document = {
        "kind": _KIND,
        "format_version": FORMAT_VERSION,
        "alerts": [_alert_document(ledger.alerts[name]) for name in sorted(ledger.alerts)],
        "rounds": {key: {"began": each.began, "open": each.is_open} for key, each in ledger.rounds.items()},
        "busy": dict(ledger.busy),
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def ledger_from_bytes(content: bytes) -> Ledger:
    """
    The ledger that these bytes hold.

    Raises:
        AlertError: they hold none.
        StateError: they hold one of a later version, which is to be left as it is.
    """
    if not content.strip():
        return Ledger()
    try:
        document = orjson.loads(content)
        version = str(document["format_version"])
        if version.partition(".")[0] == FORMAT_VERSION.partition(".")[0]:
            return _ledger(document)
    except (ValueError, KeyError, TypeError, AttributeError, AddressError) as error:
        raise AlertError(f"what was told about drift cannot be read: {error}") from None
    raise StateError(f'what was told about drift was written by a later version, in format "{version}"')


def _ledger(document: Mapping[str, Any]) -> Ledger:
    if document["kind"] != _KIND:
        raise ValueError("it is something else")
    alerts = [_alert(each) for each in document["alerts"]]
    rounds = {
        str(key): Rounds(tuple(_moment(moment) for moment in each["began"]), bool(each["open"]))
        for key, each in document["rounds"].items()
    }
    busy = {str(key): _moment(until) for key, until in document["busy"].items()}
    return Ledger({alert.event.fingerprint: alert for alert in alerts}, rounds, busy)


def _alert_document(alert: Alert) -> dict[str, Any]:
    told = {key: {"status": telling.status, "at": telling.at} for key, telling in alert.told.items()}
    return {"event": event_document(alert.event), "told": told, "awaited_by": sorted(alert.awaited_by)}


def _alert(document: Mapping[str, Any]) -> Alert:
    event = event_from_document(document["event"])
    for moment in (event.at, event.first_seen, event.last_seen):
        _moment(moment)
    told = {str(key): Telling(_status(each["status"]), _moment(each["at"])) for key, each in document["told"].items()}
    return Alert(event, told, frozenset(map(_text, document["awaited_by"])))


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("not a text")
    return text


def _status(text: object) -> Status:
    if text == "firing":
        return "firing"
    if text == "resolved":
        return "resolved"
    raise ValueError("no such status")


def _moment(text: object) -> str:
    """A moment with its time zone, as it stands there."""
    if datetime.fromisoformat(str(text)).tzinfo is None:
        raise ValueError("a moment without a time zone")
    return str(text)
