"""
What a change of a manifest rests on: that others need it no more, and that what the plan did before has come true.

A manifest is opened, or goes, because tags have moved or gone, and because an index or a
signature went before it. Where one of these ended otherwise, it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.apply.attempt import NEW_PLAN
from reconciler.apply.needed import Needs, needed_since
from reconciler.errors import ReconcilerError
from reconciler.events import Outcome
from reconciler.model.address import Address
from reconciler.planning.plan import Change, Plan, opens_manifest
from reconciler.registry.client import Client


class Resting:
    """What is known of that in a run."""

    def __init__(self, client: Client, concurrency: int) -> None:
        self._client = client
        self._concurrency = concurrency
        self._needs: dict[str, Needs | str] = {}  # by repository; a text: why it could not be read
        self._unmade: dict[str, Address] = {}  # by repository, a tag that was not moved or deleted as planned
        self._gone: set[Address] = set()

    async def look(self, changes: Iterable[Change], plan: Plan) -> None:
        """Before the first manifest of a repository goes, find out which of them something needs by now."""
        first = {change.address.repository for change in changes if _is_manifest_going(change)}
        going = _going(plan) if first - self._needs.keys() else {}
        for repository in sorted(first - self._needs.keys()):
            digests = going[repository]
            try:
                needs: Needs | str = await needed_since(
                    self._client, repository, digests, concurrency=self._concurrency
                )
            except ReconcilerError as error:
                needs = f"whether something needs it by now could not be read: {error}"
            self._needs[repository] = needs

    def note(self, outcome: Outcome) -> None:
        """Take note of how a change ended."""
        change, is_made = outcome.change, outcome.status == "verified"
        if is_made and change.action == "delete":
            self._gone.add(change.address)
        if not is_made and change.kind == "tag" and change.action in ("move", "delete"):
            self._unmade.setdefault(change.address.repository, change.address)

    def why_kept(self, change: Change) -> Outcome | None:
        """The outcome of a change that must not be tried; None: it may be."""
        if _is_manifest_going(change):
            return self._why_not_gone(change, self._needs[change.address.repository])
        unmade = self._unmade.get(change.address.repository)
        if unmade is not None and opens_manifest(change.address, change.after, change.attributes):
            why = f"{unmade} was not changed as planned, and may need it as it is"
            return Outcome(change, "not-attempted", why)
        return None

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


def _is_manifest_going(change: Change) -> bool:
    return change.kind == "manifest" and change.action == "delete"


def _going(plan: Plan) -> Mapping[str, set[str]]:
    """The digests that a plan deletes, by repository."""
    going: dict[str, set[str]] = {}
    for change in filter(_is_manifest_going, plan.changes):
        going.setdefault(change.address.repository, set()).add(change.address.digest)
    return going
