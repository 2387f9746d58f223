"""
Which of many may go: not among the newest ones, and not young enough.

Both reasons to keep something count, so an entry that names both deletes less than
one that names either. What has no time that can be read is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from reconciler.model.attributes import LOCKS, Document, Value, is_locked
from reconciler.model.desired import Keep, ManifestRule, RepositoryRule, TagRule

_NS = 1_000_000_000


def outdated(items: Iterable[tuple[str, int | None]], keep: Keep, now_ns: int | None) -> set[str]:
    """
    The names that `keep` does not keep.

    Args:
        items: Names, each with when it was last updated, in nanoseconds since 1970; None: not known.
        keep: What is kept.
        now_ns: The moment of the run; None: not known, so age keeps nothing.
    """
    return set(let_go(items, lambda _: [keep], now_ns))


def let_go(
    items: Iterable[tuple[str, int | None]], keeps_of: Callable[[str], Sequence[Keep]], now_ns: int | None
) -> dict[str, Keep]:
    """
    The names that go where several entries keep things, each with the first that does not keep it.

    What one entry lets go takes no place in another: so each keeps as many as it says, of those that stay.

    Args:
        items: Names, each with when it was last updated, in nanoseconds since 1970; None: not known.
        keeps_of: Tells what keeps a name.
        now_ns: The moment of the run; None: not known, so age keeps nothing.
    """
    counts, going = Counter[Keep](), dict[str, Keep]()
    for updated, name in newest_first(items):
        keeps = keeps_of(name)
        against = next((keep for keep in keeps if not _is_kept(keep, counts[keep], updated, now_ns)), None)
        if against is None:
            counts.update(keeps)
        else:
            going[name] = against
    return going


def _is_kept(keep: Keep, newer: int, updated_ns: int, now_ns: int | None) -> bool:
    """By its place after so many that stay, or by its age."""
    is_young = False
    if keep.newer_than_s is not None and now_ns is not None:
        is_young = updated_ns > now_ns - keep.newer_than_s * _NS
    return is_young or newer < (keep.last or 0)


def newest_first(items: Iterable[tuple[str, int | None]]) -> list[tuple[int, str]]:
    """Those of which it is known when they were last updated, each after that time, the newest one first."""
    return sorted(((updated, name) for name, updated in items if updated is not None), reverse=True)


def is_locked_for_good(document: Document, rules: Iterable[TagRule | ManifestRule]) -> bool:
    """A rule locks it, or a lock is on it that no rule takes off; what holds for a while decides nothing."""
    return is_locked(lasting(document, rules))


def lasting(document: Document, rules: Iterable[RepositoryRule | TagRule | ManifestRule]) -> Document:
    """
    A live document as it is to be for good.

    What an exception opens counts as locked, unless a rule opens it too: it may have been when the exception began.
    """
    for_good: dict[str, Value] = {}
    opened = set[str]()
    for rule in rules:
        for said in rule.declared:
            if said.attribute in LOCKS and not rule.is_exception:
                for_good[said.attribute] = said.value
            elif said.attribute in LOCKS and said.value is True:
                opened.add(said.attribute)
    return {**document, **dict.fromkeys(opened, False), **for_good}
