"""
What was told about drift, and so what is news.

A drift is told once to each sink, again when it is old, and once more when it is over.
An attribute that is healed and broken again, over and over, would be told each time; so
after some rounds it is one alert that says just that, and it is over when a day was
calm. A run that could not read everything ends nothing: what it did not see may drift.

All of it is values: a ledger and what a run found make the next ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import attrs

from reconciler.alerts.event import DriftEvent, Status, gravest_first
from reconciler.alerts.making import Run, event_of
from reconciler.alerts.meaning import meaning
from reconciler.alerts.sink import Batch
from reconciler.model.address import Address
from reconciler.planning.drift import Attribute, Drifted

ROUNDS = 3  # so often healed and broken again is a pattern
WINDOW = timedelta(hours=24)  # within which rounds are counted
LEASE = timedelta(minutes=5)  # of a sink that is being told; longer than any patience with it
_KEPT = timedelta(days=7)  # the end of an alert, for a sink that does not take it


@attrs.frozen
class Telling:
    """What a sink was told about an alert last."""

    status: Status
    at: str  # RFC 3339


@attrs.frozen
class Alert:
    """One alert, and who knows of it."""

    event: DriftEvent  # as it was seen last
    told: Mapping[str, Telling] = attrs.field(factory=dict)  # by the key of the sink
    awaited_by: frozenset[str] = frozenset()  # sinks that are to be told that it fires, and were not yet


class Rounds(NamedTuple):
    """How often one attribute of one resource began to drift."""

    began: tuple[str, ...]  # RFC 3339, within the window, in order
    is_open: bool  # it drifts now


_STEADY = Rounds((), is_open=True)  # it has drifted for longer than the window: that is no coming and going


class _Pattern(NamedTuple):
    since: str  # RFC 3339
    text: str


@attrs.frozen
class Ledger:
    """What is known of all drift of a registry, and what was told to whom."""

    alerts: Mapping[str, Alert] = attrs.field(factory=dict)  # by fingerprint
    rounds: Mapping[str, Rounds] = attrs.field(factory=dict)  # by address and attribute
    busy: Mapping[str, str] = attrs.field(factory=dict)  # sinks that are being told now, until when (RFC 3339) at most


@attrs.frozen
class Terms:
    """How a run tells."""

    at: str  # RFC 3339
    repeat_s: float  # tell again what was told so long ago
    interval_s: float | None = None  # until the next run; None: not known
    is_complete: bool = True  # the run could read everything that it was asked to
    is_everything: bool = True  # it was asked for no part only
    command: str = "reconciler drift"  # shows all that drifts


def after(ledger: Ledger, found: Sequence[Drifted], run: Run, *, is_whole: bool) -> Ledger:
    """
    The ledger after a run, before anybody is told.

    Args:
        ledger: Before it.
        found: What drifts now.
        run: What else the run knows.
        is_whole: What is not in `found` does not drift any more.
    """
    rounds = _rounds(ledger.rounds, found, run, is_whole=is_whole)
    patterns = _patterns(ledger, rounds)
    events = [event for each in found for event in _events(each, run, patterns)]
    alerts = dict(ledger.alerts)
    for event in events:
        alerts[event.fingerprint] = _seen(alerts.get(event.fingerprint), event)
    if is_whole:
        now = {event.address: event.fingerprint for event in events}
        current = {event.fingerprint for event in events}
        for fingerprint, alert in ledger.alerts.items():
            is_ours = alert.event.status == "firing" and alert.event.registry == run.registry
            if is_ours and fingerprint not in current and not _is_held(alert.event, patterns):
                alerts[fingerprint] = attrs.evolve(alert, event=_over(alert.event, run.at, now))
    return attrs.evolve(ledger, alerts=alerts, rounds=rounds)


def batch(ledger: Ledger, registry: str, key: str, terms: Terms) -> Batch:
    """
    What to tell one sink.

    Args:
        ledger: After the run.
        registry: That it is about.
        key: Of the sink.
        terms: How the run tells.
    """
    alerts = [alert for alert in ledger.alerts.values() if alert.event.registry == registry]
    if not terms.is_everything:  # what a part did not see may be over by now
        alerts = [alert for alert in alerts if terms.at in (alert.event.last_seen, alert.event.at)]
    news = (event for alert in alerts for event in _news(alert, key, terms))
    return Batch(
        registry=registry,
        news=gravest_first(attrs.evolve(event, at=terms.at) for event in news),
        firing=gravest_first(alert.event for alert in alerts if alert.event.status == "firing"),
        at=terms.at,
        interval_s=terms.interval_s,
        is_complete=terms.is_complete,
        command=terms.command,
    )


def awaited(ledger: Ledger, keys: Iterable[str]) -> Ledger:
    """The ledger where these sinks are to be told of all that fires: also what is over before they could be told."""
    alerts = {}
    for fingerprint, alert in ledger.alerts.items():
        untold = {key for key in keys if alert.event.status == "firing" and not _knows(alert, key)}
        alerts[fingerprint] = attrs.evolve(alert, awaited_by=alert.awaited_by | untold)
    return attrs.evolve(ledger, alerts=alerts)


def claimed(ledger: Ledger, keys: Iterable[str], until: str) -> Ledger:
    """The ledger while sinks are being told, so that nobody else tells them the same."""
    return attrs.evolve(ledger, busy={**ledger.busy, **dict.fromkeys(keys, until)})


def released(ledger: Ledger, keys: Collection[str]) -> Ledger:
    """The ledger after they were."""
    return attrs.evolve(ledger, busy={key: until for key, until in ledger.busy.items() if key not in keys})


def told(ledger: Ledger, key: str, events: Iterable[DriftEvent]) -> Ledger:
    """The ledger after a sink was told these events."""
    alerts = dict(ledger.alerts)
    for event in events:
        alert = alerts.get(event.fingerprint)
        if alert is not None:
            telling = Telling(event.status, event.at)
            alerts[event.fingerprint] = attrs.evolve(
                alert, told={**alert.told, key: telling}, awaited_by=alert.awaited_by - {key}
            )
    return attrs.evolve(ledger, alerts=alerts)


def tidied(ledger: Ledger, at: str) -> Ledger:
    """The ledger without alerts that are over and of which nobody waits for the end."""
    alerts = {name: alert for name, alert in ledger.alerts.items() if not _is_forgotten(alert, at)}
    busy = {key: until for key, until in ledger.busy.items() if timedelta() < _since(at, until) <= LEASE}
    return attrs.evolve(ledger, alerts=alerts, busy=busy)


def _is_forgotten(alert: Alert, at: str) -> bool:
    if alert.event.status == "firing":
        return False
    waits = alert.awaited_by or any(telling.status == "firing" for telling in alert.told.values())
    return not waits or _since(alert.event.at, at) > _KEPT


def _news(alert: Alert, key: str, terms: Terms) -> Iterable[DriftEvent]:
    """What of an alert is news to a sink."""
    if alert.event.status == "resolved":
        if key in alert.awaited_by:
            yield _as_it_was(alert.event)
        if key in alert.awaited_by or _knows(alert, key):
            yield alert.event
    elif not _knows(alert, key) or _is_old(alert.told[key].at, terms):
        yield alert.event


def _knows(alert: Alert, key: str) -> bool:
    """The sink was told that it fires, and not yet that it is over."""
    return key in alert.told and alert.told[key].status == "firing"


def _is_old(told_at: str, terms: Terms) -> bool:
    """It is time to tell it again; also where it was told in a time to come, by a clock that was ahead."""
    ago = _since(told_at, terms.at)
    return ago >= timedelta(seconds=terms.repeat_s) or ago < -LEASE


def _seen(alert: Alert | None, event: DriftEvent) -> Alert:
    """An alert whose drift was seen once more, or for the first time."""
    if alert is None:
        return Alert(event)
    if alert.event.status == "firing":
        event = attrs.evolve(event, first_seen=min(alert.event.first_seen, event.first_seen))
    return attrs.evolve(alert, event=event)


def _over(event: DriftEvent, at: str, now: Mapping[Address, str]) -> DriftEvent:
    """The end of an alert."""
    replaced_by = now.get(event.address, "")
    how = "drifts otherwise now" if replaced_by else "is as it should be again, or no rule is about it any more"
    return attrs.evolve(event, status="resolved", at=at, meaning=f"{event.address} {how}.", replaced_by=replaced_by)


def _as_it_was(event: DriftEvent) -> DriftEvent:
    """The beginning of an alert that is over."""
    attributes = (Attribute(each.name, each.before, each.live, each.desired, "") for each in event.attributes)
    told = meaning(event.address, attributes)
    return attrs.evolve(event, status="firing", meaning=told, replaced_by="")


def _events(each: Drifted, run: Run, patterns: Mapping[str, _Pattern]) -> Iterable[DriftEvent]:
    """A resource in one event; in two where some of its attributes keep coming back and others do not."""
    steady = [one for one in each.attributes if _key(run.registry, each.address, one.name) not in patterns]
    again = [one for one in each.attributes if one not in steady]
    if steady:
        yield event_of(each, steady, run)
    if again:
        pattern = min(patterns[_key(run.registry, each.address, one.name)] for one in again)
        yield attrs.evolve(event_of(each, again, run, pattern.text), first_seen=pattern.since)


def _rounds(old: Mapping[str, Rounds], found: Iterable[Drifted], run: Run, *, is_whole: bool) -> Mapping[str, Rounds]:
    """Rounds after a run; those that are over and past are left out."""
    open_now = {_key(run.registry, each.address, one.name) for each in found for one in each.attributes}
    rounds = {}
    for key in sorted(old.keys() | open_now):
        began, was_open = old.get(key, Rounds((), is_open=False))
        is_seen = is_whole and key.startswith(_key(run.registry))
        is_open = key in open_now or (was_open and not is_seen)
        began = tuple(moment for moment in began if _since(moment, run.at) <= WINDOW)
        if is_open and not was_open:
            began = (*began, run.at)
        if is_open or began:
            rounds[key] = Rounds(began, is_open)
    return rounds


def _patterns(ledger: Ledger, rounds: Mapping[str, Rounds]) -> Mapping[str, _Pattern]:
    """What keeps coming back: often within the window; or called so before, and neither calm nor steady since."""
    called = {
        _key(alert.event.registry, alert.event.address, one.name): _Pattern(alert.event.first_seen, alert.event.pattern)
        for alert in ledger.alerts.values()
        if alert.event.pattern and alert.event.status == "firing"
        for one in alert.event.attributes
    }
    still = {key: pattern for key, pattern in called.items() if key in rounds and rounds[key] != _STEADY}
    often = {
        key: _Pattern(each.began[0], f"healed and broken again {len(each.began) - 1} times since {each.began[0]}")
        for key, each in rounds.items()
        if len(each.began) > ROUNDS
    }
    return {**{key: pattern for key, pattern in still.items() if rounds[key].is_open}, **often}


def _is_held(event: DriftEvent, patterns: Collection[str]) -> bool:
    """It is about what keeps coming back, so that it is healed just now means little."""
    return bool(event.pattern) and any(
        _key(event.registry, event.address, one.name) in patterns for one in event.attributes
    )


def _key(registry: str, *names: object) -> str:
    """What rounds are counted of: a resource and an attribute; alone with the registry, how all of its begin."""
    return " ".join([registry, *map(str, names or ("",))])


def _since(moment: str, at: str) -> timedelta:
    return datetime.fromisoformat(at) - datetime.fromisoformat(moment)
