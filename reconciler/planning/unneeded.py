"""
Which manifests may go: those that rules want absent and that nothing else needs.

A manifest can be needed without a tag of its own: as a child of an index, or as what a
signature is about, or as the signature. Deleting such a one broke images for others
before (Azure/acr#666, Azure/acr-cli#131), and ACR takes what refers to a manifest along
with it. So what is kept keeps all of these; and what is not known keeps everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import is_locked
from reconciler.model.desired import Absent, ManifestRule
from reconciler.model.live import LiveManifest, tags_about
from reconciler.model.matching import absent
from reconciler.model.retention import is_locked_for_good, let_go
from reconciler.planning.closure import Demand
from reconciler.planning.found import Found
from reconciler.planning.plan import FIRST_RANK
from reconciler.planning.rules import is_decided

_UNKNOWN = "whether something needs it is not known: "  # how the reason begins where something may need a manifest

_Matching = Mapping[str, tuple[ManifestRule, ...]]


@attrs.frozen
class Going:
    """A manifest that may be deleted."""

    absent: Absent
    rank: int  # what stands for others goes before them
    by_age: bool  # because of when it was updated, so what was updated since stays


def unneeded(
    rules: Sequence[ManifestRule], matching: _Matching, standing: Mapping[str, Demand], found: Found
) -> dict[str, Going]:
    """The manifests that go, by digest; those that are declared absent by name and stay are noted as blocked."""
    wanted = {**_outdated(matching, found), **_absent(matching)}
    if not found.selection.is_everything:
        here = found.live.name
        wanted = {digest: said for digest, said in wanted.items() if found.selects(Address(here, digest=digest))}
    locked = {
        digest: why
        for digest, said in wanted.items()
        if (why := found.lock_in_the_way(found.live.manifests[digest].document, said))
    }
    kept = {
        digest: why
        for digest in wanted
        if (why := _why_needed(digest, found, standing) or ("" if digest in locked else _why_unknown(digest, found)))
    }
    _keep_what_is_needed(wanted, kept, found)
    # What others need stays for that, quietly. Where nothing but its lock keeps it, that is told, and no rule opens it.
    alone = {digest: why for digest, why in locked.items() if kept.get(digest, _UNKNOWN).startswith(_UNKNOWN)}
    found.left_alone |= alone.keys()
    kept.update(alone)
    _keep_what_is_needed(wanted, kept, found)
    for digest in sorted(kept):
        if digest in alone or _is_named(matching[digest], digest):
            found.needed.add(digest)
            address, code = Address(found.live.name, digest=digest), "locked" if digest in alone else "needed"
            found.block(address, code, f"{wanted[digest]}, and {kept[digest]}")
    left = {digest: said for digest, said in wanted.items() if digest not in kept}
    if any(said.is_retention for said in left.values()):
        found.count_again(rules)
    ranks = _ranks(left, found.live.manifests)
    return {digest: Going(said, ranks[digest], by_age=said.is_retention) for digest, said in left.items()}


def _absent(matching: _Matching) -> dict[str, Absent]:
    wanted = ((digest, absent(rules)) for digest, rules in matching.items())
    return {digest: said for digest, said in wanted if said is not None}


def _outdated(matching: _Matching, found: Found) -> dict[str, Absent]:
    """What retention lets go: nothing that a rule locks; what is locked is told as that."""
    manifests = found.live.manifests
    counted = (digest for digest in matching if _takes_place(digest, matching, found))
    times = ((digest, _updated_ns(manifests[digest])) for digest in counted)
    going = let_go(times, lambda digest: [rule.keep for rule in matching[digest] if rule.keep], found.now_ns)
    return {
        digest: Absent(unlock=False, origin=keep.origin, is_retention=True)
        for digest, keep in going.items()
        if not is_locked_for_good(manifests[digest].document, matching[digest])
        and (not found.is_closed or is_locked(manifests[digest].document))
    }


def _takes_place(digest: str, matching: _Matching, found: Found) -> bool:
    """Retention counts it: it has no tag, and no rule decides otherwise whether it stays."""
    is_tagged = found.is_tagged(digest, found.live.manifests[digest])
    return not is_tagged and not is_decided(matching[digest])


def _updated_ns(manifest: LiveManifest) -> int | None:
    return None if manifest.updated is None else manifest.updated.ns


def _why_needed(digest: str, found: Found, standing: Mapping[str, Demand]) -> str:
    """What of the tags keeps a manifest; empty: nothing."""
    if found.is_tagged(digest, found.live.manifests[digest]):
        return "a tag points at it"
    if name := _tag_about(digest, found):
        return f"the tag {name} is about it"
    demand = standing.get(digest)
    return f"{demand.origin} protects it" if demand is not None and not demand.value else ""


def _why_unknown(digest: str, found: Found) -> str:
    """Why it is not known whether something needs a manifest; empty: it is."""
    manifest = found.live.manifests[digest]
    if found.live.incomplete or found.live.incomplete_manifests:
        return f"{_UNKNOWN}not everything that may need it was seen"
    if manifest.subject is None or manifest.referrers is None:
        return f"{_UNKNOWN}what it is about, or what is about it, could not be read"
    return ""


def _tag_about(digest: str, found: Found) -> str:
    """A tag that stays and is about a manifest by its name alone; empty: there is none."""
    return next((each for each in tags_about(digest) if each in found.live.tags and each not in found.gone), "")


def _keep_what_is_needed(wanted: Mapping[str, Absent], kept: dict[str, str], found: Found) -> None:
    """Let what stays keep its children, what it is about and what is about it, and so on."""
    manifests = found.live.manifests
    staying = [digest for digest in manifests if digest not in wanted or digest in kept]
    subject_of = _referring(wanted, manifests)
    staying += [digest for digest in subject_of if digest not in manifests]  # whoever hides has not gone
    staying.sort()  # which of several reasons is told depends on names alone
    while staying:
        digest = staying.pop()
        if _may_have_any_child(manifests.get(digest)):
            kept.update(dict.fromkeys(wanted.keys() - kept, f"{_UNKNOWN}the children of {digest}, which stays"))
            return
        for other, why in _needs(digest, manifests, subject_of):
            if other in wanted and other not in kept:
                kept[other] = why
                staying.append(other)


def _may_have_any_child(manifest: LiveManifest | None) -> bool:
    return manifest is not None and manifest.is_index and manifest.children is None


def _referring(wanted: Iterable[str], manifests: Mapping[str, LiveManifest]) -> dict[str, list[str]]:
    """For each manifest that is about others, which of the wanted ones these are."""
    about: dict[str, list[str]] = {}
    for digest in sorted(wanted):
        for referrer in manifests[digest].referrers or ():
            about.setdefault(referrer, []).append(digest)
    return about


def _needs(
    digest: str, manifests: Mapping[str, LiveManifest], subject_of: Mapping[str, list[str]]
) -> Iterable[tuple[str, str]]:
    manifest = manifests.get(digest)
    if manifest is not None:
        yield from ((child, f"it is a child of {digest}, which stays") for child in manifest.children or ())
        yield from ((each, f"it is about {digest}, which stays") for each in sorted(manifest.referrers or ()))
    yield from ((each, f"{digest} is about it, and stays") for each in subject_of.get(digest, ()))


def _is_named(rules: tuple[ManifestRule, ...], digest: str) -> bool:
    """Some rule that wants it absent spells its digest."""
    return any(rule.ensure and any(each.is_exact and each.text == digest for each in rule.match) for rule in rules)


def _ranks(going: Mapping[str, Absent], manifests: Mapping[str, LiveManifest]) -> dict[str, int]:
    """
    An index goes before its children, and a referrer before what it is about.

    A broken image is worse than one that is gone, and what refers to a manifest goes with it, also where it
    must not.
    """
    ranks = dict.fromkeys(going, FIRST_RANK)
    below = {digest: [each for each in manifests[digest].children or () if each in ranks] for digest in going}
    for digest in going:
        for referrer in manifests[digest].referrers or ():
            if referrer in ranks:
                below[referrer].append(digest)
    above = Counter(child for children in below.values() for child in children)
    ready = [digest for digest in going if not above[digest]]
    while ready:
        digest = ready.pop()
        for child in below[digest]:
            ranks[child] = max(ranks[child], ranks[digest] + 1)
            above[child] -= 1
            if not above[child]:
                ready.append(child)
    return ranks
