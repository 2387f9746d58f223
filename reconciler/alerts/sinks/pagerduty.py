"""
PagerDuty, by its Events API v2.

Whoever is woken is woken once: one incident for all that drifts in a registry for one
cause and in one severity. It is resolved when nothing of that fires any more; a run that
could not read everything does not know that, and resolves nothing.

Sources: developer.pagerduty.com/docs/events-api-v2/trigger-events (fields; 1,024 characters
of summary; 202), github.com/PagerDuty/api-schema, reference/events-v2/openapiv3.json (512 KB,
429; a resolve without an open incident changes nothing).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
import orjson

from reconciler.alerts.event import DriftEvent
from reconciler.alerts.posting import Patience, Request, post
from reconciler.alerts.secret import Secret, Target
from reconciler.alerts.sink import Batch
from reconciler.alerts.text import shortened
from reconciler.alerts.wording import headline, message
from reconciler.errors import AlertError
from reconciler.planning.cause import Cause
from reconciler.planning.drift import WAYS, Severity

BASE = "https://events.pagerduty.com"  # in the European region: https://events.eu.pagerduty.com

_SUMMARY, _SOURCE = 1_024, 255  # characters
_Group: TypeAlias = tuple[Cause, Severity]


@attrs.frozen
class PagerDuty:
    """Triggers and resolves incidents."""

    name: str
    key: str
    target: Target
    routing_key: Secret
    patience: Patience
    wants_each_run: bool = False

    async def __call__(self, batch: Batch) -> None:
        """
        Trigger what has news, resolve what is over.

        Raises:
            AlertError: an event was not taken; or it is not known whether something is over.
        """
        if requests := pagerduty_requests(batch, self.routing_key.value):
            await post(self.target, requests, self.patience)
        if not batch.is_complete and _over(batch):
            # Told again with the next run: else the incident would stay open for ever.
            raise AlertError("not everything could be read, so no incident is resolved; the next run tries again")


def pagerduty_requests(batch: Batch, routing_key: str) -> tuple[Request, ...]:
    """An event for each group that has news, or is over."""
    triggers = [_trigger(batch, group, routing_key) for group in _groups(batch.news, "firing")]
    resolves = [_event(batch, group, routing_key, "resolve") for group in _over(batch) if batch.is_complete]
    return tuple(Request(orjson.dumps(event)) for event in (*triggers, *resolves))


def _over(batch: Batch) -> list[_Group]:
    """Groups of which something was resolved, and nothing fires any more."""
    still = _groups(batch.firing, "firing")
    return [group for group in _groups(batch.news, "resolved") if group not in still]


def _groups(events: Sequence[DriftEvent], status: str) -> list[_Group]:
    return sorted({(event.cause, event.severity) for event in events if event.status == status})


def _event(batch: Batch, group: _Group, routing_key: str, action: str) -> dict[str, Any]:
    name = "\n".join([batch.registry, *group])
    key = f"reconciler-{hashlib.sha256(name.encode()).hexdigest()}"
    return {"routing_key": routing_key, "event_action": action, "dedup_key": key}


def _trigger(batch: Batch, group: _Group, routing_key: str) -> dict[str, Any]:
    cause, severity = group
    news = [each for each in batch.news if (each.cause, each.severity, each.status) == (cause, severity, "firing")]
    firing = [each for each in batch.firing if (each.cause, each.severity) == group] or news
    told = message(batch, news)
    payload = {
        "summary": shortened(headline(batch, news), _SUMMARY),
        "source": shortened(batch.registry, _SOURCE),
        "severity": severity,
        "timestamp": batch.at,
        "component": "container registry",
        "group": shortened(batch.registry, _SOURCE),
        "class": f"registry drift ({cause})",
        "custom_details": {
            "firing": len(firing),
            "new": len(news),
            "ways": dict(_counted(firing)),
            "gravest": [each.text for each in told.entries],
            "more": "\n".join(told.below),
            "show all": shortened(batch.command, _SUMMARY),
        },
    }
    return {**_event(batch, group, routing_key, "trigger"), "client": "reconciler", "payload": payload}


def _counted(events: Sequence[DriftEvent]) -> list[tuple[str, int]]:
    ways = Counter(event.ways[0] for event in events)
    return [(way, ways[way]) for way in WAYS if ways[way]]
