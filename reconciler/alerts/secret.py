"""
Secrets of sinks, and what may be shown of them.

The URL of a Slack or Teams webhook is a credential: whoever has it can write there. So
of the URL that something is sent to, messages have the host alone, and what a service
answers is shown only where it does not repeat any part of what we sent it as a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

import attrs

from reconciler.alerts.text import shortened
from reconciler.registry.location import Location, origin_of

_PIECE = 8  # characters in a row that no answer has by chance
_LONGEST = 200  # characters of an answer


@attrs.frozen
class Secret:
    """A text that is never shown, and where it came from."""

    value: str = attrs.field(repr=False)
    reference: str  # env:NAME or file:PATH


@attrs.frozen
class Target:
    """Where something is sent, and what of it may be shown."""

    url: str = attrs.field(repr=False)
    shown: str
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)  # that no message may repeat

    @property
    def location(self) -> Location:
        """Its host, for who asks for a proxy or certificates."""
        origin = origin_of(self.url)
        return Location(origin.removeprefix("https://"), origin)


def secret_target(url: str, *secrets: str) -> Target:
    """A URL of which only the host is shown; `secrets` are sent along."""
    origin, parts = origin_of(url), urlsplit(url)
    rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
    is_bare = rest in ("", "/")
    return Target(url, origin if is_bare else f"{origin}/…", secrets if is_bare else (rest, *secrets))


def public_target(url: str) -> Target:
    """A URL that holds no secret."""
    return Target(url, shortened(url, _LONGEST))


def shown_answer(answer: str, secrets: Iterable[str]) -> str:
    """What somebody answered, short and on one line; nothing of it where it repeats a part of a secret."""
    spellings = [each.lower() for each in (answer, unquote(answer), answer.replace("\\", ""))]
    if any(piece in spelling for secret in secrets for piece in _pieces(secret.lower()) for spelling in spellings):
        return "the answer is not shown, for it repeats a secret"
    return shortened(" ".join(answer.split()), _LONGEST)


def _pieces(secret: str) -> set[str]:
    known = {secret, unquote(secret)} - {""}
    return {each[at : at + _PIECE] for each in known for at in range(max(1, len(each) - _PIECE + 1))}
