"""
Sign in when the registry asks for it, and no sooner.

The first call goes out without a credential. The challenge in its 401 tells where
tokens are made; from then on each call brings the token for its scope. Tokens live
in memory, belong to one scope, and are asked for once, however many calls wait.

The realm in a challenge comes from the network. It is given the password only if
it is on the registry itself.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import time
from urllib.parse import quote, urlencode

import attrs
import orjson

from reconciler.errors import ProtocolError
from reconciler.registry.exchange import Answer, Request, printable
from reconciler.registry.shapes import api_error
from reconciler.registry.transport import Transport

_PARAMETER = re.compile(r"""\b([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))""")
_OK, _UNAUTHORIZED = 200, 401
_REFUSED = (400, _UNAUTHORIZED)
_NO_PASSWORD = "No user name and password were given: RECONCILER_USERNAME, RECONCILER_PASSWORD."  # noqa: S105
_WRONG_PASSWORD = "The user name or password is wrong, or may not sign in here."  # noqa: S105 - no password
_BYTES = "surrogateescape"  # the environment may hold bytes that are no UTF-8, and they are the password
_MARGIN_S = 60.0  # a token is renewed this long before it ends
_DEFAULT_LIFETIME_S = 300.0  # of a token that does not tell


@attrs.frozen
class Credentials:
    """A user name and password: the admin user, a service principal, or a scope-map token."""

    username: str
    password: str = attrs.field(repr=False)


@attrs.frozen
class Challenge:
    """What a 401 asks for. Source: RFC 9110, section 11.6.1; distribution token specification."""

    scheme: str  # bearer, basic or empty
    realm: str = ""
    service: str = ""
    scope: str = ""
    error: str = ""  # invalid_token or insufficient_scope, where ACR says so


@attrs.frozen
class _Token:
    value: str = attrs.field(repr=False)
    ends_s: float  # on the monotonic clock


def parse_challenge(header: str) -> Challenge:
    """The challenge in a `WWW-Authenticate` header; an unknown one has no scheme."""
    scheme, *rest = header.split(maxsplit=1) or [""]
    if not rest or scheme.lower() not in ("bearer", "basic"):
        return Challenge("")
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest[0])}
    known = {name: found[name] for name in ("realm", "service", "scope", "error") if name in found}
    return Challenge(scheme.lower(), **known)


class Authenticator:
    """Adds what the registry wants to see to each request."""

    def __init__(self, transport: Transport, credentials: Credentials | None) -> None:
        self._transport = transport
        self._credentials = credentials
        self._challenge = Challenge("")  # the last one; without a scheme while the registry has not asked
        self._tokens: dict[str, _Token] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def send(self, request: Request, scope: str) -> Answer:
        """
        Send `request` with what signs it in for `scope`; answer one challenge on the way, and no second one.

        Raises:
            UnauthorizedError: the token endpoint refused.
            ProtocolError: the registry asks to sign in elsewhere.
        """
        refused = await self._authorization(scope)
        answer = await self._send(request, refused)
        if answer.status != _UNAUTHORIZED:
            return answer
        challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
        if not challenge.scheme or (challenge.scheme == "basic" and (refused or self._credentials is None)):
            return answer
        self._challenge = challenge
        authorization = await self._authorization(challenge.scope or scope, refused=refused)
        return await self._send(request, authorization)

    async def _send(self, request: Request, authorization: str) -> Answer:
        if not authorization:
            return await self._transport.send(request)
        signed = attrs.evolve(request, headers=(*request.headers, ("authorization", authorization)))
        return _without(await self._transport.send(signed), authorization.partition(" ")[2])

    async def _authorization(self, scope: str, *, refused: str = "") -> str:
        """The `Authorization` header for `scope`; empty while none is wanted. Never `refused` again."""
        if not self._challenge.scheme:
            return ""
        if self._challenge.scheme == "basic":
            return _basic(self._credentials) if self._credentials else ""
        async with self._locks.setdefault(scope, asyncio.Lock()):
            token = self._tokens.get(scope)
            if token is None or token.ends_s < time.monotonic() or f"Bearer {token.value}" == refused:
                token = self._tokens[scope] = await self._new_token(scope)
        return f"Bearer {token.value}"

    async def _new_token(self, scope: str) -> _Token:
        realm = self._challenge.realm
        target = self._transport.location.target_of(realm)
        if not target:
            raise ProtocolError(
                f"{self._transport.location.origin}: asks to sign in at another host: {printable(realm)!r}\n"
                "  Nothing was sent there. A registry makes its own tokens; is a proxy in between?"
            )
        answer = await self._transport.send(self._token_request(target, scope))
        if self._credentials:
            password = self._credentials.password
            answer = _without(answer, quote(password, safe="", errors=_BYTES), password)
        if answer.status != _OK:
            wrong = _WRONG_PASSWORD if self._credentials else _NO_PASSWORD
            raise api_error(answer, advice=wrong if answer.status in _REFUSED else "")
        return _parse_token(answer)

    def _token_request(self, target: str, scope: str) -> Request:
        # Source: Azure/acr docs/AAD-OAuth.md; grant_type=password without a user is how anonymous tokens are made.
        form = {"grant_type": "password", "service": self._challenge.service, "scope": scope}
        if self._credentials:
            form |= {"username": self._credentials.username, "password": self._credentials.password}
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        body = urlencode(form, quote_via=quote, errors=_BYTES).encode()
        return Request("POST", target, headers=headers, body=body)


def _without(answer: Answer, *secrets: str) -> Answer:
    """`answer` without what was sent to get it: refusals are shown, and some servers repeat what they were told."""
    if answer.status == _OK:
        return answer
    body = answer.body
    for secret in secrets:
        for spelled in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
            body = body.replace(spelled.encode(errors=_BYTES), b"***")
    return attrs.evolve(answer, body=body)


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}".encode(errors=_BYTES)
    return f"Basic {base64.b64encode(pair).decode()}"


def _parse_token(answer: Answer) -> _Token:
    try:
        document = orjson.loads(answer.body)
        value = document.get("access_token") or document.get("token")
    except (ValueError, AttributeError):
        value = None
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise ProtocolError(
            f"{answer.method} {answer.url}: the answer holds no access token\n"
            "  That is not how Azure Container Registry answers. Is this the registry's own address?"
        )
    return _Token(value, time.monotonic() + _lifetime_s(value) - _MARGIN_S)


def _lifetime_s(token: str) -> float:
    """
    Seconds that a token is good for, from its `exp` claim.

    ACR dates tokens back by 15 minutes and sends no `expires_in`, so only `exp`
    tells (decoded from recordings of azure-sdk-for-net, 2022).
    """
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"]) - time.time()
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return _DEFAULT_LIFETIME_S
