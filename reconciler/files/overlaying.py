"""
Apply overlays to the nodes of a file.

The nodes may be shared: an alias is the very list that was anchored, and what an
overlay copies stays one list at two places. A change means one of these places. So
whatever is changed is copied first, and only what lies on the way to the change.

An overlay may be hostile. Copying the whole into a part of itself doubles it each
time, so what operations bring and move is limited, in nodes and in levels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping as AnyMapping, Sequence as AnySequence
from typing import Any, NoReturn

from reconciler.errors import DesiredStateError
from reconciler.files.intents import item_of
from reconciler.files.nodes import MAX_ALIASED_NODES, MAX_DEPTH, Mapping, Node, Placed, Sequence, describe, origin_of
from reconciler.files.overlay import Operation, Overlay, Pointer, spelled
from reconciler.files.refusals import problems_of
from reconciler.files.values import Refused, repeated_keys
from reconciler.files.wording import listing, quote

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_INDEX_HINT = "an index counts from 0; - stands for the place after the last item"
_MAX_SHOWN = 10


def overlay_nodes(
    document: Sequence, overlays: AnySequence[Overlay], files: AnyMapping[int, str], *, size: int
) -> Sequence:
    """
    `document`, which has places, with all `overlays` applied in their order.

    Args:
        document: The nodes of the file.
        overlays: What to apply.
        files: The names of all files by their numbers.
        size: The characters of the file.

    Raises:
        DesiredStateError: an operation cannot be applied, at its place in the overlay.
    """
    patched = _Patched(document, files, limit=MAX_ALIASED_NODES + size + sum(overlay.size for overlay in overlays))
    for overlay in overlays:
        for operation in overlay.operations:
            try:
                _OPERATIONS[operation.op](patched, operation)
            except Refused as refused:
                refused.steps = (operation.index, *refused.steps)
                raise DesiredStateError(problems_of([refused], overlay.document, files)) from None
    return patched.root


class _Patched:
    """A document while it is patched, and which of its containers are its own."""

    def __init__(self, document: Sequence, files: AnyMapping[int, str], *, limit: int) -> None:
        self.root: Sequence = _copy(document)
        self._files = files
        self._own: dict[int, Node] = {}
        self._limit = self._left = limit

    def add(self, operation: Operation) -> None:
        self._put(operation, operation.value, operation.places["value"])

    def replace(self, operation: Operation) -> None:
        self._check_size(operation.value, operation)
        container, position = self._existing(operation.path, "path")
        container[position], container.places[position] = operation.value, operation.places["value"]

    def remove(self, operation: Operation) -> None:
        self._cut(operation.path, "path")

    def move(self, operation: Operation) -> None:
        if operation.origin == operation.path[: len(operation.origin)] and operation.origin != operation.path:
            _refuse("from", f"{_shown(operation.origin)} cannot be moved into itself")
        node, place = self._cut(operation.origin, "from")
        self._put(operation, self._placed(node, place), place)

    def copy(self, operation: Operation) -> None:
        container, position = self._existing(operation.origin, "from")
        node, place = container[position], container.places[position]
        self._put(operation, self._placed(node, place), place)
        self._own.clear()  # what was copied now stands at two places

    def test(self, operation: Operation) -> None:
        container, position = self._existing(operation.path, "path")
        if not _is_same(container[position], operation.value):
            found, wanted = describe(container[position]), describe(operation.value)
            difference = f"is {found}, not {wanted}" if found != wanted else f"is {found}, but another one than here"
            _refuse("value", f"the test failed: {_shown(operation.path)} {difference}")

    def _put(self, operation: Operation, node: Node, place: int) -> None:
        self._check_size(node, operation)
        path = operation.path
        if not path:
            self.root[0], self.root.places[0] = node, place
            return
        container, name = self._container(path, "path"), path[-1]
        if isinstance(container, Sequence):
            index = len(container) if name == "-" else _index(container, path, "path", most=len(container))
            container.insert(index, node)
            container.places.insert(index, place)
        elif name in container[::2]:
            position = item_of(container, name) + 1
            container[position], container.places[position] = node, place
        else:
            container += [name, node]
            container.places += [operation.places["path"], place]

    def _cut(self, path: Pointer, member: str) -> tuple[Node, int]:
        if not path:
            _refuse(member, "the whole file cannot be taken away")
        container, position = self._existing(path, member)
        node, place = container[position], container.places[position]
        first = position - isinstance(container, Mapping)
        del container[first : position + 1], container.places[first : position + 1]
        return node, place

    def _existing(self, path: Pointer, member: str) -> tuple[Mapping | Sequence, int]:
        """The container of what `path` leads to, and its position there."""
        if not path:
            return self.root, 0
        container = self._container(path, member)
        return container, _position(container, path, member)

    def _container(self, path: Pointer, member: str) -> Mapping | Sequence:
        """What holds, or is to hold, the end of `path`: a copy that nothing else holds."""
        parent: Mapping | Sequence = self.root
        position = 0
        for length in range(1, len(path) + 1):
            node = parent[position]
            if not isinstance(node, Mapping | Sequence):
                _refuse(member, f"{_shown(path[: length - 1])} is {describe(node)}, and holds nothing")
            if id(node) not in self._own:
                self._check_keys(node)
                node = parent[position] = _copy(node)
                self._own[id(node)] = node
            if length < len(path):
                position = _position(node, path[:length], member)
            parent = node
        return parent

    def _check_keys(self, node: Mapping | Sequence) -> None:
        """Refuse a key that stands twice in `node`: it would be open which of them is meant."""
        for refused in repeated_keys(node) if isinstance(node, Mapping) else ():
            raise DesiredStateError(problems_of([refused], _alone(node), self._files))

    def _check_size(self, node: Node, operation: Operation) -> None:
        """Take from what is left what `node` is in size, and see how deep it would stand."""
        waiting = [(node, len(operation.path))]
        while waiting:
            part, depth = waiting.pop()
            self._left -= 1
            if self._left < 0:
                _refuse("path", f"operations that bring or move more than {self._limit:,} nodes", "write patterns")
            if isinstance(part, list):
                if depth >= MAX_DEPTH:
                    _refuse("path", f"nested deeper than {MAX_DEPTH} levels")
                waiting.extend((child, depth + 1) for child in part)

    def _placed(self, node: Node, place: int) -> Node:
        """`node`, which knows where it was written, as it goes elsewhere."""
        if not isinstance(node, str) or isinstance(node, Placed):
            return node
        placed = Placed(node)
        placed.origin = origin_of(place, self._files)
        return placed


_OPERATIONS: dict[str, Callable[[_Patched, Operation], None]] = {
    "add": _Patched.add,
    "remove": _Patched.remove,
    "replace": _Patched.replace,
    "move": _Patched.move,
    "copy": _Patched.copy,
    "test": _Patched.test,
}


def _alone(node: Mapping | Sequence) -> Sequence:
    document = Sequence([node])
    document.places = [0]
    return document


def _copy(node: Any) -> Any:
    copied = node.__class__(node)
    copied.places = [*node.places]
    if isinstance(node, Mapping):
        copied.origin = node.origin
    return copied


def _position(container: Mapping | Sequence, path: Pointer, member: str) -> int:
    """Where in `container` the end of `path` stands."""
    if isinstance(container, Sequence):
        return _index(container, path, member, most=len(container) - 1)
    if path[-1] not in container[::2]:
        names = [quote(str(name)) for name in container[::2][:_MAX_SHOWN]]
        more = ", …" if len(container) > 2 * _MAX_SHOWN else ""
        hint = f"members there: {listing(names)}{more}" if names else "there are no members"
        _refuse(member, f"{_shown(path)} is not there", hint)
    return item_of(container, path[-1]) + 1


def _index(container: Sequence, path: Pointer, member: str, *, most: int) -> int:
    if not _INDEX.fullmatch(path[-1]):
        _refuse(member, f"{_shown(path)} is not there: {quote(path[-1])} is no index in a list", _INDEX_HINT)
    index = int(path[-1])
    if index > most:
        _refuse(member, f"{_shown(path)} is not there: the list holds {len(container):,}", _INDEX_HINT)
    return index


def _is_same(one: Node, other: Node) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        ours, theirs = (dict(zip(node[::2], node[1::2], strict=True)) for node in (one, other))
        return ours.keys() == theirs.keys() and all(_is_same(ours[key], theirs[key]) for key in ours)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return not isinstance(one, list) and not isinstance(other, list) and one == other


def _shown(path: Pointer) -> str:
    return quote(spelled(path)) if path else "the file"


def _refuse(member: str, message: str, hint: str = "") -> NoReturn:
    refused = Refused(message, hint)
    refused.steps = (member,)
    raise refused
