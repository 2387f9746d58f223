"""
Servers that misbehave on request, over real sockets.

A test scripts what is answered, byte by byte where it matters, and afterwards asks
what arrived: every request with all its headers. Nothing here knows the product.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TypeAlias

import attrs

DIGEST = "sha256:" + "a" * 64
FLAGS = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}


@attrs.frozen
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]  # names in lower case
    body: bytes

    def header(self, name: str) -> str:
        """The values of one header, joined; empty where it is not there."""
        return ", ".join(value for found, value in self.headers if found == name)


@attrs.frozen
class Reply:
    """What to send, and what to do with the connection afterwards."""

    chunks: Iterable[bytes]
    then: str = "keep"  # or: close, hold (open, and say nothing more)
    delay_s: float = 0  # before the first byte


Answer: TypeAlias = Reply | Callable[[Received], Reply]


def reply(status: int, body: object = b"", /, *, delay_s: float = 0, **headers: str) -> Reply:
    """A whole and correct answer; a body that is not bytes is sent as JSON. `www_authenticate=` is a header."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", "content-length": str(len(content))}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return Reply(["\r\n".join(lines).encode("latin-1") + content], delay_s=delay_s)


def html(status: int) -> Reply:
    """The page of some proxy."""
    return reply(status, b"<html><body><h1>Welcome to nginx!</h1></body></html>\n", content_type="text/html")


def raw(*chunks: bytes, then: str = "close") -> Reply:
    """Just these bytes."""
    return Reply(chunks, then)


class _Endless:
    """Some bytes, and then others for ever; each time that it is gone through."""

    def __init__(self, head: bytes, chunk: bytes) -> None:
        self._head, self._chunk = head, chunk

    def __iter__(self) -> Iterator[bytes]:
        return itertools.chain([self._head], itertools.repeat(self._chunk))


def endless(head: bytes, chunk: bytes) -> Reply:
    """An answer that has no end."""
    return Reply(_Endless(head, chunk))


SILENCE = raw(then="hold")


def catalog(*names: str, **headers: str) -> Reply:
    """A page of the catalog."""
    return reply(200, {"repositories": list(names)}, **headers)


def repository(name: str, *, tag_count: object = 1, **flags: object) -> Reply:
    """A repository; flags are added to those that every repository has."""
    document = {"registry": "r", "imageName": name, "createdTime": "2022-01-12T23:07:41.1234567Z"}
    document["tagCount"] = tag_count
    return reply(200, {**document, "changeableAttributes": {**FLAGS, **flags}})


def tag_object(name: object, **members: object) -> dict[str, object]:
    """A tag, as it is in lists and answers."""
    return {"name": name, "digest": DIGEST, "signed": False, "changeableAttributes": FLAGS, **members}


def tags(repository_name: str, *names: str, **headers: str) -> Reply:
    """A page of tags."""
    page = {"registry": "r", "imageName": repository_name, "tags": [tag_object(name) for name in names]}
    return reply(200, page, **headers)


def tag(repository_name: str, name: str) -> Reply:
    """One tag."""
    return reply(200, {"registry": "r", "imageName": repository_name, "tag": tag_object(name)})


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Reply:
    """An error in ACR's own format."""
    return reply(status, {"errors": [{"code": code, "message": message}]}, **headers)


def challenge(realm: str, scope: str = "", error: str = "", service: str = "r") -> Reply:
    """The 401 that asks for a token."""
    header = f'Bearer realm="{realm}",service="{service}"'
    header += f',scope="{scope}"' if scope else ""
    header += f',error="{error}"' if error else ""
    return refusal(401, "UNAUTHORIZED", "authentication required", www_authenticate=header)


def access_token(name: str, lifetime_s: float = 3600, *, access: Iterable[str] | None = None) -> str:
    """
    A token of the shape that ACR makes, called `name`, with an `exp` that many seconds after this one began.

    Scopes in `access`, such as `repository:team/app:pull`, become the claim of that name.
    """
    claims: dict[str, object] = {"jti": name, "exp": int(time.time()) + lifetime_s}
    if access is not None:
        parts = [(kind, *rest.rpartition(":")) for kind, _, rest in (scope.partition(":") for scope in access)]
        claims["access"] = [
            {"Type": kind, "Name": where, "Actions": actions.split(",")} for kind, where, _, actions in parts
        ]
    return f"{name}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.signature"


def free_port() -> int:
    """A port that nobody listens at, and that nobody is given who asks for any: a program can be told to take it."""
    while True:
        port = secrets.choice(range(20_000, 32_000))  # below those that Linux and macOS hand out
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class ScriptedServer:
    """
    A server that says what it was told to, and remembers what it was asked.

    A script maps `METHOD /path`, `/path` or `*` to answers, tried in that order;
    the path is compared as it is on the wire, without the query. Several answers
    are given one after another, the last one for ever.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._tls = tls
        self._script: dict[str, list[Answer]] = {"*": [refusal(404, "NAME_UNKNOWN")]}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def on(self, what: str, *answers: Answer) -> None:
        """Answer `what` with `answers`, in their order."""
        self._script[what] = list(answers)

    def count(self, method: str = "", path: str = "") -> int:
        """How many requests came with this method and a target that begins with this path."""
        return sum(method in ("", r.method) and r.target.startswith(path) for r in self.requests)

    def start(self) -> None:
        """Answer, in threads of its own."""
        self._spawn(self._accept)

    def stop(self) -> None:
        """Drop all connections and end the threads."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()
        self._listener.close()

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                connection, _ = self._listener.accept()
                self.connections += 1
                with self._lock:
                    self._open.add(connection)
                self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            spoken = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            with spoken, spoken.makefile("rb") as stream:
                while self._answer_one(spoken, stream):
                    pass
        with self._lock:
            self._open.discard(connection)

    def _answer_one(self, connection: socket.socket, stream: BinaryIO) -> bool:
        request = _receive(stream)
        if request is None:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
            return False
        with self._lock:
            self.requests.append(request)
            answer = self._next_answer(request)
        wanted = answer if isinstance(answer, Reply) else answer(request)
        self._stopped.wait(wanted.delay_s)
        for chunk in wanted.chunks:
            connection.sendall(chunk)
        if wanted.then == "hold":
            self._stopped.wait()
        return wanted.then == "keep"

    def _next_answer(self, request: Received) -> Answer:
        path = request.target.partition("?")[0]
        what = next(what for what in (f"{request.method} {path}", path, "*") if what in self._script)
        answers = self._script[what]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _receive(stream: BinaryIO) -> Received | None:
    """The next request; None where something else comes."""
    first = stream.readline()
    if not first:
        raise EOFError
    if not first[:1].isupper():
        return None
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers = []
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers.append((name.lower(), value.strip()))
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    return Received(method, target, tuple(headers), stream.read(length))


@contextlib.contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A server for as long as the body runs."""
    server = ScriptedServer(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
