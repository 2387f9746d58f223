"""
Which rules speak of a name, in file order.

A file may name 100,000 tags one by one, and a registry may hold as many. So exact
names are looked up and only patterns with wildcards are tried one after another:
the cost of a name grows with the number of wildcard rules, not with the number
of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import attrs

from reconciler.model.attributes import DIGEST, LOCKS
from reconciler.model.desired import Absent, DesiredState, ManifestRule, RepositoryRule, TagRule
from reconciler.model.pattern import Pattern


class _Rule(Protocol):
    @property
    def match(self) -> tuple[Pattern, ...]: ...
    @property
    def exclude(self) -> tuple[Pattern, ...]: ...


Rule = TypeVar("Rule", bound=_Rule)
_FEW = 8  # entries that are asked one after another; more are arranged into one index first


class RuleIndex(Generic[Rule]):
    """Rules that can be asked which of them match a name."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._exact: dict[str, list[int]] = {}
        self._wildcards: list[tuple[int, Callable[[str], object]]] = []
        for position, rule in enumerate(rules):
            for pattern in rule.match:
                if pattern.is_exact:
                    self._exact.setdefault(pattern.text, []).append(position)
                else:
                    self._wildcards.append((position, pattern.test))
        self._alone = [(rule,) for rule in rules]  # the answer where one rule matches, which is most often
        self._has_excludes = any(rule.exclude for rule in rules)

    @cached_property
    def exact_names(self) -> tuple[str, ...]:
        """Names that rules give exactly and do not exclude, in file order, each once."""
        return tuple(name for name in self._exact if self.matching(name))

    def names_exactly(self, name: str) -> bool:
        """Some rule spells `name` without wildcards."""
        return name in self._exact

    @property
    def has_wildcards(self) -> bool:
        """Some rule has a pattern that can match names which it does not spell."""
        return bool(self._wildcards)

    def matching(self, name: str) -> tuple[Rule, ...]:
        """The rules that match `name` and do not exclude it, in file order."""
        positions = []
        for position, test in self._wildcards:
            if test(name):
                positions.append(position)
        if name in self._exact:
            positions += self._exact[name]
        if not positions:
            return ()
        if self._has_excludes:
            positions = [at for at in positions if not _matches_any(self._rules[at].exclude, name)]
        if len(positions) == 1:
            return self._alone[positions[0]]
        return tuple(self._rules[at] for at in sorted(set(positions)))


def _matches_any(patterns: tuple[Pattern, ...], name: str) -> bool:
    return any(pattern.matches(name) for pattern in patterns)


@attrs.frozen(eq=False)
class RepositoryRules:
    """The rules that speak of one repository, of its tags and of its manifests."""

    rules: tuple[RepositoryRule, ...]
    tag_indexes: tuple[RuleIndex[TagRule], ...]
    manifest_indexes: tuple[RuleIndex[ManifestRule], ...]
    named_exactly: bool  # some rule spells the name of the repository

    @property
    def declares_attributes(self) -> bool:
        """Something is declared about the repository itself."""
        return any(rule.declared or rule.ensure for rule in self.rules)

    @property
    def declares_tags(self) -> bool:
        """Something is declared about tags of the repository."""
        return bool(self.tag_indexes)

    @property
    def declares_manifests(self) -> bool:
        """Some entry speaks of manifests by themselves."""
        return bool(self.manifest_indexes)

    @property
    def may_go(self) -> bool:
        """Some entry wants the whole repository absent."""
        return any(rule.ensure for rule in self.rules)

    @property
    def tag_rules(self) -> tuple[TagRule, ...]:
        """All entries about tags, in file order."""
        return tuple(tag for rule in self.rules for tag in rule.tags)

    @property
    def manifest_rules(self) -> tuple[ManifestRule, ...]:
        """All entries about manifests, in file order."""
        return tuple(manifest for rule in self.rules for manifest in rule.manifests)

    @property
    def deletes_manifests(self) -> bool:
        """Some manifests may have to go, so what keeps them matters: every tag, every index."""
        return any(rule.deletes for rule in self.manifest_rules)

    @property
    def needs_all_tags(self) -> bool:
        """What the rules mean can only be known from the list of all tags."""
        return self.has_tag_wildcards or any(rule.deletes or rule.tagged is not None for rule in self.manifest_rules)

    @property
    def needs_times(self) -> bool:
        """Some entry keeps tags by when they were updated."""
        return any(rule.keep for rule in self.tag_rules)

    @property
    def has_tag_wildcards(self) -> bool:
        """Which tags are meant can only be known from the list of all tags."""
        return any(index.has_wildcards for index in self.tag_indexes)

    @property
    def has_manifest_wildcards(self) -> bool:
        """Which manifests are meant can only be known from the list of all manifests."""
        return any(index.has_wildcards for index in self.manifest_indexes)

    @property
    def exact_tags(self) -> tuple[str, ...]:
        """Tags that rules name exactly, in file order, each once."""
        return tuple(dict.fromkeys(name for index in self.tag_indexes for name in index.exact_names))

    @property
    def exact_tag_count(self) -> int:
        """How many names `exact_tags` holds at most."""
        return sum(len(index.exact_names) for index in self.tag_indexes)

    @property
    def exact_manifests(self) -> tuple[str, ...]:
        """Digests that rules name exactly, in file order, each once."""
        return tuple(dict.fromkeys(name for index in self.manifest_indexes for name in index.exact_names))

    @property
    def for_tag(self) -> Callable[[str], tuple[TagRule, ...]]:
        """The tag rules that match a tag, in file order: a function of its name, for who asks about very many."""
        if len(self.tag_indexes) == 1:
            return self.tag_indexes[0].matching
        if len(self.tag_indexes) > _FEW:  # one entry for each tag, as a generator writes them
            return RuleIndex(self.tag_rules).matching
        return lambda name: tuple(rule for index in self.tag_indexes for rule in index.matching(name))

    @property
    def for_digest(self) -> Callable[[str], tuple[ManifestRule, ...]]:
        """The manifest rules that match a digest, in file order, whatever else they ask for: a function of it."""
        if len(self.manifest_indexes) > _FEW:
            return RuleIndex(self.manifest_rules).matching
        return lambda digest: tuple(rule for index in self.manifest_indexes for rule in index.matching(digest))


class DesiredIndex:
    """The desired state, arranged to be asked about one name after another."""

    def __init__(self, desired: DesiredState) -> None:
        self._repositories = RuleIndex(desired.repositories)
        self._tag_indexes = {rule: RuleIndex(rule.tags) for rule in desired.repositories if rule.tags}
        self._manifest_indexes = {rule: RuleIndex(rule.manifests) for rule in desired.repositories if rule.manifests}

    @property
    def exact_repositories(self) -> tuple[str, ...]:
        """Repositories that rules name exactly and do not exclude, in file order, each once."""
        return self._repositories.exact_names

    @property
    def needs_catalog(self) -> bool:
        """Which repositories are meant can only be known from the list of all repositories."""
        return self._repositories.has_wildcards

    def for_repository(self, name: str) -> RepositoryRules:
        """The rules that speak of repository `name`; none of them where it is unmanaged."""
        rules = self._repositories.matching(name)
        tags = tuple(self._tag_indexes[rule] for rule in rules if rule.tags)
        manifests = tuple(self._manifest_indexes[rule] for rule in rules if rule.manifests)
        return RepositoryRules(rules, tags, manifests, self._repositories.names_exactly(name))


def absent(rules: Iterable[RepositoryRule | TagRule | ManifestRule]) -> Absent | None:
    """
    Who wants a resource absent, once every rule had its say, in file order; None: nobody.

    A later rule that locks it, or says where it points, wants it there.
    """
    standing = None
    for rule in rules:
        if rule.ensure is not None:
            standing = rule.ensure
        elif standing is not None and wants_present(rule):
            standing = None
    return standing


def wants_present(rule: RepositoryRule | TagRule | ManifestRule) -> bool:
    """It locks what it matches, or says where it points."""
    return any(said.attribute == DIGEST or (said.attribute in LOCKS and said.value is False) for said in rule.declared)
