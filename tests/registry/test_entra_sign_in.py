"""Microsoft Entra, from the machine's identity to the registry's tokens: real library, real sockets."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.emulator import Identity, Settings
from reconciler.errors import UnauthorizedError
from reconciler.model.address import Address
from reconciler.registry.accounts import SignIn, accounts_for
from reconciler.registry.client import Client
from reconciler.registry.location import parse_location
from reconciler.registry.transport import Transport

APP = "11111111-2222-3333-4444-555555555555"
READER = {"*": ["metadata/read"]}


@pytest.fixture
def registry(start_emulator, monkeypatch):
    """A function that starts a registry in which the machine's identity may do something."""

    def start(repositories=READER, **settings):
        known = Identity(name=APP, kind="entra", repositories=repositories, catalog=True)
        emulator = start_emulator(Settings(auth="token", identities=(known,), **settings))
        for name, value in {**emulator.identity_environment(), "AZURE_CLIENT_ID": APP}.items():
            monkeypatch.setenv(name, value)
        for number in range(40):
            emulator.push(f"team/app{number}:v1", content=b"one")
        return emulator

    return start


def _client(emulator) -> Client:
    location = parse_location(emulator.url)
    transport = Transport(location, timeout_s=20, concurrency=64, on_pause=lambda _: None)
    return Client(transport, accounts_for(location, SignIn(way="entra")))


async def _read_all(client: Client) -> None:
    await asyncio.gather(*(client.read(Address(f"team/app{number}")) for number in range(40)))


def _sent(emulator) -> list[str]:
    return [request.path for request in emulator.requests("POST")]


async def test_one_exchange_and_one_token_serve_all_repositories(registry):
    """40 reads at once: one challenge, one exchange, one token."""
    emulator = registry()

    async with _client(emulator) as client:
        await _read_all(client)

    assert ["/oauth2/exchange", "/oauth2/token"] == _sent(emulator)
    assert 41 == len([request for request in emulator.requests("GET") if request.path.startswith("/acr/")])


async def test_permissions_per_repository_are_recognised_and_tokens_asked_for_together(registry):
    """The refresh token tells, so no wildcard is tried; one token for the first, three for 39 at once."""
    emulator = registry(abac=True)

    async with _client(emulator) as client:
        await _read_all(client)

    assert ["/oauth2/exchange", *["/oauth2/token"] * 4] == _sent(emulator)


async def test_a_missing_permission_is_no_loop(registry):
    """The token for all is not enough, neither is that for the one repository, and that is that."""
    emulator = registry()

    async with _client(emulator) as client:
        with pytest.raises(UnauthorizedError) as raised:
            await client.update(Address("team/app1"), {"deleteEnabled": False})

    assert 3 == len(emulator.requests("PATCH"))
    assert [
        f"  signed in as {APP} (Microsoft Entra);",
        '  to write metadata on team/app1 takes the role "Container Registry Repository Writer",',
        "  or the data action",
        "  Microsoft.ContainerRegistry/registries/repositories/metadata/write;",
        "  in a scope map metadata/write",
    ] == str(raised.value).splitlines()[1:]


async def test_a_revoked_refresh_token_is_replaced_once_for_all(registry):
    """Both tokens die in the middle of a run; 40 reads cost one exchange and no more than two tokens."""
    emulator = registry()

    async with _client(emulator) as client:
        await _read_all(client)
        emulator.expire_tokens(refresh=True)
        emulator.clear_requests()
        await _read_all(client)

    assert 1 == _sent(emulator).count("/oauth2/exchange")
    assert _sent(emulator).count("/oauth2/token") <= 2


async def test_the_audience_of_azure_resource_manager_is_tried_where_the_registrys_own_is_refused(registry):
    """Each registry takes at least one of them; here a proxy of a registry takes only the old one."""
    emulator = registry()
    emulator.faults.load({"requests": [{"do": "refuse", "status": 401, "path": "/oauth2/exchange", "times": 1}]})

    async with _client(emulator) as client:
        await _read_all(client)

    assert ["/oauth2/exchange", "/oauth2/exchange", "/oauth2/token"] == _sent(emulator)


async def test_an_identity_without_a_role_is_told_as_that(registry):
    """The registry's words, who it was, and what to look at."""
    emulator = registry()
    emulator.faults.load({"requests": [{"do": "refuse", "status": 401, "path": "/oauth2/exchange"}]})

    async with _client(emulator) as client:
        with pytest.raises(UnauthorizedError, match="Whoever it is has no role in this registry"):
            await _read_all(client)

    assert ["/oauth2/exchange"] * 2 == _sent(emulator)


async def test_revoked_tokens_are_renewed_together_where_permissions_are_granted_by_repository(registry):
    """40 reads whose tokens died are 40 refusals, and a few new tokens: their refusals do not all come at once."""
    emulator = registry(abac=True)

    async with _client(emulator) as client:
        await _read_all(client)
        emulator.expire_tokens()
        emulator.clear_requests()
        await _read_all(client)

    assert len(_sent(emulator)) <= 10
