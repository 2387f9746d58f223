"""
Part of a registry, as people select it: `--target` and `--exclude`.

`team/app` is a repository with all that is in it, `team/app:v*` some of its tags,
`team/app@sha256:…` one of its manifests. What a rule about a tag reaches goes with the
tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from reconciler.errors import PatternError, RefusedError
from reconciler.model.address import Address
from reconciler.model.desired import DesiredState, Target
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.model.pattern import REGEX_PREFIX, compile_pattern


def parse_target(text: str) -> Target:
    """
    What a pattern of addresses selects.

    Raises:
        RefusedError: it is none.
    """
    if text.startswith(REGEX_PREFIX):
        raise RefusedError(f'"{text}": a regular expression cannot select addresses; write a pattern such as prod/*:v*')
    repository, mark, rest = parted(text)
    try:
        where = compile_pattern(repository)
        inside = compile_pattern(rest) if mark else None
    except PatternError as error:
        raise RefusedError(f'"{text}": not a pattern of addresses: {error}') from None
    return Target(where, tag=inside if mark == ":" else None, digest=inside if mark == "@" else None)


def parted(text: str) -> tuple[str, str, str]:
    """`text` before and after its first `@` or `:` that stands in no bracket or brace, and which of them it is."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter in "[{") - (letter in "]}")
        if letter in ":@" and depth <= 0:
            return text[:at], letter, text[at + 1 :]
    return text, "", ""


@attrs.frozen(eq=False)
class Selection:
    """What is looked at and changed; everything, where nothing is said."""

    targets: Sequence[Target] = ()  # only these; empty: everything
    excludes: Sequence[Target] = ()  # but not these

    @property
    def is_everything(self) -> bool:
        """Nothing is left out."""
        return not (self.targets or self.excludes)

    def selects(self, address: Address) -> bool:
        """A resource is meant."""
        return self._is_target(address) and not any(_covers(each, address) for each in self.excludes)

    def selects_in(self, repository: str) -> bool:
        """Something in this repository may be meant."""
        here = Address(repository)
        is_target = not self.targets or any(each.repository.matches(repository) for each in self.targets)
        return is_target and not any(_is_whole(each) and _covers(each, here) for each in self.excludes)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The repositories that are meant, where all of them are spelled; None: patterns say which."""
        if not self.targets or not all(each.repository.is_exact for each in self.targets):
            return None
        return tuple(dict.fromkeys(each.repository.text for each in self.targets))

    def _is_target(self, address: Address) -> bool:
        return not self.targets or any(_covers(each, address) for each in self.targets)


def _is_whole(target: Target) -> bool:
    return target.tag is None and target.digest is None


def _covers(target: Target, address: Address) -> bool:
    if not target.repository.matches(address.repository):
        return False
    if target.tag is not None:
        return bool(address.tag) and target.tag.matches(address.tag)
    if target.digest is not None:
        return bool(address.digest) and target.digest.matches(address.digest)
    return True


class SelectedIndex(DesiredIndex):
    """The desired state of what is selected: no rule speaks of any other repository."""

    def __init__(self, desired: DesiredState, selection: Selection) -> None:
        super().__init__(desired)
        self._selection = selection

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
        if not self._selection.selects_in(name):
            return RepositoryRules((), (), (), named_exactly=False)
        return super().for_repository(name)
