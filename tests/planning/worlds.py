"""
A registry as a value, for properties that need one that changes.

It does to itself what a registry does when changes are carried out, in the order in
which they are: what is created is open, a manifest takes its tags along, a locked
thing refuses. Nothing here knows how plans are made.
"""

from __future__ import annotations

import attrs
from builders import IMAGE, INDEX, LOCKED, OPEN, digest
from hypothesis import strategies as st

from reconciler.model.live import LiveManifest, LiveRepository, Moment
from reconciler.planning.plan import Change, Plan

DAY_NS = 24 * 3600 * 10**9
NOW_NS = 100 * DAY_NS
DIGESTS = tuple(digest(letter) for letter in "abcdef")
TAGS = ("v1", "v2", "latest", "pr-1", "pr-2")


class RefusedError(AssertionError):
    """The registry would not do that."""


@attrs.define
class World:
    """One repository."""

    document: dict[str, object]
    tags: dict[str, dict[str, object]]
    manifests: dict[str, LiveManifest]
    times: dict[str, int]

    def read(self, *, names: tuple[str, ...] = TAGS) -> LiveRepository:
        """All of it, as a faithful read shows it."""
        referrers = {
            each: tuple(other for other, known in self.manifests.items() if known.subject == each)
            for each in self.manifests
        }
        pointing = {each: tuple(n for n, t in self.tags.items() if t["digest"] == each) for each in self.manifests}
        return LiveRepository(
            "app",
            dict(self.document),
            {name: dict(document) for name, document in self.tags.items()},
            missing_tags=tuple(name for name in names if name not in self.tags),
            tag_times={name: Moment(f"at {at}", at) for name, at in self.times.items() if name in self.tags},
            manifests={
                each: attrs.evolve(known, referrers=referrers[each], tags=pointing[each])
                for each, known in self.manifests.items()
            },
            missing_manifests=tuple(each for each in DIGESTS if each not in self.manifests),
            tag_count=len(self.tags),
            manifest_count=len(self.manifests),
        )

    def carry_out(self, plan: Plan) -> None:
        """Make all changes, with the unlocks that were announced for those that need them."""
        unlocked = {unlock.address for unlock in plan.unlocks}
        for change in sorted(plan.changes, key=lambda each: (each.stage, each.rank, each.address.order)):
            self._make(change, is_open=change.address in unlocked, is_repository_open=_around(change) in unlocked)

    def _make(self, change: Change, *, is_open: bool, is_repository_open: bool) -> None:
        if change.address.kind != "repository" and not self.document["writeEnabled"] and not is_repository_open:
            raise RefusedError(f"{change.address}: the repository is locked")
        if change.action == "delete":
            self._delete(change, is_open=is_open)
        elif change.address.kind == "repository":
            self.document.update(change.after)
        elif change.address.kind == "manifest":
            known = self.manifests[change.address.digest]
            if change.after.get("tagged") is False and self.is_tagged(change.address.digest):
                raise RefusedError(f"{change.address}: a tag points at it")
            flags = {name: value for name, value in change.after.items() if name != "tagged"}
            self.manifests[change.address.digest] = attrs.evolve(known, document={**known.document, **flags})
        else:
            self._put_tag(change, is_open=is_open)

    def _put_tag(self, change: Change, *, is_open: bool) -> None:
        name = change.address.tag
        old = self.tags.get(name, {"digest": "", **OPEN})
        moves = old["digest"] != change.after["digest"]
        if moves and change.after["digest"] not in self.manifests:
            raise RefusedError(f"{change.address}: there is no such manifest")
        if moves and not (old["writeEnabled"] or is_open or change.after.get("writeEnabled")):
            raise RefusedError(f"{change.address}: it is locked")
        self.times[name] = NOW_NS if moves else self.times.get(name, NOW_NS)
        self.tags[name] = {**old, **change.after}

    def _delete(self, change: Change, *, is_open: bool) -> None:
        address = change.address
        if address.tag:
            self._require(self.tags[address.tag], is_open, change)
            del self.tags[address.tag]
            return
        known = self.manifests[address.digest]
        self._require(known.document, is_open, change)
        if self.is_tagged(address.digest):
            raise RefusedError(f"{address}: a tag points at it")
        for parent, other in self.manifests.items():
            if address.digest in (other.children or ()):
                raise RefusedError(f"{address}: it is a child of {parent}, which is there")
            if other.subject == address.digest:
                raise RefusedError(f"{address}: {parent} is about it, and would go with it")
        del self.manifests[address.digest]

    def is_tagged(self, each: str) -> bool:
        """Some tag points at it."""
        return any(document["digest"] == each for document in self.tags.values())

    def _require(self, document, is_open: bool, change: Change) -> None:
        if not is_open and not (document["deleteEnabled"] and document["writeEnabled"]):
            raise RefusedError(f"{change.address}: it is locked")


def _around(change: Change):
    return attrs.evolve(change.address, tag="", digest="")


FLAGS = st.sampled_from([OPEN, OPEN, LOCKED, {**OPEN, "deleteEnabled": False}, {**OPEN, "writeEnabled": False}])
AGES = st.integers(0, 20).map(lambda days: NOW_NS - days * DAY_NS)


@st.composite
def worlds(draw) -> World:
    """A repository with a few tags, images, indexes (nested ones too) and signatures."""
    held = draw(st.lists(st.sampled_from(DIGESTS), unique=True, min_size=1))
    manifests = {}
    for at, each in enumerate(held):
        below = held[:at]  # so that nothing is its own child
        children = tuple(draw(st.lists(st.sampled_from(below), unique=True, max_size=2))) if below else ()
        subject = draw(st.sampled_from(["", "", "", *below])) if not children else ""
        manifests[each] = LiveManifest(
            draw(FLAGS),
            media_type=INDEX if children else IMAGE,
            updated=draw(st.none() | AGES.map(lambda at: Moment(f"at {at}", at))),
            children=children,
            subject=subject,
        )
    names = draw(st.lists(st.sampled_from(TAGS), unique=True))
    tags = {name: {"digest": draw(st.sampled_from(held)), **draw(FLAGS)} for name in names}
    return World(dict(draw(FLAGS)), tags, manifests, {name: draw(AGES) for name in names})
