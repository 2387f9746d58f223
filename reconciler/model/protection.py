"""
Levels of protection: what a person means, in the attributes that it takes.

A tag that cannot be deleted is lost all the same when its manifest is, or when a
child of its index is. So a level that is said of a tag reaches further than the tag:
`closes` tells what it demands of the manifest and of every child. What is said of a
repository stays with the repository: its own attributes cover what is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reconciler.model.address import Kind
from reconciler.model.attributes import DELETE, WRITE

Level = Literal["immutable", "undeletable", "frozen", "open"]

LEVELS: Mapping[Kind, Mapping[Level, Mapping[str, bool]]] = {
    "repository": {
        "undeletable": {DELETE: False},
        "frozen": {DELETE: False, WRITE: False},
        "open": {DELETE: True, WRITE: True},
    },
    "tag": {
        "immutable": {DELETE: False, WRITE: False},
        "undeletable": {DELETE: False},
        "open": {DELETE: True, WRITE: True},
    },
    "manifest": {
        "immutable": {DELETE: False, WRITE: False},
        "undeletable": {DELETE: False},
        "open": {DELETE: True, WRITE: True},
    },
}


def closes(level: Level) -> bool:
    """The `deleteEnabled` that a tag or an index of this level demands of the manifests below it."""
    return level == "open"
