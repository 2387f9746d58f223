"""
Listen, answer and stop: uvicorn, with an end of its own.

uvicorn looks twice a second whether it shall stop, waits for every client that keeps
its connection open, and ends with the signal that stopped it. A test suite starts
hundreds of emulators, and a command that was asked to stop has done well: so this
one stops at once, gives calls under way a second, and returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.emulator.app import create_app
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.faults import Faults
from reconciler.emulator.interruptions import HANG_UP
from reconciler.emulator.seed import seed_from_file
from reconciler.emulator.settings import Settings
from reconciler.emulator.store import Store

_GRACE_S = 1.0
_BACKLOG = 2048
_MAX_PORT = 65535
_TURN_S = 0.002


def run(host: str, port: int, *, data: Path | None, seed: Path | None, settings: Settings) -> None:
    """
    Serve in the foreground until SIGTERM or SIGINT; the first line of stdout is `READY` and the URL.

    Args:
        host: Name or address to listen on.
        port: 0 takes any free one.
        data: The file that keeps the content; None keeps nothing.
        seed: JSON file to fill an empty emulator from.
        settings: What the registry is like.

    Raises:
        EmulatorError: the port, the data file, the seed or the identities cannot be used.
    """
    with listening(host, port) as listener, contextlib.closing(Store(data)) as store:
        if seed is not None:
            seed_from_file(store, seed)
        app = create_app(store, settings, Faults(settings.latency_ms, settings.faults), None)
        server = Server(app, on_ready=lambda: _announce(listener, server))
        server.run(sockets=[listener])


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, closed in the end; `EmulatorError` where that is not possible."""
    try:
        listener = _listen(host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        raise EmulatorError(f"{host}:{port}: cannot listen: {error}") from error
    with listener:
        yield listener


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _MAX_PORT:  # getaddrinfo would take the rest of a division instead
        raise OverflowError(f"a port is a number from 0 to {_MAX_PORT}")
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is; each answer would take 40 ms.
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with contextlib.ExitStack() as closing:
        listener = closing.enter_context(socket.socket(family, kind, protocol))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        closing.pop_all()
    return listener


def url_of(listener: socket.socket, *, scheme: str = "http") -> str:
    """Where a client finds the socket."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class _Protocol(H11Protocol):
    """HTTP/1.1, with a way for the app to hang up instead of an answer."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        app = self.app

        async def with_hang_up(scope: Any, receive: Any, send: Any) -> None:
            extensions = {**scope.get("extensions", {}), HANG_UP: self.transport.close}
            await app({**scope, "extensions": extensions}, receive, send)

        self.app = with_hang_up


class Server(uvicorn.Server):
    """A uvicorn that is told to stop, by `stop`, rather than asked again and again."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_ready: Callable[[], None],
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._load(certificate)
        self._on_ready = on_ready
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def _load(self, certificate: Path | None) -> None:
        try:
            self.config.load()
        except OSError as error:  # which an unreadable certificate is, too
            raise EmulatorError(f"{certificate}: cannot be used as a certificate: {error}") from error

    def stop(self) -> None:
        """Stop soon; may be called from any thread, and again."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has stopped already
                self._loop.call_soon_threadsafe(self._stopping.set)

    def stop_on_signals(self) -> None:
        """Take SIGTERM and SIGINT as the wish to stop; to be called from `on_ready`."""
        assert self._loop is not None  # noqa: S101 - `on_ready` runs inside the loop
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopping.set)

    async def main_loop(self) -> None:
        """Wait until someone says stop."""
        self._loop = asyncio.get_running_loop()
        self._on_ready()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's own
        """Take no more calls, let those under way end within a second, and hang up."""
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_answered(), _GRACE_S)
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(_TURN_S)  # an aborted connection lets go of its socket in the next turn of the loop

    async def _all_answered(self) -> None:
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(_TURN_S)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would send itself the one that stopped it."""
        yield


def _announce(listener: socket.socket, server: Server) -> None:
    server.stop_on_signals()
    sys.stdout.write(f"READY {url_of(listener)}\n")
    sys.stdout.flush()
