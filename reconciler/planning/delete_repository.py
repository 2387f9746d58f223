"""
A whole repository goes, with all that is in it, unless something in it is to stay.

Whoever wants a repository gone and something in it protected has said two things, and
only one of them can be taken back. So what is locked, what a later rule wants there and
what was left out of the run are in the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.address import Address
from reconciler.model.attributes import MANIFEST_COUNT, TAG_COUNT, UPDATED, Document, Value, is_locked
from reconciler.model.desired import Absent, ManifestRule, Origin, TagRule
from reconciler.model.live import LiveRepository
from reconciler.model.matching import RepositoryRules, RuleIndex, wants_present
from reconciler.planning import changes
from reconciler.planning.found import Found
from reconciler.planning.remember import Pending


def delete_repository(wanted: Absent, rules: RepositoryRules, found: Found) -> None:
    """Find whether the repository may go; what of that is locked is unlocked first, or in the way."""
    live, document = found.live, found.live.document or {}
    if not found.selects(found.here):
        found.unselected += 1
        return
    locked = sorted(_locked_contents(live), key=lambda each: each[0].order)
    why = _why_not(wanted, rules, found, locked)
    if why:
        found.managed += 1
        found.block(found.here, why[0], f"{wanted}, and {why[1]}")
        found.pending[found.here] = Pending({}, "", (), all_or_nothing=True)
        return
    counts = {TAG_COUNT: live.tag_count, MANIFEST_COUNT: live.manifest_count}
    also: dict[str, Value] = {name: number for name, number in counts.items() if number is not None}
    if live.updated:  # the counts alone would not tell that one image came and another went
        also[UPDATED] = live.updated
    if found.delete(found.here, document, wanted, also):
        found.unlocks += [changes.unlock(address, attributes, (wanted.origin,)) for address, attributes in locked]


def _why_not(
    wanted: Absent, rules: RepositoryRules, found: Found, locked: list[tuple[Address, Document]]
) -> tuple[str, str] | None:
    """Why the repository stays, as a code and in words; None: it goes."""
    live, here = found.live, found.here
    if found.selection.leaves_out_in(live.name):
        return "excluded", f"--exclude leaves out some of what is in it. Delete {here} in a run of its own."
    said = next(_wanted_inside(wanted, rules, live), None)
    if said is not None:
        return "needed", f"{said[1]} wants {said[0]} there. Take one of the two out of the files."
    if locked and not wanted.unlock:
        return "locked", (
            f"{len(locked):,} in it are locked, such as {locked[0][0]}."
            f" unlock: true at {wanted.origin} would delete it all the same."
        )
    if live.incomplete or live.incomplete_manifests:
        return "unread", "not everything in it was seen."
    if live.tag_count is None and live.manifest_count is None:
        return "uncounted", (
            "the registry does not tell how much is in it, so that nobody would notice what is pushed meanwhile."
            " Delete what is in it first."
        )
    return None


def _wanted_inside(wanted: Absent, rules: RepositoryRules, live: LiveRepository) -> Iterator[tuple[Address, Origin]]:
    """What a rule wants there that comes after the one that lets the repository go: the last word stands."""
    at = max(at for at, rule in enumerate(rules.rules) if rule.ensure is wanted)
    later = rules.rules[at + 1 :]
    tags = [rule for each in later for rule in each.tags if wants_present(rule)]
    yield from ((Address(live.name, tag=rule.match[0].text), rule.origin) for rule in tags if rule.digest)
    for_tag: RuleIndex[TagRule] = RuleIndex(tags)
    for name in sorted(live.tags) if tags else ():
        yield from ((Address(live.name, tag=name), rule.origin) for rule in for_tag.matching(name))
    manifests = [rule for each in later for rule in each.manifests if wants_present(rule)]
    for_digest: RuleIndex[ManifestRule] = RuleIndex(manifests)
    for digest, known in sorted(live.manifests.items()) if manifests else ():
        for rule in for_digest.matching(digest):
            if rule.selects(tagged=bool(known.tags), media_type=known.media_type):
                yield Address(live.name, digest=digest), rule.origin


def _locked_contents(live: LiveRepository) -> Iterator[tuple[Address, Document]]:
    tags = ((Address(live.name, tag=name), document) for name, document in live.tags.items())
    manifests = ((Address(live.name, digest=digest), each.document) for digest, each in live.manifests.items())
    yield from (each for each in (*tags, *manifests) if is_locked(each[1]))
