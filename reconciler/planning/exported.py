"""
The live state as rules that ask for just that: the way from a registry to a first file.

Each repository becomes one entry with its exact name, and each of its tags one too, with every
attribute that the registry reported. So planning them shows no change, and whatever somebody
changes afterwards shows as a change back. Where a tag points is left out unless it is asked
for: tags such as `latest` are there to move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from reconciler.model.address import Address
from reconciler.model.attributes import DELETE, DIGEST, REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES, Document
from reconciler.model.desired import Declaration, DesiredState, ManifestRule, Origin, RepositoryRule, TagRule, Target
from reconciler.model.live import LiveRepository
from reconciler.model.matching import RepositoryRules
from reconciler.model.pattern import EVERYTHING, REGEX_PREFIX, Pattern, compile_pattern
from reconciler.model.selection import Selection

Flags: TypeAlias = tuple[tuple[str, bool], ...]  # attributes as a registry reported them, always in the same order

HERE = Origin("export", 1, 1)
_ALL = compile_pattern(EVERYTHING)
_SOMETHING = (Declaration(DELETE, False, HERE),)  # noqa: FBT003 - that it is asked for is all that matters


def asked(selection: Selection, *, manifests: bool) -> DesiredState:
    """Rules that speak of all that is selected, for a refresh to read; with `manifests`, of these too."""
    targets = selection.targets or (Target(_ALL),)
    return DesiredState(None, tuple(_asked(target, manifests=manifests) for target in targets))


def exported(live: LiveRepository, selection: Selection, *, digests: bool) -> RepositoryRule:
    """
    The entry that asks for one repository, and for what is selected in it, as it is.

    Args:
        live: What a read showed.
        selection: What is meant.
        digests: Say where each tag points, too.
    """
    is_whole = selection.selects(Address(live.name))
    name = spelled(live.name)
    return RepositoryRule(
        (name,),
        (),
        _declarations(flags_of(live.document or {}, REPOSITORY_ATTRIBUTES)) if is_whole else (),
        tuple(_tags(live, selection, digests=digests and name.is_exact)),
        HERE,
        tuple(_manifests(live, selection)),
    )


def untold(rules: RepositoryRules, live: LiveRepository, *, digests: bool) -> Iterator[str]:
    """What an export lacks of this repository, and why, each as a text that begins with its address."""
    here = live.name
    if live.unread:
        yield f"{here}: {live.unread.removeprefix(f'{here}: ')}"
    if live.missing and rules.named_exactly:
        yield f"{here}: the registry does not hold it"
    elif rules.named_exactly:
        yield from (f"{here}:{tag}: the registry does not hold it" for tag in sorted(live.missing_tags))
        exact = set(rules.exact_manifests).intersection(live.missing_manifests)
        yield from (f"{here}@{digest}: the registry does not hold it" for digest in sorted(exact))
    if live.incomplete:
        yield f"{here}: {live.incomplete}"
    if live.incomplete_manifests:
        yield f"{here}: {live.incomplete_manifests}"
    yield from (f"{here}@{digest}: {why}" for digest, why in sorted(live.unread_manifests.items()))
    if digests and live.tags and not spelled(here).is_exact:
        yield f"{here}: looks like the name of a registry, so no file can say where its tags point"


def flags_of(document: Document, names: Sequence[str]) -> Flags:
    """The attributes among `names` that the registry reported, in that order."""
    return tuple((name, document[name] is True) for name in names if name in document)


def spelled(name: str) -> Pattern:
    """
    The pattern that matches the repository `name` and no other.

    Files refuse a name that begins like a registry's own, because that is nearly always a
    mistake; as a regular expression they take it.
    """
    if ".azurecr." in name:
        return compile_pattern(REGEX_PREFIX + name.replace(".", r"\."))
    return Pattern(name)


def _asked(target: Target, *, manifests: bool) -> RepositoryRule:
    match = (target.repository,)
    if target.tag is not None:
        return RepositoryRule(match, (), (), (TagRule((target.tag,), (), _SOMETHING, HERE),), HERE)
    if target.digest is not None:
        some = ManifestRule((target.digest,), (), _SOMETHING, HERE)
        return RepositoryRule(match, (), (), (), HERE, (some,))
    all_manifests = (ManifestRule((_ALL,), (), _SOMETHING, HERE),) if manifests else ()
    return RepositoryRule(match, (), _SOMETHING, (TagRule((_ALL,), (), _SOMETHING, HERE),), HERE, all_manifests)


def _tags(live: LiveRepository, selection: Selection, *, digests: bool) -> Iterator[TagRule]:
    for name in sorted(live.tags):
        if selection.is_everything or selection.selects(Address(live.name, tag=name)):
            document = live.tags[name]
            said = _declarations(flags_of(document, TAG_ATTRIBUTES))
            pin = Declaration(DIGEST, str(document[DIGEST]), HERE) if digests else None
            if said or pin:
                yield TagRule((Pattern(name),), (), said, HERE, digest=pin)


def _manifests(live: LiveRepository, selection: Selection) -> Iterator[ManifestRule]:
    """Those with an attribute that is off, and those that are selected for themselves."""
    for digest, manifest in sorted(live.manifests.items()):
        address = Address(live.name, digest=digest)
        flags = flags_of(manifest.document, TAG_ATTRIBUTES)
        is_told = not all(value for _, value in flags) or selection.spells_out(address)
        if flags and is_told and selection.selects(address):
            yield ManifestRule((Pattern(digest),), (), _declarations(flags), HERE)


@lru_cache(maxsize=256)
def _declarations(flags: Flags) -> tuple[Declaration, ...]:
    return tuple(Declaration(name, value, HERE) for name, value in flags)
