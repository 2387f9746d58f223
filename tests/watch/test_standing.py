"""Whether a watch is alive, and whether it can be relied on."""

from __future__ import annotations

from reconciler.watch.standing import Standing, begun, ended, why_not_alive, why_not_ready

NEW = Standing(interval_s=300, began_s=1_000)


def test_it_is_ready_when_a_run_has_succeeded():
    """Until then nobody knows whether something drifts."""
    failed = ended(begun(NEW, 1_000), 1_010, is_success=False)
    succeeded = ended(begun(failed, 1_300), 1_310, is_success=True)

    assert "no run has succeeded yet" == why_not_ready(NEW, 1_000)
    assert "no run has succeeded yet" == why_not_ready(failed, 1_010)
    assert "" == why_not_ready(succeeded, 1_310)
    assert (2, 0, 1_310) == (succeeded.runs, succeeded.failures, succeeded.succeeded_s)


def test_it_is_not_ready_when_success_is_long_ago():
    """Three intervals; a single failure is no outage."""
    good = ended(NEW, 1_000, is_success=True)
    once = ended(good, 1_300, is_success=False)

    assert "" == why_not_ready(once, 1_900)
    assert "the last run that succeeded ended 901 s ago" == why_not_ready(once, 1_901)
    assert 1 == once.failures


def test_a_long_run_is_no_failure_by_itself():
    """It says how long the last success is past only once a run has failed."""
    good = begun(ended(NEW, 1_000, is_success=True), 1_300)

    assert "" == why_not_ready(good, 9_000)


def test_it_is_dead_when_a_run_takes_for_ever():
    """Whoever supervises it starts it anew then, and not because it waits or fails."""
    running = begun(NEW, 2_000)

    assert "" == why_not_alive(NEW, 1_000_000)
    assert "" == why_not_alive(running, 5_900)
    assert "a run has not ended for 3,901 s" == why_not_alive(running, 5_901)
