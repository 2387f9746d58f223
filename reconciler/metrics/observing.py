"""
One run after another, as metrics.

What was last seen stays until something else is seen: a registry that cannot be reached
has not stopped drifting. How old it is, the time of the last success tells. Series
do not vanish when there is nothing to count, they become 0, because an alert cannot tell
nothing from not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from reconciler import __version__
from reconciler.events import STATUSES
from reconciler.metrics import families
from reconciler.metrics.facts import RunFacts, Seen
from reconciler.metrics.families import Family
from reconciler.planning.drift import SEVERITIES
from reconciler.planning.plan import ACTIONS
from reconciler.registry.exchange import KINDS
from reconciler.registry.tally import NO_ANSWER

Key: TypeAlias = tuple[str, tuple[str, ...]]  # the name of a family, the values of its labels, the common ones first

CAUSES = ("drift", "conflict", "unknown")
_ALWAYS = (NO_ANSWER, "429")


@attrs.frozen
class Metrics:
    """The value of each series."""

    samples: Mapping[Key, float] = attrs.field(factory=dict)

    def of(self, registry: str, command: str) -> Metrics:
        """Only what is about these."""
        return Metrics({key: value for key, value in self.samples.items() if key[1][:2] == (registry, command)})

    def registries(self, command: str) -> tuple[str, ...]:
        """Those that something is known about, from that command."""
        return tuple(sorted({labels[0] for _, labels in self.samples if labels[1] == command}))


def observe(metrics: Metrics, run: RunFacts) -> Metrics:
    """The metrics after one more run: gauges as it saw them, counters with what it adds."""
    common = (run.registry, run.command)
    # Of the version that ran before, and of causes that are none any more, nothing is left.
    replaced = {families.BUILD_INFO.name, *([families.DRIFTING.name] if _tells_drift(run.seen) else [])}
    samples = {key: value for key, value in metrics.samples.items() if _stays(key, common, replaced)}
    for (name, labels), value in _gauges(run).items():
        samples[name, (*common, *labels)] = value
    for (name, labels), value in _counters(run).items():
        key = (name, (*common, *labels))
        samples[key] = samples.get(key, 0.0) + value
    return Metrics(samples)


def _tells_drift(seen: Seen | None) -> bool:
    return seen is not None and seen.drifting is not None


def _stays(key: Key, common: tuple[str, ...], replaced: set[str]) -> bool:
    return key[0] not in replaced or key[1][: len(common)] != common


def _gauges(run: RunFacts) -> dict[Key, float]:
    found = {
        _key(families.BUILD_INFO, __version__): 1.0,
        _key(families.LAST_RUN): run.ended_s,
        _key(families.SUCCESS): float(run.is_success),
        _key(families.DURATION): run.duration_s,
    }
    if run.is_success:
        found[_key(families.LAST_SUCCESS)] = run.ended_s
    if run.seen is not None:
        found |= _seen(run.seen)
    elif not run.is_success:
        found[_key(families.COMPLETE)] = 0.0
    return found | {_key(families.LAST_THROTTLED, kind): run.tally.throttled_s.get(kind, 0.0) for kind in KINDS}


def _seen(seen: Seen) -> dict[Key, float]:
    found = {
        _key(families.COMPLETE): float(seen.is_complete),
        _key(families.MANAGED): float(seen.managed),
        _key(families.UNMANAGED): float(seen.unmanaged),
        _key(families.UNREAD): float(seen.unread),
        **{_key(families.PLANNED, action): float(seen.planned.get(action, 0)) for action in ACTIONS},
    }
    if seen.drifting is not None:
        found |= {_key(families.DRIFTING, cause, severity): 0.0 for cause in CAUSES for severity in SEVERITIES}
        found |= {_key(families.DRIFTING, *labels): float(count) for labels, count in seen.drifting.items()}
    return found


def _counters(run: RunFacts) -> dict[Key, float]:
    return {
        **{_key(families.CHANGES, action, status): 0.0 for action in ACTIONS for status in STATUSES},
        **{_key(families.CHANGES, *labels): float(count) for labels, count in run.changes.items()},
        **{_key(families.REQUESTS, kind, status): 0.0 for kind in KINDS for status in _ALWAYS},
        **{_key(families.REQUESTS, *labels): float(count) for labels, count in run.tally.requests.items()},
        **{_key(families.THROTTLED, kind): run.tally.throttled_s.get(kind, 0.0) for kind in KINDS},
    }


def _key(family: Family, *labels: str) -> Key:
    return (family.name, labels)
