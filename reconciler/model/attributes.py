"""
The attributes that ACR lets people change, in ACR's own spelling.

A document is the flat mapping of one resource: its attributes, and for a tag
also the `digest` that it points at. What a read did not report is not in the
document and is never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = bool | int | str
Document: TypeAlias = Mapping[str, Value]

DELETE, WRITE, LIST, READ, TELEPORT = (
    "deleteEnabled",
    "writeEnabled",
    "listEnabled",
    "readEnabled",
    "teleportEnabled",
)
LOCKS = (DELETE, WRITE)  # what locks a resource where it is false
DIGEST = "digest"
# What else a delete depends on, in the words of the registry's answers and of our files. None of it is ever written.
UPDATED, TAGGED, TAG_COUNT, MANIFEST_COUNT = "lastUpdateTime", "tagged", "tagCount", "manifestCount"


def is_locked(document: Document) -> bool:
    """Its own attributes forbid to delete it."""
    return document.get(DELETE) is False or document.get(WRITE) is False


# Source: Azure/azure-sdk-for-python recordings; `teleportEnabled` is only ever on repositories, and not on all.
TAG_ATTRIBUTES = (DELETE, WRITE, LIST, READ)
REPOSITORY_ATTRIBUTES = (*TAG_ATTRIBUTES, TELEPORT)
