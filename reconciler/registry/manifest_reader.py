"""
Read the manifests of one repository that its rules talk about, or that tags stand for.

A tag is as safe as its manifest and, where that is an index, as all that is below it; so
where rules protect tags, all of that is read. Where rules may delete manifests, much more
matters: every index, because a child of it has no tag of its own, and for what may go
whether something is about it. None of it is asked for where no rule can do anything with
the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import attrs

from reconciler.model.attributes import DIGEST, Document
from reconciler.model.desired import ManifestRule, TagRule
from reconciler.model.last_applied import RememberedRepository
from reconciler.model.live import LiveManifest, Moment
from reconciler.model.matching import RepositoryRules, absent
from reconciler.registry.candidates import candidates, without_what_stays
from reconciler.registry.client import Client
from reconciler.registry.manifests_known import ManifestsKnown
from reconciler.registry.relations import Relations, relations
from reconciler.registry.resources import Manifest, Repository
from reconciler.registry.tag_reader import Seen
from reconciler.registry.timestamps import nanoseconds

_HIDDEN = "a manifest that the list leaves out, such as a hidden one (listEnabled false), is read where a rule names it"


@attrs.frozen
class SeenManifests:
    """What a read of the manifests showed."""

    manifests: Mapping[str, LiveManifest] = attrs.field(factory=dict)
    missing: tuple[str, ...] = ()  # digests for which a GET said that there is none
    unread: Mapping[str, str] = attrs.field(factory=dict)  # digests, and why; of an index perhaps only its children
    incomplete: str = ""


def needs_all_manifests(rules: RepositoryRules) -> bool:
    """What the rules mean can only be known from the list of all manifests."""
    return rules.may_go or rules.has_manifest_wildcards or rules.deletes_manifests


def needs_repository(rules: RepositoryRules) -> bool:
    """It matters how many manifests there are, or whether they are lost with the repository as a whole."""
    return needs_all_manifests(rules) or any(rule.closes for rule in rules.tag_rules)


class ManifestReader:
    """Reads the manifests of one repository; to be used once."""

    def __init__(
        self,
        client: Client,
        name: str,
        rules: RepositoryRules,
        repository: Repository | None,
        *,
        now_ns: int | None,
        remembered: RememberedRepository | None = None,
    ) -> None:
        """
        Nothing is asked yet.

        Args:
            client: Where to ask.
            name: Of the repository.
            rules: Those that speak of it.
            repository: What was read of the repository itself, if it was.
            now_ns: The moment of the run, in nanoseconds since 1970; None: it decides nothing.
            remembered: What is, to be read by its digest where a list leaves it out.
        """
        self._client = client
        self._name = name
        self._rules = rules
        self._repository = repository
        self._now_ns = now_ns
        count = repository.manifest_count if repository else None
        self._remembered = remembered or RememberedRepository()
        self._known = ManifestsKnown(client, name, count, self._remembered.children)
        self._why = ""  # there may be manifests that were not seen
        self._counted = 0  # manifests that were found when that was told

    async def read(self, tags: Seen) -> SeenManifests:
        """The manifests, for a repository with these tags."""
        reached = _reached(self._rules, tags)
        needed = {*reached, *self._rules.exact_manifests}
        closing = [digest for digest, closes in reached.items() if closes]
        if needs_all_manifests(self._rules):
            await self._read_all([*reached, *(str(document[DIGEST]) for document in tags.tags.values())])
        else:
            await self._known.read(sorted(needed), closing=closing)
        related: Mapping[str, Relations] = {}
        if absent(self._rules.rules) is None:  # otherwise it goes with all that is in it
            may_go = self._candidates(tags)
            # Whatever index stays keeps what it stands for, so all of them matter where something may go.
            below = self._known.found if may_go else self._protected()
            needed |= await self._known.descend([*closing, *below])
            await self._count_again()
            related = await self._relations(may_go)
        return self._seen(needed, related)

    async def _read_all(self, tagged: Collection[str]) -> None:
        """Find all, as far as the list shows them and what is known to be there."""
        exact = self._rules.exact_manifests
        is_named = self._rules.named_exactly
        known = (*tagged, *(exact if is_named else ()), *self._remembered.manifests)
        self._why = await self._known.read_all(self._repository, known)
        self._counted = len(self._known.found)
        if self._why and not is_named:  # what the list leaves out may be what rules for many repositories name
            await self._known.ask(digest for digest in exact if digest not in self._known.found)
            await self._count_again()

    async def _count_again(self) -> None:
        """Where more was found than the list and its count explained, that may have been all that was missing."""
        found = len(self._known.found)
        if self._why and found != self._counted:
            count = (await self._client.repository(self._name)).manifest_count
            is_explained = count in (None, found)
            self._why = "" if is_explained else f"{found:,} were found and the registry counts {count:,}"
            self._counted = found

    def _protected(self) -> list[str]:
        """The digests that some rule about manifests protects, and so what is below them."""
        if not any(rule.protect for rule in self._rules.manifest_rules):
            return []
        for_digest = self._rules.for_digest
        return [
            digest
            for digest, manifest in self._known.found.items()
            if any(_protects(rule, manifest.media_type) for rule in for_digest(digest))
        ]

    def _candidates(self, tags: Seen) -> set[str]:
        if not self._rules.deletes_manifests or tags.incomplete:  # who cannot see all tags deletes no manifest
            return set()
        return candidates(self._rules, tags.tags, tags.times, self._known.found, self._now_ns)

    async def _relations(self, may_go: set[str]) -> Mapping[str, Relations]:
        """What is about whom, of what may go once all is known that keeps it."""
        if not may_go or self._why:
            return {}
        found = self._known.found
        left = without_what_stays(may_go, found, self._known.children)
        left |= may_go.intersection(self._rules.exact_manifests)  # who names one is told what keeps it
        return await relations(self._client, self._name, sorted(left & found.keys()))

    def _seen(self, needed: Collection[str], related: Mapping[str, Relations]) -> SeenManifests:
        known = self._known
        digests = sorted(known.found if needs_all_manifests(self._rules) else known.found.keys() & needed)
        about = _about(related)
        manifests = {
            digest: _live(known.found[digest], known.children(digest), related.get(digest), about.get(digest, ()))
            for digest in digests
        }
        why = f"of its manifests {self._why}; {_HIDDEN}" if self._why else ""
        return SeenManifests(manifests, tuple(sorted(known.missing)), dict(sorted(known.unread.items())), why)


def _protects(rule: ManifestRule, media_type: str) -> bool:
    """It protects such manifests, with a tag or without one."""
    return rule.protect is not None and any(rule.selects(tagged=each, media_type=media_type) for each in (True, False))


def _reached(rules: RepositoryRules, seen: Seen) -> dict[str, bool]:
    """The digests that tags point at or shall, as far as rules need them, and whether what is below them is needed."""
    if not any(rule.closes or rule.digest for rule in rules.tag_rules):
        return {}
    reached: dict[str, bool] = {}
    for_tag = rules.for_tag
    for name in (*seen.tags, *seen.missing, *seen.gone):
        matching, document = for_tag(name), seen.tags.get(name, {})
        for digest, closes in _reached_by(matching, document):
            reached[digest] = closes or reached.get(digest, False)
    return reached


def _reached_by(matching: tuple[TagRule, ...], document: Document) -> Iterator[tuple[str, bool]]:
    """The same for one tag, by the rules that match it; without a document it is not there."""
    closes = any(rule.closes for rule in matching)
    pins = [str(rule.digest.value) for rule in matching if rule.digest is not None]
    if not (closes or pins) or absent(matching) is not None:
        return
    if closes and document:
        yield str(document[DIGEST]), True
    if pins and pins[-1] != document.get(DIGEST):
        yield pins[-1], closes


def _about(related: Mapping[str, Relations]) -> Mapping[str, Sequence[str]]:
    """Which of those manifests are about which other."""
    about: dict[str, list[str]] = {}
    for digest, each in related.items():
        if each.subject:
            about.setdefault(each.subject, []).append(digest)
    return about


def _live(
    manifest: Manifest, children: tuple[str, ...] | None, related: Relations | None, about: Sequence[str]
) -> LiveManifest:
    """A manifest as it is handed on; `about` are those that name it as their subject, as far as they told."""
    told = related.referrers if related else None
    referrers = None if told is None and not about else tuple(sorted({*(told or ()), *about}))
    return LiveManifest(
        manifest.document,
        manifest.media_type,
        updated=_moment(manifest.updated),
        children=children,
        subject=related.subject if related else None,
        referrers=referrers,
        tags=manifest.tags,
    )


def _moment(text: str) -> Moment | None:
    at_ns = nanoseconds(text)
    return None if at_ns is None else Moment(text, at_ns)
