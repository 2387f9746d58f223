"""
What a delete, or the opening of a manifest, rests on beside the resource itself.

A manifest is opened, or goes, because tags have moved or gone, because an index or a
signature went before it, and because nothing else needs it. A tag that retention lets go
goes because there are newer ones. Where that is not so any more, it stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from reconciler.apply.attempt import NEW_PLAN
from reconciler.apply.needed import Needs, needed_since
from reconciler.apply.newest import newest
from reconciler.errors import ReconcilerError
from reconciler.events import Outcome
from reconciler.model.address import Address, Kind, is_digest
from reconciler.model.attributes import UPDATED, Document, is_locked
from reconciler.model.live import tags_about
from reconciler.planning.plan import Change, Plan, opens_manifest
from reconciler.registry.client import Client

Children: TypeAlias = Callable[[str], Mapping[str, tuple[str, ...]]]  # of the indexes of a repository, by its name


class Resting:
    """What is known of that in a run."""

    def __init__(self, client: Client, concurrency: int, children: Children) -> None:
        self._client = client
        self._concurrency = concurrency
        self._children = children
        self._needs: dict[str, Needs | str] = {}  # by repository; a text: why it could not be read
        self._newest: dict[tuple[str, Kind], Mapping[str, str] | str] = {}  # by repository and kind; a text: unread
        self._unmade: dict[str, Address] = {}  # by repository, a tag that was not moved or deleted as planned
        self._tags_going: set[Address] = set()
        self._unchanged: set[Address] = set()  # tags that were not changed as planned
        self._gone: set[Address] = set()

    async def look(self, changes: Sequence[Change], plan: Plan) -> None:
        """Before the first of a repository go, find out which of them are needed, or the newest, by now."""
        aged = {(change.address.repository, change.kind) for change in changes if _is_by_age(change)}
        for repository, kind in sorted(aged - self._newest.keys()):
            kept = [each for each in plan.retention if (each.address.repository, each.kind) == (repository, kind)]
            try:
                self._newest[repository, kind] = await newest(self._client, kept) if kept else {}
            except ReconcilerError as error:
                self._newest[repository, kind] = f"which are the newest by now could not be read: {error}"
        self._tags_going |= {each.address for each in changes if each.address.tag and each.action == "delete"}
        first = {change.address.repository for change in changes if _is_manifest_going(change)}
        going = _going(plan) if first - self._needs.keys() else {}
        for repository in sorted(first - self._needs.keys()):
            digests = going[repository]
            try:
                needs: Needs | str = await needed_since(
                    self._client,
                    repository,
                    digests,
                    concurrency=self._concurrency,
                    children=self._children(repository),
                )
            except ReconcilerError as error:
                needs = f"whether something needs it by now could not be read: {error}"
            self._needs[repository] = needs

    def note(self, outcome: Outcome) -> None:
        """Take note of how a change ended."""
        change, is_made = outcome.change, outcome.status == "verified"
        if is_made and change.action == "delete":
            self._gone.add(change.address)
        if not is_made and change.kind == "tag":
            self._unchanged.add(change.address)
            if change.action in ("move", "delete"):
                self._unmade.setdefault(change.address.repository, change.address)

    async def why_kept(self, change: Change) -> Outcome | None:
        """The outcome of a change that must not be tried; None: it may be."""
        if _is_by_age(change) and (kept := self._why_newest(change) or await self._why_about(change)):
            return kept
        if _is_manifest_going(change):
            return self._why_not_gone(change, self._needs[change.address.repository])
        if opens_manifest(change.address, change.after, change.attributes):
            return await self._why_not_opened(change)
        return None

    async def _why_not_opened(self, change: Change) -> Outcome | None:
        """A tag did not become what the plan makes of it, or a locked one points there of which it knows nothing."""
        above = change.via.address if change.via else None
        unmade = above if above in self._unchanged else self._unmade.get(change.address.repository)
        if unmade is not None:
            return Outcome(change, "not-attempted", f"{unmade} was not changed as planned, and may need it as it is")
        try:
            tags = await self._tags_at(change.address)
        except ReconcilerError as error:
            return Outcome(change, "failed", f"which tags point at it could not be read: {error}")
        locked = next((name for name, it in tags.items() if is_locked(it) and name not in change.tags), "")
        return Outcome(change, "stale", f"the tag {locked} is locked and points at it. {NEW_PLAN}") if locked else None

    async def _tags_at(self, address: Address) -> Mapping[str, Document]:
        """The tags at a manifest: those of the list, and those that only the manifest itself names."""
        found = {tag.name: tag.document for tag in await self._client.tags_at(address.repository, address.digest)}
        for name in (await self._client.look(address)).tags:
            if name not in found:
                found[name] = (await self._client.look(Address(address.repository, tag=name))).document or {}
        return found

    def _why_newest(self, change: Change) -> Outcome | None:
        known = self._newest[change.address.repository, change.kind]
        if isinstance(known, str):
            return Outcome(change, "failed", known)
        why = known.get(change.address.tag or change.address.digest)
        return Outcome(change, "stale", f"{why}. {NEW_PLAN}") if why else None

    async def _why_about(self, change: Change) -> Outcome | None:
        """A tag that retention lets go is about a manifest, by its name, that a tag which stays points at by now."""
        address, digest = change.address, _is_about(change.address.tag)
        if not digest:
            return None
        try:
            names = [tag.name for tag in await self._client.tags_at(address.repository, digest)]
        except ReconcilerError as error:
            return Outcome(change, "failed", f"which tags point at what it is about could not be read: {error}")
        stays = next((name for name in names if Address(address.repository, tag=name) not in self._tags_going), "")
        return Outcome(change, "stale", f"it is about what the tag {stays} points at. {NEW_PLAN}") if stays else None

    def _why_not_gone(self, change: Change, needs: Needs | str) -> Outcome | None:
        address = change.address
        if isinstance(needs, str):
            return Outcome(change, "failed", needs)
        if why := needs.by_others.get(address.digest):
            return Outcome(change, "stale", f"{why} by now. {NEW_PLAN}")
        for digest in sorted(needs.by_going.get(address.digest, ())):
            if Address(address.repository, digest=digest) not in self._gone:
                return Outcome(change, "not-attempted", f"{digest} needs it, and is still there")
        return None


def _is_by_age(change: Change) -> bool:
    """Retention lets it go: it goes by when it was updated."""
    return change.action == "delete" and UPDATED in change.before


def _is_manifest_going(change: Change) -> bool:
    return change.kind == "manifest" and change.action == "delete"


def _going(plan: Plan) -> Mapping[str, dict[str, Document]]:
    """The digests that a plan deletes, by repository, each with what that rests on."""
    going: dict[str, dict[str, Document]] = {}
    for change in filter(_is_manifest_going, plan.changes):
        going.setdefault(change.address.repository, {})[change.address.digest] = change.before
    return going


def _is_about(name: str) -> str:
    """The digest that a tag is about by its name; empty: none."""
    digest = name.split(".", maxsplit=1)[0].replace("-", ":", 1)
    return digest if is_digest(digest) and name in tags_about(digest) else ""
