"""Times of the registry, in nanoseconds, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.registry.timestamps import nanoseconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.9999999Z", -100),
        ("2021-08-17T18:14:00.1234567Z", 1_629_224_040_123_456_700),
        ("2021-08-17T18:14:09.172007Z", 1_629_224_049_172_007_000),
        ("2021-08-17T18:14:09.1Z", 1_629_224_049_100_000_000),
        ("2021-08-17t20:14:09.123456789+02:00", 1_629_224_049_123_456_789),
        ("2021-08-17 16:44:09-01:30", 1_629_224_049_000_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
    ],
)
def test_a_time_is_read_to_its_last_digit(text, expected):
    """Seven fractional digits and more, trailing zeros left out, any offset."""
    assert expected == nanoseconds(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2021-08-17",
        "2021-08-17T18:14:09",
        "2021-08-17T18:14:09.Z",
        "2021-08-17T18:14:09.1234567891Z",
        "2021-13-01T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2021-08-17T24:00:00Z",
        "2021-08-17T18:60:00Z",
        "2021-08-17T18:14:61Z",
        "2021-08-17T18:14:09+24:00",
        "2021-08-17T18:14:09Z ",
        "2021-08-17T18:14:09Z\n",
        "２０２１-08-17T18:14:09Z",
        "1629224049",
    ],
)
def test_what_is_no_time_is_none(text):
    """Nobody guesses at what decides about a delete."""
    assert None is nanoseconds(text)


@given(
    moment=st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)),
    ticks=st.integers(min_value=0, max_value=9_999_999),
)
def test_a_time_as_acr_writes_it_is_that_many_ticks(moment, ticks):
    """100 ns each, with the zeros at the end left out."""
    second = moment.replace(microsecond=0)
    digits = f"{ticks:07d}".rstrip("0")
    text = f"{second.strftime('%Y').zfill(4)}{second.strftime('-%m-%dT%H:%M:%S')}{'.' if digits else ''}{digits}Z"

    assert (second - EPOCH) // timedelta(seconds=1) * 10**9 + ticks * 100 == nanoseconds(text)


@given(
    moment=st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=st.just(UTC)),
    offset=st.integers(min_value=-23 * 60, max_value=23 * 60),
)
def test_an_offset_moves_the_clock_and_not_the_moment(moment, offset):
    """The same moment, on the clock of somebody else."""
    second = moment.replace(microsecond=0)
    there = (second + timedelta(minutes=offset)).isoformat(timespec="seconds").removesuffix("+00:00")
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset)

    assert (second - EPOCH) // timedelta(seconds=1) * 10**9 == nanoseconds(
        f"{there}{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    )


@given(st.text(max_size=40))
def test_no_text_is_an_error(text):
    """Whatever a registry sends."""
    assert isinstance(nanoseconds(text), int | None)
