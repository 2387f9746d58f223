"""
Read the tags of one repository that its rules talk about.

A list leaves out what is hidden (`listEnabled: false`), and can lack more than that. So
a tag that a rule names, or that was there when the rules were last applied, is asked
for by its name where the list does not show it. Of the remembered ones that is spared
where the registry's own count says that nothing is missing from the list: unless the
tag was locked, and whoever deleted it must have unlocked it first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing

import attrs

from reconciler.errors import NotFoundError
from reconciler.model.address import Address, is_tag_name
from reconciler.model.attributes import LIST, Document
from reconciler.model.last_applied import Remembered
from reconciler.model.live import Moment
from reconciler.model.matching import RepositoryRules
from reconciler.registry.client import Client
from reconciler.registry.listing import counted, twice
from reconciler.registry.resources import Repository, Tag
from reconciler.registry.timestamps import nanoseconds

_FEW = 16  # names that are cheaper to ask for one by one than by reading on in a list of unknown length
_PAIR = 2  # names that cost no more than the two counts that would spare asking for them
_HIDDEN = "a tag that the list leaves out, such as a hidden one (listEnabled false), is read where a rule names it"
# A proxy's 404 is no proof. Source: recordings test_delete_tag_does_not_exist, test_get_misspell_property.
_UNKNOWN_CODE = "TAG_UNKNOWN"


@attrs.frozen
class Seen:
    """What a read of the tags showed."""

    tags: Mapping[str, Document]
    missing: tuple[str, ...] = ()  # exact names for which a GET said that there is none
    gone: tuple[str, ...] = ()  # remembered names for which a GET said the same
    incomplete: str = ""
    times: Mapping[str, Moment] = attrs.field(factory=dict)  # when each was updated; only where rules ask for it


class TagReader:
    """Reads the tags of one repository; to be used once."""

    def __init__(self, client: Client, name: str, rules: RepositoryRules, remembered: Mapping[str, Remembered]) -> None:
        self._client = client
        self._name = name
        self._rules = rules
        self._remembered = remembered
        self._absent: set[str] = set()  # names for which a GET said that there is none
        self._needs_times = rules.needs_times
        self._updated: dict[str, str] = {}  # when each tag was, as sent; only where that is needed

    async def read(self, repository: Repository | None) -> Seen:
        """The tags; `repository` is what was read of the repository itself, if it was."""
        if self._rules.needs_all_tags or self._rules.may_go:
            tags, incomplete = await self._counted(repository)
        else:
            tags, incomplete = await self._named(repository), ""
        absent = self._absent - tags.keys()
        missing = tuple(name for name in self._rules.exact_tags if name in absent)
        gone = tuple(name for name in self._remembered if name in absent)
        return Seen(tags, missing, gone, incomplete, self._times(tags))

    def _times(self, tags: Mapping[str, Document]) -> Mapping[str, Moment]:
        """When each was updated; what cannot be understood is left out."""
        parsed = ((name, text, nanoseconds(text)) for name, text in self._updated.items() if name in tags)
        return {name: Moment(text, ns) for name, text, ns in parsed if ns is not None}

    def _documents(self, tags: list[Tag]) -> Iterable[tuple[str, Document]]:
        if self._needs_times:
            self._updated.update((tag.name, tag.updated) for tag in tags)
        return ((tag.name, tag.document) for tag in tags)

    async def _named(self, repository: Repository | None) -> Mapping[str, Document]:
        """Just the names that rules give."""
        names = self._rules.exact_tags
        is_by_pattern = len(names) > _PAIR and not self._rules.named_exactly
        before = repository or (await self._client.repository(self._name) if is_by_pattern else None)
        tags, is_whole = await twice(self._until_few_are_left) if len(names) > 1 else ({}, False)
        if is_whole and before is not None and is_by_pattern and any(name not in tags for name in names):
            # Rules for many repositories name what most of them lack. Where nothing is hidden, the counts before and
            # after the list tell that.
            after = await self._client.repository(self._name)
            if before.tag_count == len(tags) == after.tag_count:
                return await self._by_name((name for name in names if name in self._remembered), tags)
        return await self._by_name(names, tags)

    async def _counted(self, repository: Repository | None) -> tuple[Mapping[str, Document], str]:
        """All tags, as far as the list and the names that are known show them, and why these may not be all."""
        is_named = self._rules.named_exactly
        look = self._listed_and_named if is_named else self._listed_and_watched
        tags, why = await counted(self._client, self._name, look, _tag_count, before=repository)
        if why and (self._remembered or (self._rules.exact_tag_count and not is_named)):
            # What the list leaves out may be what rules name, or what was there before.
            tags, why = await counted(self._client, self._name, self._listed_and_known, _tag_count)
        return tags, f"of its tags {why}; {_HIDDEN}" if why else ""

    async def _listed(self) -> Mapping[str, Document]:
        tags: dict[str, Document] = {}
        async with aclosing(self._client.tags(self._name)) as pages:
            async for page, _ in pages:
                tags.update(self._documents(page))
        return tags

    async def _listed_and_watched(self) -> Mapping[str, Document]:
        tags = await self._listed()
        return await self._by_name(self._watched(tags), tags)

    async def _listed_and_named(self) -> Mapping[str, Document]:
        tags = await self._listed()
        return await self._by_name([*self._rules.exact_tags, *self._watched(tags)], tags)

    async def _listed_and_known(self) -> Mapping[str, Document]:
        tags = await self._listed()
        return await self._by_name([*self._rules.exact_tags, *self._unlisted(tags)], tags)

    def _watched(self, listed: Mapping[str, Document]) -> list[str]:
        """Remembered names of which the list alone does not tell enough."""
        unlisted, known = self._unlisted(listed), self._remembered
        return [name for name in unlisted if known[name].was_locked or LIST in known[name].attributes]

    def _unlisted(self, listed: Mapping[str, Document]) -> list[str]:
        """Remembered names that the list does not show, and of which rules still speak."""
        rules_for = self._rules.for_tag
        return [name for name in self._remembered if name not in listed and is_tag_name(name) and rules_for(name)]

    async def _until_few_are_left(self) -> tuple[Mapping[str, Document], bool]:
        """Read on in the list while that takes fewer requests than asking by name; and whether it was all of it."""
        tags: dict[str, Document] = {}
        async with aclosing(self._client.tags(self._name)) as pages:
            async for page, has_next in pages:
                tags.update(self._documents(page))
                if has_next and sum(name not in tags for name in self._rules.exact_tags) <= _FEW:
                    return tags, False
        return tags, True

    async def _by_name(self, names: Iterable[str], seen: Mapping[str, Document]) -> Mapping[str, Document]:
        """`seen`, and of `names` what it lacks, each read by its name."""
        unseen = [name for name in dict.fromkeys(names) if name not in seen]
        found = dict(seen)
        for start in range(0, len(unseen), _FEW):
            some = unseen[start : start + _FEW]
            documents = await asyncio.gather(*map(self._tag, some))
            self._absent.update(name for name, document in zip(some, documents, strict=True) if document is None)
            found.update((name, known) for name, known in zip(some, documents, strict=True) if known is not None)
        return found

    async def _tag(self, name: str) -> Document | None:
        """The document; None where the registry says in its own words that it does not hold it."""
        try:
            tag = await self._client.tag(Address(self._name, tag=name))
        except NotFoundError as error:
            if error.code != _UNKNOWN_CODE:
                raise
            return None
        return dict(self._documents([tag]))[name]


def _tag_count(repository: Repository) -> int | None:
    return repository.tag_count
