"""
What a path speaks of, for those who look at calls from outside of their handlers.

The routes say who answers a call; this says which resource or list the answer is
about, whichever of the two APIs it belongs to.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import attrs

from reconciler.emulator.names import DIGEST, REPOSITORY, TAG

Kind: TypeAlias = Literal["catalog", "repository", "tags", "tag", "manifests", "manifest", "pushed"]

_ITEM = "(?P<item>{})"
_NAME = f"(?P<repository>{REPOSITORY})"
_PATHS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("catalog", re.compile("/(?:acr/v1|v2)/_catalog")),
    ("repository", re.compile(f"/acr/v1/{_NAME}")),
    ("tags", re.compile(f"/acr/v1/{_NAME}/_tags|/v2/{_NAME.replace('repository', 'named')}/tags/list")),
    ("tag", re.compile(f"/acr/v1/{_NAME}/_tags/{_ITEM.format(TAG)}")),
    ("manifests", re.compile(f"/acr/v1/{_NAME}/_manifests")),
    ("manifest", re.compile(f"/acr/v1/{_NAME}/_manifests/{_ITEM.format(DIGEST)}")),
    ("pushed", re.compile(f"/v2/{_NAME}/manifests/{_ITEM.format(f'(?:{DIGEST}|{TAG})')}")),
)


@attrs.frozen
class Target:
    """A resource or a list."""

    kind: Kind
    repository: str = ""
    item: str = ""  # tag or digest


def target_of(path: str) -> Target | None:
    """What a decoded path speaks of, if it is something that can be listed or has attributes."""
    for kind, pattern in _PATHS:
        match = pattern.fullmatch(path)
        if match is not None:
            found = match.groupdict("")
            return Target(kind, found.get("repository") or found.get("named", ""), found.get("item", ""))
    return None
