"""
What the rules say about one resource, taken together.

Rules apply in file order and a later one wins, attribute by attribute. There is
no other notion of specificity, so nobody has to learn one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

import attrs

from reconciler.model.desired import Declaration, Origin

Declared: TypeAlias = Mapping[str, Declaration]


class _Rule(Protocol):
    @property
    def attributes(self) -> tuple[Declaration, ...]: ...
    @property
    def origin(self) -> Origin: ...


def declare(rules: Iterable[_Rule]) -> Declared:
    """The declaration that stands for each attribute, once every rule had its say."""
    return {declaration.attribute: declaration for rule in rules for declaration in rule.attributes}


def values(declared: Declared) -> dict[str, bool]:
    """The declared document: attribute to value."""
    return {attribute: declaration.value for attribute, declaration in declared.items()}


@attrs.frozen
class Contribution:
    """What one rule said about a resource, and whether a later rule overrode it."""

    declaration: Declaration
    overridden_by: Origin | None


def contributions(rules: Iterable[_Rule]) -> tuple[Contribution, ...]:
    """Every declaration of every rule, in file order: the answer to "which rule says what"."""
    rules = tuple(rules)
    standing = declare(rules)
    return tuple(
        Contribution(said, None if standing[said.attribute] is said else standing[said.attribute].origin)
        for rule in rules
        for said in rule.attributes
    )
