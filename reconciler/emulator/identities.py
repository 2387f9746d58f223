"""
Who may sign in to an emulated registry, and what each may do where.

An identity is one of three kinds, because the registry treats them differently:
`admin` may do everything; `scope-map` is a token of the registry's own, which is not
taken straight on data calls; `entra` is a Microsoft Entra identity, which brings a
token of Entra's or, where it has a password, is a service principal with a secret.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

import attrs

from reconciler.emulator.errors import EmulatorError

Kind = Literal["admin", "scope-map", "entra"]
Grants: TypeAlias = Mapping[str, frozenset[str]]

KINDS: tuple[Kind, ...] = get_args(Kind)

# What a token calls it, by what a scope map calls it.
# Source: Microsoft, container-registry-token-based-repository-permissions.md; recorded challenges for the right side.
_ACTION_OF = {
    "content/read": "pull",
    "content/write": "push",
    "content/delete": "delete",
    "metadata/read": "metadata_read",
    "metadata/write": "metadata_write",
}
ACTIONS = tuple(_ACTION_OF.values())
_EVERY_ACTION = frozenset(ACTIONS)
_PATTERN = re.compile(r"[a-z0-9._/-]*\*?")


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if text == kind:
            return kind
    raise EmulatorError(f'"{text}" is no kind of identity\n  known: {", ".join(KINDS)}')


def _grants(repositories: Mapping[str, Iterable[str]]) -> Grants:
    return {_pattern(pattern): frozenset(map(_action, actions)) for pattern, actions in repositories.items()}


def _pattern(text: str) -> str:
    if not text or not _PATTERN.fullmatch(text):
        raise EmulatorError(f'"{text}" is no repository\n  a name, a beginning with * at its end, or * for all')
    return text


def _action(text: str) -> str:
    if text not in _ACTION_OF and text not in ACTIONS:
        raise EmulatorError(f'unknown action "{text}"\n  known: {", ".join((*_ACTION_OF, *ACTIONS))}')
    return _ACTION_OF.get(text, text)


@attrs.frozen
class Identity:
    """Somebody the registry knows."""

    name: str = attrs.field()
    """The user name; of an Entra identity, its application (client) id."""
    kind: Kind = attrs.field(converter=_kind)
    password: str = attrs.field(default="", repr=False)
    repositories: Grants = attrs.field(factory=dict, converter=_grants)
    """Actions by repository: an exact name, a beginning such as `team/*`, or `*` for all. They add up."""
    catalog: bool = False
    """An Entra identity may list repositories; the other kinds have rules of their own."""
    object_id: str = attrs.field()
    """Of an Entra identity; one is made from the name where none is given."""

    @name.validator
    def _has_a_name(self, _attribute: object, name: str) -> None:
        if not name:
            raise EmulatorError("an identity needs a name")

    @object_id.default
    def _made_object_id(self) -> str:
        return object_id_of(self.name)

    def __attrs_post_init__(self) -> None:
        if self.kind == "admin" and self.repositories:
            raise EmulatorError("an admin may do everything: leave the repositories out")
        if self.kind != "entra" and not self.password:
            raise EmulatorError(f"a password is missing\n  without one nobody can sign in as {self.kind}")

    @property
    def lists_catalog(self) -> bool:
        """May ask for the list of repositories."""
        if self.kind == "scope-map":  # Source: Azure/acr#751, the registry's developers: only a scope map of `*`
            return "*" in self.repositories
        return self.kind == "admin" or self.catalog

    @property
    def takes_wildcards(self) -> bool:
        """May have a token for `repository:*`, as far as its actions reach; the registry's own tokens may not."""
        return self.kind != "scope-map"

    @property
    def actions_everywhere(self) -> frozenset[str]:
        """What it may do to each repository, those to come included."""
        return _EVERY_ACTION if self.kind == "admin" else self.repositories.get("*", frozenset())

    @property
    def actions_anywhere(self) -> frozenset[str]:
        """What it may do to one repository at least."""
        return self.actions_everywhere.union(*self.repositories.values())

    def actions_on(self, repository: str) -> frozenset[str]:
        """What it may do to that repository."""
        matching = (actions for pattern, actions in self.repositories.items() if _matches(pattern, repository))
        return self.actions_everywhere.union(*matching)


def object_id_of(name: str) -> str:
    """An object id that is always the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _matches(pattern: str, repository: str) -> bool:
    return repository.startswith(pattern[:-1]) if pattern.endswith("*") else repository == pattern
