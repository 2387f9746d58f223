"""An emulated registry for each way to sign in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clients import WAYS, Way

from reconciler.emulator import EmbeddedEmulator


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to sign in, one after another."""
    return WAYS[request.param]


@pytest.fixture
def registry(way: Way) -> Iterator[EmbeddedEmulator]:
    """An empty registry that wants to be signed in to in that way."""
    with EmbeddedEmulator(way.settings) as started:
        yield started
