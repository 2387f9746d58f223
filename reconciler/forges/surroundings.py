"""
What a pipeline tells in its environment: where the forge's API is, which pull request, which token.

It is checked before anything is sent, because the token goes where these variables say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from reconciler.errors import NotPermittedError, RefusedError
from reconciler.registry.location import Location, origin_of

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


def value_of(environment: Mapping[str, str], *names: str, advice: str) -> str:
    """
    The first of these variables that is set.

    Raises:
        RefusedError: none is.
    """
    for name in names:
        if environment.get(name):
            return environment[name]
    raise RefusedError(f"{' or '.join(names)} is not set\n  {advice}")


def number_of(environment: Mapping[str, str], name: str, given: int | None, *, advice: str) -> int:
    """
    The number of the pull request: as it was given, or from a variable.

    Raises:
        RefusedError: there is none.
    """
    if given is not None:
        return given
    text = value_of(environment, name, advice=advice)
    if not _NUMBER.fullmatch(text):
        raise RefusedError(f"{name} holds no number\n  {advice}")
    return int(text)


def token_of(environment: Mapping[str, str], *names: str, advice: str) -> str:
    """
    The token in the first of these variables that is set; it is in no message.

    Raises:
        NotPermittedError: none is set.
        RefusedError: it cannot be sent.
    """
    name = next((name for name in names if environment.get(name, "").strip()), "")
    if not name:
        raise NotPermittedError(f"{' or '.join(names)} is not set, so nothing can be written\n  {advice}")
    token = environment[name].strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise RefusedError(f"{name} holds no token: there are characters in it that no token has\n  {advice}")
    return token


def api_at(environment: Mapping[str, str], name: str, *, advice: str) -> tuple[Location, str]:
    """
    Where the API is that a variable names, and the path of it, without a slash at the end.

    Raises:
        RefusedError: it names none, or the way there is not encrypted.
    """
    url = value_of(environment, name, advice=advice)
    origin, parts = origin_of(url), urlsplit(url) if origin_of(url) else None
    if parts is None or parts.query or parts.fragment or ".." in parts.path:  # not shown: it may hold a password
        raise RefusedError(f"{name} is not the URL of an API\n  {advice}")
    location = Location(origin, origin)
    if origin.startswith("http://") and not location.is_loopback:
        raise RefusedError(f"{name}: {origin} is not encrypted, and the token would go there\n  It begins with https.")
    return location, parts.path.rstrip("/")
