"""
Which manifests have to stay locked, because a tag that is locked points at them.

A tag is as safe as the manifest that it points at. Rules see to that for what they
speak of; whoever opens a manifest without asking the rules has to look at the tags.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from reconciler.model.attributes import DIGEST, Document, is_locked
from reconciler.model.live import LiveRepository


@attrs.frozen
class Held:
    """What is held in one repository."""

    by: Mapping[str, str]  # by digest: the name of the tag that holds it
    roots: frozenset[str]  # the digests that such a tag points at itself
    unread: str = ""  # why more may be held than this; empty: it is all

    def why(self, digest: str) -> str:
        """Why a manifest must not be opened; empty: nothing holds it."""
        if digest in self.by:
            how = "points at it" if digest in self.roots else "points at an index that it is part of"
            return f"{self.by[digest]} is locked and {how}"
        return f"which tags need it is not known: {self.unread}" if self.unread else ""


def held(live: LiveRepository, tags: Mapping[str, Document]) -> Held:
    """
    What locked tags hold.

    Args:
        live: What is known of the repository.
        tags: Its tags, as they will be.
    """
    locked = {name: str(tags[name].get(DIGEST, "")) for name in sorted(tags) if is_locked(tags[name])}
    by: dict[str, str] = {}
    for name, root in locked.items():
        waiting = [root]
        while waiting:
            digest = waiting.pop()
            if digest not in by:
                by[digest] = name
                known = live.manifests.get(digest)
                waiting += known.children or () if known else ()
    by |= {root: name for name, root in reversed(locked.items())}
    return Held(by, frozenset(locked.values()), live.unread or live.incomplete or _unread_below(live, by))


def _unread_below(live: LiveRepository, by: Mapping[str, str]) -> str:
    for digest in sorted(by):
        known = live.manifests.get(digest)
        if digest in live.unread_manifests:
            return live.unread_manifests[digest]
        if known is not None and known.is_index and known.children is None:
            return f"{live.name}@{digest}: its children could not be read"
    return ""
