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
from reconciler.planning.rules import declare, demand, values

Cause = Literal["config", "drift", "conflict", "unknown"]

GRAVEST_FIRST: tuple[Cause, ...] = ("conflict", "drift", "config", "unknown")


def cause_of(base: Value | None, desired: Value, live: Value | None) -> Cause:
    """
    Who moved one attribute, of which `desired` and `live` differ.

    Args:
        base: What was last applied; None: not known.
        desired: What the files declare.
        live: What the registry holds; None: nothing.
    """
    if base is None:
        return "unknown"
    if base == desired:
        return "drift"
    return "config" if base == live else "conflict"


def _cause(
    name: str, base: Value | None, desired: Value, live: Value | None, declared_then: Mapping[str, Value] | None
) -> Cause:
    """The same, where it may be known which attributes rules spoke of then."""
    cause = cause_of(base, desired, live)
    if cause == "unknown" and declared_then is not None and name not in declared_then:
        return "config"  # no rule spoke of it then, and one does now
    return cause


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

    def of(self, address: Address, *, via: str = "") -> Remembered:
        """What is remembered of one resource; of a manifest that rules about a tag reach, `via` is that tag."""
        if self.are_rules_enough:
            return Remembered(self._declared(address, via))
        if address.tag:
            return self.remembered.tags.get(address.tag, NOTHING)
        if address.digest:
            return self.remembered.manifests.get(address.digest, NOTHING)
        return Remembered(self.remembered.attributes)

    def causes(
        self, address: Address, live: Document, desired: Document, changed: Iterable[str], *, via: str = ""
    ) -> dict[str, Cause]:
        """
        Who moved each attribute in `changed`.

        Args:
            address: Of which resource.
            live: What it is; empty: it is not there.
            desired: What it shall be.
            changed: The names.
            via: The tag whose rules reach this manifest, if that is so.
        """
        remembered = self.of(address, via=via)
        base: dict[str, Value] = {**remembered.attributes}
        if remembered.digest:
            base[DIGEST] = remembered.digest
        then = self._declared(address, via) if self.rules is not None else None
        return {name: _cause(name, base.get(name), desired[name], live.get(name), then) for name in changed}

    def cause_of_delete(self, address: Address) -> Cause:
        """Who moved, where something is there and must not be: the files, unless they said so before."""
        if self.remembers(address):
            return "config"
        if self._rules_then is None:
            return "unknown"
        return "unknown" if self._was_absent(address) else "config"

    def remembers(self, address: Address) -> bool:
        """It was managed when it was last applied."""
        known = self.remembered
        if address.tag:
            return address.tag in known.tags
        return address.digest in known.manifests if address.digest else not known.is_empty

    def _declared(self, address: Address, via: str) -> Mapping[str, Value]:
        if self._rules_then is None:
            return {}
        rules, for_tag = self._rules_then
        if address.digest:
            return {**self._demanded(via), **values(declare(rules.for_digest(address.digest)))}
        return values(declare(for_tag(address.tag) if address.tag else rules.rules))

    def _demanded(self, tag: str) -> Mapping[str, Value]:
        """What the rules demanded then of manifests below a tag."""
        if not tag or self._rules_then is None:
            return {}
        matching = self._rules_then[1](tag)
        demanded = demand(matching, declare(matching))
        return {} if demanded is None else {demanded.attribute: demanded.value}

    def _was_absent(self, address: Address) -> bool:
        """Some rule may have wanted it absent then."""
        if self._rules_then is None:
            return False
        rules, for_tag = self._rules_then
        if address.tag:
            return any(rule.ensure or rule.keep for rule in for_tag(address.tag))
        if address.digest:
            return any(rule.deletes for rule in rules.for_digest(address.digest))
        return rules.may_go

    @cached_property
    def _rules_then(self) -> tuple[RepositoryRules, Callable[[str], tuple[TagRule, ...]]] | None:
        if self.rules is None:
            return None
        rules = self.rules()
        return rules, rules.for_tag


UNREMEMBERED = Base()
