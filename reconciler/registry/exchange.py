"""What goes to the registry and what comes back, as values."""

from __future__ import annotations

from typing import Literal

import attrs
import httpx

Method = Literal["DELETE", "GET", "PATCH", "POST", "PUT"]
# What ACR counts apart. Source: MicrosoftDocs container-registry-skus.md, "Registry throughput and throttling".
Kind = Literal["read", "write", "delete", "sign-in"]
KINDS: tuple[Kind, ...] = ("read", "write", "delete", "sign-in")

_MAX_SHOWN = 300


@attrs.frozen(eq=False)
class Request:
    """What to send; `target` is the path and query on the registry, percent-encoded."""

    method: Method
    target: str
    kind: Kind = "read"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def is_repeatable(self) -> bool:
        """Asking twice is the same as asking once."""
        return self.kind in ("read", "sign-in")


@attrs.frozen(eq=False)
class Answer:
    """What the registry said: status, headers (case-insensitive) and the whole body."""

    method: str
    url: str
    status: int
    headers: httpx.Headers
    body: bytes


@attrs.frozen
class Failure:
    """No answer came."""

    message: str
    is_repeatable: bool  # nothing can have happened, or it does not matter; and another attempt can help
    advice: str = ""
    was_sent: bool = True  # the registry may have received the request


def printable(text: str) -> str:
    """`text` on one line, cut, without control characters: it comes from the network and goes to a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_MAX_SHOWN])
