"""What every sink that speaks HTTP has in common, against a server that takes what its service takes."""

from __future__ import annotations

import pytest
from happened import batch, event, events, many, resolved
from receivers import QUICK, SECRET_PATH, SERVICES, open_for, sink_at
from servers import SILENCE, raw, reply, scripted
from services import KEY

from reconciler.alerts.delivery import deliver
from reconciler.alerts.posting import Patience

NEWS = batch(*events(["prod/api:v1", "prod/api:v2"]), resolved(event("prod/web:v1")))
every = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture
def server():
    """A server that says what it is told to."""
    with scripted() as started:
        yield started


async def tell(server, service, tmp_path, told=NEWS, patience=QUICK):
    """What comes of telling one sink."""
    (delivery,) = await deliver([(sink_at(server, service, tmp_path, patience), told)])
    return delivery


@every
async def test_a_service_takes_what_it_is_told(server, service, tmp_path):
    """It would answer 400 to what its documentation does not allow."""
    open_for(server, service)

    delivery = await tell(server, service, tmp_path)

    assert ("", True) == (delivery.error, delivery.told)
    assert 0 < len(server.requests)


@every
async def test_thousands_of_tags_are_taken(server, service, tmp_path):
    """A glob that went wrong is told within each limit."""
    open_for(server, service)

    delivery = await tell(server, service, tmp_path, batch(*many()[: 100 if "one by one" in service else 4_000]))

    assert ("", True) == (delivery.error, delivery.told)


@every
async def test_a_service_in_trouble_is_asked_again(server, service, tmp_path):
    """It breaks down, closes the connection, or has had enough for the moment."""
    open_for(server, service, reply(503), raw())
    first = await tell(server, service, tmp_path)
    open_for(server, service, reply(429, retry_after="0"))
    second = await tell(server, service, tmp_path)

    assert [("", True), ("", True)] == [(each.error, each.told) for each in (first, second)]


@every
async def test_a_refusal_stands_and_shows_no_secret(server, service, tmp_path):
    """It is asked once, and the error tells status and words; neither the URL nor a key is in it."""
    server.on("*", reply(403, b"invalid\x1b[2J token\nof yours"))

    delivery = await tell(server, service, tmp_path)

    assert not delivery.told
    assert ": 403: invalid\N{REPLACEMENT CHARACTER}[2J token of yours" in delivery.error
    assert delivery.error.startswith(f"POST {server.url}/")
    assert not any(part in delivery.error for part in (KEY, "T0123456", "s3cr3t"))
    assert "after" not in delivery.error


@pytest.mark.parametrize("service", ["slack", "pagerduty", "webhook"])
async def test_an_answer_that_repeats_a_secret_is_not_shown(server, service, tmp_path):
    """Some proxies show the URL that they could not reach, and some services what was wrong with the key."""
    server.on("*", lambda _: reply(404, f"no such thing: {SECRET_PATH.upper()} or {KEY[4:20]}".encode()))

    delivery = await tell(server, service, tmp_path)

    assert delivery.error.endswith("404: the answer is not shown, for it repeats a secret")


async def test_no_log_has_the_url(server, tmp_path, caplog):
    """However much of it is switched on."""
    caplog.set_level(0)
    open_for(server, "slack")

    await tell(server, "slack", tmp_path)

    assert 1 == len(server.requests)
    assert "s3cr3t" not in caplog.text


async def test_a_pause_that_is_too_long_is_not_made(server, tmp_path):
    """An hour is more than a run has; the next run tries again."""
    server.on("*", reply(429, retry_after="3600"))

    delivery = await tell(server, "slack", tmp_path)

    assert f"POST {server.url}/…: 429; it asked for a pause of 3,600 s" == delivery.error
    assert 1 == len(server.requests)


async def test_a_service_that_says_nothing_is_given_up(server, tmp_path):
    """It may have what it was sent, and may be sent it again."""
    server.on("*", SILENCE)

    delivery = await tell(server, "slack", tmp_path, patience=Patience(0.05, 60, 0.001, attempts=2))

    assert f"POST {server.url}/…: no answer within 0.1 s (after 2 attempts)" == delivery.error
    assert 2 == len(server.requests)


async def test_a_redirect_is_not_followed(server, tmp_path):
    """What is in the body is for one host."""
    server.on("*", reply(307, location=f"{server.url}/elsewhere"))

    delivery = await tell(server, "pagerduty", tmp_path)

    assert f"POST {server.url}/v2/enqueue: 307: a redirect, which is not followed" == delivery.error
    assert 1 == len(server.requests)


async def test_what_was_taken_stays_taken(server, tmp_path):
    """The answer after its status can break; sent again it would be told twice."""
    server.on("*", raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nok"))

    delivery = await tell(server, "slack", tmp_path)

    assert ("", 1) == (delivery.error, len(server.requests))


async def test_time_that_is_up_is_said_with_what_was_taken(server, tmp_path):
    """With a request for each of thousands of events there may be too little of it."""
    server.on("*", *[reply(202)] * 3, SILENCE)
    patience = Patience(request_s=60, total_s=1.5)

    delivery = await tell(server, "webhook, one by one", tmp_path, batch(*many()[:11]), patience)

    assert f"POST {server.url}/…: time is up after 1.5 s: 3 of 11 requests were taken" == delivery.error


async def test_one_request_that_has_no_more_time_is_said(server, tmp_path):
    """With how long it was waited for in all."""
    server.on("*", SILENCE)

    delivery = await tell(server, "slack", tmp_path, patience=Patience(request_s=60, total_s=0.1))

    assert f"POST {server.url}/…: not taken within 0.1 s in all" == delivery.error
