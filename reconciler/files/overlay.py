"""
Overlays: the RFC 6902 patches that are applied to a file before it means anything.

One file for all environments and an overlay for each differ in what the overlay says,
and in nothing else. What stands here reads one; `overlaying` applies it. The
operations are applied to nodes, not to plain values, so that whatever is wrong later
is told where it was written: in the file, or in the overlay that brought it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

import attrs

from reconciler.errors import DesiredStateError, Problem
from reconciler.files.intents import item_of
from reconciler.files.nodes import Mapping, Node, Sequence, describe, read_nodes
from reconciler.files.refusals import problems_of
from reconciler.files.values import Refused, repeated_keys, text_of
from reconciler.files.wording import listing, quote, suggestion

Pointer: TypeAlias = tuple[str, ...]

MAX_OPERATIONS = 10_000
_NEEDS = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("from", "path"),
    "copy": ("from", "path"),
    "test": ("path", "value"),
}
_EXAMPLE = "such as - {op: replace, path: /registry, value: contoso.azurecr.io}"
_POINTER_HINT = "it starts with /, such as /repositories/0/match; / in a name is written ~1, and ~ is ~0"
_STRAY_TILDE = re.compile("~(?![01])")


@attrs.frozen(eq=False)
class Operation:
    """One operation of an overlay; what it does not need is empty."""

    index: int  # in the overlay
    op: str
    path: Pointer
    origin: Pointer  # of `from`
    value: Node
    places: dict[str, int]  # of the values of its members


@attrs.frozen(eq=False)
class Overlay:
    """The operations of one overlay, in order."""

    name: str
    number: int  # of the file in all places
    document: Sequence  # what was read
    size: int  # characters
    operations: tuple[Operation, ...]


def read_overlay(text: str, name: str, number: int) -> Overlay:
    """
    The overlay that `text` holds.

    Args:
        text: What is read.
        name: The name that messages use.
        number: The number of the file in places; the base file is 0.

    Raises:
        DesiredStateError: it is no patch; it holds all problems.
    """
    document = read_nodes(text, name, with_places=True, number=number)
    if not document or document[0] is None:
        raise DesiredStateError((Problem(name, 0, 0, path="", message="the overlay is empty", hint=_EXAMPLE),))
    refused: list[Refused] = []
    operations = tuple(_operations(document[0], refused))
    if refused:
        raise DesiredStateError(problems_of(refused, document, {number: name}))
    return Overlay(name, number, document, len(text), operations)


def _operations(node: Node, refused: list[Refused]) -> Iterator[Operation]:
    if not isinstance(node, Sequence):
        refused.append(Refused(f"must be a list of operations, not {describe(node)}", _EXAMPLE))
        return
    if len(node) > MAX_OPERATIONS:
        refused.append(Refused(f"{len(node):,} operations; at most {MAX_OPERATIONS:,} are allowed"))
        return
    for index, item in enumerate(node):
        found = list(_problems(item))
        for each in found:
            each.steps = (index, *each.steps)
        refused.extend(found)
        if not found and isinstance(item, Mapping):
            yield _operation(index, item)


def _operation(index: int, node: Mapping) -> Operation:
    said = dict(zip(node[::2], node[1::2], strict=True))
    places = {str(key): node.places[item_of(node, str(key)) + 1] for key in said}
    op = text_of(said["op"])
    origin = pointer(said["from"]) if "from" in _NEEDS[op] else ()
    return Operation(index, op, pointer(said["path"]), origin, said.get("value"), places)


def _problems(node: Node) -> Iterator[Refused]:
    """What keeps `node` from being an operation; RFC 6902 lets it have members that mean nothing."""
    if not isinstance(node, Mapping):
        yield Refused(f"must be an operation, not {describe(node)}", _EXAMPLE)
        return
    yield from repeated_keys(node)
    said = dict(zip(node[::2], node[1::2], strict=True))
    if "op" not in said:
        yield Refused("op is required", _EXAMPLE)
        return
    op = said["op"]
    if not isinstance(op, str) or op not in _NEEDS:
        near = suggestion(str(op), tuple(_NEEDS)) if isinstance(op, str) else ""
        hint = f"operations: {listing(_NEEDS)}"
        yield _at("op", Refused(f"must be an operation, not {describe(op)}{near}", hint))
        return
    yield from (Refused(f"{op} needs {member}", _EXAMPLE) for member in _NEEDS[op] if member not in said)
    for member in {"path", "from"}.intersection(_NEEDS[op], said):
        try:
            pointer(said[member])
        except Refused as refused:
            yield _at(member, refused)


def _at(member: str, refused: Refused) -> Refused:
    refused.steps = (member,)
    return refused


def pointer(node: Node) -> Pointer:
    """
    The names and indexes that a JSON pointer (RFC 6901) goes through.

    Raises:
        Refused: it is none.
    """
    text = text_of(node)
    if (text and not text.startswith("/")) or _STRAY_TILDE.search(text):
        raise Refused(f"{quote(text)} is no JSON pointer", _POINTER_HINT)
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])


def spelled(tokens: Pointer) -> str:
    """The JSON pointer that goes through `tokens`."""
    return "".join(f"/{token.replace('~', '~0').replace('/', '~1')}" for token in tokens)
