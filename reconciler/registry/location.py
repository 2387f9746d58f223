"""
Where a registry is, and the one origin that may be given its credentials.

Everything that is sent goes to this origin: a link, a redirect or a token realm
that points elsewhere is refused, because it would carry a credential along.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import attrs

from reconciler.errors import RefusedError
from reconciler.registry.exchange import printable

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


# Source: az cloud list, suffixes.acrLoginServerEndpoint.
_AZURE = (".azurecr.io", ".azurecr.cn", ".azurecr.us")
_EMULATOR = "emulator"


@attrs.frozen
class Location:
    """A registry's name as people and plans say it, and the origin that it answers at."""

    name: str  # contoso.azurecr.io, or http://127.0.0.1:5000 where it is not https
    origin: str  # scheme://host[:port], lower case, without a slash at the end

    @property
    def authority(self) -> str:
        """Host and port, as other programs write the registry: contoso.azurecr.io, 127.0.0.1:5000."""
        return self.origin.partition("://")[2]

    @property
    def host(self) -> str:
        """The host alone."""
        return urlsplit(self.origin).hostname or ""

    @property
    def is_azure(self) -> bool:
        """It is one of Azure's own hosts, over TLS: nobody else can answer there."""
        return self.origin.startswith("https://") and self.origin.endswith(_AZURE)

    @property
    def is_loopback(self) -> bool:
        """It is on this machine."""
        return _is_loopback(self.host)

    def target_of(self, url: str) -> str:
        """Path and query of `url` where it is on this registry: same scheme, host and port. Empty where it is not."""
        if origin_of(url) != self.origin:
            return ""
        # Only these are taken over: what `url` says about the host is not sent anywhere, however it is spelt.
        parts = urlsplit(url)
        return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def parse_location(text: str, *, insecure: bool = False) -> Location:
    """
    The registry that `text` names: a host name, or a URL without a path.

    Args:
        text: Such as contoso.azurecr.io, localhost:5000 or http://127.0.0.1:5000.
        insecure: Permit plain http to hosts other than this machine.

    Raises:
        RefusedError: not a registry, or plain http to another machine.
    """
    if "@" in text:  # not shown, because what stands before it may be a password
        raise RefusedError(
            "a registry is named without a user\n  RECONCILER_USERNAME and RECONCILER_PASSWORD say who signs in."
        )
    url = text if "://" in text else f"https://{text}"
    origin = origin_of(url)
    if not origin or url.lower().removesuffix("/") != f"{url.partition('://')[0]}://{urlsplit(url).netloc}".lower():
        raise RefusedError(f'"{printable(text)}" is not a registry; say a host such as contoso.azurecr.io')
    if origin.startswith("http://") and not insecure and not _is_loopback(urlsplit(origin).hostname or ""):
        raise RefusedError(f"{origin} is not encrypted, and not this machine\n  --insecure permits it all the same")
    name = origin.removeprefix("https://")
    if name == _EMULATOR:
        raise RefusedError(f"a host of the name {_EMULATOR} cannot be told from the embedded emulator")
    return Location(name, origin)


def origin_of(url: str) -> str:
    """
    `scheme://host[:port]` of an http or https URL, without a default port; empty for anything else.

    Anything that two readers could understand differently is anything else: a user,
    a backslash, a space, letters beyond ASCII.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        return ""
    if parts.netloc.lower() not in (host, f"{host}:{port}"):
        return ""
    return (
        f"{parts.scheme}://{host}"
        if port in (None, _DEFAULT_PORTS[parts.scheme])
        else f"{parts.scheme}://{host}:{port}"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
