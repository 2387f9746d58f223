"""
Metrics to a Prometheus Pushgateway, for jobs that are gone before anybody could scrape them.

They are added (POST): what a run does not know stays as an earlier one pushed it, the time of the
last success first of all. A group is one registry and one command. The call is made like those to a
registry: bounded in time, no redirect followed, credentials masked in whatever comes back.

Source: https://github.com/prometheus/pushgateway/blob/master/README.md, "API".
"""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import quote, urlsplit

import attrs

from reconciler.errors import ReconcilerError, RefusedError, UnreachableError
from reconciler.metrics.exposition import exposition
from reconciler.metrics.observing import Metrics
from reconciler.registry.exchange import Request, printable
from reconciler.registry.location import Location, origin_of
from reconciler.registry.transport import Transport

LIMIT_S = 20.0
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ACCEPTED = (200, 202)


@attrs.frozen
class Gateway:
    """Where to push, and how to get in."""

    location: Location
    prefix: str  # of the path; without a slash at the end
    username: str = attrs.field(default="", repr=False)
    password: str = attrs.field(default="", repr=False)
    ca_bundle: str | None = None
    limit_s: float = LIMIT_S  # for all together: attempts have half of it, pauses that the gateway asks for the rest

    @property
    def has_credentials(self) -> bool:
        """Somebody signs in there."""
        return bool(self.username or self.password)


def parse_gateway(url: str, *, insecure: bool = False) -> Gateway:
    """
    The Pushgateway at a URL.

    Args:
        url: http or https, with a path where the gateway has one.
        insecure: Permit plain http to other machines.

    Raises:
        RefusedError: it is none, or not encrypted.
    """
    if "@" in url:  # not shown, because what stands before it may be a password
        raise RefusedError(
            "a Pushgateway is named without a user\n"
            "  RECONCILER_METRICS_USERNAME and RECONCILER_METRICS_PASSWORD say who pushes."
        )
    origin, parts = origin_of(url), urlsplit(url)
    if not origin or parts.query or parts.fragment:
        raise RefusedError(f'"{printable(url)}" is not the URL of a Pushgateway, such as https://push.example.com')
    location = Location(origin, origin)
    if origin.startswith("http://") and not (insecure or location.is_loopback):
        raise RefusedError(
            f"{origin} is not encrypted, and not this machine\n  --metrics-insecure permits it all the same"
        )
    return Gateway(location, parts.path.rstrip("/"))


async def push(gateway: Gateway, metrics: Metrics, registry: str, command: str) -> None:
    """
    Push what is known about one registry from one command.

    Raises:
        UnreachableError: it was not taken, in all the time that there is; the text is one line.
    """
    target = f"{gateway.prefix}/metrics/job/reconciler{_pair('registry', registry)}{_pair('command', command)}"
    body = exposition(metrics.of(registry, command))
    # Like a read: to say the same twice does no harm, so it is repeated.
    request = Request("POST", target, "read", _headers(gateway), body)
    try:
        async with asyncio.timeout(gateway.limit_s), _transport(gateway) as transport:
            answer = await transport.send(request)
    except TimeoutError:
        where = f"POST {gateway.location.origin}{target}"
        raise UnreachableError(f"{where}: not taken within {gateway.limit_s:g} s", method="POST") from None
    except ReconcilerError as error:  # its advice is about registries
        raise UnreachableError(str(error).partition("\n")[0], method="POST") from None
    if answer.status not in _ACCEPTED:
        said = printable(answer.secrets.masked(answer.body.decode(errors="replace").strip()))
        raise UnreachableError(f"POST {answer.url}: {answer.status} {said}".rstrip(), method="POST", was_sent=True)


def _transport(gateway: Gateway) -> Transport:
    transport = Transport(
        gateway.location,
        timeout_s=gateway.limit_s / 2,
        concurrency=1,
        on_pause=lambda _: None,
        ca_bundle=gateway.ca_bundle,
    )
    if gateway.has_credentials:
        transport.secrets.add(gateway.password, _basic(gateway))
    return transport


def _headers(gateway: Gateway) -> tuple[tuple[str, str], ...]:
    if not gateway.has_credentials:
        return (("content-type", _CONTENT_TYPE),)
    return (("content-type", _CONTENT_TYPE), ("authorization", f"Basic {_basic(gateway)}"))


def _basic(gateway: Gateway) -> str:
    """User and password as they are sent; `Basic` before it is no secret. Source: RFC 7617, section 2."""
    return base64.b64encode(f"{gateway.username}:{gateway.password}".encode(errors="surrogateescape")).decode()


def _pair(name: str, value: str) -> str:
    """A label of the group, as a part of the path; one with a slash is sent in base64, as the gateway wants it."""
    if "/" in value:
        return f"/{name}@base64/{base64.urlsafe_b64encode(value.encode()).decode()}"
    return f"/{name}/{quote(value, safe='')}"
