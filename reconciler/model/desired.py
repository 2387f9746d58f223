"""
Desired state: what the files declare, as frozen values in file order.

Nothing is merged here. Every declaration keeps the place in a file that asked
for it, so that the plan can say who wants a change.
"""

from __future__ import annotations

import attrs

from reconciler.model.pattern import Pattern


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
    value: bool
    origin: Origin


@attrs.frozen(eq=False)
class TagRule:
    """An entry under `tags`: which tags, and what is declared about them."""

    match: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...]
    attributes: tuple[Declaration, ...]
    origin: Origin  # of the entry


@attrs.frozen(eq=False)
class RepositoryRule:
    """An entry under `repositories`: which ones, and what is declared about them and their tags."""

    match: tuple[Pattern, ...]
    exclude: tuple[Pattern, ...]
    attributes: tuple[Declaration, ...]
    tags: tuple[TagRule, ...]
    origin: Origin  # of the entry


@attrs.frozen(eq=False)
class DesiredState:
    """All rules of all files; a later rule wins over an earlier one, attribute by attribute."""

    registry: str | None  # as written in the files; None where no file names one
    repositories: tuple[RepositoryRule, ...]
