"""
Which manifests have to stay locked, because something that is locked needs them.

A tag is as safe as the manifest that it points at, and an index as safe as its children.
Rules see to that for what they speak of; whoever opens a manifest without asking the
rules has to look at the tags and at the indexes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import attrs

from reconciler.model.attributes import DIGEST, is_locked
from reconciler.model.live import LiveRepository


@attrs.frozen
class Held:
    """What is held in one repository."""

    whys: Mapping[str, str]  # by digest: who needs it
    unread: str = ""  # why more may be held than this; empty: it is all

    def why(self, digest: str) -> str:
        """Why a manifest must not be opened; empty: nothing holds it."""
        if digest in self.whys:
            return self.whys[digest]
        return f"what needs it is not known: {self.unread}" if self.unread else ""


def held(live: LiveRepository) -> Held:
    """What is held by the tags and indexes that are locked in a repository; `live` is how it will be."""
    tags = {name: str(live.tags[name].get(DIGEST, "")) for name in sorted(live.tags) if is_locked(live.tags[name])}
    indexes = [digest for digest, each in sorted(live.manifests.items()) if each.is_index and is_locked(each.document)]
    whys: dict[str, str] = {}
    for name, root in tags.items():
        whys.setdefault(root, f"{name} is locked and points at it")
    for name, root in tags.items():
        _hold_below(root, f"{name} is locked and points at an index that it is part of", live, whys)
    for root in indexes:
        _hold_below(root, f"it is part of the index {root}, which is locked", live, whys)
    unread = live.unread or live.incomplete or live.incomplete_manifests
    return Held(whys, unread or _unread_below(live, {*whys, *indexes}))


def _hold_below(root: str, why: str, live: LiveRepository, whys: dict[str, str]) -> None:
    """Add what is below `root` and is not held yet; what is held has been gone through, or is a root itself."""
    waiting = [root]
    while waiting:
        known = live.manifests.get(waiting.pop())
        below = [child for child in (known.children or () if known else ()) if child not in whys]
        whys.update(dict.fromkeys(below, why))
        waiting += below


def _unread_below(live: LiveRepository, digests: Collection[str]) -> str:
    for digest in sorted(digests):
        known = live.manifests.get(digest)
        if digest in live.unread_manifests:
            return live.unread_manifests[digest]
        if known is not None and known.is_index and known.children is None:
            return f"{live.name}@{digest}: its children could not be read"
    return ""
