"""Which registry a command talks to, as whom, and how the connection is opened and closed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from reconciler.cli.measured import Measured
from reconciler.cli.output import note
from reconciler.cli.stream import Stream
from reconciler.errors import RefusedError

if TYPE_CHECKING:
    from reconciler.events import Sink
    from reconciler.registry.accounts import SignIn
    from reconciler.registry.client import Client
    from reconciler.registry.location import Location

EMULATOR = "emulator"
EMULATOR_DATA = Path(".reconciler") / "emulator.db"


@attrs.frozen
class Traffic:
    """How to talk to the registry, from the command line."""

    sign_in: SignIn
    insecure: bool
    ca_bundle: str | None
    concurrency: int
    timeout_s: float
    quiet: bool
    verbose: bool
    measured: Measured = attrs.field(factory=Measured, eq=False)  # what comes of it
    stream: Stream = attrs.field(factory=Stream, eq=False)  # is told what happens


@attrs.frozen
class Registry:
    """The registry of a run: the name that plans bear, and where it answers."""

    name: str
    location: Location
    written: str | None = None  # as a file names it, where just the file does


@contextlib.contextmanager
def open_registry(asked: str | None, written: str | None, traffic: Traffic) -> Iterator[Registry]:
    """
    The registry of a run; the embedded one runs as long as the body does.

    Args:
        asked: What the person who runs the command named, by option or environment.
        written: What a file named.
        traffic: How to talk to it.

    Raises:
        RefusedError: none was named, it is none, or it may not have the credentials that are set.
    """
    from reconciler.registry.location import parse_location

    named = asked or written
    if not named:
        raise RefusedError(
            "no registry is named\n"
            "  Say `registry: contoso.azurecr.io` in a file, --registry contoso.azurecr.io,\n"
            "  or RECONCILER_REGISTRY=contoso.azurecr.io in the environment."
        )
    instead = f", not {written} as written" if asked and written and asked != written else ""
    if named == EMULATOR:
        with _embedded() as url:
            traffic.measured.registry = EMULATOR
            tell(f"Registry  the embedded emulator, not a real registry; its data: {EMULATOR_DATA}{instead}", traffic)
            traffic.stream.started(EMULATOR)
            yield Registry(EMULATOR, parse_location(url), None if asked else written)
        return
    location = parse_location(named, insecure=traffic.insecure)
    traffic.measured.registry = location.name
    if not asked:
        _check_who_gets_credentials(location, traffic.sign_in)
    tell(f"Registry  {location.name}{instead}", traffic)
    if location.origin.startswith("http://") and not location.is_loopback:
        note("warning: plain http: whoever is on the way reads and changes everything, the sign-in included")
    traffic.stream.started(location.name)
    yield Registry(location.name, location, None if asked else written)


def _check_who_gets_credentials(location: Location, sign_in: SignIn) -> None:
    """Refuse to sign in where only a file says so: a pull request could name a host that collects passwords."""
    if location.is_azure or location.is_loopback or not sign_in.gives_credentials:
        return
    raise RefusedError(
        f"{location.name} is named by a file only, and a password or token is set\n"
        f"  It is not one of Azure's own hosts. If it may have them: --registry {location.name}"
    )


@contextlib.contextmanager
def _embedded() -> Iterator[str]:
    from reconciler.emulator import EmbeddedEmulator, EmulatorError

    try:
        EMULATOR_DATA.parent.mkdir(exist_ok=True)
        emulator = contextlib.ExitStack()
        url = emulator.enter_context(EmbeddedEmulator(data=EMULATOR_DATA)).url
    except EmulatorError as error:
        raise RefusedError(str(error)) from None
    except OSError as error:
        raise RefusedError(f"{EMULATOR_DATA.parent}: cannot be made: {error.strerror}") from None
    with emulator:
        yield url


def tell(text: str, traffic: Traffic, *, when: bool = True) -> None:
    """Write a note, unless notes are not wanted."""
    if when and not traffic.quiet:
        note(text)


def client_for(registry: Registry, traffic: Traffic, sink: Sink) -> Client:
    """A client for `registry`, not yet entered; pauses go to `sink`, and with --verbose each request to stderr."""
    from reconciler.events import SignedIn, Waiting, both
    from reconciler.registry.accounts import accounts_for
    from reconciler.registry.client import Client
    from reconciler.registry.transport import Transport

    sink = both(sink, traffic.stream)
    transport = Transport(
        registry.location,
        timeout_s=traffic.timeout_s,
        concurrency=traffic.concurrency,
        on_pause=lambda pause: sink(Waiting(pause.delay_s, pause.kind)),
        on_answer=note if traffic.verbose else None,
        on_close=traffic.measured.tallies.append,
        ca_bundle=traffic.ca_bundle,
    )
    accounts = accounts_for(registry.location, traffic.sign_in)
    return Client(transport, accounts, lambda known: sink(SignedIn(known.way, known.who, known.passed_over)))
