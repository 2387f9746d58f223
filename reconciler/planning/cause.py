"""
Who moved: the files, or somebody behind our back.

Three values are compared for each attribute: B, what was last applied; D, what the
files declare; L, what is live. Where D and L differ, whichever of them is still B has
not moved, so the other did. Without B nobody can say.

B comes from a memory, resource by resource, or from the files at the Git revision
that was last applied, which say what they made of every resource that matched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Literal

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, Document, Value
from reconciler.model.desired import TagRule
from reconciler.model.last_applied import NOTHING, Remembered, RememberedRepository
from reconciler.model.matching import RepositoryRules
from reconciler.planning.rules import declare, values

Cause = Literal["config", "drift", "conflict", "unknown"]

GRAVEST_FIRST: tuple[Cause, ...] = ("conflict", "drift", "config", "unknown")


def cause_of(base: Value | None, desired: Value, live: Value) -> Cause:
    """
    Who moved one attribute, of which `desired` and `live` differ.

    Args:
        base: What was last applied; None: not known.
        desired: What the files declare.
        live: What the registry holds.
    """
    if base is None:
        return "unknown"
    if base == desired:
        return "drift"
    return "config" if base == live else "conflict"


def gravest(causes: Iterable[Cause]) -> Cause:
    """The one cause that stands for a resource with several."""
    found = set(causes)
    return next((cause for cause in GRAVEST_FIRST if cause in found), "unknown")


@attrs.frozen(eq=False)
class Base:
    """What is known of one repository, and of all in it, as it was last applied."""

    remembered: RememberedRepository = attrs.field(factory=RememberedRepository)
    rules: Callable[[], RepositoryRules] | None = None  # that spoke of it then; None: not known
    are_rules_enough: bool = False  # what they declared then is what was made true

    def of(self, address: Address) -> Remembered:
        """What is remembered of one resource."""
        if self.are_rules_enough:
            return Remembered(self._declared(address))
        if address.tag:
            return self.remembered.tags.get(address.tag, NOTHING)
        if address.digest:
            return self.remembered.manifests.get(address.digest, NOTHING)
        return Remembered(self.remembered.attributes)

    def causes(self, address: Address, live: Document, desired: Document, changed: Iterable[str]) -> dict[str, Cause]:
        """Who moved each attribute in `changed`."""
        remembered = self.of(address)
        base: dict[str, Value] = {**remembered.attributes}
        if remembered.digest:
            base[DIGEST] = remembered.digest
        return {name: self._cause(name, address, base, live, desired) for name in changed}

    def _cause(
        self, name: str, address: Address, base: Mapping[str, Value], live: Document, desired: Document
    ) -> Cause:
        cause = cause_of(base.get(name), desired[name], live[name])
        if cause == "unknown" and self.rules is not None and name not in self._declared(address):
            return "config"  # no rule spoke of it then, and one does now
        return cause

    def _declared(self, address: Address) -> Mapping[str, bool]:
        if self._rules_then is None or address.digest:
            return {}
        rules, for_tag = self._rules_then
        return values(declare(for_tag(address.tag) if address.tag else rules.rules))

    @cached_property
    def _rules_then(self) -> tuple[RepositoryRules, Callable[[str], tuple[TagRule, ...]]] | None:
        if self.rules is None:
            return None
        rules = self.rules()
        return rules, rules.for_tag


UNREMEMBERED = Base()
