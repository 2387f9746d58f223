"""
Which manifests may have to go, as far as lists tell.

Before a manifest is deleted, what it is about and what is about it has to be known,
and that takes two requests for each. So they are spared for whatever stays anyway:
what a tag keeps, what retention keeps, what is locked, and what an index that stays is
made of. Whoever is named here may still stay; whoever is not named stays for sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reconciler.model.attributes import DIGEST, Document, is_locked
from reconciler.model.desired import Absent, ManifestRule, TagRule
from reconciler.model.live import Moment
from reconciler.model.matching import RepositoryRules, absent
from reconciler.model.retention import is_locked_for_good, outdated
from reconciler.registry.resources import Manifest
from reconciler.registry.timestamps import nanoseconds


def candidates(
    rules: RepositoryRules,
    tags: Mapping[str, Document],
    times: Mapping[str, Moment],
    manifests: Mapping[str, Manifest],
    now_ns: int | None,
) -> set[str]:
    """
    Digests of manifests that some rule may delete.

    Args:
        rules: Those that speak of the repository.
        tags: All of its tags.
        times: When they were updated.
        manifests: All of its manifests.
        now_ns: The moment of the run, in nanoseconds since 1970; None: age keeps nothing.
    """
    held = _held(rules, tags, times, now_ns)
    held |= {digest for digest, manifest in manifests.items() if any(name not in tags for name in manifest.tags)}
    found, by_rule, for_digest = set[str](), dict[ManifestRule, list[str]](), rules.for_digest
    for digest, manifest in manifests.items():
        matching = for_digest(digest)
        said = absent(rule for rule in matching if rule.selects(tagged=False, media_type=manifest.media_type))
        if said is not None and _may_go(said, manifest.document):
            found.add(digest)
        for rule in matching:
            if rule.keep is not None and _is_counted(rule, manifest, is_held=digest in held):
                by_rule.setdefault(rule, []).append(digest)
    for rule, digests in by_rule.items():
        if rule.keep is not None:
            old = outdated(((digest, nanoseconds(manifests[digest].updated)) for digest in digests), rule.keep, now_ns)
            found |= {each for each in old if not is_locked_for_good(manifests[each].document, for_digest(each))}
    return found - held


def without_what_stays(
    found: set[str], digests: Iterable[str], children_of: Callable[[str], tuple[str, ...] | None]
) -> set[str]:
    """
    Of `found` what no manifest that stays is made of; none at all where that cannot be known.

    Args:
        found: What may go.
        digests: All manifests.
        children_of: The digests below one; None where they could not be read.
    """
    below = {digest: children_of(digest) for digest in digests}
    if None in below.values():
        return set()
    left = set(found)
    staying = [digest for digest in below if digest not in found]
    while staying:
        children = below[staying.pop()] or ()
        staying += left.intersection(children)
        left.difference_update(children)
    return left


def _held(
    rules: RepositoryRules, tags: Mapping[str, Document], times: Mapping[str, Moment], now_ns: int | None
) -> set[str]:
    """Digests that a tag points at which stays, and stays there."""
    for_tag, old = rules.for_tag, _outdated_tags(rules, tags, times, now_ns)
    return {
        str(document[DIGEST])
        for name, document in tags.items()
        if name not in old and not _may_leave(for_tag(name), document)
    }


def _outdated_tags(
    rules: RepositoryRules, tags: Mapping[str, Document], times: Mapping[str, Moment], now_ns: int | None
) -> set[str]:
    if not rules.needs_times:
        return set()
    by_rule, for_tag = dict[TagRule, list[str]](), rules.for_tag
    for name in tags:
        for rule in for_tag(name):
            if rule.keep is not None:
                by_rule.setdefault(rule, []).append(name)
    old = set[str]()
    for rule, names in by_rule.items():
        if rule.keep is not None:
            old |= outdated(((name, times[name].ns if name in times else None) for name in names), rule.keep, now_ns)
    return {name for name in old if not is_locked_for_good(tags[name], for_tag(name))}


def _may_leave(matching: tuple[TagRule, ...], document: Document) -> bool:
    """The tag may be removed, or pointed elsewhere."""
    if not matching:
        return False
    said = absent(matching)
    is_pinned_elsewhere = any(rule.digest is not None and rule.digest.value != document[DIGEST] for rule in matching)
    return is_pinned_elsewhere or (said is not None and _may_go(said, document))


def _is_counted(rule: ManifestRule, manifest: Manifest, *, is_held: bool) -> bool:
    """It may be one of those that retention counts."""
    ways = (True,) if is_held else (False, True)
    return any(rule.selects(tagged=tagged, media_type=manifest.media_type) for tagged in ways)


def _may_go(said: Absent, document: Document) -> bool:
    return said.unlock or not is_locked(document)
