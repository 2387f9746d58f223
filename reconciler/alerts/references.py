"""
Secrets and URLs as they are named: `{env: NAME}`, `{file: PATH}`, or a URL that may be read by all.

What is wrong with a secret is told by where it came from, never by what it says.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from reconciler.alerts.secret import Secret, Target, public_target, secret_target
from reconciler.files.nodes import Mapping, Node, describe
from reconciler.files.values import Refused, text_of
from reconciler.files.wording import listing, printable, quote
from reconciler.registry.location import Location, origin_of

_PLACES = ("env", "file")
_HINT = "say where it is: {env: NAME} or {file: PATH}"
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SHOWN_VARIABLE = re.compile("[A-Z_][A-Z0-9_]{0,59}", re.ASCII)
_NOT_SHOWN = "it is not shown, for it may be the secret itself; that does not stand here"
_MAX_BYTES = 65_536
_URL_HINT = "it looks like https://example.com/hook, without user and password"


@attrs.frozen
class Url:
    """A URL, and by what it is told from others."""

    text: str = attrs.field(repr=False)
    identity: str  # where it came from; of one that was written down, its host, and a digest where there is more
    is_public: bool  # it was written where everybody reads it

    @property
    def is_encrypted(self) -> bool:
        """Nobody on the way can read what is sent there: https, or this machine."""
        origin = origin_of(self.text)
        return origin.startswith("https://") or Location(origin, origin).is_loopback

    def target(self, *secrets: str) -> Target:
        """As somewhere to send to; of the URL only the host is shown."""
        return secret_target(self.text, *secrets)

    def below(self, path: str) -> Target:
        """The same with a path below it, as somewhere to send to."""
        url = f"{self.text.removesuffix('/').removesuffix(path)}{path}"
        return public_target(url) if self.is_public else secret_target(url)


def secret(node: Node, environment: AnyMapping[str, str]) -> Secret:
    """
    What `{env: NAME}` or `{file: PATH}` names.

    Raises:
        Refused: it is something else, or what it names is not there.
    """
    if isinstance(node, str):
        raise Refused("a secret does not stand in this file", _HINT)
    if not isinstance(node, Mapping) or len(node) != 2:  # noqa: PLR2004  # a key and its value
        raise Refused("needs a value" if node is None else f"must name a secret, not {describe(node)}", _HINT)
    place, name = text_of(node[0]), text_of(node[1])
    if place not in _PLACES:
        raise Refused(f"unknown key {quote(place)}", f"known keys: {listing(_PLACES)}", item=0)
    return named_secret(place, name, environment)


def named_secret(place: str, name: str, environment: AnyMapping[str, str]) -> Secret:
    """
    The secret in a variable of the environment (`env`) or in a file (`file`), without space around it.

    Raises:
        Refused: it is not there, empty, or more than one line.
    """
    if place == "env" and not _VARIABLE.fullmatch(name):
        raise Refused("this is not the name of a variable", "the secret itself does not stand here")
    if place == "file" and "://" in name:
        raise Refused("this is not the path of a file", "the secret itself does not stand here")
    if place == "env" and name not in environment:
        if not _SHOWN_VARIABLE.fullmatch(name):
            raise Refused("no variable of this name is set in the environment", _NOT_SHOWN)
        raise Refused(f"{name} is not set in the environment")
    if place == "file" and "/" not in name and not os.path.lexists(name):
        raise Refused("there is no file of this name", _NOT_SHOWN)
    value = (environment[name] if place == "env" else _content(name)).strip()
    if not value or not value.isprintable() or " " in value:
        what = "holds more than one word" if value else "is empty"
        raise Refused(f"{printable(name)} {what}", "it holds the secret and nothing else")
    return Secret(value, f"{place}:{printable(name)}")


def secret_url(node: Node, environment: AnyMapping[str, str]) -> Url:
    """
    The URL that `{env: NAME}` or `{file: PATH}` holds.

    Raises:
        Refused: it is not there, or no URL.
    """
    found = secret(node, environment)
    return checked_url(found.value, found.reference)


def url(node: Node, environment: AnyMapping[str, str]) -> Url:
    """
    A URL, or where one is to be found.

    Raises:
        Refused: it is neither.
    """
    if isinstance(node, str):
        return written_url(node)
    return secret_url(node, environment)


def written_url(text: str) -> Url:
    """
    A URL that was written down.

    Raises:
        Refused: it is none, or holds a user.
    """
    if "@" in text.partition("://")[2].partition("/")[0]:  # not shown: a password may be in it
        raise Refused("a URL must not hold a user or password", "a URL with a secret comes from {env: NAME}")
    return checked_url(text, "")


def checked_url(text: str, reference: str) -> Url:
    """
    A URL of http or https, and where it came from; empty: it was written down.

    Raises:
        Refused: it is none; the text is not shown.
    """
    origin = origin_of(text)
    if not origin or "#" in text:
        raise Refused(f"{reference or 'this'} is no http or https URL", _URL_HINT)
    parts = urlsplit(text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16] if (parts.path.strip("/") or parts.query) else ""
    identity = reference or (f"{origin}/…{digest}" if digest else origin)
    return Url(text, identity, is_public=not reference)


def _content(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_BYTES).decode()
    except UnicodeDecodeError:
        raise Refused(f"{printable(path)} holds no text") from None
    except (OSError, ValueError) as error:  # a zero character in the name is a ValueError
        reason = getattr(error, "strerror", None) or "it cannot be a file's name"
        raise Refused(f"{printable(path)} cannot be read: {reason}") from None
