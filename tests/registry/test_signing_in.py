"""Challenges are answered once, tokens are kept, and nothing goes round in circles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from email.utils import formatdate
from itertools import chain, repeat
from urllib.parse import parse_qs

import pytest
from servers import Received, Reply, ScriptedServer, access_token, catalog, challenge, refusal, reply, repository

from reconciler.errors import UnauthorizedError
from reconciler.model.address import Address

ALL = "repository:*:* registry:catalog:*"
OURS = "repository:team/app:pull,delete,metadata_read,metadata_write"
READ = "repository:team/app:metadata_read"
READ_ENCODED = "/acr/v1/team%2Fapp"
ENDS_SOON_S = 0.0001  # over before the next call, which takes longer than that


class Guard:
    """Lets only those in who bring a token that is good for what they ask, and makes these tokens."""

    def __init__(
        self, url: str, *, takes_wildcards: bool = True, lifetimes_s: Iterable[float] = (), clock_off_s: int = 0
    ) -> None:
        self.issued: list[dict[str, str]] = []  # the forms of the token requests
        self._url = url
        self._takes_wildcards = takes_wildcards
        self._lifetimes_s = chain(lifetimes_s, repeat(3600.0))
        self._clock_off_s = clock_off_s
        self._valid: dict[str, list[str]] = {}  # Authorization header → scopes

    def token(self, request: Received) -> Reply:
        """Make a token for the scopes in the form, but for wildcards where they mean nothing."""
        form = {name: " ".join(values) for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}
        self.issued.append(form)
        granted = [scope for scope in form["scope"].split() if self._takes_wildcards or ":*:" not in scope]
        lifetime_s = next(self._lifetimes_s) + self._clock_off_s
        token = access_token(str(len(self.issued)), lifetime_s, access=granted)
        self._valid[f"Bearer {token}"] = granted
        return reply(200, {"access_token": token}, date=formatdate(int(time.time()) + self._clock_off_s, usegmt=True))

    def for_scope(self, scope: str, answer: Reply):
        """Answer so, to whoever has a token for `scope`."""

        def check(request: Received) -> Reply:
            found = self._valid.get(request.header("authorization"))
            if found is None:
                is_first = not request.header("authorization")
                return challenge(f"{self._url}/oauth2/token", scope, "" if is_first else "invalid_token")
            if any(_covers(granted, scope) for granted in found):
                return answer
            return challenge(f"{self._url}/oauth2/token", scope, "insufficient_scope")

        return check

    def revoke(self) -> None:
        """No token is good any more."""
        self._valid.clear()


def _covers(granted: str, wanted: str) -> bool:
    (kind, name, actions), (wanted_kind, wanted_name, wanted_actions) = granted.split(":"), wanted.split(":")
    is_there = kind == wanted_kind and name in (wanted_name, "*")
    return is_there and (actions == "*" or set(wanted_actions.split(",")) <= set(actions.split(",")))


def _guard(registry: ScriptedServer, guard: Guard) -> Guard:
    """Let it guard the repository team/app and the catalog of the registry."""
    registry.on("/oauth2/token", guard.token)
    registry.on(READ_ENCODED, guard.for_scope(READ, repository("team/app")))
    registry.on("/acr/v1/_catalog", guard.for_scope("registry:catalog:*", catalog("team/app")))
    return guard


@pytest.fixture
def guard(registry) -> Guard:
    """Guards the registry, and knows of tokens for all repositories."""
    return _guard(registry, Guard(registry.url))


@pytest.fixture
def strict_guard(registry) -> Guard:
    """Guards the registry, and makes tokens for single repositories only."""
    return _guard(registry, Guard(registry.url, takes_wildcards=False))


async def _read(client, name: str = "team/app"):
    return await client.read(Address(name))


async def test_the_first_call_brings_no_credential_and_is_repeated_with_a_token(registry, guard, connect):
    """401, one token for everything, and the call once more."""
    async with connect(password="p&=w d+") as client:
        await _read(client)

    expected = {"grant_type": "password", "service": "r", "scope": ALL, "username": "ci", "password": "p&=w d+"}
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

    assert [{"grant_type": "password", "service": "r", "scope": ALL}] == guard.issued


async def test_one_token_is_good_for_all_that_it_says(registry, guard, connect):
    """Three reads and two lists of repositories cost one challenge and one token."""
    async with connect(password="secret") as client:
        for _ in range(3):
            await _read(client)
        for _ in range(2):
            assert [["team/app"]] == [page async for page in client.catalog()]

    assert [ALL] == [form["scope"] for form in guard.issued]
    assert 3 + 2 + 1 + 1 == client.request_count == registry.count()


async def test_where_wildcards_mean_nothing_a_token_is_kept_for_its_scope(registry, strict_guard, connect):
    """Three reads and two lists cost one challenge, one token that is good for nothing, and one for each scope."""
    async with connect(password="secret") as client:
        for _ in range(3):
            await _read(client)
        for _ in range(2):
            assert [["team/app"]] == [page async for page in client.catalog()]

    assert [ALL, OURS, "registry:catalog:*"] == [form["scope"] for form in strict_guard.issued]
    assert 3 + 2 + 1 + 3 == client.request_count == registry.count()


async def test_fifty_calls_at_once_ask_for_one_token(registry, guard, connect):
    """The first one is challenged and asks; the others wait for what comes of it."""
    async with connect(password="secret") as client:
        await asyncio.gather(*(_read(client) for _ in range(50)))

    assert (1, 51) == (len(guard.issued), registry.count("GET"))


async def test_fifty_calls_at_once_renew_a_revoked_token_once(guard, connect):
    """Whoever finds that another call has a new token already uses that one."""
    async with connect(password="secret") as client:
        await _read(client)
        guard.revoke()
        await asyncio.gather(*(_read(client) for _ in range(50)))

    assert 2 == len(guard.issued)


async def test_fifty_calls_at_once_renew_a_token_that_ends_once(registry, connect):
    """Its time is over before they begin; one asks for a new one, and there is no 401 on the way."""
    guard = _guard(registry, Guard(registry.url, lifetimes_s=[ENDS_SOON_S]))

    async with connect(password="secret") as client:
        await _read(client)
        await asyncio.gather(*(_read(client) for _ in range(50)))

    assert (2, 52) == (len(guard.issued), registry.count("GET"))


async def test_a_token_that_ends_soon_is_renewed_before_it_does(registry, connect):
    """`exp` tells, with a tenth of its life in hand; there is no 401 on the way."""
    _guard(registry, Guard(registry.url, lifetimes_s=repeat(ENDS_SOON_S)))

    async with connect(password="secret") as client:
        await _read(client)
        await _read(client)

    assert ["GET", "POST", "GET", "POST", "GET"] == [request.method for request in registry.requests]


@pytest.mark.parametrize("clock_off_s", [-36_000, 36_000])
async def test_a_clock_of_ours_that_is_wrong_by_hours_does_not_matter(registry, connect, clock_off_s):
    """The registry's own clock, in its `Date`, tells how long a token lives: no token is renewed too soon."""
    guard = _guard(registry, Guard(registry.url, clock_off_s=clock_off_s))

    async with connect(password="secret") as client:
        for _ in range(3):
            await _read(client)

    assert (1, 4) == (len(guard.issued), registry.count("GET"))


@pytest.mark.parametrize("clock_off_s", [-36_000, 36_000])
async def test_nor_is_a_token_kept_too_long_then(registry, connect, clock_off_s):
    """One that ends soon by the registry's clock is renewed, wherever our own stands."""
    guard = _guard(registry, Guard(registry.url, lifetimes_s=[ENDS_SOON_S], clock_off_s=clock_off_s))

    async with connect(password="secret") as client:
        for _ in range(3):
            await _read(client)

    assert (2, 4) == (len(guard.issued), registry.count("GET"))


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


async def test_an_invalid_token_is_replaced_and_not_for_ever(registry, connect):
    """A second one may have ended on the way as well; the 401 after that stands, and no token is made for nobody."""
    realm = f"{registry.url}/oauth2/token"
    tokens = [reply(200, {"access_token": access_token(name)}) for name in ("one", "two", "three")]
    registry.on("/oauth2/token", *tokens)
    registry.on(READ_ENCODED, challenge(realm, READ), repository("team/app"), challenge(realm, READ, "invalid_token"))

    async with connect(password="secret") as client:
        await _read(client)
        with pytest.raises(UnauthorizedError):
            await _read(client)

    assert (2 + 3, 1 + 2) == (registry.count("GET"), registry.count("POST"))


async def test_a_scope_that_is_not_granted_ends_after_one_more_token(registry, connect):
    """ACR gives tokens without what they lack; the call refuses them, and one for just that is tried, never more."""
    realm = f"{registry.url}/oauth2/token"
    registry.on("/oauth2/token", *(reply(200, {"access_token": access_token(name)}) for name in ("poor", "poorer")))
    registry.on(READ_ENCODED, challenge(realm, READ), challenge(realm, READ, "insufficient_scope"))

    async with connect(password="secret") as client:
        with pytest.raises(UnauthorizedError):
            await _read(client)
        first = (registry.count("GET"), registry.count("POST"))
        with pytest.raises(UnauthorizedError):
            await _read(client)

    assert (3, 2) == first
    assert (4, 2) == (registry.count("GET"), registry.count("POST"))


async def test_the_scope_in_the_challenge_is_what_counts(registry, strict_guard, connect):
    """A registry may want more than we thought; it says so, and gets it."""
    wanted = "repository:team/app:metadata_read,push"
    registry.on(READ_ENCODED, strict_guard.for_scope(wanted, repository("team/app")))

    async with connect(password="secret") as client:
        await _read(client)

    assert [ALL, OURS, wanted] == [form["scope"] for form in strict_guard.issued]


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
    """Bearer, then Basic, then Bearer: three repeats for each call, whatever is said."""
    realm = f"{registry.url}/oauth2/token"
    basic = refusal(401, "UNAUTHORIZED", www_authenticate='Basic realm="r"')
    registry.on("/oauth2/token", reply(200, {"access_token": access_token("one")}))
    registry.on(READ_ENCODED, *[challenge(realm, READ), basic] * 10)

    async with connect(password="secret") as client:
        for _ in range(3):
            with pytest.raises(UnauthorizedError):
                await _read(client)

    assert registry.count("GET") <= 12


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
