"""When a watch looks next."""

from __future__ import annotations

import pytest

from reconciler.watch.rhythm import Rhythm, wait_s


@pytest.mark.parametrize(
    ("interval_s", "took_s", "failures", "chance", "expected_s"),
    [
        (300, 0, 0, 0.5, 300),
        (300, 20, 0, 0.5, 280),
        (300, 400, 0, 0.5, 0),
        (300, 0, 0, 0.0, 270),
        (300, 0, 0, 0.999_999, 329.99994),
        (300, 0, 1, 0.5, 300),
        (300, 0, 2, 0.5, 600),
        (300, 0, 4, 0.5, 2_400),
        (300, 0, 5, 0.5, 3_600),
        (300, 0, 10_000, 0.5, 3_600),
        (7_200, 0, 9, 0.5, 7_200),
        (1, 0, 5, 0.5, 16),
    ],
)
def test_the_wait_before_the_next_run(interval_s, took_s, failures, chance, expected_s):
    """The run is part of the interval; failures make it longer, up to an hour; chance sets it off by a tenth."""
    assert pytest.approx(expected_s) == wait_s(Rhythm(interval_s, 0.1), took_s, failures, chance)
