"""
Last applied: what was last made true, or found so, resource by resource.

It tells who moved. Where live state differs from it, somebody else did; where only
the files do, we are asked to. Live state stays the truth all the same: everything
works without a memory, and only the cause of a change is then unknown.

A registry may hold a million tags, and most of them are as their rules made them. So
a repository is kept as the bytes that a state file holds of it, and made into values
when it is asked for: memory grows with those bytes, not with what they turn into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from reconciler.model.attributes import DELETE, WRITE, Document


class Remembered(NamedTuple):
    """One resource: its managed attributes as last applied and, of a tag, the digest that it pointed at."""

    attributes: Document
    digest: str = ""

    @property
    def was_locked(self) -> bool:
        """It could not be deleted then: whoever did so had unlocked it first."""
        return self.attributes.get(DELETE) is False or self.attributes.get(WRITE) is False


NOTHING = Remembered({})


@attrs.frozen(eq=False)
class RememberedRepository:
    """What is remembered of one repository."""

    attributes: Document = attrs.field(factory=dict)  # of the repository itself; empty: none was managed
    tags: Mapping[str, Remembered] = attrs.field(factory=dict)
    manifests: Mapping[str, Remembered] = attrs.field(factory=dict)  # by digest
    # What indexes stand for, digests by digest. That never changes, so nobody has to ask for it twice.
    children: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing of it was managed."""
        return not (self.attributes or self.tags or self.manifests)


@attrs.frozen
class LastRun:
    """The run that wrote the memory."""

    id: str  # in the journal
    fingerprint: str  # of the plan that it carried out
    base_serial: int | None  # of the memory that this plan was made on; None: there was none
    is_finished: bool  # every change of it ended verified
    serial: int = 0  # of the memory that it wrote


@attrs.frozen
class Counts:
    """How many resources are remembered."""

    repositories: int = 0
    tags: int = 0
    manifests: int = 0

    @property
    def resources(self) -> int:
        """All of them."""
        return self.repositories + self.tags + self.manifests


@attrs.frozen(eq=False)
class LastApplied:
    """The memory of one registry."""

    registry: str
    lineage: str  # a name that this memory keeps for life, and no other has
    serial: int  # rises by one with each write; it is the order, clocks are not
    written: str  # RFC 3339, by the clock of whoever wrote it
    tool_version: str
    desired_digest: str  # of the files that were applied; empty: a saved plan was
    run: LastRun | None
    rules: bytes  # what the files declared, as a state file holds it; empty: not known
    repositories: Mapping[str, bytes]  # each as a state file holds it, by name
    counts: Counts
