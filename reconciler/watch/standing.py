"""
Whether a watch is alive, and whether what it says can be relied on.

It is alive as long as no run takes for ever: whoever supervises it may then start it anew.
It is ready once a run has succeeded, and as long as that is not long ago.
"""

from __future__ import annotations

import attrs

STUCK_S = 3_600.0  # no run takes so long beyond its interval
_MISSED = 3  # intervals without success


@attrs.frozen
class Standing:
    """What a watch knows of itself; moments are seconds of a steady clock."""

    interval_s: float
    began_s: float
    running_since_s: float | None = None  # None: it waits
    succeeded_s: float | None = None  # when a run last ended well; None: none has
    runs: int = 0  # that have ended
    failures: int = 0  # one after another, to the last run


def begun(standing: Standing, now_s: float) -> Standing:
    """A run begins."""
    return attrs.evolve(standing, running_since_s=now_s)


def ended(standing: Standing, now_s: float, *, is_success: bool) -> Standing:
    """It ended."""
    return attrs.evolve(
        standing,
        running_since_s=None,
        runs=standing.runs + 1,
        failures=0 if is_success else standing.failures + 1,
        succeeded_s=now_s if is_success else standing.succeeded_s,
    )


def why_not_alive(standing: Standing, now_s: float) -> str:
    """Why it should be started anew; empty: it should not."""
    since_s = standing.running_since_s
    if since_s is not None and now_s - since_s > standing.interval_s + STUCK_S:
        return f"a run has not ended for {now_s - since_s:,.0f} s"
    return ""


def why_not_ready(standing: Standing, now_s: float) -> str:
    """Why drift may go unnoticed; empty: it does not."""
    if standing.succeeded_s is None:
        return "no run has succeeded yet"
    ago_s = now_s - standing.succeeded_s
    if standing.failures and ago_s > _MISSED * standing.interval_s:
        return f"the last run that succeeded ended {ago_s:,.0f} s ago"
    return ""
