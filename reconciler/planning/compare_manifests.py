"""
Compare the manifests of one repository with what rules declare about them.

Two kinds of rules speak of a manifest: those about tags, which reach it from above,
and those about manifests. Where they meet, the stricter word on deleting stands; an
exception beats both. Which manifests go is decided in `unneeded`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, TAGGED, UPDATED, Value
from reconciler.model.desired import Declaration, ManifestRule, Origin
from reconciler.model.live import LiveManifest
from reconciler.model.matching import RepositoryRules, absent
from reconciler.planning.closure import Demand, spread
from reconciler.planning.found import Found
from reconciler.planning.plan import Unknown, Via
from reconciler.planning.remember import Alike, Pending
from reconciler.planning.repository_plan import Remark
from reconciler.planning.rules import Declared, declare, demand, values
from reconciler.planning.unneeded import Going, unneeded


def compare_manifests(rules: RepositoryRules, found: Found) -> None:
    """Find what is to be done about the manifests; what was found about the tags is known."""
    matching = _matching(rules, found)
    going: dict[str, Going] = {}
    if rules.deletes_manifests:
        closing = (each for each in found.demands if not each.value)
        going = unneeded(rules.manifest_rules, matching, spread(closing, found.live.manifests), found)
    of_indexes = _demands_of_indexes(matching)  # which need their children, whatever they demand, if they stay
    found.demands += [each for each in of_indexes if each.root not in going]  # what goes demands nothing
    standing = spread(found.demands, found.live.manifests)
    asked = standing if found.selection.is_everything else _asked(found)
    _note_what_is_not_there(asked, found)
    _note_named(rules, found)
    expected_of = _ByRulesAndDemand()
    for digest, manifest in found.live.manifests.items():
        address = Address(found.live.name, digest=digest)
        if digest in going:
            _delete(address, manifest, going[digest], found)
        elif digest in found.left_alone:
            found.managed += 1
            found.pending[address] = Pending({}, "", (), all_or_nothing=True)
        else:
            spoken, demanded = matching.get(digest, ()), standing.get(digest)
            expected = expected_of(spoken, demanded)
            if not found.selection.is_everything:
                whole = expected
                spoken, demanded = _selected(address, spoken, demanded, asked.get(digest), found)
                expected = expected_of(spoken, demanded)
                if whole.declared and not expected.declared:
                    found.unselected += 1
                    continue
            _compare(address, manifest, expected, demanded, found)
            found.unmanaged += rules.declares_manifests and not expected.declared and digest not in found.needed
    found.alike_manifests += [
        Alike(each.wanted, each.digests, [""] * len(each.digests)) for each in expected_of.all if each.digests
    ]


class _Expected:
    """What the same rules and the same demand declare about manifests, and which of these are so."""

    def __init__(self, rules: tuple[ManifestRule, ...], demanded: Demand | None) -> None:
        self.declared = declare_manifest(rules, demanded)
        self.wanted = values(self.declared)
        self.digests: list[str] = []


def _compare(
    address: Address, manifest: LiveManifest, expected: _Expected, demanded: Demand | None, found: Found
) -> None:
    if not expected.declared:
        found.managed += address.digest in found.needed
    elif expected.wanted.items() <= manifest.document.items():
        found.managed += 1
        expected.digests.append(address.digest)
    else:
        found.compare(address, manifest.document, expected.declared, _via(expected.declared, demanded, found))


def _asked(found: Found) -> dict[str, Demand]:
    """The demands of what is selected alone."""
    here = found.live.name
    return spread((each for each in found.demands if found.selects(each.source(here))), found.live.manifests)


def _selected(
    address: Address,
    spoken: tuple[ManifestRule, ...],
    demanded: Demand | None,
    asked: Demand | None,
    found: Found,
) -> tuple[tuple[ManifestRule, ...], Demand | None]:
    """Of what rules and tags want of a manifest, that which is asked for in this run."""
    selection = found.selection
    if selection.leaves_out(address):
        return (), None
    if selection.spells_out(address):
        return spoken, demanded
    if selection.selects(address):
        return spoken, asked
    # What reaches it with a tag; an exception about the manifest itself holds all the same.
    return tuple(rule for rule in spoken if rule.is_exception and asked is not None), asked


class _ByRulesAndDemand:
    """What is expected of a manifest; worked out once for each combination, of which there are few."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[ManifestRule, ...], tuple[bool, Origin] | None], _Expected] = {}

    def __call__(self, rules: tuple[ManifestRule, ...], demanded: Demand | None) -> _Expected:
        key = (rules, None if demanded is None else (demanded.value, demanded.origin))
        try:
            return self._known[key]
        except KeyError:
            expected = self._known[key] = _Expected(rules, demanded)
            return expected

    @property
    def all(self) -> Iterable[_Expected]:
        return self._known.values()


def _matching(rules: RepositoryRules, found: Found) -> dict[str, tuple[ManifestRule, ...]]:
    """The rules about manifests that speak of each one, as it will be when the tags are as planned."""
    if not rules.declares_manifests:
        return {}
    for_digest, matching = rules.for_digest, {}
    for digest, manifest in found.live.manifests.items():
        tagged = found.is_tagged(digest, manifest)
        selecting = (rule for rule in for_digest(digest) if rule.selects(tagged=tagged, media_type=manifest.media_type))
        matching[digest] = tuple(selecting)
    return matching


def _demands_of_indexes(matching: Mapping[str, tuple[ManifestRule, ...]]) -> list[Demand]:
    """What rules about indexes demand of their children."""
    demands = []
    for digest, rules in matching.items():
        said = demand(rules, declare(rules))
        if said is not None:
            demands.append(Demand(said.value is True, "", digest, said.origin))
    return demands


def declare_manifest(rules: Sequence[ManifestRule], demanded: Demand | None) -> Declared:
    """The declaration that stands for each attribute of a manifest, once rules and the demand had their say."""
    declared = dict(declare(rule for rule in rules if not rule.is_exception))
    own = declared.get(DELETE)
    if demanded is not None and (own is None or (own.value is True and not demanded.value)):
        declared[DELETE] = Declaration(DELETE, demanded.value, demanded.origin)
    declared.update(declare(rule for rule in rules if rule.is_exception))
    return declared


def _via(declared: Declared, demanded: Demand | None, found: Found) -> Via | None:
    """The tag that asks for it, where no rule about the manifest itself does."""
    if demanded is None or not demanded.tag or declared[DELETE].origin != demanded.origin:
        return None
    return Via(Address(found.live.name, tag=demanded.tag), demanded.root)


def _delete(address: Address, manifest: LiveManifest, going: Going, found: Found) -> None:
    conditions: dict[str, Value] = {TAGGED: False}
    if going.by_age and manifest.updated is not None:
        conditions[UPDATED] = manifest.updated.text
    found.delete(address, manifest.document, going.absent, conditions, going.rank)


def _note_named(rules: RepositoryRules, found: Found) -> None:
    """What is named, must not be there, and is not."""
    missing = set(found.live.missing_manifests)
    for digest in rules.exact_manifests:
        if digest in missing and absent(rules.for_digest(digest)) is not None:
            found.note_absent(Address(found.live.name, digest=digest))


def _note_what_is_not_there(standing: Mapping[str, Demand], found: Found) -> None:
    """What is to be protected and cannot be seen."""
    live = found.live
    for digest in sorted(standing.keys() - live.manifests.keys()):
        address = Address(live.name, digest=digest)
        if digest in live.unread_manifests:
            found.unknown.append(Unknown(address, live.unread_manifests[digest]))
            found.remarks.append(Remark("unread-child", address))
        elif digest in live.missing_manifests:
            found.remarks.append(Remark("missing-child", address))
    for digest, why in sorted(live.unread_manifests.items()):
        if digest not in standing:
            found.unknown.append(Unknown(Address(live.name, digest=digest), why))
    for digest in sorted(standing.keys() & live.manifests.keys()):
        if live.manifests[digest].is_index and live.manifests[digest].children is None:
            address = Address(live.name, digest=digest)
            found.unknown.append(Unknown(address, "its children could not be read"))
            found.remarks.append(Remark("unread-child", address))
