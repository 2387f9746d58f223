"""
Part of a registry, as people select it: `--target` and `--exclude`.

`team/app` is a repository with all that is in it, `team/app:v*` some of its tags,
`team/app@sha256:…` one of its manifests. What a rule about a tag reaches goes with the
tag.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.model.desired import DesiredState, Target
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.model.pattern import Pattern


class _Covering:
    """Targets, arranged to be asked about one address after another; many may be spelled out."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._exact: dict[str, list[Target]] = {}
        self._wildcards: list[Target] = []
        for target in targets:
            if target.repository.is_exact:
                self._exact.setdefault(target.repository.text, []).append(target)
            else:
                self._wildcards.append(target)
        self._known: tuple[str, _Inside] = ("", _Inside(()))  # of the repository that was asked about last

    def __call__(self, address: Address) -> bool:
        return self.inside(address.repository).covers(address)

    def inside(self, repository: str) -> _Inside:
        """Those that speak of one repository."""
        if self._known[0] != repository:
            wildcards = (target for target in self._wildcards if target.repository.matches(repository))
            self._known = (repository, _Inside((*self._exact.get(repository, ()), *wildcards)))
        return self._known[1]


class _Inside:
    """Targets in one repository."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.whole = [target for target in targets if _is_whole(target)]
        self.is_whole = bool(self.whole)
        self.is_some = bool(targets)
        self.has_parts = not all(map(_is_whole, targets))
        self._tags = _Names([target.tag for target in targets if target.tag is not None])
        self._digests = _Names([target.digest for target in targets if target.digest is not None])

    def covers(self, address: Address) -> bool:
        """Some target covers it, the whole repository or just this."""
        return self.is_whole or self.spells(address)

    def spells(self, address: Address) -> bool:
        """Some target is about just this tag or manifest."""
        if address.tag:
            return self._tags.match(address.tag)
        return bool(address.digest) and self._digests.match(address.digest)


class _Names:
    """Patterns of tags or of digests."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._exact = frozenset(pattern.text for pattern in patterns if pattern.is_exact)
        self._wildcards = [pattern.test for pattern in patterns if not pattern.is_exact]

    def match(self, name: str) -> bool:
        return name in self._exact or any(test(name) for test in self._wildcards)


@attrs.frozen(eq=False)
class Selection:
    """What is looked at and changed; everything, where nothing is said."""

    targets: Sequence[Target] = ()  # only these; empty: everything
    excludes: Sequence[Target] = ()  # but not these
    _targets: _Covering = attrs.field(init=False, repr=False)
    _excludes: _Covering = attrs.field(init=False, repr=False)

    @_targets.default
    def _arranged_targets(self) -> _Covering:
        return _Covering(self.targets)

    @_excludes.default
    def _arranged_excludes(self) -> _Covering:
        return _Covering(self.excludes)

    @property
    def is_everything(self) -> bool:
        """Nothing is left out."""
        return not (self.targets or self.excludes)

    def selects(self, address: Address) -> bool:
        """A resource is meant."""
        return (not self.targets or self._targets(address)) and not self.leaves_out(address)

    def spells_out(self, address: Address) -> bool:
        """A manifest is meant for itself, whoever protects it; not just with all that is in its repository."""
        is_named = bool(address.digest) and self._targets.inside(address.repository).spells(address)
        return is_named and not self.leaves_out(address)

    def leaves_out(self, address: Address) -> bool:
        """Something is excluded, whatever else may select it."""
        return bool(self.excludes) and self._excludes(address)

    def leaves_out_in(self, repository: str) -> bool:
        """Something that may be in this repository is excluded."""
        return self._excludes.inside(repository).has_parts

    def selects_in(self, repository: str) -> bool:
        """Something in this repository may be meant."""
        is_target = not self.targets or self._targets.inside(repository).is_some
        return is_target and not self._excludes.inside(repository).is_whole

    def leaving_out(self, repository: str) -> Sequence[Target]:
        """The exclusions of a whole repository."""
        return self._excludes.inside(repository).whole

    @property
    def names(self) -> tuple[str, ...] | None:
        """The repositories that are meant, where all of them are spelled; None: patterns say which."""
        if not self.targets or not all(each.repository.is_exact for each in self.targets):
            return None
        return tuple(dict.fromkeys(each.repository.text for each in self.targets))


def _is_whole(target: Target) -> bool:
    return target.tag is None and target.digest is None


EVERYTHING = Selection()


class SelectedIndex(DesiredIndex):
    """The desired state of what is selected: no rule speaks of any other repository."""

    def __init__(self, desired: DesiredState, selection: Selection) -> None:
        super().__init__(desired)
        self._selection = selection
        self._left_out: set[Target] = set()  # exclusions of whole repositories that rules speak of

    @property
    def left_out(self) -> Collection[Target]:
        """Exclusions that took out a whole repository of which rules speak."""
        return self._left_out

    @property
    def exact_repositories(self) -> tuple[str, ...]:
        """Repositories to read by their names."""
        names: Iterable[str] = self._selection.names or super().exact_repositories
        return tuple(name for name in names if self.for_repository(name).rules)

    @property
    def needs_catalog(self) -> bool:
        """Which repositories are meant can only be known from the list of all repositories."""
        return self._selection.names is None and super().needs_catalog

    def for_repository(self, name: str) -> RepositoryRules:
        """The rules that speak of repository `name`; none of them where it is not selected."""
        rules = super().for_repository(name)
        if self._selection.selects_in(name) or not rules.rules:
            return rules
        self._left_out.update(self._selection.leaving_out(name))
        return RepositoryRules((), (), (), named_exactly=False)


class Unmatched:
    """Which patterns of a selection have selected nothing so far; one that never does may be a typing error."""

    def __init__(self, selection: Selection, index: SelectedIndex) -> None:
        self._left = dict.fromkeys(selection.targets, "--target") | dict.fromkeys(selection.excludes, "--exclude")
        self._index = index

    def see(self, rules: RepositoryRules, live: LiveRepository) -> None:
        """Take note of a repository that was read."""
        near = [each for each in self._left if each.repository.matches(live.name)]
        if not near or not rules.rules or (live.missing and not rules.named_exactly):
            return
        for each in near:
            names = (*live.tags, *live.missing_tags) if each.tag else live.manifests if each.digest else ()
            inside = each.tag or each.digest
            if inside is None or any(map(inside.matches, names)):
                del self._left[each]

    def told(self) -> tuple[str, ...]:
        """What selected nothing, as it was given."""
        left_out = self._index.left_out
        return tuple(f"{option} {target}" for target, option in self._left.items() if target not in left_out)
