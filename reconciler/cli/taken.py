"""
What an export has read so far, repository by repository.

One entry after another is made text as soon as its repository was read, and the rest is
forgotten. Only folding needs everything at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.events import RepositoryRead
from reconciler.model.selection import SelectedIndex, Unmatched
from reconciler.planning.exported import asked, exported, untold
from reconciler.render.desired_yaml import entry_yaml

if TYPE_CHECKING:
    from reconciler.cli.export import Wish
    from reconciler.events import Sink
    from reconciler.model.desired import RepositoryRule
    from reconciler.model.last_applied import RememberedRepository
    from reconciler.model.live import LiveRepository
    from reconciler.model.matching import RepositoryRules
    from reconciler.planning.folding_registry import Known


class Taken:
    """What was read so far."""

    def __init__(self, wish: Wish, progress: Sink) -> None:
        self.index = SelectedIndex(asked(wish.selection, manifests=wish.manifests), wish.selection)
        self.resources = 0  # entries without folding
        self.rules = 0  # entries in the file
        self._wish = wish
        self._progress = progress
        self._unmatched = Unmatched(wish.selection, self.index)
        self._texts: dict[str, str] = {}
        self._known: dict[str, Known] = {}  # for folding alone
        self._untold: dict[str, tuple[str, ...]] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, and patterns that found nothing, in an order that depends on names alone."""
        unmatched = (each.removeprefix("--target ") for each in self._unmatched.told())
        untold = (why for _, all_of in sorted(self._untold.items()) for why in all_of)
        return (*untold, *(f"{each}: nothing in the registry matches it" for each in unmatched))

    def add(self, rules: RepositoryRules, live: LiveRepository, _: RememberedRepository) -> None:
        """Take note of one repository that was read."""
        if not rules.rules:
            return
        self._unmatched.see(rules, live)
        why = tuple(untold(rules, live, digests=self._wish.digests))
        if why:
            self._untold[live.name] = why
        if live.missing or live.unread:
            return
        self._progress(RepositoryRead(live.name, len(live.tags)))
        entry = exported(live, self._wish.selection, digests=self._wish.digests)
        if not _says_something(entry):
            return
        if self._wish.rules:
            self._keep(live, entry)
        else:
            self._texts[live.name] = entry_yaml(entry)

    def entries(self) -> Sequence[str]:
        """The entries of the file."""
        if not self._wish.rules:
            return [self._texts[name] for name in sorted(self._texts)]
        from reconciler.files.patterns import MAX_ALTERNATIVES, MAX_CHARACTERS
        from reconciler.planning.folding_registry import Most, fold_registry

        most = Most(MAX_ALTERNATIVES // 2, MAX_CHARACTERS // 2)  # people will add some
        folded = fold_registry(self._known, self._wish.selection, self._untold.keys(), most)
        self.rules = _entries(folded)
        return [entry_yaml(entry) for entry in folded]

    def _keep(self, live: LiveRepository, entry: RepositoryRule) -> None:
        from reconciler.planning.folding_registry import Known

        self.resources += _entries([entry])
        self._known[live.name] = Known(live, entry)


def _says_something(entry: RepositoryRule) -> bool:
    return bool(entry.attributes or entry.tags or entry.manifests)


def _entries(entries: Sequence[RepositoryRule]) -> int:
    return sum(1 + len(entry.tags) + len(entry.manifests) for entry in entries)
