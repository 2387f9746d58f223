"""
The values at the ends of a file: version, registry and flags. (Patterns have a module of their own.)

Each function takes a node and gives the value of the model, or refuses it with
words for the person who wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from reconciler.files.nodes import Mapping, Node, Placed, describe
from reconciler.files.wording import listing, quote, suggestion
from reconciler.model.attributes import REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES
from reconciler.model.desired import Declaration, Origin

VERSION = "1"
# What stands for a key that was left out, in place of a node; it is the value that its field then has.
ABSENT: Any = ()

MERGE_HINT = "give the whole mapping an anchor (&name), and use its alias (*name) in its place"
FLAGS = ("true", "false")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
REGISTRY = re.compile(
    rf"emulator|{_LABEL}(?:\.{_LABEL})+|https?://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?"
)
MAX_PORT = 65_535
MAX_REGISTRY_LENGTH = 300
_REGISTRY_HINT = "allowed: a host name such as contoso.azurecr.io, emulator, or http(s)://host:port without a path"


Steps: TypeAlias = tuple[str | int, ...]  # the way to a node: keys, and indexes in lists


class Refused(Exception):  # noqa: N818  # it is a value on its way to a Problem
    """A node that cannot become what the model asks for."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        item: int | None = None,
        first: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.steps: Steps = ()
        self.item = item  # the key or value in a mapping whose place is meant
        self.first = first  # the key that stood there first


def text_of(node: Node) -> str:
    """
    `node`, which is a text.

    Raises:
        Refused: it is something else, or nothing.
    """
    if isinstance(node, str):
        return str(node)  # without the place that it may know
    raise Refused("needs a value" if node is None else f"must be a text, not {describe(node)}")


def version(node: Node, _: object = None) -> int:
    """The version of the format, which is 1."""
    text = text_of(node)
    if text != VERSION:
        raise Refused(f"must be {VERSION}, not {quote(text)}", f"this tool reads version {VERSION}")
    return int(text)


def registry(node: Node, _: object = None) -> str:
    """The registry that a file is about, as it is written."""
    text = text_of(node)
    if "@" in text:
        # A password may be in it, and messages end in logs.
        raise Refused("a registry must not hold a user or password", _REGISTRY_HINT)
    found = REGISTRY.fullmatch(text) if len(text) <= MAX_REGISTRY_LENGTH else None
    if found is None or int(found[1] or 1) not in range(1, MAX_PORT + 1):
        raise Refused(f"{quote(text)} does not name a registry", _REGISTRY_HINT)
    return text


def repository_declarations(node: Node, _: object = None) -> tuple[Declaration, ...]:
    """What a mapping of a repository's attributes to flags declares, at the place of the mapping."""
    return _declarations(node, REPOSITORY_ATTRIBUTES)


def tag_declarations(node: Node, _: object = None) -> tuple[Declaration, ...]:
    """What a mapping of a tag's (or manifest's) attributes to flags declares, at the place of the mapping."""
    return _declarations(node, TAG_ATTRIBUTES)


def _declarations(node: Node, allowed: tuple[str, ...]) -> tuple[Declaration, ...]:
    if node is ABSENT:
        return ()
    if not isinstance(node, Mapping):
        raise Refused("needs a value" if node is None else f"must be a mapping, not {describe(node)}")
    items = iter(node)
    flags = {name: v for name, v in zip(items, items, strict=False) if name in allowed and v in FLAGS}
    if len(flags) * 2 < len(node):
        raise ExceptionGroup("attributes", list(_attribute_problems(node, allowed)))
    return tuple([Declaration(str(name), flag == "true", _origin(flag, node)) for name, flag in flags.items()])


def _origin(flag: Any, node: Mapping) -> Origin:
    # A flag that an overlay brought stands elsewhere than the mapping.
    return flag.origin if flag.__class__ is Placed else node.origin


def repeated_keys(node: Mapping) -> Iterator[Refused]:
    """A refusal for each key that stands in `node` already."""
    seen: dict[Node, int] = {}
    for item in range(0, len(node), 2):
        first = seen.setdefault(node[item], item)
        if first != item:
            yield Refused(f"{quote(str(node[item]))} stands here twice", item=item, first=first)


def _attribute_problems(node: Mapping, allowed: tuple[str, ...]) -> Iterator[Refused]:
    yield from repeated_keys(node)
    for item in range(0, len(node), 2):
        name, value = str(node[item]), node[item + 1]
        if name not in allowed:
            yield _unknown_attribute(name, allowed, item)
        elif value is None:
            yield Refused(f"{name} needs a value", "true or false", item=item + 1)
        elif value not in FLAGS:
            yield Refused(f"{name} must be true or false, not {describe(value)}", item=item + 1)


def _unknown_attribute(name: str, allowed: tuple[str, ...], item: int) -> Refused:
    known = f"known attributes: {listing(allowed)}"
    if name in REPOSITORY_ATTRIBUTES:
        return Refused(f"{name} exists on repositories only", known, item=item)
    if name == "<<":
        return Refused("merge keys are not supported", MERGE_HINT, item=item)
    return Refused(f"unknown attribute {quote(name)}{suggestion(name, allowed)}", known, item=item)
