"""
Prometheus Alertmanager, by its API v2.

Alertmanager forgets an alert that nobody repeats, and tells one that is repeated once. So
it is given all that fires in each run, with an end that lies two runs ahead: two runs that
did not happen and the alert is over, as it would be for Prometheus.

Source: github.com/prometheus/alertmanager, api/v2/openapi.yaml; an end before the start is
refused (types/types.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from reconciler.alerts.event import DriftEvent
from reconciler.alerts.posting import Request
from reconciler.alerts.sink import Batch
from reconciler.alerts.text import shortened
from reconciler.alerts.wording import values

PATH = "/api/v2/alerts"
INTERVAL_S = 86_400.0  # where nobody says when the next run is: an alert that ends too soon would be a lie
_AT_ONCE = 256  # alerts in one request
_TEXT = 1_000  # characters


def alertmanager_requests(interval_s: float | None) -> Callable[[Batch], Sequence[Request]]:
    """The function from a batch to requests; `interval_s` is taken for the time to the next run, if not None."""

    def requests(batch: Batch) -> tuple[Request, ...]:
        ahead = timedelta(seconds=2 * (interval_s or batch.interval_s or INTERVAL_S))
        alerts = list(_alerts(batch, ahead))
        return tuple(Request(orjson.dumps(some)) for some in _chunks(alerts))

    return requests


def _chunks(alerts: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(alerts), _AT_ONCE):
        yield alerts[start : start + _AT_ONCE]


def _alerts(batch: Batch, ahead: timedelta) -> Iterator[dict[str, Any]]:
    now = datetime.fromisoformat(batch.at)
    for event in batch.firing:
        yield _alert(event, now, now + ahead)
    for event in batch.news:
        if event.status == "resolved":
            yield _alert(event, now, now)


def _alert(event: DriftEvent, now: datetime, end: datetime) -> dict[str, Any]:
    return {
        "labels": {
            "alertname": "RegistryDrift",
            "registry": event.registry,
            "repository": event.address.repository,
            "address": str(event.address),
            "kind": event.address.kind,
            "severity": event.severity,
            "cause": event.cause,
            "way": event.ways[0],
            "fingerprint": event.fingerprint,
        },
        "annotations": {
            "summary": shortened(event.meaning, _TEXT),
            "description": shortened(f"{', '.join(event.ways)}: {_attributes(event)}", _TEXT),
            "heal": shortened(event.heal, _TEXT),
            "attributes": shortened(_attributes(event), _TEXT),
            **({"pattern": shortened(event.pattern, _TEXT)} if event.pattern else {}),
        },
        "startsAt": _start(event.first_seen, now),
        "endsAt": end.isoformat(),
    }


def _attributes(event: DriftEvent) -> str:
    return ", ".join(f"{each.name}: {values(each)}" for each in event.attributes)


def _start(first_seen: str, now: datetime) -> str:
    """When it began; not later than now, as clocks may have been put back."""
    try:
        return min(datetime.fromisoformat(first_seen), now).isoformat()
    except (ValueError, TypeError):  # no moment, or one without a time zone
        return now.isoformat()
