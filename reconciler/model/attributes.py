"""
The attributes that ACR lets people change, in ACR's own spelling.

A document is the flat mapping of one resource: its attributes, and for a tag
also the `digest` that it points at. What a read did not report is not in the
document and is never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = bool | str
Document: TypeAlias = Mapping[str, Value]

DELETE, WRITE, LIST, READ, TELEPORT = (
    "deleteEnabled",
    "writeEnabled",
    "listEnabled",
    "readEnabled",
    "teleportEnabled",
)
DIGEST = "digest"

# Source: Azure/azure-sdk-for-python recordings; `teleportEnabled` is only ever on repositories, and not on all.
TAG_ATTRIBUTES = (DELETE, WRITE, LIST, READ)
REPOSITORY_ATTRIBUTES = (*TAG_ATTRIBUTES, TELEPORT)
