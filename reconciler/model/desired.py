"""
Desired state: what the files declare, as frozen values in file order.

Nothing is merged here. Every declaration keeps the place in a file that asked
for it, so that the plan can say who wants a change.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from reconciler.model.address import Kind
from reconciler.model.pattern import Pattern
from reconciler.model.protection import LEVELS, Level


@attrs.frozen
class Origin:
    """The place in a file that asked for something."""

    file: str  # as it was named on the command line
    line: int  # from 1
    column: int  # from 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@attrs.frozen
class Declaration:
    """One attribute, the value that it must have, and the place that says so."""

    attribute: str
    value: bool | str  # a text only for the digest that a tag must point at
    origin: Origin


@attrs.frozen
class Protect:
    """A level of protection; `model.protection` says what it takes."""

    level: Level
    origin: Origin


@attrs.frozen
class Absent:
    """`ensure: absent`, or what retention comes to: something must not be there."""

    unlock: bool  # also what is locked
    origin: Origin
    is_retention: bool = False  # it goes because of its age or place, and a lock always keeps it

    @property
    def advice(self) -> str:
        """What would delete it although it is locked."""
        if self.is_retention:
            return "Take the lock off by hand, or keep it: the files would open it, and then let it go."
        return f"unlock: true at {self.origin} would delete it all the same."

    def __str__(self) -> str:
        return f"{self.origin} {'keeps it no more' if self.is_retention else 'wants it absent'}"


@attrs.frozen
class Keep:
    """Retention: what matches and is neither among the last ones nor new must not be there."""

    last: int | None  # so many of the newest are kept; None: that keeps nothing
    newer_than_s: int | None  # what is younger is kept; None: that keeps nothing
    origin: Origin


class _Entry:
    """What entries of every sort say."""

    kind: ClassVar[Kind]
    attributes: tuple[Declaration, ...]
    protect: Protect | None
    ensure: Absent | None

    def _declarations(self) -> tuple[Declaration, ...]:
        """What the entry declares about the resource itself; `attributes` win over `protect` of the same entry."""
        if self.protect is None:
            return self.attributes
        level = LEVELS[self.kind].get(self.protect.level, {})
        own = {declaration.attribute for declaration in self.attributes}
        meant = (Declaration(name, value, self.protect.origin) for name, value in level.items() if name not in own)
        return (*meant, *self.attributes)


@attrs.frozen(eq=False)
class TagRule(_Entry):
    """An entry under `tags`: which tags, and what is declared about them."""

    kind: ClassVar[Kind] = "tag"
    match: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...]
    attributes: tuple[Declaration, ...]
    origin: Origin  # of the entry
    protect: Protect | None = None
    digest: Declaration | None = None  # where the tag must point; only with exact names
    ensure: Absent | None = None
    keep: Keep | None = None
    is_exception: bool = False  # it ends by itself
    declared: tuple[Declaration, ...] = attrs.field(init=False, repr=False)  # all of it, level and digest included

    @declared.default
    def _declared(self) -> tuple[Declaration, ...]:
        declared = self._declarations()
        return declared if self.digest is None else (*declared, self.digest)

    @property
    def closes(self) -> bool:
        """It may demand something of the manifests below the tag."""
        return self.protect is not None


@attrs.frozen(eq=False)
class ManifestRule(_Entry):
    """An entry under `manifests`: which manifests, and what is declared about them."""

    kind: ClassVar[Kind] = "manifest"
    match: tuple[Pattern, ...]  # of digests
    exclude: tuple[Pattern, ...]
    attributes: tuple[Declaration, ...]
    origin: Origin  # of the entry
    tagged: bool | None = None  # only those with a tag, or only those without; None: both
    media_type: tuple[Pattern, ...] = ()  # only those of such a type; empty: of every type
    protect: Protect | None = None
    ensure: Absent | None = None
    keep: Keep | None = None
    is_exception: bool = False  # it beats what tags demand of the manifest
    declared: tuple[Declaration, ...] = attrs.field(init=False, repr=False)

    @declared.default
    def _declared(self) -> tuple[Declaration, ...]:
        return self._declarations()

    @property
    def deletes(self) -> bool:
        """Some of what it matches may have to go."""
        return self.ensure is not None or self.keep is not None

    def selects(self, *, tagged: bool, media_type: str) -> bool:
        """It speaks of manifests like this one, as far as their digests match."""
        if self.tagged is not None and self.tagged != tagged:
            return False
        return not self.media_type or any(pattern.matches(media_type) for pattern in self.media_type)


@attrs.frozen(eq=False)
class RepositoryRule(_Entry):
    """An entry under `repositories`: which ones, and what is declared about them and what is in them."""

    kind: ClassVar[Kind] = "repository"
    match: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...]
    attributes: tuple[Declaration, ...]
    tags: tuple[TagRule, ...]
    origin: Origin  # of the entry
    manifests: tuple[ManifestRule, ...] = ()
    protect: Protect | None = None
    ensure: Absent | None = None  # only with exact names
    is_exception: bool = False  # it ends by itself
    declared: tuple[Declaration, ...] = attrs.field(init=False, repr=False)

    @declared.default
    def _declared(self) -> tuple[Declaration, ...]:
        return self._declarations()


@attrs.frozen(eq=False)
class Target:
    """One pattern of addresses, taken apart: which repositories and, in them, which tags or manifests."""

    repository: Pattern
    tag: Pattern | None = None
    digest: Pattern | None = None  # None, and no tag either: the repository itself

    def __str__(self) -> str:
        if self.tag is not None:
            return f"{self.repository.text}:{self.tag.text}"
        return self.repository.text if self.digest is None else f"{self.repository.text}@{self.digest.text}"


@attrs.frozen(eq=False)
class ExceptionRule:
    """An entry under `exceptions`: what holds for a while instead of everything that rules say."""

    match: tuple[Target, ...]
    attributes: tuple[Declaration, ...]
    until: str  # RFC 3339, as written
    until_ns: int  # the same in nanoseconds since 1970
    reason: str
    origin: Origin  # of the entry


@attrs.frozen(eq=False)
class DesiredState:
    """All rules of all files; a later rule wins over an earlier one, attribute by attribute."""

    registry: str | None  # as written in the files; None where no file names one
    repositories: tuple[RepositoryRule, ...]
    exceptions: tuple[ExceptionRule, ...] = ()
