"""Scripted registries, and clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from servers import ScriptedServer, scripted

from reconciler.registry.accounts import Accounts, only
from reconciler.registry.client import Client
from reconciler.registry.credentials import Password
from reconciler.registry.location import parse_location
from reconciler.registry.transport import Pause, Transport

Connect = Callable[..., Client]


@pytest.fixture
def registry() -> Iterator[ScriptedServer]:
    """The registry; it answers what the test scripts."""
    with scripted() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[ScriptedServer]:
    """Another host, which nothing may ever be sent to."""
    with scripted() as server:
        yield server


@pytest.fixture
def pauses() -> list[Pause]:
    """The pauses that the transport announced."""
    return []


@pytest.fixture
def connect(registry: ScriptedServer, pauses: list[Pause]) -> Connect:
    """A function that makes a client of the registry, signed in as ci or anonymous."""

    def make(*, password: str = "", timeout_s: float = 30.0, concurrency: int = 64) -> Client:
        transport = Transport(
            parse_location(registry.url), timeout_s=timeout_s, concurrency=concurrency, on_pause=pauses.append
        )
        return Client(transport, only(Password("ci", password) if password else None))

    return make


@pytest.fixture
def connect_to(pauses: list[Pause]) -> Connect:
    """A function that makes a client of an emulator, or whatever else is at a URL."""

    def make(url: str, accounts: Accounts | None = None, *, timeout_s: float = 30.0, concurrency: int = 64) -> Client:
        transport = Transport(parse_location(url), timeout_s=timeout_s, concurrency=concurrency, on_pause=pauses.append)
        return Client(transport, accounts or only(None))

    return make
