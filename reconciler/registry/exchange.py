"""What goes to the registry and what comes back, as values."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote, quote_plus

import attrs
import httpx

Method = Literal["DELETE", "GET", "PATCH", "POST", "PUT"]
# What ACR counts apart. Source: MicrosoftDocs container-registry-skus.md, "Registry throughput and throttling".
Kind = Literal["read", "write", "delete", "sign-in"]
KINDS: tuple[Kind, ...] = ("read", "write", "delete", "sign-in")

_MAX_SHOWN = 300
_MIN_SECRET = 4  # a shorter one would be masked in the middle of words, and so be told
_BYTES = "surrogateescape"  # the environment may hold bytes that are no UTF-8, and they are the password


@attrs.frozen(eq=False)
class Request:
    """What to send; `target` is the path and query on the registry, percent-encoded."""

    method: Method
    target: str
    kind: Kind = "read"
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    not_after_s: float | None = None  # by `steady_s`: it goes by something that was read, and may not leave later

    @property
    def is_repeatable(self) -> bool:
        """Asking twice is the same as asking once."""
        return self.kind in ("read", "sign-in")


class Secrets:
    """What was sent to be let in. Some servers repeat what they were told, and their words are shown to people."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, *texts: str) -> None:
        """Never show these, as they are or as others spell them."""
        for text in texts:
            self._known |= {spelled for spelled in _spellings(text) if len(spelled) >= _MIN_SECRET}

    def masked(self, text: str) -> str:
        """`text` without them."""
        for secret in sorted((known for known in self._known if known in text), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def _spellings(secret: str) -> Iterable[str]:
    """As it is, as it stands in a form, in JSON, in HTML."""
    yield from (secret, quote(secret, safe="", errors=_BYTES), quote_plus(secret, errors=_BYTES))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret))


@attrs.frozen(eq=False)
class Answer:
    """What the registry said: status, headers (case-insensitive) and the whole body."""

    method: str
    url: str
    status: int
    headers: httpx.Headers = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    secrets: Secrets = attrs.field(factory=Secrets, repr=False)  # which it may repeat
    sent_at_s: float = 0.0  # by `steady_s`: when the request left that it answers


@attrs.frozen
class Failure:
    """No answer came."""

    message: str
    is_repeatable: bool  # nothing can have happened, or it does not matter; and another attempt can help
    advice: str = ""
    was_sent: bool = True  # the registry may have received the request


def steady_s() -> float:
    """Seconds on a clock that is never set, and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def printable(text: str) -> str:
    """`text` on one line, cut, without control characters: it comes from the network and goes to a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_MAX_SHOWN])
