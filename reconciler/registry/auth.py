"""
Sign in when the registry asks for it, and no sooner.

The first call goes out without a credential, and the others wait for what comes of
it. The challenge in a 401 tells where tokens are made; from then on each call brings
one. One token for all repositories does for everything, where the registry honours
that. Where it does not (permissions per repository, scope maps) there is one for
each repository, and those that are wanted at the same time are asked for together.

However many calls wait for a token, it is asked for once. What the registry refuses
although the token was asked for just that is a missing permission; asking again
would go round in circles.

The realm in a challenge comes from the network. It is given a credential only if it
is on the registry itself.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable

import attrs

from reconciler.errors import ApiError, ProtocolError, RefusedError, UnreachableError
from reconciler.registry.accounts import NAMES, Account, Accounts
from reconciler.registry.challenge import Challenge, parse_challenge
from reconciler.registry.credentials import REFRESH_TOKEN_USER, Password, RefreshToken
from reconciler.registry.exchange import Answer, Request, printable
from reconciler.registry.permissions import what_is_missing
from reconciler.registry.refusals import api_error
from reconciler.registry.sessions import REFUSED, Session
from reconciler.registry.tokens import ALL_REPOSITORIES, CATALOG, EVERYTHING, Claims, Scope, Token, parse_scope
from reconciler.registry.transport import Transport

_UNAUTHORIZED = 401
_MAX_CHALLENGES = 3  # a stale token or none, the one for all, the one for this repository
# Tokens grow with their scopes and travel in a header, of which nginx takes 8 KiB (large_client_header_buffers).
_MAX_BATCH, _MAX_BATCH_CHARACTERS = 16, 2000
_BYTES = "surrogateescape"


@attrs.frozen
class SignedIn:
    """Somebody signed in."""

    way: str  # in words, such as Microsoft Entra
    who: str  # as far as it is known
    claims: Claims  # of the first access token
    passed_over: tuple[str, ...] = ()  # other ways that were found and did not work, and why


class Authenticator:
    """Adds what the registry wants to see to each request."""

    def __init__(self, transport: Transport, accounts: Accounts, on_sign_in: Callable[[SignedIn], None]) -> None:
        self._transport = transport
        self._accounts = accounts
        self._on_sign_in = on_sign_in
        self._first_call: asyncio.Event | None = None
        self._challenge = Challenge("")  # the last one; without a scheme while the registry has not asked
        self._lock = asyncio.Lock()  # held by whoever asks for a token
        self._session: Session | None = None
        self._failure: ApiError | RefusedError | UnreachableError | None = (
            None  # nobody was let in; asking again changes nothing
        )
        self._passed_over: list[str] = []  # ways that did not work, and why
        self._has_looked_for_password = False
        self._for_all: Token | None = None
        self._is_wildcard_ignored = False
        self._not_for_all: set[Scope] = set()  # what the token for all was not enough for
        self._tokens: dict[Scope, Token] = {}
        self._wanted: dict[Scope, None] = {}  # by those who wait for the lock

    async def close(self) -> None:
        """Forget everything."""
        if self._session is not None:
            await self._session.close()

    async def send(self, request: Request, scope: Scope) -> Answer:
        """
        Send `request` with what signs it in for `scope`, and answer challenges on the way, a few at most.

        Raises:
            RegistryError: nobody was let in, or the registry asks to sign in elsewhere.
            RefusedError: what was given to sign in with cannot be used.
        """
        if self._first_call is None:
            self._first_call = asyncio.Event()
            try:
                return await self._send(request, scope)
            finally:
                self._first_call.set()
        await self._first_call.wait()
        return await self._send(request, scope)

    async def granted(self, scopes: tuple[Scope, ...]) -> Claims | None:
        """What a token made for just `scopes` says that it permits; None where the registry makes no tokens."""
        if self._challenge.scheme != "bearer":
            return None
        async with self._lock:
            if self._session is None:
                await self._new_token(scopes[0])
            assert self._session is not None  # noqa: S101 - there is no token without one
            return (await self._session.access_token(self._token_target(), scopes)).claims

    def refusal(self, answer: Answer, scope: Scope) -> ApiError:
        """The error in `answer` to a call that needs `scope`, with what would help."""
        if answer.status != _UNAUTHORIZED:
            return api_error(answer)
        missing = what_is_missing(answer, scope)
        if self._session is None or self._session.account.way == "anonymous":
            return api_error(
                answer, advice="\n  ".join(["nobody signed in; docs/sign-in.md tells how", *self._passed_over])
            )
        who = f"{self._session.who or 'somebody'} ({NAMES[self._session.account.way]})"
        advice = [f"signed in as {printable(who)}", missing]
        return api_error(answer, advice=";\n  ".join(filter(None, advice)))

    async def _send(self, request: Request, scope: Scope) -> Answer:
        token = await self._token(scope) if self._challenge.scheme == "bearer" else None
        header = f"Bearer {token.value}" if token else self._basic()
        answer = await self._send_with(request, header)
        is_new = False  # the token was made for this call
        for _ in range(_MAX_CHALLENGES):
            if answer.status != _UNAUTHORIZED:
                break
            challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
            if challenge.scheme:
                self._challenge = challenge
            following = await self._after(challenge, scope, token, is_new=is_new)
            next_header = f"Bearer {following.value}" if following else self._basic()
            if next_header in ("", header):
                break
            token, header, is_new = following, next_header, True
            answer = await self._send_with(request, header)
        return answer

    async def _send_with(self, request: Request, authorization: str) -> Answer:
        if not authorization:
            return await self._transport.send(request)
        signed = attrs.evolve(request, headers=(*request.headers, ("authorization", authorization)))
        self._transport.secrets.add(authorization.partition(" ")[2])
        return await self._transport.send(signed)

    async def _after(self, challenge: Challenge, scope: Scope, refused: Token | None, *, is_new: bool) -> Token | None:
        """The token to try after a challenge; None where no other can help."""
        if challenge.scheme == "basic":
            await self._find_password()
        if challenge.scheme != "bearer":
            return None
        if refused is None:
            return await self._token(scope)
        if challenge.error != "insufficient_scope" and not is_new:
            self._forget(refused)  # it ended, or was revoked
            return await self._token(scope)
        if refused is self._for_all:
            self._not_for_all.add(scope)
            return await self._token(scope)
        other = parse_scope(challenge.scope)
        if other is None or Claims(access=(scope,)).grants(other):
            return None  # it was asked for just that
        self._not_for_all.add(other)
        return await self._token(other)

    def _forget(self, token: Token) -> None:
        """Let nobody use `token` any more, whatever it was good for."""
        if token is self._for_all:
            self._for_all = None
        self._tokens = {scope: known for scope, known in self._tokens.items() if known is not token}

    async def _token(self, scope: Scope) -> Token:
        """A token for `scope` that is good; asked for once, however many wait for it."""
        token = self._known(scope)
        if token is not None:
            return token
        self._wanted[scope] = None
        try:
            async with self._lock:
                return self._known(scope) or await self._new_token(scope)
        finally:
            self._wanted.pop(scope, None)

    def _known(self, scope: Scope) -> Token | None:
        token = self._for_all if scope not in self._not_for_all else None
        token = token or self._tokens.get(scope)
        return token if token is not None and token.is_good(time.monotonic()) else None

    async def _new_token(self, scope: Scope) -> Token:
        if self._failure is not None:
            raise self._failure
        try:
            if self._session is None:
                return await self._sign_in(scope)
            return await self._buy(self._session, scope)
        except (RefusedError, UnreachableError, ApiError) as error:
            if self._session is None or not isinstance(error, ApiError):
                self._failure = error  # for everybody who waits: asking again would end the same way, later
            raise

    async def _sign_in(self, scope: Scope) -> Token:
        """The first token of the first account that the registry lets in."""
        error: ApiError | RefusedError = RefusedError("there is nobody to sign in")
        async for account in self._accounts():
            if account.problem:
                self._passed_over.append(f"{NAMES[account.way]}: {account.problem}")
                continue
            try:
                return await self._try(account, scope)
            except (ApiError, RefusedError) as found:
                if account.is_given or (isinstance(found, ApiError) and found.status not in REFUSED):
                    raise
                error = found.advised(*self._passed_over) if isinstance(found, ApiError) else found
                self._passed_over.append(f"{NAMES[account.way]}: {str(found).partition(chr(10))[0]}")
        raise error

    async def _try(self, account: Account, scope: Scope) -> Token:
        session = Session(self._transport, account, self._challenge.service)
        self._is_wildcard_ignored = False
        try:
            token = await self._buy(session, scope)
        except BaseException:
            await session.close()
            raise
        self._session = session
        who = "" if account.credential is None else session.who or token.claims.subject
        passed_over = tuple(self._passed_over) if account.way == "anonymous" else ()
        self._on_sign_in(SignedIn(NAMES[account.way], printable(who), token.claims, passed_over))
        return token

    async def _buy(self, session: Session, scope: Scope) -> Token:
        """A token for everything, where that is honoured; otherwise for `scope` and what else is waited for."""
        target = self._token_target()
        is_for_all = not self._is_wildcard_ignored and scope not in self._not_for_all
        if is_for_all:
            self._for_all = await self._token_for_all(session, target)
            if self._for_all is not None:
                return self._for_all
            self._is_wildcard_ignored = True
        await asyncio.sleep(0)  # who asks in the same moment goes into the same token
        batch = self._batch(scope)
        try:
            token = await session.access_token(target, batch)
        except ApiError as error:
            if len(batch) == 1 or error.status not in REFUSED:
                raise
            batch = (scope,)  # what is refused may be one of the others
            token = await session.access_token(target, batch)
        self._tokens |= dict.fromkeys(batch, token)
        return token

    async def _token_for_all(self, session: Session, target: str) -> Token | None:
        """A token for all repositories; None where the registry, or this account of it, knows no such thing."""
        if (await session.claims()).is_per_repository:
            return None
        try:
            token = await session.access_token(target, (ALL_REPOSITORIES, CATALOG))
        except ApiError as error:
            if error.status not in REFUSED:
                raise
            return None  # what is refused may be the wildcard; the next request tells whether it is the account
        return token if _is_for_all(token.claims) else None

    def _batch(self, scope: Scope) -> tuple[Scope, ...]:
        """`scope` and others that are waited for, as many as one token can bear."""
        batch, characters = [scope], len(str(scope))
        for other in self._wanted:
            characters += len(str(other))
            if len(batch) == _MAX_BATCH or characters > _MAX_BATCH_CHARACTERS:
                break
            if other != scope and self._known(other) is None:
                batch.append(other)
        return tuple(batch)

    async def _find_password(self) -> None:
        """Take the first account that can sign in without a token."""
        async with self._lock:
            if self._session is not None or self._has_looked_for_password:
                return
            self._has_looked_for_password = True
            async for account in self._accounts():
                if isinstance(account.credential, Password | RefreshToken):
                    self._session = Session(self._transport, account, "")
                    self._on_sign_in(SignedIn(NAMES[account.way], printable(self._session.who), Claims()))
                    return

    def _basic(self) -> str:
        """The `Authorization` header without a token; empty where there is none to send."""
        credential = self._session.account.credential if self._session else None
        if self._challenge.scheme != "basic" or not isinstance(credential, Password | RefreshToken):
            return ""
        if isinstance(credential, RefreshToken):
            credential = Password(REFRESH_TOKEN_USER, credential.value)
        pair = f"{credential.username}:{credential.password}"
        self._transport.secrets.add(credential.password, pair)
        return f"Basic {base64.b64encode(pair.encode(errors=_BYTES)).decode()}"

    def _token_target(self) -> str:
        realm = self._challenge.realm
        target = self._transport.location.target_of(realm)
        if not target:
            raise ProtocolError(
                f"{self._transport.location.origin}: asks to sign in at another host: {printable(realm)!r}\n"
                "  Nothing was sent there. A registry makes its own tokens; is a proxy in between?"
            )
        return target


def _is_for_all(claims: Claims) -> bool:
    """The registry honoured the wildcard, as far as the token tells."""
    if claims.access is None:
        return True  # the first refusal will tell
    return any(entry.kind == "repository" and entry.name == EVERYTHING for entry in claims.access)
