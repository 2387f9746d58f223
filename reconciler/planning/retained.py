"""
Where one resource stands among those that retention counts, and why it stays or goes.

A plan names just what goes. Whoever asks about one tag wants to know how near the edge
it is, and what keeps it. Whether it goes is taken from the plan, never decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, WRITE, Document, is_locked
from reconciler.model.desired import Keep, ManifestRule, TagRule
from reconciler.model.live import LiveRepository, tags_about
from reconciler.model.matching import RepositoryRules, absent
from reconciler.model.retention import is_locked_for_good, lasting, newest_first, outdated
from reconciler.planning.closure import spread
from reconciler.planning.repository_plan import RepositoryPlan
from reconciler.planning.rules import declare, is_decided, is_lock

_NS = 1_000_000_000
DAY_S, _HOUR_S = 86_400, 3_600
_Rule: TypeAlias = TagRule | ManifestRule
_Times: TypeAlias = Sequence[tuple[str, int | None]]


@attrs.frozen
class Retained:
    """What one `keep` makes of one resource."""

    keep: Keep
    place: int | None  # from 1, the newest one; None: it takes none
    count: int  # of those that take a place
    age_s: int | None  # None: when it was last updated is not known
    goes: bool
    why: str  # it stays, in one line or two; empty: this entry does not keep it


def retained(
    address: Address, rules: RepositoryRules, live: LiveRepository, part: RepositoryPlan, now_ns: int
) -> tuple[Retained, ...]:
    """
    What each `keep` that speaks of a resource makes of it, in file order.

    Args:
        address: A tag or a manifest; anything else has none.
        rules: Those that speak of its repository.
        live: That repository.
        part: The plan for it.
        now_ns: The moment that ages go by, in nanoseconds since 1970.
    """
    name = address.tag or address.digest
    if not name or absent(rules.rules):
        return ()
    asked = _Tags(rules, live, part) if address.tag else Manifests(rules, live, part)
    if absent(asked.matching(name)) or asked.document(name) is None:
        return ()
    return tuple(_retained(name, keep, asked, now_ns) for keep in _keeps(asked.matching(name)))


class _Tags:
    """The tags of a repository, as retention sees them."""

    def __init__(self, rules: RepositoryRules, live: LiveRepository, part: RepositoryPlan) -> None:
        self.matching = rules.for_tag
        self._going = _going(part)
        self._closed = _closed(rules, live)
        self._live = live

    def document(self, name: str) -> Document | None:
        return self._live.tags.get(name)

    def times(self, keep: Keep) -> _Times:
        times = self._live.tag_times
        counted = (
            name
            for name in self._live.tags
            if keep in _keeps(self.matching(name)) and not self._is_pinned(name) and not is_decided(self.matching(name))
        )
        return [(name, times[name].ns if name in times else None) for name in counted]

    def goes(self, name: str) -> bool:
        """The plan deletes it."""
        return Address(self._live.name, tag=name) in self._going

    def needed(self, name: str) -> Iterator[str]:
        """What keeps it, however old it is."""
        if self._is_pinned(name):
            yield "a rule says where it points"
        yield from _locked(self._live.tags[name], self.matching(name))
        yield from self._closed

    def otherwise(self, name: str) -> Iterator[str]:
        """Of a tag that is about a manifest by its name: the tag that it is about."""
        for other, document in sorted(self._live.tags.items()):
            if name in tags_about(str(document.get(DIGEST, ""))):
                yield f"it is about what a tag points at:\n{other}"

    def _is_pinned(self, name: str) -> bool:
        return DIGEST in declare(self.matching(name))


class Manifests:
    """The manifests of a repository, as retention sees them once the tags are as planned."""

    def __init__(self, rules: RepositoryRules, live: LiveRepository, part: RepositoryPlan) -> None:
        self._for_digest = rules.for_digest
        self._going = _going(part)
        self._closed = _closed(rules, live)
        self._live = live
        self._part = part
        self._pointed = _pointed_at(live, part)

    def document(self, digest: str) -> Document | None:
        """Its live document; None: it is not known."""
        known = self._live.manifests.get(digest)
        return None if known is None else known.document

    def matching(self, digest: str) -> tuple[ManifestRule, ...]:
        """The entries that speak of it, once the tags are as planned."""
        known, tagged = self._live.manifests.get(digest), self._is_tagged(digest)
        rules = self._for_digest(digest) if known else ()
        return tuple(rule for rule in rules if known and rule.selects(tagged=tagged, media_type=known.media_type))

    def times(self, keep: Keep) -> _Times:
        """Those that an entry counts, each with when it was last updated."""
        counted = (
            each
            for each in self._live.manifests
            if keep in _keeps(self.matching(each)) and not is_decided(self.matching(each))
        )
        updated = ((each, self._live.manifests[each].updated) for each in counted if not self._is_tagged(each))
        return [(each, when.ns if when else None) for each, when in updated]

    def goes(self, digest: str) -> bool:
        """The plan deletes it."""
        return Address(self._live.name, digest=digest) in self._going

    def needed(self, digest: str) -> Iterator[str]:
        """What keeps it, however old it is."""
        if self._is_tagged(digest):
            yield "a tag points at it"
        yield from _locked(self._live.manifests[digest].document, self.matching(digest))
        yield from self._closed

    def otherwise(self, digest: str) -> Iterator[str]:
        """What of it others need; a plan tells just that it stays."""
        demand = spread(self._part.demands, self._live.manifests).get(digest)
        if demand is not None and not demand.value:
            yield f"{demand.origin} protects it"
        here = self._live.name
        for name in tags_about(digest):
            if name in self._live.tags and Address(here, tag=name) not in self._going:
                yield f"a tag is about it:\n{name}"
        for above, known in sorted(self._live.manifests.items()):
            if digest in (known.children or ()) and not self.goes(above):
                yield f"a child of an index that stays:\n{above}"
        yield "something that stays needs it, or may do so"

    def _is_tagged(self, digest: str) -> bool:
        known = self._live.manifests.get(digest)
        return digest in self._pointed or bool(known and not self._live.tags.keys() >= set(known.tags))


def _retained(name: str, keep: Keep, asked: _Tags | Manifests, now_ns: int) -> Retained:
    all_times = asked.times(keep)
    mine = (dict(all_times).get(name) or 0, name)
    here = outdated(all_times, keep, now_ns)
    # What is newer and goes by another entry takes no place in this one.
    times = [(each, at) for each, at in all_times if (at or 0, each) <= mine or each in here or not asked.goes(each)]
    ranked = [each for _, each in newest_first(times)]
    updated_ns = dict(times).get(name)
    goes = asked.goes(name)
    otherwise = () if goes else asked.otherwise(name)
    return Retained(
        keep,
        place=ranked.index(name) + 1 if name in ranked else None,
        count=len(ranked),
        age_s=None if updated_ns is None else max(0, now_ns - updated_ns) // _NS,
        goes=goes,
        why=next(iter((*asked.needed(name), *_by_time(name, times, keep, now_ns), *otherwise)), ""),
    )


def _by_time(name: str, times: _Times, keep: Keep, now_ns: int) -> Iterator[str]:
    if dict(times).get(name) is None:
        yield "when it was last updated is not known"
    if keep.last is not None and name not in outdated(times, attrs.evolve(keep, newer_than_s=None), now_ns):
        yield f"among the last {keep.last:,}"
    if keep.newer_than_s is not None and name not in outdated(times, attrs.evolve(keep, last=None), now_ns):
        yield f"younger than {age(keep.newer_than_s)}"


def _locked(document: Document, rules: Iterable[_Rule]) -> Iterator[str]:
    rules = tuple(rules)
    if is_locked(document):
        yield "it is locked"
    if is_locked_for_good(document, rules) or any(map(is_lock, declare(rules).values())):
        yield "a rule locks it"


def age(seconds: int) -> str:
    """`45 d`, or `12 h` where it is not whole days."""
    days, rest = divmod(seconds, DAY_S)
    return f"{days:,} d" if not rest else f"{seconds // _HOUR_S:,} h"


def _keeps(rules: Iterable[_Rule]) -> list[Keep]:
    return [rule.keep for rule in rules if rule.keep is not None]


def _closed(rules: RepositoryRules, live: LiveRepository) -> tuple[str, ...]:
    """Why nothing in the repository can be written for good; empty: it can."""
    document = live.document or {}
    if lasting(document, rules.rules).get(WRITE) is not False:
        return ()
    is_so = document.get(WRITE) is False
    return (f"{live.name} {'has' if is_so else 'is to have'} {WRITE} false",)


def _going(part: RepositoryPlan) -> set[Address]:
    return {change.address for change in part.changes if change.action == "delete"}


def _pointed_at(live: LiveRepository, part: RepositoryPlan) -> set[str]:
    """The digests that a tag points at once the tags are as planned."""
    points_at = {name: document.get(DIGEST) for name, document in live.tags.items()}
    points_at.update((each.address.tag, each.after.get(DIGEST)) for each in part.changes if each.address.tag)
    return {str(digest) for digest in points_at.values() if digest}
