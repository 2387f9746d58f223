"""What a 401 asks for: the `WWW-Authenticate` header as a value."""

from __future__ import annotations

import re

import attrs

_PARAMETER = re.compile(r"""\b([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))""")


@attrs.frozen
class Challenge:
    """What a 401 asks for. Source: RFC 9110, section 11.6.1; distribution token specification."""

    scheme: str  # bearer, basic or empty
    realm: str = ""
    service: str = ""
    scope: str = ""
    error: str = ""  # invalid_token or insufficient_scope, where ACR says so


def parse_challenge(header: str) -> Challenge:
    """The challenge in a `WWW-Authenticate` header; an unknown one has no scheme."""
    scheme, *rest = header.split(maxsplit=1) or [""]
    if not rest or scheme.lower() not in ("bearer", "basic"):
        return Challenge("")
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest[0])}
    known = {name: found[name] for name in ("realm", "service", "scope", "error") if name in found}
    return Challenge(scheme.lower(), **known)
