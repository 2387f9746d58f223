"""What Alertmanager itself makes of our alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from happened import batch, event, resolved
from monitoring import Alertmanager, until

from reconciler.alerts.delivery import deliver
from reconciler.alerts.short import sink_from_text

pytestmark = pytest.mark.peer

BEGAN = datetime.now(UTC).replace(microsecond=0)


def at(seconds: float) -> str:
    """A moment after the test began, as runs say it."""
    return (BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_an_alert_fires_once_stays_one_and_ends(alertmanager: Alertmanager):
    """Over ten runs that find the same, and the one that finds it gone."""
    sink = sink_from_text(f"alertmanager+{alertmanager.url}", {})
    unlocked = attrs.evolve(event("prod/api:v1.2.0", at=at(-60)), first_seen=at(-60))

    told = []
    for run in range(10):
        told += await deliver([(sink, batch(firing=[unlocked], at=at(run - 20), interval_s=3600))])
    firing = until(alertmanager.alerts)
    told += await deliver([(sink, batch(resolved(unlocked, at(-5)), firing=[], at=at(-5)))])

    assert [""] * 11 == [each.error for each in told]
    (alert,) = firing
    assert {
        "alertname": "RegistryDrift",
        "registry": "contoso.azurecr.io",
        "repository": "prod/api",
        "address": "prod/api:v1.2.0",
        "kind": "tag",
        "severity": "critical",
        "cause": "drift",
        "way": "loosened",
        "fingerprint": unlocked.fingerprint,
    } == alert["labels"]
    assert at(-60) == alert["startsAt"].replace(".000Z", "Z")
    assert [] == until(alertmanager.alerts, lambda found: not found)
