"""
What the rules say about one resource, taken together.

Rules apply in file order and a later one wins, attribute by attribute. There is
no other notion of specificity, so nobody has to learn one. What a level of protection
demands of the manifests below a tag is one attribute more in this sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import attrs

from reconciler.model.attributes import DELETE, LOCKS
from reconciler.model.desired import Declaration, ManifestRule, Origin, Protect, TagRule
from reconciler.model.matching import absent
from reconciler.model.protection import closes

Declared: TypeAlias = Mapping[str, Declaration]


class _Rule(Protocol):
    @property
    def declared(self) -> tuple[Declaration, ...]: ...
    @property
    def origin(self) -> Origin: ...


def declare(rules: Iterable[_Rule]) -> Declared:
    """The declaration that stands for each attribute, once every rule had its say."""
    return {declaration.attribute: declaration for rule in rules for declaration in rule.declared}


def values(declared: Declared) -> dict[str, bool | str]:
    """The declared document: attribute to value."""
    return {attribute: declaration.value for attribute, declaration in declared.items()}


class _Protecting(_Rule, Protocol):
    @property
    def protect(self) -> Protect | None: ...


def protection(rules: Iterable[_Protecting]) -> Protect | None:
    """The level that stands, once every rule had its say; None: no rule says one."""
    return next((rule.protect for rule in reversed(tuple(rules)) if rule.protect is not None), None)


def demand(rules: Iterable[_Protecting], declared: Declared) -> Declaration | None:
    """
    What a tag, or an index, demands of the manifests below it; None: nothing.

    It never demands less than holds for the tag itself: where some rule opens a tag and
    another locks it, what it consists of stays.
    """
    level = protection(rules)
    if level is None:
        return None
    if closes(level.level):
        lock = next((declared[name] for name in LOCKS if is_lock(declared.get(name))), None)
        if lock is not None:
            return Declaration(DELETE, False, lock.origin)  # noqa: FBT003 - a value, as it stands in files
    return Declaration(DELETE, closes(level.level), level.origin)


def is_lock(declaration: Declaration | None) -> bool:
    """It withdraws a permission to write or delete."""
    return declaration is not None and declaration.attribute in LOCKS and declaration.value is False


def is_decided(rules: Sequence[TagRule | ManifestRule]) -> bool:
    """Some rule locks what they match, or wants it absent, so retention has no say in it, exception or not."""
    lasting = declare(rule for rule in rules if not rule.is_exception)
    return absent(rules) is not None or any(map(is_lock, (*declare(rules).values(), *lasting.values())))


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
        for said in rule.declared
    )
