"""
What the fakes of GitHub, GitLab and Azure DevOps have in common: comments, tokens, and failures on request.

A fake answers over a real socket as the documentation of the forge says, and keeps what was
written. It knows nothing of the product. Use one as a context manager.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import attrs
from servers import Received, Reply, ScriptedServer, raw

DROPPED = raw(b"")  # the connection is closed without an answer


@attrs.define
class Stored:
    """A comment as the forge keeps it."""

    number: int  # of the comment; later ones have greater ones
    pull: int
    author: str
    text: str
    is_system: bool = False
    is_deleted: bool = False  # where a comment stays in its thread
    status: str = ""  # of the thread, where there are threads


@attrs.frozen
class Asked:
    """A request, taken apart."""

    method: str
    path: str  # as it is on the wire
    query: Mapping[str, str]
    headers: Mapping[str, str]
    document: Any  # None where the body is no JSON
    who: str | None  # None: nobody whose token is known
    is_writer: bool


class FakeForge:
    """A forge with one repository, whose pull requests are all those in `pulls`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.server = ScriptedServer(tls)
        self.stored: list[Stored] = []
        self.pulls = {7}
        self.tokens: dict[str, str] = {}  # whose each is
        self.read_only: set[str] = set()  # tokens that may not write
        self._faults: list[tuple[str, Reply, bool]] = []
        self._lock = threading.Lock()
        self.server.on("*", self._serve)

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self.server.url

    def add(self, author: str, text: str, *, pull: int = 7, is_system: bool = False) -> Stored:
        """Put a comment there, as if `author` had written it."""
        stored = Stored(len(self.stored) + 1, pull, author, text, is_system)
        self.stored.append(stored)
        return stored

    def texts(self, pull: int = 7) -> list[str]:
        """The comments on a pull request, the oldest first."""
        return [each.text for each in self.stored if each.pull == pull]

    @property
    def writes(self) -> int:
        """How many requests came that would write a comment."""
        return sum(each.method != "GET" and each.target != "/graphql" for each in self.server.requests)

    def fail(self, method: str, *replies: Reply, after_all: bool = False) -> None:
        """
        Answer the next requests of a method with these.

        Args:
            method: Of HTTP.
            replies: One for each request.
            after_all: What was asked for is carried out all the same.
        """
        self._faults += [(method, reply, after_all) for reply in replies]

    def environment(self, token: str, *, pull: int = 7) -> dict[str, str]:
        """The variables of a pipeline for a pull request."""
        raise NotImplementedError

    def answer(self, asked: Asked) -> Reply:
        """What the forge says."""
        raise NotImplementedError

    def token_of(self, headers: Mapping[str, str]) -> str:
        """The token that a request shows."""
        return headers.get("authorization", "").removeprefix("Bearer ")

    def _serve(self, received: Received) -> Reply:
        with self._lock:
            fault = next((each for each in self._faults if each[0] == received.method), None)
            if fault:
                self._faults.remove(fault)
                if fault[2]:
                    self.answer(self._asked(received))
                return fault[1]
            return self.answer(self._asked(received))

    def _asked(self, received: Received) -> Asked:
        parts, headers = urlsplit(received.target), dict(received.headers)
        token = self.token_of(headers)
        try:
            document = json.loads(received.body) if received.body else None
        except ValueError:
            document = None
        query = dict(parse_qsl(parts.query))
        who = self.tokens.get(token)
        return Asked(received.method, parts.path, query, headers, document, who, token not in self.read_only)
