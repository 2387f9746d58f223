"""Plain HTTP clients of emulators."""

from collections.abc import Callable, Iterator

import pytest
from content import Http

from reconciler.emulator import EmbeddedEmulator


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
