"""A proxy as companies have them: it knows the names of hosts that the machine behind it cannot resolve."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping

_CHUNK = 65_536
_OK = b"HTTP/1.1 200 Connection established\r\n\r\n"
_UNKNOWN = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"
_WHO = b'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="p"\r\ncontent-length: 0\r\n\r\n'


class SmallProxy:
    """Tunnels what is sent with CONNECT to the ports in `names`, for whoever brings `authorization`."""

    def __init__(self, names: Mapping[str, int], authorization: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []  # first line of each request, and its headers
        self._names = names
        self._authorization = authorization
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Answer, in threads of its own."""
        self._threads[0].start()

    def stop(self) -> None:
        """Drop all connections and end the threads."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for each in self._open:  # what was accepted in between
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()
        for each in (self._listener, *self._open):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self._spawn(self._serve, connection)

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            if client is not connection:
                self._open.append(client)
            with client:
                self._tunnel(client)

    def _tunnel(self, client: socket.socket) -> None:
        first, headers = _head(client)
        self.asked.append((first, headers))
        port = self._names.get(first.split(" ")[1]) if first.startswith("CONNECT ") else None
        if self._authorization != headers.get("proxy-authorization", ""):
            client.sendall(_WHO)
        elif port is None:
            client.sendall(_UNKNOWN)
        else:
            with socket.create_connection(("127.0.0.1", port)) as server:
                self._open.append(server)
                client.sendall(_OK)
                self._spawn(_pump, server, client)
                _pump(client, server)


def _head(client: socket.socket) -> tuple[str, dict[str, str]]:
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += client.recv(1) or b"\r\n\r\n"
    first, *lines = received.decode("latin-1").strip().split("\r\n")
    return first, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def small_proxy(
    names: Mapping[str, int], authorization: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[SmallProxy]:
    """A proxy for as long as the body runs."""
    proxy = SmallProxy(names, authorization, tls)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
