"""
One account's tokens: what is asked of `/oauth2/exchange` and `/oauth2/token`.

A Microsoft Entra token is exchanged for a refresh token of the registry, and that
buys access tokens; a user name and password buy them directly; nobody at all gets
anonymous ones. All of it is kept in memory and nowhere else.

Source: Azure/acr docs/AAD-OAuth.md, docs/Token-BasicAuth.md; recording of az acr login (2026-09).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

import orjson

from reconciler.errors import ProtocolError
from reconciler.registry.accounts import Account
from reconciler.registry.credentials import Password, RefreshToken
from reconciler.registry.entra import EntraIdentity, EntraToken, IdentityError, audiences
from reconciler.registry.exchange import Answer, Request
from reconciler.registry.refusals import api_error
from reconciler.registry.tokens import Claims, Scope, Token, make_token, parse_claims
from reconciler.registry.transport import Transport

_OK = 200
REFUSED = (400, 401)  # of a sign-in
# Recorded of az acr login is 401; what people report of other clients is 403 with the same words.
_WRONG_AUDIENCE = (401, 403)
_EXCHANGE = "/oauth2/exchange"
_FORM = (("content-type", "application/x-www-form-urlencoded"),)
_BYTES = "surrogateescape"  # the environment may hold bytes that are no UTF-8, and they are the password
_ADVICE = {
    "password": "The user name or password is wrong, or may not sign in here.",
    "refresh-token": "The refresh token has ended, or is another registry's; az acr login --expose-token makes one.",
    "entra": "Whoever it is has no role in this registry, or the registry takes no token of this audience.",
    "docker": "What Docker's config.json holds is no longer good: docker login, or az acr login, renews it.",
    "anonymous": "Nobody else could sign in, and nobody is let in anonymously; docs/sign-in.md tells the ways.",
}


class Session:
    """An account that signs in with one registry."""

    def __init__(self, transport: Transport, account: Account, service: str) -> None:
        """`service` is what the registry calls itself in its challenge."""
        self.account = account
        self.who = account.credential.username if isinstance(account.credential, Password) else ""
        self._transport = transport
        self._service = service
        self._refresh: Token | None = None  # bought with a token of Microsoft Entra
        self._audiences = audiences(transport.location.host)

    async def close(self) -> None:
        """Let go of what finding tokens took."""
        if isinstance(self.account.credential, EntraIdentity):
            await self.account.credential.aclose()

    async def access_token(self, target: str, scopes: Sequence[Scope]) -> Token:
        """
        A new token for `scopes`, or for the part of them that is granted.

        Args:
            target: Path of the registry's token endpoint.
            scopes: What it is to be good for.

        Raises:
            RegistryError: the registry refused, or could not be asked.
            RefusedError: Microsoft Entra gave no token.
        """
        answer = await self._ask(target, await self._proof(), scopes)
        is_stale = answer.status in REFUSED and self._refresh is not None
        if is_stale and isinstance(self.account.credential, EntraIdentity):
            self._refresh = None  # it can be revoked before it ends
            answer = await self._ask(target, await self._proof(), scopes)
        return self._token(answer, "access_token", "token")

    async def claims(self) -> Claims:
        """What the account's refresh token says; nothing where it has none."""
        if isinstance(self.account.credential, EntraIdentity):
            return (await self._refreshed(self.account.credential)).claims
        if isinstance(self.account.credential, RefreshToken):
            return parse_claims(self.account.credential.value)
        return Claims()

    async def _proof(self) -> dict[str, str]:
        """The form fields that say who it is."""
        credential = self.account.credential
        if isinstance(credential, Password):
            return {"grant_type": "password", "username": credential.username, "password": credential.password}
        if isinstance(credential, RefreshToken):
            return {"grant_type": "refresh_token", "refresh_token": credential.value}
        if credential is None:  # how anonymous tokens are made
            return {"grant_type": "password"}
        return {"grant_type": "refresh_token", "refresh_token": (await self._refreshed(credential)).value}

    async def _ask(self, target: str, proof: dict[str, str], scopes: Iterable[Scope]) -> Answer:
        fields = [*proof.items(), ("service", self._service), *(("scope", str(scope)) for scope in scopes)]
        return await self._post(target, fields, proof.get("password", ""), proof.get("refresh_token", ""))

    async def _refreshed(self, identity: EntraIdentity) -> Token:
        if self._refresh is None or not self._refresh.is_good(time.monotonic()):
            self._refresh = await self._exchanged(identity)
        return self._refresh

    async def _exchanged(self, identity: EntraIdentity) -> Token:
        """
        The registry's refresh token for a Microsoft Entra token, of whichever audience it takes.

        The registry's own audience comes first; the other one is Azure Resource
        Manager's, which registries take unless their owner has turned that off
        (container-registry-disable-authentication-as-arm.md).
        """
        *others, last = self._audiences
        for audience in others:
            answer = await self._offer(identity, audience)
            if answer is not None and answer.status not in _WRONG_AUDIENCE:
                self._audiences = (audience,)
                return self._token(answer, "refresh_token")
        entra = await identity.token(last)
        return self._token(await self._exchange(entra), "refresh_token")

    async def _offer(self, identity: EntraIdentity, audience: str) -> Answer | None:
        """The answer to a token of that audience; None where Microsoft Entra makes no such token."""
        try:
            entra = await identity.token(audience)
        except IdentityError as error:
            if not error.concerns_audience:
                raise
            return None
        return await self._exchange(entra)

    async def _exchange(self, entra: EntraToken) -> Answer:
        self.who = entra.subject
        fields = {"grant_type": "access_token", "service": self._service, "access_token": entra.value}
        if entra.tenant:
            fields["tenant"] = entra.tenant
        return await self._post(_EXCHANGE, list(fields.items()), entra.value)

    async def _post(self, target: str, fields: list[tuple[str, str]], *secrets: str) -> Answer:
        body = urlencode(fields, quote_via=quote, errors=_BYTES).encode()
        self._transport.secrets.add(*secrets)
        return await self._transport.send(Request("POST", target, "sign-in", _FORM, body))

    def _token(self, answer: Answer, *members: str) -> Token:
        if answer.status != _OK:
            raise api_error(answer, advice=_ADVICE[self.account.way] if answer.status in REFUSED else "")
        value = _member(answer, members)
        return make_token(value, now_s=time.monotonic(), registry_s=_clock_of(answer))


def _member(answer: Answer, members: Iterable[str]) -> str:
    try:
        document = orjson.loads(answer.body)
        value = next((document[name] for name in members if document.get(name)), None)
    except (ValueError, AttributeError):
        value = None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ProtocolError(
            f"{answer.method} {answer.url}: the answer holds no {next(iter(members)).replace('_', ' ')}\n"
            "  That is not how Azure Container Registry answers. Is this the registry's own address?"
        )
    return value


def _clock_of(answer: Answer) -> float:
    """The registry's clock, in seconds since 1970; ours where it does not tell."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, OverflowError, TypeError, ValueError):
        return time.time()
