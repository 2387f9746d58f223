"""What was asked of a registry and how long it let us wait, in numbers; for whoever measures runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from reconciler.registry.exchange import Kind

NO_ANSWER = "none"


@attrs.frozen
class Tally:
    """Of one connection pool, or of several together."""

    requests: Mapping[tuple[Kind, str], int] = attrs.field(factory=dict)  # by kind, and status as text or NO_ANSWER
    throttled_s: Mapping[Kind, float] = attrs.field(factory=dict)  # for how long none of a kind was sent, for a 429


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    requests: Counter[tuple[Kind, str]] = Counter()
    throttled_s: dict[Kind, float] = {}
    for tally in tallies:
        requests.update(tally.requests)
        for kind, seconds in tally.throttled_s.items():
            throttled_s[kind] = throttled_s.get(kind, 0.0) + seconds
    return Tally(dict(requests), throttled_s)
