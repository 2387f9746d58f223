"""
Tags with the same attributes as few rules, which say exactly the same of each of them.

What most tags have becomes one rule for all, families such as `v*` one rule each, and what is
left is named. A pattern is used only where it hits just tags with the same attributes, and all
of it only where it takes fewer names and patterns than there are tags. A hidden tag is always
named: a pattern does not find it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from reconciler.model.attributes import LIST
from reconciler.model.desired import Declaration, RepositoryRule, TagRule
from reconciler.model.pattern import EVERYTHING, Pattern, compile_pattern
from reconciler.planning.exported import HERE, Flags

Tags: TypeAlias = Mapping[str, Flags]

_FAMILY = 3  # tags that make one; two may begin alike by chance
# Where people end the part of a name that versions have in common: behind a separator, before a number.
_CUTS = re.compile(r"(?<=[._-])(?=[^._-])|(?<=[^0-9._-])(?=[0-9])")
_MOST_CUTS = 4  # in one name; a hostile one would have a hundred


def tags_of(rule: RepositoryRule) -> Tags:
    """The tags that an exported entry names, each with its attributes."""
    return {tag.match[0].text: _flags(tag.attributes) for tag in rule.tags}


def fold_tags(tags: Tags, standing: Flags = ()) -> tuple[TagRule, ...]:
    """
    The fewest rules that say of each tag just what it has.

    Args:
        tags: All tags of a repository.
        standing: What an earlier rule says of all of them, of attributes that each one has; nothing: there is none.
    """
    alone = tuple(_exceptions(tags, standing))
    own = shared([tags])
    if not own or own == standing:
        return alone
    head = TagRule((compile_pattern(EVERYTHING),), (), _without(own, standing), HERE)
    headed = (head, *_exceptions(tags, tuple(dict([*standing, *own]).items())))
    if len(set(tags.values())) == 1 and not standing:
        return headed
    return headed if cost(headed) < cost(alone) else alone


def shared(several: Sequence[Tags]) -> Flags:
    """
    What a rule for all tags of some repositories would say: what most of them have, of attributes that each one has.

    Of several that are as frequent the one with more locks stands.
    """
    counts = Counter(flags for tags in several for flags in tags.values())
    common = in_common(counts)
    shown: Counter[Flags] = Counter()
    for flags, number in counts.items():
        if not is_hidden(flags):
            shown[tuple(each for each in flags if each[0] in common)] += number
    return min(shown, key=lambda flags: (-shown[flags], flags), default=())


def in_common(several: Iterable[Flags]) -> Collection[str]:
    """The attributes that all of them have."""
    names = [{name for name, _ in flags} for flags in several]
    return set.intersection(*names) if names else set()


def is_hidden(flags: Flags) -> bool:
    """No list shows what has them."""
    return (LIST, False) in flags


def cost(rules: Iterable[TagRule]) -> int:
    """How many names and patterns it takes to write them."""
    return sum(len(rule.match) for rule in rules)


def declared(flags: Flags, standing: Flags) -> tuple[Declaration, ...]:
    """What has to be said besides what stands already."""
    return _without(flags, standing)


def _exceptions(tags: Tags, standing: Flags) -> Iterator[TagRule]:
    """Rules for what differs from what stands: families by their prefix, and behind them names, sorted."""
    differing: dict[Flags, list[str]] = {}
    for name, flags in sorted(tags.items()):
        if not set(flags) <= set(standing):
            differing.setdefault(flags, []).append(name)
    prefixes = _families(tags, differing)
    groups = []
    for flags, names in differing.items():
        patterns = sorted({prefixes[name] for name in names if name in prefixes})
        named = [name for name in names if name not in prefixes]
        match = [*(compile_pattern(f"{prefix}*") for prefix in patterns), *map(Pattern, named)]
        groups.append(TagRule(tuple(match), (), _without(flags, standing), HERE))
    yield from sorted(groups, key=lambda rule: rule.match[0].text)


def _families(tags: Tags, differing: Mapping[Flags, Sequence[str]]) -> Mapping[str, str]:
    """Of tags that differ, the shortest prefix that a whole family of them has and no other tag."""
    holders: dict[str, list[Flags]] = {}  # of each prefix: the attributes below it, each once, but for two at most
    sizes: Counter[str] = Counter()
    for name, flags in tags.items():
        for prefix in _prefixes(name):
            sizes[prefix] += 1
            held = holders.setdefault(prefix, [flags])
            if len(held) == 1 and held[0] != flags:
                held.append(flags)
    found = {}
    for flags, names in differing.items():
        for name in () if is_hidden(flags) else names:
            fitting = (each for each in _prefixes(name) if len(holders[each]) == 1 and sizes[each] >= _FAMILY)
            if prefix := next(fitting, ""):
                found[name] = prefix
    return found


def _prefixes(name: str) -> Iterator[str]:
    """What `name` may have in common with its family, the shortest first."""
    for at, cut in enumerate(_CUTS.finditer(name)):
        if at == _MOST_CUTS:
            return
        yield name[: cut.start()]


def _flags(said: Iterable[Declaration]) -> Flags:
    return tuple((each.attribute, each.value is True) for each in said)


def _without(flags: Flags, standing: Flags) -> tuple[Declaration, ...]:
    return tuple(Declaration(name, value, HERE) for name, value in flags if (name, value) not in standing)
