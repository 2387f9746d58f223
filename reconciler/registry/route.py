"""
The way to a registry: the proxy in between, and the authorities whose word is taken.

Both come from the environment as for other programs (HTTPS_PROXY, NO_PROXY,
SSL_CERT_FILE), with one exception: this machine is never reached through a proxy.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import httpx

from reconciler.errors import RefusedError
from reconciler.registry.exchange import printable
from reconciler.registry.location import Location

_SCHEMES = ("http", "https")


@attrs.frozen
class Proxy:
    """A proxy, and who we are to it."""

    url: httpx.URL  # without user and password
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)  # that the proxy wants to see
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)  # which it may repeat

    @property
    def host(self) -> str:
        """Where it is, for people."""
        return self.url.netloc.decode("ascii", "replace")

    def as_httpx(self) -> httpx.Proxy:
        """As headers: what aiohttp makes of a user and a password can spell Latin letters only."""
        return httpx.Proxy(self.url, headers=dict(self.headers))


def proxy_for(location: Location, environment: Mapping[str, str]) -> Proxy | None:
    """
    The proxy that `environment` names for the registry; None where it is reached directly.

    HTTPS_PROXY or ALL_PROXY for https, HTTP_PROXY or ALL_PROXY for http, the small
    letters first, as curl does it; NO_PROXY lists hosts, domains and networks
    that are reached directly.

    Raises:
        RefusedError: what it names is no proxy that can be used.
    """
    if location.is_loopback:
        return None
    scheme = urlsplit(location.origin).scheme
    named = _first(environment, f"{scheme}_proxy", "all_proxy")
    if not named or _is_direct(location, environment):
        return None
    url = named if "://" in named else f"http://{named}"
    proxy = _parse(url)
    if proxy is None:  # not shown, because it may hold a password
        raise RefusedError(
            f"{scheme.upper()}_PROXY or ALL_PROXY names no proxy that can be used\n"
            "  It looks like http://proxy.contoso.com:3128; SOCKS is not supported.\n"
            "  NO_PROXY lists hosts that are reached without it."
        )
    return proxy


def trusted(location: Location, ca_bundle: str | None) -> ssl.SSLContext:
    """
    Whose certificates are believed: the machine's authorities, and those in `ca_bundle`.

    Raises:
        RefusedError: `ca_bundle`, or what SSL_CERT_FILE names, holds no certificate.
    """
    if location.origin.startswith("http://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used, and trust stores take 20 ms to load
    context = ssl.create_default_context()
    instead = os.environ.get("SSL_CERT_FILE")  # OpenSSL reads it by itself, and says nothing where it cannot
    if instead:
        _believe(context, instead, "SSL_CERT_FILE")
    if ca_bundle:
        _believe(context, ca_bundle, "--ca-bundle")
    return context


def _believe(context: ssl.SSLContext, path: str, named_by: str) -> None:
    """Believe the authorities in a file too."""
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:  # what OpenSSL cannot read is an OSError, too
        if isinstance(error, ssl.SSLError):
            reason = "it holds no certificates in PEM format"
        else:
            reason = getattr(error, "strerror", "") or "no file is named so"
        is_folder = "\0" not in path and Path(path).is_dir()
        what = "it is a folder" if is_folder else reason
        raise RefusedError(
            f"{named_by} {printable(path)}: cannot be used: {what}\n  It names one PEM file of authorities."
        ) from None


def _parse(url: str) -> Proxy | None:
    try:
        found, port = httpx.URL(url), urlsplit(url).port
        is_usable = found.scheme in _SCHEMES and bool(found.host) and ".." not in found.host and port != 0
    except (ValueError, httpx.InvalidURL):  # which a name that cannot be spelt is, too
        return None
    if not is_usable:
        return None
    bare = found.copy_with(username=None, password=None)
    if not found.userinfo:
        return Proxy(bare)
    pair = f"{found.username}:{found.password}"
    encoded = base64.b64encode(pair.encode()).decode()
    return Proxy(bare, {"proxy-authorization": f"Basic {encoded}"}, (pair, found.password, encoded))


def _first(environment: Mapping[str, str], *names: str) -> str:
    spellings = (spelling for name in names for spelling in (name, name.upper()))
    return next((environment[spelling] for spelling in spellings if environment.get(spelling)), "")


def _is_direct(location: Location, environment: Mapping[str, str]) -> bool:
    listed = [part.strip().lower() for part in _first(environment, "no_proxy").split(",")]
    return any(_covers(part, location) for part in listed if part)


def _covers(part: str, location: Location) -> bool:
    """`part` of NO_PROXY means the registry: `*`, a host or domain (with a port or not), or a network."""
    domain = part.removeprefix("*").removeprefix(".")
    if part == "*" or domain in (location.host, location.authority):
        return True
    if location.host.endswith(f".{domain}") or location.authority.endswith(f".{domain}"):
        return bool(domain)
    network = _network(part)
    try:
        return network is not None and ipaddress.ip_address(location.host) in network
    except ValueError:
        return False


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
