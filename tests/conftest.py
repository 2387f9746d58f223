"""What tests of every part share: a registry to talk to, over a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import trustme
from hypothesis import settings

from reconciler.emulator import EmbeddedEmulator, Settings

# The same examples each time, so that what fails is what was changed, and no limits of time on a machine that may be
# busy. `make explore` looks for others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile("same")


@pytest.fixture
def emulator() -> Iterator[EmbeddedEmulator]:
    """An empty emulated registry that lets everybody in."""
    with EmbeddedEmulator() as started:
        yield started


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., EmbeddedEmulator]]:
    """Starts emulators with options of their own, and stops them after the test."""
    with ExitStack() as running:

        def start(*arguments: object, **options: object) -> EmbeddedEmulator:
            return running.enter_context(EmbeddedEmulator(*arguments, **options))

        yield start


@pytest.fixture
def over_tls(start_emulator, tmp_path):
    """An emulator that speaks HTTPS and wants tokens, as the SDK takes nothing less; and its authority's file."""
    authority, certificate = trustme.CA(), tmp_path / "certificate.pem"
    issued = authority.issue_cert("127.0.0.1")
    certificate.write_bytes(issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes())
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return start_emulator(Settings(auth="token"), certificate=certificate), tmp_path / "authority.pem"
