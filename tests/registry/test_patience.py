"""What is repeated, how often, and after which wait."""

from __future__ import annotations

import httpx
import pytest

from reconciler.registry.exchange import Answer, Failure
from reconciler.registry.patience import Patience, retry_after, retry_delay


def _answer(status: int, method: str = "GET", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(method, "https://r/", status, httpx.Headers(named), b"")


@pytest.mark.parametrize(
    ("failures", "asked_s", "jitter", "expected"),
    [
        (1, None, 0.0, 0.25),
        (1, None, 1.0, 0.5),
        (2, None, 0.0, 0.5),
        (4, None, 1.0, 4.0),
        (7, None, 1.0, 30.0),
        (1000, None, 1.0, 30.0),
        (1, 0.0, 0.5, 0.5),
        (1, 60.0, 0.0, 60.0),
        (9, 2.0, 0.25, 2.25),
    ],
)
def test_the_delay_doubles_unless_the_registry_knows_better(failures, asked_s, jitter, expected):
    """Half a second, doubled up to 30 s, at least half of it kept; or what was asked for and up to a second."""
    assert expected == retry_delay(failures, asked_s, jitter)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0),
        ("60", 60.0),
        ("007", 7.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("1e9", None),
        ("٣", None),
        ("²", None),
        ("9" * 5000, float("inf")),
    ],
)
def test_retry_after_is_whole_seconds_or_nothing(text, expected):
    """ACR sends seconds; everything else is as if it were not there."""
    assert expected == retry_after(httpx.Headers({"retry-after": text.encode()}))


@pytest.mark.parametrize(
    ("outcome", "is_repeated"),
    [
        (_answer(500), True),
        (_answer(502), True),
        (_answer(503), True),
        (_answer(504), True),
        (_answer(501), False),
        (_answer(503, "POST"), True),
        (_answer(503, "PATCH"), False),
        (_answer(429, "PATCH"), True),
        (_answer(429), True),
        (_answer(408), False),
        (_answer(401), False),
        (_answer(403), False),
        (_answer(404), False),
        (_answer(405, "PATCH"), False),
        (_answer(301), False),
        (_answer(204), False),
        (Failure("no answer in time", is_repeatable=True), True),
        (Failure("no answer in time", is_repeatable=False), False),
    ],
    ids=str,
)
def test_a_write_is_repeated_only_where_nothing_can_have_happened(outcome, is_repeated):
    """A read is repeated after what can pass by itself, a PATCH only after 429; a refusal stands."""
    delay_s = Patience(deadline_s=10.0).retry_in_s(outcome, now_s=0.0, jitter=0.0)

    assert is_repeated == (delay_s is not None)


def test_failures_end_at_the_fifth():
    """However much time there is."""
    patience = Patience(deadline_s=1e9)

    delays = [patience.retry_in_s(_answer(500), now_s=0.0, jitter=1.0) for _ in range(5)]

    assert [0.5, 1.0, 2.0, 4.0, None] == delays


def test_failures_end_at_the_deadline():
    """A repeat that could not even begin before it is not made."""
    patience = Patience(deadline_s=1.0)

    delays = [patience.retry_in_s(_answer(500), now_s=now_s, jitter=1.0) for now_s in (0.4, 0.9)]

    assert [0.5, None] == delays


def test_a_pause_that_was_asked_for_does_not_count_against_the_timeout():
    """The deadline moves by as much as we wait."""
    patience = Patience(deadline_s=3.0)

    delay_s = patience.retry_in_s(_answer(429, retry_after="60"), now_s=0.0, jitter=0.5)

    assert (60.5, 63.5) == (delay_s, patience.deadline_s)


@pytest.mark.parametrize(
    ("headers", "pauses", "longest_s"),
    [
        ({}, 12, 212.0),
        ({"retry_after": "0"}, 12, 12.0),
        ({"retry_after": "1"}, 12, 24.0),
        ({"retry_after": "60"}, 4, 300.0),
        ({"retry_after": "120"}, 2, 300.0),
        ({"retry_after": "121"}, 0, 0.0),
        ({"retry_after": "3600"}, 0, 0.0),
        ({"retry_after": "9" * 400}, 0, 0.0),
    ],
    ids=str,
)
def test_throttling_for_ever_comes_to_an_end(headers, pauses, longest_s):
    """A dozen pauses and five minutes at most; none at all for who asks for more than two minutes."""
    patience = Patience(deadline_s=3.0)
    delays = []
    while (delay_s := patience.retry_in_s(_answer(429, **headers), now_s=0.0, jitter=0.999)) is not None:
        delays.append(delay_s)

    assert pauses == len(delays)
    assert sum(delays) <= longest_s
