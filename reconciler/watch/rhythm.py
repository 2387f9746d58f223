"""
When to look next.

Many watches that were started together would ask their registries in step, so each wait is
a little longer or shorter. After a failure the wait grows: a registry that refuses or
throttles is not helped by being asked more.
"""

from __future__ import annotations

import attrs

LONGEST_S = 3_600.0  # that failures make of a shorter interval
_MAX_DOUBLINGS = 16


@attrs.frozen
class Rhythm:
    """How often to look."""

    interval_s: float  # from the beginning of one run to that of the next
    jitter: float  # share of the wait by which it is longer or shorter, from 0 to 1


def wait_s(rhythm: Rhythm, took_s: float, failures: int, chance: float) -> float:
    """
    Seconds to wait before the next run.

    Args:
        rhythm: How often to look.
        took_s: How long the last run took; it is part of the interval.
        failures: Runs that failed one after another, the last one included.
        chance: Random number in [0, 1).
    """
    longest_s = max(LONGEST_S, rhythm.interval_s)
    apart_s = min(longest_s, rhythm.interval_s * 2.0 ** min(_MAX_DOUBLINGS, max(0, failures - 1)))
    return max(0.0, apart_s * (1 + rhythm.jitter * (2 * chance - 1)) - took_s)
