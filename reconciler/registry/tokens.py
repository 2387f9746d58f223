"""
Tokens of the registry, and what can be read in them.

A token is a signed text that anybody can read, and it tells what its holder may do
and until when. It is read to tell the person early and plainly; the registry
decides all the same. A token that cannot be read is used as it is.

ACR dates tokens back by 15 minutes and sends no `expires_in`, so only `exp` tells
when one ends (decoded from recordings of azure-sdk-for-net, 2022).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import attrs
import orjson

DEFAULT_LIFETIME_S = 300.0  # of a token that does not tell
_MARGIN_S = 60.0  # a token is renewed this long before it ends
_MARGIN_SHARE = 10  # or this part of its life, where that is less
EVERYTHING = "*"


@attrs.frozen(order=True)
class Scope:
    """What a token is asked for: actions on one repository, or on the catalog."""

    kind: str  # repository or registry
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(self.actions)}"


CATALOG = Scope("registry", "catalog", (EVERYTHING,))
ALL_REPOSITORIES = Scope("repository", EVERYTHING, (EVERYTHING,))
# Source: Azure/acr-cli internal/api/acrsdk.go, for registries with permissions per repository.
_ACTIONS = ("pull", "delete", "metadata_read", "metadata_write")


def repository_scope(name: str, *actions: str) -> Scope:
    """All that we may ever do with one repository, or just `actions`."""
    return Scope("repository", name, actions or _ACTIONS)


def parse_scope(text: str) -> Scope | None:
    """The scope that `text` spells; None where it is none."""
    kind, _, rest = text.partition(":")
    name, separator, actions = rest.rpartition(":")
    return Scope(kind, name, tuple(actions.split(","))) if separator and name else None


@attrs.frozen
class Claims:
    """What a token says about itself; whatever it does not say is empty."""

    subject: str = ""  # who holds it, as the registry knows them
    issued_s: float = 0.0  # seconds since 1970, like `ends_s`
    ends_s: float = 0.0
    access: tuple[Scope, ...] | None = None  # None: it does not tell
    is_per_repository: bool = False  # permissions are granted by repository, and wildcards mean nothing

    def grants(self, scope: Scope) -> bool:
        """It permits all of `scope`."""
        granted = {
            action
            for entry in self.access or ()
            if entry.kind == scope.kind and entry.name in (scope.name, EVERYTHING)
            for action in entry.actions
        }
        return EVERYTHING in granted or granted.issuperset(scope.actions)


@attrs.frozen
class Token:
    """A token and what is known about it."""

    value: str = attrs.field(repr=False)
    claims: Claims
    renew_at_s: float  # on the monotonic clock

    def is_good(self, now_s: float) -> bool:
        """It can still be used at `now_s` of the monotonic clock."""
        return now_s < self.renew_at_s


def make_token(value: str, *, now_s: float, registry_s: float) -> Token:
    """
    The token in an answer.

    Args:
        value: As it came.
        now_s: The monotonic clock.
        registry_s: The registry's own clock, in seconds since 1970: ours may be wrong by hours.
    """
    claims = parse_claims(value)
    lifetime_s = claims.ends_s - registry_s
    if lifetime_s <= 0:
        lifetime_s = DEFAULT_LIFETIME_S
    return Token(value, claims, now_s + lifetime_s - min(_MARGIN_S, lifetime_s / _MARGIN_SHARE))


def parse_claims(token: str) -> Claims:
    """What the token says; nothing where it cannot be read."""
    try:
        payload = token.split(".")[1]
        found = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return Claims()
    if not isinstance(found, dict):
        return Claims()
    return Claims(
        subject=next((found[name] for name in ("sub", "appid") if isinstance(found.get(name), str)), ""),
        issued_s=_number(found.get("iat")),
        ends_s=_number(found.get("exp")),
        access=_access(found.get("access")),
        is_per_repository="aad_identity" in found,  # Source: Azure/acr-cli internal/api/acrsdk.go
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _access(entries: Any) -> tuple[Scope, ...] | None:
    if not isinstance(entries, list):
        return None
    return tuple(scope for scope in map(_entry, entries) if scope is not None)


def _entry(entry: Any) -> Scope | None:
    """Source: access tokens in recordings of azure-sdk-for-net; the distribution specification has small letters."""
    if not isinstance(entry, dict):
        return None
    found = {str(name).lower(): value for name, value in entry.items()}
    kind, name, actions = found.get("type"), found.get("name"), found.get("actions")
    if not isinstance(kind, str) or not isinstance(name, str) or not isinstance(actions, list):
        return None
    return Scope(kind, name, tuple(action for action in actions if isinstance(action, str)))
