"""Challenges are answered once, tokens are kept, and nothing goes round in circles."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import pytest
from servers import Received, Reply, access_token, catalog, challenge, refusal, reply, repository

from reconciler.errors import UnauthorizedError
from reconciler.model.address import Address

READ = "repository:team/app:metadata_read"
READ_ENCODED = "/acr/v1/team%2Fapp"


class Guard:
    """Lets only those in who bring a token for the right scope, and makes these tokens."""

    def __init__(self, url: str, *, lifetime_s: float = 3600) -> None:
        self.issued: list[dict[str, str]] = []  # the forms of the token requests
        self._url = url
        self._lifetime_s = lifetime_s
        self._valid: dict[str, str] = {}  # Authorization header → scope

    def token(self, request: Received) -> Reply:
        """Make a token for the scope in the form."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}
        self.issued.append(form)
        token = access_token(str(len(self.issued)), self._lifetime_s)
        self._valid[f"Bearer {token}"] = form["scope"]
        return reply(200, {"access_token": token})

    def for_scope(self, scope: str, answer: Reply):
        """Answer so, to whoever has a token for `scope`."""

        def check(request: Received) -> Reply:
            found = self._valid.get(request.header("authorization"))
            if found == scope:
                return answer
            error = "insufficient_scope" if found else ""
            return challenge(f"{self._url}/oauth2/token", scope, error)

        return check

    def revoke(self) -> None:
        """No token is good any more."""
        self._valid.clear()


@pytest.fixture
def guard(registry) -> Guard:
    """Guards the repository team/app and the catalog of the registry."""
    guard = Guard(registry.url)
    registry.on("/oauth2/token", guard.token)
    registry.on(READ_ENCODED, guard.for_scope(READ, repository("team/app")))
    registry.on("/acr/v1/_catalog", guard.for_scope("registry:catalog:*", catalog("team/app")))
    return guard


async def _read(client, name: str = "team/app"):
    return await client.read(Address(name))


async def test_the_first_call_brings_no_credential_and_is_repeated_with_a_token(registry, guard, connect):
    """401, one token for the scope in the challenge, and the call once more."""
    async with connect(password="p&=w d+") as client:
        await _read(client)

    expected = {"grant_type": "password", "service": "r", "scope": READ, "username": "ci", "password": "p&=w d+"}
    assert [expected] == guard.issued
    assert [("GET", READ_ENCODED), ("POST", "/oauth2/token"), ("GET", READ_ENCODED)] == [
        (request.method, request.target) for request in registry.requests
    ]
    assert "" == registry.requests[0].header("authorization")
    assert registry.requests[2].header("authorization").startswith("Bearer 1.")


async def test_without_a_credential_the_token_is_an_anonymous_one(guard, connect):
    """The form holds neither user nor password."""
    async with connect() as client:
        await _read(client)

    assert [{"grant_type": "password", "service": "r", "scope": READ}] == guard.issued


async def test_a_token_is_kept_for_its_scope(registry, guard, connect):
    """Three reads and two lists of repositories cost two tokens, and one challenge for each scope."""
    async with connect(password="secret") as client:
        for _ in range(3):
            await _read(client)
        for _ in range(2):
            assert [["team/app"]] == [page async for page in client.catalog()]

    assert [READ, "registry:catalog:*"] == [form["scope"] for form in guard.issued]
    assert 3 + 2 + 2 + 1 == client.request_count == registry.count()


async def test_fifty_calls_at_once_ask_for_one_token(guard, connect):
    """All of them are challenged, the first asks, the others wait for its token."""
    async with connect(password="secret") as client:
        await asyncio.gather(*(_read(client) for _ in range(50)))

    assert 1 == len(guard.issued)


async def test_fifty_calls_at_once_renew_a_revoked_token_once(guard, connect):
    """Whoever finds that another call has a new token already uses that one."""
    async with connect(password="secret") as client:
        await _read(client)
        guard.revoke()
        await asyncio.gather(*(_read(client) for _ in range(50)))

    assert 2 == len(guard.issued)


async def test_a_token_that_ends_soon_is_renewed_before_it_does(registry, connect):
    """`exp` tells, with a minute in hand; there is no 401 on the way."""
    guard = Guard(registry.url, lifetime_s=30)
    registry.on("/oauth2/token", guard.token)
    registry.on(READ_ENCODED, guard.for_scope(READ, repository("team/app")))

    async with connect(password="secret") as client:
        await _read(client)
        await _read(client)

    assert ["GET", "POST", "GET", "POST", "GET"] == [request.method for request in registry.requests]


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.e30.c", "a.bnVsbA.c", "a.eyJleHAiOiAieCJ9.c"])
async def test_a_token_that_does_not_tell_its_end_is_used(registry, connect, token):
    """Not every token is one of ACR's."""
    realm = f"{registry.url}/oauth2/token"
    registry.on("/oauth2/token", reply(200, {"token": token}))
    registry.on(READ_ENCODED, challenge(realm, READ), repository("team/app"))

    async with connect(password="secret") as client:
        await _read(client)
        await _read(client)

    assert 1 == registry.count("POST")
    assert f"Bearer {token}" == registry.requests[-1].header("authorization")


async def test_an_invalid_token_is_replaced_once(registry, connect):
    """Another 401 after that stands."""
    realm = f"{registry.url}/oauth2/token"
    tokens = [reply(200, {"access_token": access_token(name)}) for name in ("one", "two", "three")]
    registry.on("/oauth2/token", *tokens)
    registry.on(READ_ENCODED, challenge(realm, READ), repository("team/app"), challenge(realm, READ, "invalid_token"))

    async with connect(password="secret") as client:
        await _read(client)
        with pytest.raises(UnauthorizedError):
            await _read(client)

    assert (4, 2) == (registry.count("GET"), registry.count("POST"))


async def test_a_scope_that_is_not_granted_ends_after_one_more_token(registry, connect):
    """ACR gives tokens without what they lack; the call refuses them, and one new token is tried, never more."""
    realm = f"{registry.url}/oauth2/token"
    registry.on("/oauth2/token", reply(200, {"access_token": access_token("poor")}))
    registry.on(READ_ENCODED, challenge(realm, READ), challenge(realm, READ, "insufficient_scope"))

    async with connect(password="secret") as client:
        with pytest.raises(UnauthorizedError):
            await _read(client)
        first = (registry.count("GET"), registry.count("POST"))
        with pytest.raises(UnauthorizedError):
            await _read(client)

    assert (2, 1) == first
    assert (4, 2) == (registry.count("GET"), registry.count("POST"))


async def test_the_scope_in_the_challenge_is_what_counts(registry, guard, connect):
    """A registry may want more than we thought; it says so, and gets it."""
    wanted = "repository:team/app:metadata_read,pull"
    registry.on(READ_ENCODED, guard.for_scope(wanted, repository("team/app")))

    async with connect(password="secret") as client:
        await _read(client)

    assert [wanted] == [form["scope"] for form in guard.issued]


async def test_a_registry_that_wants_basic_gets_it_from_then_on(registry, connect):
    """One challenge; no token is asked for."""
    registry.on(READ_ENCODED, refusal(401, "UNAUTHORIZED", www_authenticate='Basic realm="r"'), repository("team/app"))

    async with connect(password="secret") as client:
        await _read(client)
        await _read(client)

    assert ["", "Basic Y2k6c2VjcmV0", "Basic Y2k6c2VjcmV0"] == [
        request.header("authorization") for request in registry.requests
    ]


async def test_basic_without_a_credential_is_an_error_at_once(registry, connect):
    """There is nothing to sign in with."""
    registry.on(READ_ENCODED, refusal(401, "UNAUTHORIZED", www_authenticate='Basic realm="r"'))

    async with connect() as client:
        with pytest.raises(UnauthorizedError):
            await _read(client)

    assert 1 == registry.count()


async def test_a_registry_that_changes_its_mind_does_not_lead_in_circles(registry, connect):
    """Bearer, then Basic, then Bearer: one repeat for each call, whatever is said."""
    realm = f"{registry.url}/oauth2/token"
    basic = refusal(401, "UNAUTHORIZED", www_authenticate='Basic realm="r"')
    registry.on("/oauth2/token", reply(200, {"access_token": access_token("one")}))
    registry.on(READ_ENCODED, *[challenge(realm, READ), basic] * 10)

    async with connect(password="secret") as client:
        for _ in range(3):
            with pytest.raises(UnauthorizedError):
                await _read(client)

    assert registry.count("GET") <= 6


async def test_a_token_endpoint_that_is_down_for_a_moment_is_asked_again(registry, guard, connect):
    """Asking for a token changes nothing, so it is repeated like a read."""
    registry.on("/oauth2/token", refusal(503, "BUSY"), guard.token)

    async with connect(password="secret") as client:
        await _read(client)

    assert 2 == registry.count("POST")


async def test_cookies_are_neither_kept_nor_sent(registry, connect):
    """They are a credential too, and nobody declared them."""
    registry.on(READ_ENCODED, reply(404, {}, set_cookie="session=1; path=/"), repository("team/app"))

    async with connect() as client:
        with pytest.raises(Exception, match="404"):
            await _read(client)
        await _read(client)

    assert "" == registry.requests[1].header("cookie")
