"""
Bounds for whoever connects: how many at the same time, and for how long.

The port is open to others, and the runs need files and sockets too. asyncio takes every
connection that comes, until nothing can be opened any more and each run fails.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import attrs
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


@attrs.frozen
class Bounds:
    """What is granted to whoever connects."""

    connections: int = 16  # at the same time: scrapers and probes are few, and half of 64 descriptors are for the run
    request_s: float = 5.0  # for a whole request, from the beginning or the last answer on
    answer_s: float = 30.0  # until the answer is made and taken


class Listener(socket.socket):
    """Listens at the socket that it takes over, and closes at once what is more than `most` connections."""

    def __init__(self, listening: socket.socket, most: int) -> None:
        super().__init__(fileno=listening.detach())
        self._most = most
        self._held: list[socket.socket] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; BlockingIOError where one more would be too many, as if nobody had come."""
        connection, address = super().accept()
        self._held = [each for each in self._held if each.fileno() >= 0]  # a socket that was closed has none
        if len(self._held) >= self._most:
            connection.close()
            raise BlockingIOError
        self._held.append(connection)
        return connection, address


def bounded_protocol(bounds: Bounds) -> type[H11Protocol]:
    """HTTP/1.1 with a limit of time for whatever the other side is to do."""

    class Bounded(H11Protocol):
        """A connection; hung up when its time is over."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._ending = self.loop.call_later(bounds.request_s, transport.abort)

        def data_received(self, data: bytes) -> None:
            was_whole = self._is_whole()
            super().data_received(data)
            if self._is_whole() and not was_whole:
                self._allow(bounds.answer_s)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._allow(bounds.answer_s if self._is_whole() else bounds.request_s)

        def connection_lost(self, exc: Exception | None) -> None:
            self._ending.cancel()
            super().connection_lost(exc)

        def _is_whole(self) -> bool:
            """A request is there, and its answer is not."""
            cycle = self.cycle
            return cycle is not None and not cycle.more_body and not cycle.response_complete

        def _allow(self, seconds: float) -> None:
            self._ending.cancel()
            self._ending = self.loop.call_later(seconds, self.transport.abort)

    return Bounded


class Server(uvicorn.Server):
    """A uvicorn that is quiet when it can take nobody, and tries again a second later."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen; asyncio would write a traceback on stderr for each connection that it cannot take."""
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        await super().startup(sockets)
