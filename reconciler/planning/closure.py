"""
What tags demand of the manifests below them.

A tag is as safe as the manifest that it points at, and an index as safe as each of
its children. So a demand goes down: from the tag to its manifest, to the children of
an index, to theirs. Where several meet on one manifest the strictest wins. Whose it
was is kept, for whoever wants to know, and for the moment before the change: a tag
that points elsewhere by then demands nothing here any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from reconciler.model.address import Address
from reconciler.model.desired import Origin
from reconciler.model.live import LiveManifest


@attrs.frozen
class Demand:
    """The `deleteEnabled` that something demands of a manifest."""

    value: bool
    tag: str  # whose demand it is; empty: of a rule about an index itself
    root: str  # the digest that the tag points at, or of that index
    origin: Origin

    def source(self, repository: str) -> Address:
        """Whose demand it is: a tag, or an index."""
        return Address(repository, tag=self.tag) if self.tag else Address(repository, digest=self.root)

    @property
    def strictness(self) -> tuple[bool, str, str]:
        """Sort key: the strictest first, and then by name, so that it depends on nothing else."""
        return (self.value, self.tag, self.root)


def spread(demands: Iterable[Demand], manifests: Mapping[str, LiveManifest]) -> dict[str, Demand]:
    """
    The demand that stands for each manifest.

    Args:
        demands: Of tags, each on its root.
        manifests: What is known of manifests, by digest; one that is not in it has no children.
    """
    strictest: dict[str, Demand] = {}
    for demand in demands:
        known = strictest.get(demand.root)
        if known is None or demand.strictness < known.strictness:
            strictest[demand.root] = demand
    standing: dict[str, Demand] = {}
    for demand in sorted(strictest.values(), key=lambda each: each.strictness):
        _spread_one(demand, manifests, standing)
    return standing


def _spread_one(demand: Demand, manifests: Mapping[str, LiveManifest], standing: dict[str, Demand]) -> None:
    """Let one demand take what no stricter one has; below what it does not get, the other went already."""
    waiting = [demand.root]
    while waiting:
        digest = waiting.pop()
        if digest in standing:
            continue
        standing[digest] = demand
        known = manifests.get(digest)
        waiting += known.children or () if known else ()
