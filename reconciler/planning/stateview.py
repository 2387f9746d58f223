"""What is remembered, resource by resource, for who wants to see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.model.last_applied import LastApplied, Remembered
from reconciler.model.pattern import Pattern
from reconciler.planning.statefile import repository_from_line


@attrs.frozen
class Known:
    """One resource, and what is remembered of it."""

    address: Address
    remembered: Remembered


def view(last: LastApplied, patterns: Sequence[Pattern]) -> list[Known]:
    """What is remembered of each resource whose address a pattern matches, sorted by address."""
    found = [known for known in _all(last) if any(pattern.matches(str(known.address)) for pattern in patterns)]
    return sorted(found, key=lambda known: known.address.order)


def _all(last: LastApplied) -> Iterable[Known]:
    for name, line in last.repositories.items():
        repository = repository_from_line(line)
        if repository.attributes:
            yield Known(Address(name), Remembered(repository.attributes))
        for tag, remembered in repository.tags.items():
            yield Known(Address(name, tag=tag), remembered)
        for digest, remembered in repository.manifests.items():
            yield Known(Address(name, digest=digest), remembered)
