"""
Turn the text of a file into nodes that know where they stand.

PyYAML's own loaders give types to scalars (`no` becomes False, 1.10 becomes 1.1)
and forget places. So we take its events, from libyaml where that is there, and
build as little as can be: a scalar is its text, a list or a mapping is a Python
list. The place of every single node is needed only to tell of a problem, and is
a third of the work; so a file is read without, and a second time with them once
something is wrong. That keeps a file of 100,000 tags within a small multiple of
the time that libyaml itself needs.

A file may be hostile. Nesting and what aliases add are limited, nothing here
calls itself deeper than that limit, and only text can come out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping as AnyMapping
from typing import Any, TypeAlias, Union, cast

import yaml
from yaml import events

from reconciler.errors import DesiredStateError, Problem
from reconciler.files.syntax import explain
from reconciler.files.wording import quote
from reconciler.model.desired import Origin

Node: TypeAlias = Union[str, "Mapping", "Sequence", None]

# A place is the number of the file, line and column, all from 0, in one number.
_LINE = 1 << 32
_FILE = 1 << 64

MAX_DEPTH = 32
# What aliases may add, in nodes, beyond one for each character of the file. A thousand characters can ask
# for billions ("billion laughs"); entries that share their attributes ask for less than they are long.
MAX_ALIASED_NODES = 1_000_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS = {
    events.ScalarEvent: "tag:yaml.org,2002:str",
    events.MappingStartEvent: "tag:yaml.org,2002:map",
    events.SequenceStartEvent: "tag:yaml.org,2002:seq",
}


# Keys whose value has its place always: it becomes the origin of what is declared there.
_PLACED = frozenset({"registry", "protect", "digest", "ensure", "value"})  # `value` is what an overlay brings


class Placed(str):
    """A text that knows where it stands."""

    __slots__ = ("origin",)
    origin: Origin


class Sequence(list["Node"]):
    """The items of a list."""

    __slots__ = ("places",)
    places: list[int]  # of each item; only near the root, unless they were asked for


class Mapping(list["Node"]):
    """The keys and values of a mapping in turn, as written; keys are texts, and may be there twice."""

    __slots__ = ("origin", "places")
    origin: Origin  # of an item of a list, its first key; else of the value as a whole
    places: list[int]  # of each key and value; likewise


def describe(node: Node) -> str:
    """What `node` is, to follow `not`."""
    if node is None:
        return "nothing"
    if isinstance(node, str):
        return quote(node)
    return "a mapping" if isinstance(node, Mapping) else "a list"


def origin_of(place: int, files: AnyMapping[int, str]) -> Origin:
    """`place` for a person; `files` are the names of the files by their numbers."""
    number, rest = divmod(place, _FILE)
    line, column = divmod(rest, _LINE)
    return Origin(files[number], line + 1, column + 1)


def read_nodes(text: str, file: str, *, with_places: bool = False, number: int = 0) -> Sequence:
    """
    A list that holds the one document of `text`, or nothing where there is none.

    A scalar is its text, whatever its style; a plain one without text is None.

    Args:
        text: What is read.
        file: The name that messages use.
        with_places: Every node gets its place.
        number: The number of the file in these places.

    Raises:
        DesiredStateError: it is not YAML, or uses what desired-state files do without.
    """
    try:
        return _Builder(text, file, with_places=with_places, number=number).build()
    except yaml.YAMLError as error:
        raise DesiredStateError((explain(error, text, file),)) from None


class _Builder:
    """The containers that are open, and what has been anchored."""

    def __init__(self, text: str, file: str, *, with_places: bool, number: int) -> None:
        self._next_event = _LOADER(text).get_event
        self._file = file
        self._number = number
        self._may_hurry = not with_places
        self._with_places = True
        self._node: Mapping | Sequence = Sequence()  # the innermost that is open
        self._open: list[tuple[Mapping | Sequence, str | None]] = []  # those around it, with its anchor
        self._anchors: dict[str, Node] = {}
        self._extents: dict[int, tuple[int, int]] = {}
        self._aliased_nodes = 0
        self._max_aliased_nodes = MAX_ALIASED_NODES + len(text)
        self._documents = 0

    def build(self) -> Sequence:
        root = self._node
        root.places = []
        while True:
            event = self._next_event()
            if event.__class__ is events.StreamEndEvent:
                return cast(Sequence, root)
            _HANDLERS[event.__class__](self, event)
            if self._may_hurry and len(self._open) > 1:
                self._build_in_haste()

    def _build_in_haste(self) -> None:
        """Build the container that was opened last, without places."""
        self._with_places = False
        depth = len(self._open)
        while len(self._open) >= depth:
            event = self._next_event()
            kind = event.__class__
            if self._at_placed_value():
                _HANDLERS[kind](self, event)
                continue
            # Most events are scalars without anything special; handling them here saves a fifth of the time.
            while kind is events.ScalarEvent and event.value and event.tag is None and event.anchor is None:
                text = event.value
                self._node.append(text)
                event = self._next_event()
                kind = event.__class__
                if text in _PLACED:
                    break
            _HANDLERS[kind](self, event)
        self._with_places = True

    def ignore(self, _: Any) -> None:
        """Nothing is built from it."""

    def start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._refusal(event, "a second document in one file", "write one file for each")

    def start_mapping(self, event: Any) -> None:
        mapping = Mapping()
        mark = event.start_mark
        is_item = self._node.__class__ is Sequence
        self._start(mapping, event)
        if is_item and (event.flow_style or event.anchor is not None):
            # A brace or an anchor stands before the first key, or before the end.
            event = self._next_event()
            mark = event.start_mark
            _HANDLERS[event.__class__](self, event)
        mapping.origin = Origin(self._file, mark.line + 1, mark.column + 1)

    def start_sequence(self, event: Any) -> None:
        self._start(Sequence(), event)

    def end(self, _: Any) -> None:
        closed = self._node
        self._node, anchor = self._open.pop()
        if anchor is not None:
            self._anchors[anchor] = closed
            self._extents[id(closed)] = _extent(closed, self._extents)

    def scalar(self, event: Any) -> None:
        self._check_tag(event)
        text = event.value if event.value or event.style else None
        if text is None and self._at_key():
            raise self._refusal(event, "a value without its key")
        if text is not None and (event.anchor is not None or self._at_placed_value()):
            text = self._placed(text, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = text
        self._add(text, event)

    def alias(self, event: Any) -> None:
        name = event.anchor
        if any(anchor == name for _, anchor in self._open):
            raise self._refusal(event, f"the alias {quote('*' + name)} stands within what it names")
        if name not in self._anchors:
            hint = 'a pattern that starts with * stands in quotes: "*"'
            raise self._refusal(event, f"the alias {quote('*' + name)} names nothing", hint)
        target = self._anchors[name]
        if self._at_key() and not isinstance(target, str):
            raise self._refusal(event, f"a key must be a text, not {describe(target)}")
        size, height = _extent(target, self._extents)
        self._aliased_nodes += size
        if len(self._open) + height > MAX_DEPTH:
            raise self._too_deep(event)
        if self._aliased_nodes > self._max_aliased_nodes:
            raise self._refusal(event, "aliases that make the file more than a million nodes larger", "write patterns")
        self._add(target, event)

    def _start(self, node: Mapping | Sequence, event: Any) -> None:
        if event.tag is not None:
            self._check_tag(event)
        if self._at_key():
            raise self._refusal(event, f"a key must be a text, not {describe(node)}")
        if len(self._open) >= MAX_DEPTH:
            raise self._too_deep(event)
        if self._with_places:
            node.places = []
            self._node.places.append(self._place(event))
        self._node.append(node)
        self._open.append((self._node, event.anchor))
        self._node = node

    def _add(self, node: Node, event: Any) -> None:
        self._node.append(node)
        if self._with_places:
            self._node.places.append(self._place(event))

    def _at_key(self) -> bool:
        return self._node.__class__ is Mapping and len(self._node) % 2 == 0

    def _at_placed_value(self) -> bool:
        node = self._node
        return len(node) % 2 == 1 and node.__class__ is Mapping and node[-1] in _PLACED

    def _placed(self, text: str, event: Any) -> Placed:
        placed = Placed(text)
        mark = event.start_mark
        placed.origin = Origin(self._file, mark.line + 1, mark.column + 1)
        return placed

    def _place(self, event: Any) -> int:
        mark = event.start_mark
        place: int = self._number * _FILE + mark.line * _LINE + mark.column
        return place

    def _too_deep(self, event: Any) -> DesiredStateError:
        return self._refusal(event, f"nested deeper than {MAX_DEPTH} levels")

    def _check_tag(self, event: Any) -> None:
        if event.tag not in {None, _TAGS[event.__class__]}:
            hint = "every value is read as text; a text that starts with ! stands in quotes"
            raise self._refusal(event, f"the YAML tag {quote(event.tag)} is not supported", hint)

    def _refusal(self, event: Any, message: str, hint: str = "") -> DesiredStateError:
        mark = event.start_mark
        problem = Problem(self._file, mark.line + 1, mark.column + 1, path="", message=message, hint=hint)
        return DesiredStateError((problem,))


# Of the class, not bound to a builder: that would be a cycle, and keep every node until one is searched for.
_HANDLERS: dict[type[events.Event], Callable[[_Builder, Any], None]] = {
    events.StreamStartEvent: _Builder.ignore,
    events.DocumentStartEvent: _Builder.start_document,
    events.DocumentEndEvent: _Builder.ignore,
    events.MappingStartEvent: _Builder.start_mapping,
    events.MappingEndEvent: _Builder.end,
    events.SequenceStartEvent: _Builder.start_sequence,
    events.SequenceEndEvent: _Builder.end,
    events.AliasEvent: _Builder.alias,
    events.ScalarEvent: _Builder.scalar,
}


def _extent(node: Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many nodes and how many levels `node` stands for; `known` has the answer for what is anchored."""
    if not isinstance(node, list):
        return 1, 0
    if id(node) in known:
        return known[id(node)]
    extents = [_extent(child, known) for child in node]
    return 1 + sum(size for size, _ in extents), 1 + max((height for _, height in extents), default=0)
