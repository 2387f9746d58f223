"""
Tokens that look like the registry's: signed JSON with the claims that clients read.

The key is made anew for each emulator, so a token is worth nothing anywhere else.
Source of claims and lifetimes: tokens in recordings of azure-sdk-for-net (2022).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
import uuid
from typing import Any, TypeAlias

import orjson

Claims: TypeAlias = dict[str, Any]

_BACKDATED_S = 900  # tokens are issued 15 minutes into the past
_ACCESS_LIFETIME_S = 3600
_REFRESH_LIFETIME_S = 3 * 3600
_ISSUER = "Azure Container Registry"
_HEADER = {"typ": "JWT", "alg": "HS256"}


class TokenMaker:
    """Makes tokens and knows its own again."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def refresh_token(self, host: str) -> str:
        """A token that buys access tokens, for three hours."""
        permissions = {"Actions": ["read", "write", "delete"]}
        claims = _claims(host, "1.0", _REFRESH_LIFETIME_S) | {"permissions": permissions, "roles": []}
        return self._sign(claims | {"grant_type": "refresh_token"})

    def access_token(self, host: str, access: list[Claims]) -> str:
        """A token that permits `access`, for an hour."""
        claims = _claims(host, "2.0", _ACCESS_LIFETIME_S)
        return self._sign(claims | {"grant_type": "access_token", "access": access})

    def claims(self, token: str, grant_type: str) -> Claims | None:
        """The claims of a token of that kind, if it was made here and has not ended."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed)):
            return None
        claims: Claims = orjson.loads(_decode(signed.partition(".")[2]))
        return claims if claims["grant_type"] == grant_type and claims["exp"] > time.time() else None

    def _sign(self, claims: Claims) -> str:
        signed = b".".join(_encode(orjson.dumps(part)) for part in (_HEADER, claims)).decode()
        return f"{signed}.{self._signature(signed).decode()}"

    def _signature(self, signed: str) -> bytes:
        return _encode(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def access_of(scopes: list[str]) -> list[Claims]:
    """The `access` claim for scopes such as `repository:team/app:pull,push`; what is no scope is left out."""
    access = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, separator, actions = rest.rpartition(":")
        if separator and kind in ("repository", "registry"):
            access.append({"Type": kind, "Name": name, "Actions": actions.split(",")})
    return access


def permits(claims: Claims, kind: str, name: str, actions: tuple[str, ...]) -> bool:
    """The token permits all of `actions`; `*` stands for any name, or any action."""
    granted = {
        action
        for entry in claims["access"]
        if entry["Type"] == kind and entry["Name"] in (name, "*")
        for action in entry["Actions"]
    }
    return "*" in granted or granted.issuperset(actions)


def basic_credentials(authorization: str) -> tuple[str, str]:
    """User name and password of a `Basic` header; empty where it is none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return username, password


def _claims(host: str, version: str, lifetime_s: int) -> Claims:
    now = int(time.time())
    return {
        "jti": str(uuid.uuid4()),
        "sub": "emulator",
        "nbf": now - _BACKDATED_S,
        "exp": now + lifetime_s,
        "iat": now - _BACKDATED_S,
        "iss": _ISSUER,
        "aud": host,
        "version": version,
        "rid": uuid.uuid5(uuid.NAMESPACE_DNS, host).hex,
        "appid": "00000000-0000-0000-0000-000000000000",
    }


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
