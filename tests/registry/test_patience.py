"""What is repeated, how often, and after which wait."""

from __future__ import annotations

import httpx
import pytest

from reconciler.registry.exchange import Answer, Failure, Request
from reconciler.registry.patience import Patience, retry_after, retry_delay


def _answer(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("GET", "https://r/", status, httpx.Headers(named), b"")


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
    ("outcome", "read_is_repeated", "write_is_repeated"),
    [
        (_answer(500), True, False),
        (_answer(502), True, False),
        (_answer(503), True, False),
        (_answer(504), True, False),
        (_answer(501), False, False),
        (_answer(429), True, True),
        (_answer(408), False, False),
        (_answer(401), False, False),
        (_answer(403), False, False),
        (_answer(404), False, False),
        (_answer(405), False, False),
        (_answer(301), False, False),
        (_answer(204), False, False),
        (Failure("cannot connect", is_repeatable=True), True, True),
        (Failure("no answer in time", is_repeatable=False), False, False),
    ],
    ids=str,
)
def test_a_write_is_repeated_only_where_nothing_can_have_happened(outcome, read_is_repeated, write_is_repeated):
    """A read is repeated after what can pass by itself, a write only after 429 or no connection; a refusal stands."""
    delays = [
        Patience(10.0, is_repeatable).retry_in_s(outcome, took_s=0.0, jitter=0.0) for is_repeatable in (True, False)
    ]

    assert [read_is_repeated, write_is_repeated] == [delay_s is not None for delay_s in delays]


@pytest.mark.parametrize(("kind", "expected"), [("read", True), ("sign-in", True), ("write", False), ("delete", False)])
def test_asking_twice_is_the_same_for_reads_and_for_tokens(kind, expected):
    """Whatever the method: a token is asked for with POST, as an upload is begun."""
    assert expected == Request("POST", "/", kind).is_repeatable


def test_failures_end_at_the_fifth():
    """However much time there is."""
    patience = Patience(1e9, is_repeatable=True)

    delays = [patience.retry_in_s(_answer(500), took_s=0.0, jitter=1.0) for _ in range(5)]

    assert [0.5, 1.0, 2.0, 4.0, None] == delays


def test_failures_end_with_the_time():
    """Attempts and the pauses after them count; a repeat that could not even begin in time is not made."""
    patience = Patience(2.0, is_repeatable=True)

    delays = [patience.retry_in_s(_answer(500), took_s=took_s, jitter=1.0) for took_s in (0.25, 0.25)]

    assert [0.5, None] == delays


def test_a_failed_attempt_leaves_less_for_the_next():
    """What is left bounds the next attempt."""
    patience = Patience(3.0, is_repeatable=True)

    patience.retry_in_s(_answer(500), took_s=1.0, jitter=1.0)

    assert 1.5 == patience.left_s


def test_a_pause_that_was_asked_for_does_not_count_against_the_timeout():
    """Only what the attempt itself took is gone."""
    patience = Patience(3.0, is_repeatable=True)

    delay_s = patience.retry_in_s(_answer(429, retry_after="60"), took_s=0.5, jitter=0.5)

    assert (60.5, 2.5) == (delay_s, patience.left_s)


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
    patience = Patience(3.0, is_repeatable=True)
    delays = []
    while (delay_s := patience.retry_in_s(_answer(429, **headers), took_s=0.0, jitter=0.999)) is not None:
        delays.append(delay_s)

    assert pauses == len(delays)
    assert sum(delays) <= longest_s
