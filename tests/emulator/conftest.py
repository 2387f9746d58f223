"""Plain HTTP clients of emulators, and what an emulator needs to speak HTTPS."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import attrs
import pytest
import trustme
from content import Http
from sdk import Sdk, make_client

from reconciler.emulator import EmbeddedEmulator, Settings

SDK_REPOSITORIES = ("base", "web/api", "web/ui")  # the only ones that tests with `sdk` make
# Not ("aio", "anonymous"): version 1.2 signs in as nobody without what it was told about certificates.
SDK_CLIENTS = [("sync", "open"), ("sync", "anonymous"), ("sync", "identity"), ("aio", "open"), ("aio", "identity")]


@attrs.frozen
class Certificate:
    """A certificate for 127.0.0.1, with its key in the same file, and who vouches for it."""

    chain: Path
    authority: Path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One for all tests."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    found = Certificate(folder / "certificate.pem", folder / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(found.chain)
    authority.cert_pem.write_to_path(found.authority)
    return found


@pytest.fixture
def connect() -> Iterator[Callable[[EmbeddedEmulator], Http]]:
    """Makes clients of emulators, and closes them after the test."""
    clients = []

    def connected(emulator: EmbeddedEmulator) -> Http:
        clients.append(Http(base_url=emulator.url, verify=False, trust_env=False))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def http(emulator: EmbeddedEmulator, connect: Callable[[EmbeddedEmulator], Http]) -> Http:
    """A client of the emulator."""
    return connect(emulator)


@pytest.fixture(scope="session")
def sdk_emulators(certificate: Certificate) -> Iterator[Mapping[str, EmbeddedEmulator]]:
    """Two for all tests, as stopping takes a second: a client of the SDK that saw an error keeps its connection."""
    with (
        EmbeddedEmulator(Settings(auth="none"), certificate=certificate.chain) as is_open,
        EmbeddedEmulator(Settings(auth="token"), certificate=certificate.chain) as wants_tokens,
    ):
        yield {"open": is_open, "anonymous": wants_tokens, "identity": wants_tokens}


@pytest.fixture(params=SDK_CLIENTS, ids="-".join)
async def sdk(
    request: pytest.FixtureRequest, sdk_emulators: Mapping[str, EmbeddedEmulator], certificate: Certificate
) -> AsyncIterator[Sdk]:
    """A client of an emulator that is empty; `sdk.emulator` is it."""
    kind, sign_in = request.param
    emulator = sdk_emulators[sign_in]
    for name in SDK_REPOSITORIES:
        emulator.delete(name)
    emulator.clear_requests()
    client = make_client(kind, emulator.url, str(certificate.authority), has_credential=sign_in == "identity")
    async with Sdk(client, emulator) as opened:
        yield opened
