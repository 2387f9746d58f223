"""
The changeable attributes of a repository, tag or manifest, kept as one small integer.

One column holds them all, so a change is one statement and a list can be filtered
by "may be listed" without a column for each attribute.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


class Permission(enum.IntFlag):
    """What a resource permits; a lock is the absence of one of these."""

    DELETE = 1
    WRITE = 2
    READ = 4
    LIST = 8
    TELEPORT = 16


EVERYTHING = int(Permission.DELETE | Permission.WRITE | Permission.READ | Permission.LIST)

# In the order in which ACR sends them. Source: recording test_update_tag_properties.
ATTRIBUTES = {
    "deleteEnabled": int(Permission.DELETE),
    "writeEnabled": int(Permission.WRITE),
    "readEnabled": int(Permission.READ),
    "listEnabled": int(Permission.LIST),
}
REPOSITORY_ATTRIBUTES = {**ATTRIBUTES, "teleportEnabled": int(Permission.TELEPORT)}


def attributes_of(permissions: int, known: Mapping[str, int] = ATTRIBUTES) -> dict[str, bool]:
    """`changeableAttributes`, as ACR spells and orders them."""
    return {name: permissions & bit != 0 for name, bit in known.items()}


def with_changes(permissions: int, changes: Mapping[str, bool]) -> int:
    """`permissions` after a merge of `changes`; what they do not name stays as it is."""
    for name, enabled in changes.items():
        bit = REPOSITORY_ATTRIBUTES[name]
        permissions = permissions | bit if enabled else permissions & ~bit
    return permissions
