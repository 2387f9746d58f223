"""
What is asked of the token endpoint, reduced to what may be had.

The endpoint never says no to a scope: what is not granted is missing from the token,
and the data call refuses. Source: recordings of anonymous writes, azure-sdk-for-python.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.emulator.identities import ACTIONS, Identity
from reconciler.emulator.signing import Claims

_NOTHING: frozenset[str] = frozenset()


def access_of(scopes: Sequence[str], identity: Identity, *, wildcards: bool) -> list[Claims]:
    """
    The `access` claim for scopes such as `repository:team/app:pull,push`.

    Args:
        scopes: As they were asked; what is no scope is left out.
        identity: Who asks.
        wildcards: `repository:*` means something to this registry.
    """
    entries = (_entry(scope, identity, wildcards=wildcards) for scope in scopes)
    return [entry for entry in entries if entry["Actions"]]


def permits(claims: Claims, kind: str, name: str, actions: Collection[str]) -> bool:
    """The token permits all of `actions`; `*` stands for any name, or any action."""
    granted = {
        action
        for entry in claims["access"]
        if entry["Type"] == kind and entry["Name"] in (name, "*")
        for action in entry["Actions"]
    }
    return "*" in granted or granted.issuperset(actions)


def may(identity: Identity, kind: str, name: str, actions: Collection[str]) -> bool:
    """The identity itself has all of `actions`, without a token that says so."""
    return _granted(identity, kind, name, wildcards=False).issuperset(actions)


def _entry(scope: str, identity: Identity, *, wildcards: bool) -> Claims:
    kind, _, rest = scope.partition(":")
    name, _, asked = rest.rpartition(":")
    granted = _granted(identity, kind, name, wildcards=wildcards)
    return {"Type": kind, "Name": name, "Actions": _reduced(asked.split(","), granted)}


def _granted(identity: Identity, kind: str, name: str, *, wildcards: bool) -> frozenset[str]:
    if kind == "registry":
        return frozenset("*") if name == "catalog" and identity.lists_catalog else _NOTHING
    if kind != "repository":
        return _NOTHING
    if name == "*":
        return identity.actions_everywhere if wildcards and identity.takes_wildcards else _NOTHING
    return _NOTHING if "*" in name else identity.actions_on(name)


def _reduced(asked: Sequence[str], granted: frozenset[str]) -> list[str]:
    """`*` stays one where every action is granted; in any other case it becomes those that are."""
    if "*" not in asked:
        return [action for action in dict.fromkeys(asked) if action in granted]
    has_all = "*" in granted or granted.issuperset(ACTIONS)
    return ["*"] if has_all else [action for action in ACTIONS if action in granted]
