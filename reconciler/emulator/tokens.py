"""
Tokens that look like the registry's: signed JSON with the claims that clients read.

Source of claims and lifetimes: tokens in recordings of azure-sdk-for-net (2022).
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from collections.abc import Sequence

from reconciler.emulator.identities import Identity
from reconciler.emulator.scopes import access_of
from reconciler.emulator.settings import Settings
from reconciler.emulator.signing import Claims, SigningKey

_BACKDATED_S = 900  # tokens are issued 15 minutes into the past
_ISSUER = "Azure Container Registry"
_NO_APPLICATION = "00000000-0000-0000-0000-000000000000"
_PERMISSION_OF = {"pull": "read", "push": "write", "delete": "delete"}


class TokenMaker:
    """
    Makes tokens and knows its own again.

    Each kind of token has a key of its own, so that neither is taken for the other,
    and forgetting a key ends all of that kind.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.expire(refresh=True)

    def expire(self, *, refresh: bool) -> None:
        """End all access tokens made so far, and the refresh tokens too if asked."""
        self._access_key = SigningKey()
        if refresh:
            self._refresh_key = SigningKey()

    def refresh_token(self, host: str, identity: Identity) -> str:
        """A token that buys access tokens, for three hours unless the settings say otherwise."""
        claims = _claims(host, identity, "1.0", self._settings.refresh_lifetime_s) | {"grant_type": "refresh_token"}
        if self._settings.abac and identity.kind == "entra":
            # Source: Azure/acr-cli internal/api/acrsdk.go tells an ABAC registry by this claim; it looks at no value.
            claims["aad_identity"] = identity.object_id
        return self._refresh_key.sign(claims)

    def access_token(self, host: str, identity: Identity, scopes: Sequence[str]) -> str:
        """A token for what is granted of `scopes`, for an hour unless the settings say otherwise."""
        # Source: Azure/acr-cli internal/api/acrsdk.go: an ABAC registry ignores wildcards and does not say so.
        access = access_of(scopes, identity, wildcards=not self._settings.abac)
        claims = _claims(host, identity, "2.0", self._settings.access_lifetime_s)
        return self._access_key.sign(claims | {"grant_type": "access_token", "access": access})

    def refresh_claims(self, token: str) -> Claims | None:
        """What a refresh token says, if it was made here and has not ended."""
        return self._refresh_key.claims(token)

    def access_claims(self, token: str) -> Claims | None:
        """What an access token says, if it was made here and has not ended."""
        return self._access_key.claims(token)


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """User name and password of a `Basic` header, both empty in a damaged one; None where it is something else."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return username, password


def _claims(host: str, identity: Identity, version: str, lifetime_s: float) -> Claims:
    now = int(time.time())
    held = identity.actions_anywhere
    return {
        "jti": str(uuid.uuid4()),
        "sub": identity.name,
        "nbf": now - _BACKDATED_S,
        "exp": now + int(lifetime_s),
        "iat": now - _BACKDATED_S,
        "iss": _ISSUER,
        "aud": host,
        "version": version,
        "rid": uuid.uuid5(uuid.NAMESPACE_DNS, host).hex,
        "appid": identity.name if identity.kind == "entra" else _NO_APPLICATION,
        "permissions": {"Actions": [name for action, name in _PERMISSION_OF.items() if action in held]},
        "roles": [],
    }
