"""A push to a gateway that does not take it, and what is none."""

from __future__ import annotations

import pytest
from servers import SILENCE, refusal, reply, scripted

from reconciler.errors import RefusedError, UnreachableError
from reconciler.metrics import Metrics, RunFacts, observe
from reconciler.metrics.push import Gateway, parse_gateway, push

PASSWORD = "pa:ss wörd"
METRICS = observe(Metrics(), RunFacts("contoso.azurecr.io", "drift", ended_s=1, duration_s=1, is_success=True))
GROUP = "/metrics/job/reconciler/registry/contoso.azurecr.io/command/drift"


@pytest.fixture
def gateway():
    """A Pushgateway; it answers what the test scripts."""
    with scripted() as server:
        yield server


def _with_password(url: str, limit_s: float) -> Gateway:
    return Gateway(parse_gateway(url).location, "", "ci", PASSWORD, limit_s=limit_s)


async def test_a_gateway_that_cannot_serve_now_is_asked_again(gateway):
    """After a moment, as a restart takes no longer."""
    gateway.on("*", reply(503), reply(202))

    await push(_with_password(gateway.url, 30), METRICS, "contoso.azurecr.io", "drift")

    assert [("POST", GROUP)] * 2 == [(request.method, request.target) for request in gateway.requests]


@pytest.mark.parametrize(
    ("answer", "limit_s", "told"),
    [
        (reply(500, PASSWORD.encode() + b"\n\x1b[2J"), 4, "500 ***��[2J"),
        (SILENCE, 2, "no answer in time"),
        (reply(302, location="http://evil.example/"), 30, "302, a redirect to http://evil.example"),
        (refusal(429, "SLOW", retry_after="60"), 3, "not taken within 3 s"),
    ],
    ids=["broken", "silent", "elsewhere", "throttled"],
)
async def test_what_is_not_taken_is_told_in_a_line(gateway, answer, limit_s, told):
    """In time, without what was sent to be let in, and without what moves a cursor."""
    gateway.on("*", answer)

    with pytest.raises(UnreachableError) as failure:
        await push(_with_password(gateway.url, limit_s), METRICS, "contoso.azurecr.io", "drift")

    assert f"POST {gateway.url}{GROUP}: {told}" == str(failure.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://push.example.com", "http://push.example.com is not encrypted, and not this machine"),
        ("https://push.example.com/?x", '"https://push.example.com/?x" is not the URL of a Pushgateway'),
        ("ftp://push.example.com", '"ftp://push.example.com" is not the URL of a Pushgateway'),
        ("https://ci:secret@push.example.com", "a Pushgateway is named without a user"),
    ],
)
def test_what_is_no_pushgateway_is_refused(url, told):
    """Nor one that others could listen to, unless somebody says so."""
    with pytest.raises(RefusedError) as refused:
        parse_gateway(url)

    assert str(refused.value).startswith(told)
    assert "secret" not in str(refused.value)


def test_plain_http_is_permitted_where_somebody_says_so():
    """As within a cluster."""
    gateway = parse_gateway("http://pushgateway:9091/", insecure=True)

    assert ("http://pushgateway:9091", "") == (gateway.location.origin, gateway.prefix)
