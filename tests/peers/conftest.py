"""An emulated registry for each way to sign in, and the programs that watch over one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from clients import WAYS, Way
from monitoring import (
    Alertmanager,
    Prometheus,
    Pushgateway,
    running_alertmanager,
    running_prometheus,
    running_pushgateway,
)

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


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    """An Alertmanager without alerts, which tells nobody."""
    with running_alertmanager(tmp_path) as started:
        yield started


@pytest.fixture
def pushgateway(tmp_path: Path) -> Iterator[Pushgateway]:
    """A Pushgateway that nothing was pushed to."""
    with running_pushgateway(tmp_path) as started:
        yield started


@pytest.fixture
def start_prometheus(tmp_path: Path) -> Iterator[Callable[[str, Alertmanager], Prometheus]]:
    """Starts a Prometheus that scrapes a host and port, goes by our rules and tells an Alertmanager."""
    with ExitStack() as running:
        yield lambda target, told: running.enter_context(running_prometheus(tmp_path, target, told))
