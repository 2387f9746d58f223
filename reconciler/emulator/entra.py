"""
Microsoft Entra in small: signs tokens for the identities of the settings, and takes them back.

Tokens are handed out by the protocol of managed identities in App Service, because
Microsoft's own libraries speak it to any address that the environment names.
"""

from __future__ import annotations

import hmac
import secrets
import time

from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulator.answers import json_answer
from reconciler.emulator.directory import Directory
from reconciler.emulator.identities import Identity, object_id_of
from reconciler.emulator.settings import Settings
from reconciler.emulator.signing import SigningKey

REGISTRY_AUDIENCE = "https://containerregistry.azure.net"
IDENTITY_PATH = "/emulator/identity/token"
TENANT = "6f8d2c1e-5b7a-4c39-9d40-2a1e0b7c8d5f"  # means nothing; it looks like a tenant's id

# Source: Microsoft, container-registry-disable-authentication-as-arm.md
_ARM_AUDIENCES = ("https://management.azure.com/", "https://management.azure.com")
_LIFETIME_S = 24 * 3600  # of a managed identity's token. Source: Microsoft, managed-identities-faq.md
_BACKDATED_S = 300


class Entra:
    """Makes Entra's tokens, and tells who brings one."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._directory = directory
        self._audiences = (REGISTRY_AUDIENCE, *(_ARM_AUDIENCES if settings.arm_audience else ()))
        self._key = SigningKey()
        self.header = settings.identity_header or secrets.token_urlsafe()

    @property
    def has_identities(self) -> bool:
        """There is somebody to make tokens for."""
        return bool(self._directory.entra)

    def token(self, name: str, audience: str, lifetime_s: float) -> str:
        """A token for the application of that name, which the registry need not know."""
        found = [identity.object_id for identity in self._directory.entra if identity.name == name]
        object_id = found[0] if found else object_id_of(name)
        now = int(time.time())
        return self._key.sign(
            {
                "aud": audience,
                "iss": f"https://sts.windows.net/{TENANT}/",
                "iat": now - _BACKDATED_S,
                "nbf": now - _BACKDATED_S,
                "exp": now + int(lifetime_s),
                "appid": name,
                "oid": object_id,
                "sub": object_id,
                "tid": TENANT,
            }
        )

    def identity(self, token: str) -> Identity | None:
        """Who brings the token; None where it is no good here, or for somebody who has no role."""
        if anybody := self._directory.any_entra_identity:
            return anybody
        claims = self._key.claims(token)
        if claims is None or claims["aud"] not in self._audiences:
            return None
        known = (identity for identity in self._directory.entra if identity.name == claims["appid"])
        return next((identity for identity in known if identity.actions_anywhere or identity.catalog), None)

    async def managed_identity(self, request: Request) -> Response:
        """
        `GET /emulator/identity/token?resource=…&client_id=…`.

        Source: Microsoft, overview-managed-identity.md, "REST endpoint reference"; bodies of errors are the emulator's.
        """
        said = request.headers.get("x-identity-header", "")
        if not hmac.compare_digest(said.encode(), self.header.encode()):
            return _refused(401, "the X-IDENTITY-HEADER is not this emulator's")
        resource = request.query_params.get("resource", "")
        if not resource:
            return _refused(400, "the resource is missing")
        name = self._managed(request.query_params.get("client_id", ""))
        if not name:
            return _refused(400, "no managed identity found for the client_id; without one there must be just one")
        return self._answer(name, resource)

    def _managed(self, client_id: str) -> str:
        names = [identity.name for identity in self._directory.entra if client_id in ("", identity.name)]
        return names[0] if len(names) == 1 else ""

    def _answer(self, name: str, resource: str) -> Response:
        expires_on = int(time.time()) + _LIFETIME_S
        return json_answer(
            {
                "access_token": self.token(name, resource, _LIFETIME_S),
                "expires_on": str(expires_on),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": name,
            }
        )


def _refused(status: int, message: str) -> Response:
    return json_answer({"statusCode": status, "message": message}, status=status)
