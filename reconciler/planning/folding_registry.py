"""
A whole registry as few rules, proven to say exactly what was read.

What most repositories have becomes one rule for all of them, and each that differs gets an
entry of its own behind it, with just that. Nothing rests on the folding being right: what
comes of it is planned against what was read, and compared with it name by name. A repository
of which it would say anything else is left out of the common rule and written in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import REPOSITORY_ATTRIBUTES
from reconciler.model.desired import Declaration, DesiredState, RepositoryRule, TagRule
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.model.pattern import EVERYTHING, Pattern, compile_pattern
from reconciler.model.selection import Selection
from reconciler.planning.compare import plan_repository
from reconciler.planning.exported import HERE, Flags, flags_of, spelled
from reconciler.planning.folding import cost, declared, fold_tags, in_common, is_hidden, shared, tags_of
from reconciler.planning.rules import declare, values


@attrs.frozen(eq=False)
class Known:
    """One repository: as it was read, and the entry that asks for just that."""

    live: LiveRepository
    entry: RepositoryRule

    @property
    def flags(self) -> Flags:
        """The attributes of the repository itself."""
        return flags_of(self.live.document or {}, REPOSITORY_ATTRIBUTES)


@attrs.frozen
class Most:
    """How much of patterns one file may hold."""

    patterns: int
    characters: int


def fold_registry(
    known: Mapping[str, Known], selection: Selection, apart: Collection[str], most: Most
) -> tuple[RepositoryRule, ...]:
    """
    The entries for all repositories, folded where that says the same.

    Args:
        known: What was read, by name.
        selection: What was meant: a rule for all speaks of nothing else.
        apart: Repositories that were not read in full, so that no pattern may speak of them.
        most: What the patterns of a file may come to; what is beyond that is written in full.
    """
    names = sorted(known)
    plain = {*apart, *(name for name in names if not _is_whole(name, selection))}
    while True:
        folded = _folded([known[name] for name in names], selection, plain)
        wrong = {*_wrong(folded, known), *_beyond(folded, most)} - plain
        if not wrong:
            return folded
        plain |= wrong


def says_just(rules: RepositoryRules, known: Known) -> bool:
    """
    The rules would change nothing in a repository as it was read, and leave no attribute of it to chance.

    They also name what is hidden, so that a refresh for them finds it.
    """
    plan = plan_repository(rules, known.live)
    if plan.changes or plan.blocked or plan.unknown or not _names_hidden(rules, known):
        return False
    for_tag = rules.for_tag
    tags = ((values(declare(for_tag(tag.match[0].text))), tag) for tag in known.entry.tags)
    wanted = {said.attribute: said.value for said in known.entry.attributes}
    return values(declare(rules.rules)) == wanted and all(said == values(declare([tag])) for said, tag in tags)


def _names_hidden(rules: RepositoryRules, known: Known) -> bool:
    hidden = {name for name, flags in tags_of(known.entry).items() if is_hidden(flags)}
    if not hidden and not is_hidden(known.flags):
        return True
    return rules.named_exactly and hidden.issubset(rules.exact_tags)


def _folded(known: Sequence[Known], selection: Selection, plain: Collection[str]) -> tuple[RepositoryRule, ...]:
    foldable = [each for each in known if each.live.name not in plain]
    alone = tuple(each.entry if each.live.name in plain else _alone(each.entry) for each in known)
    common = _common(foldable, selection, plain)
    if common is None:
        return alone
    flags, tags = _said(common.attributes), _said(common.tags[0].attributes) if common.tags else ()
    several = (each.entry if each.live.name in plain else _behind(each, flags, tags) for each in known)
    together = (common, *(entry for entry in several if entry is not None))
    return together if _cost(together) < _cost(alone) else alone


def _common(foldable: Sequence[Known], selection: Selection, plain: Collection[str]) -> RepositoryRule | None:
    """The rule for all; None: there is nothing to say in one."""
    flags = _most_frequent(foldable)
    tags = shared([tags_of(each.entry) for each in foldable])
    if not flags:
        return None
    targets = [each.repository for each in selection.targets if each.tag is None and each.digest is None]
    excluded = [each.repository.text for each in selection.excludes if each.tag is None and each.digest is None]
    everything = compile_pattern(EVERYTHING)
    match = tuple(targets) if selection.targets else (everything,)
    apart = {spelled(name).text for name in plain if any(pattern.matches(name) for pattern in match)}
    return RepositoryRule(
        match,
        tuple(compile_pattern(text) for text in sorted({*excluded, *apart})),
        declared(flags, ()),
        (TagRule((everything,), (), declared(tags, ()), HERE),) if tags else (),
        HERE,
    )


def _most_frequent(foldable: Sequence[Known]) -> Flags:
    """The attributes that most repositories have, of those that each one has; the one with more locks of several."""
    common = in_common(each.flags for each in foldable)
    counts = Counter(
        tuple(flag for flag in each.flags if flag[0] in common) for each in foldable if not is_hidden(each.flags)
    )
    return min(counts, key=lambda flags: (-counts[flags], flags), default=())


def _alone(entry: RepositoryRule) -> RepositoryRule:
    folded = fold_tags(tags_of(entry))
    return attrs.evolve(entry, tags=folded) if cost(folded) < len(entry.tags) else entry


def _behind(each: Known, flags: Flags, tags: Flags) -> RepositoryRule | None:
    """What is to be said of a repository besides what is said of all; None: nothing."""
    entry = each.entry
    more, inside = declared(each.flags, flags), fold_tags(tags_of(entry), tags)
    if not (more or inside or entry.manifests):
        return None
    return attrs.evolve(entry, attributes=more, tags=inside)


def _is_whole(name: str, selection: Selection) -> bool:
    return selection.selects(Address(name)) and not selection.leaves_out_in(name)


def _wrong(folded: Sequence[RepositoryRule], known: Mapping[str, Known]) -> Iterator[str]:
    index = DesiredIndex(DesiredState(None, tuple(folded)))
    return (name for name, each in known.items() if not says_just(index.for_repository(name), each))


def _beyond(folded: Sequence[RepositoryRule], most: Most) -> Iterator[str]:
    """The repositories whose patterns come after as many as a file may hold."""
    patterns = characters = 0
    for rule in folded:
        spent = [each.text for each in (*_wildcards(rule), *(each for tag in rule.tags for each in _wildcards(tag)))]
        patterns, characters = patterns + len(spent), characters + sum(map(len, spent))
        if spent and (patterns > most.patterns or characters > most.characters):
            yield from (each.text for each in rule.match if each.is_exact)


def _wildcards(entry: RepositoryRule | TagRule) -> Iterator[Pattern]:
    return (each for each in (*entry.match, *entry.exclude) if not each.is_exact)


def _cost(entries: Sequence[RepositoryRule]) -> int:
    return sum(len(entry.match) + len(entry.exclude) + cost(entry.tags) for entry in entries)


def _said(attributes: Iterable[Declaration]) -> Flags:
    return tuple((each.attribute, each.value is True) for each in attributes)
