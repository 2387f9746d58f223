"""
From what cattrs gathers to problems that have a place.

cattrs raises groups of errors, with the way to each of them in notes. The places are
looked up in the nodes only then, so files without errors pay nothing for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping as AnyMapping, Sequence as AnySequence
from typing import Any

from cattrs import AttributeValidationNote, IterableValidationNote

from reconciler.errors import Problem
from reconciler.files.intents import item_of
from reconciler.files.nodes import Sequence, origin_of
from reconciler.files.values import Refused, Steps

_KEYS = {"media_type": "mediaType", "until_ns": "until"}  # what fields are called in a file, where that differs


def refusals(error: BaseException, steps: Steps = ()) -> Iterator[Refused]:
    """Every refusal in `error`, each with the way to it that cattrs has noted."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            steps = (*steps, _KEYS.get(note.name, note.name))
        elif isinstance(note, IterableValidationNote):
            steps = (*steps, note.index)
    if not isinstance(error, ExceptionGroup | Refused):
        raise error
    # The frames are a cycle, and kilobytes for each problem; the notes are done with.
    error.__traceback__ = None
    error.__notes__ = []
    if isinstance(error, Refused):
        error.steps = (*steps, *error.steps)
        yield error
        return
    for inner in error.exceptions:
        yield from refusals(inner, steps)


def problems_of(refused: AnySequence[Refused], document: Sequence, files: AnyMapping[int, str]) -> tuple[Problem, ...]:
    """What `refused` are as problems of a document that has places, in their order; `files` by their numbers."""
    located = [(_place(each, document), each) for each in refused]
    return tuple(_problem(place, each, document, files) for place, each in sorted(located, key=lambda pair: pair[0]))


def _problem(place: int, refused: Refused, document: Sequence, files: AnyMapping[int, str]) -> Problem:
    message = refused.message
    if refused.first is not None:
        node, _ = _find(document, (0, *refused.steps))
        first = origin_of(node.places[refused.first], files)
        message = f"{message}; first at {first.line}:{first.column}"
    origin = origin_of(place, files)
    path = path_of(refused.steps)
    return Problem(origin.file, origin.line, origin.column, path=path, message=message, hint=refused.hint)


def path_of(steps: Steps) -> str:
    """The path in a file, as messages have it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _place(refused: Refused, document: Sequence) -> int:
    node, place = _find(document, (0, *refused.steps))
    return place if refused.item is None else int(node.places[refused.item])


def _find(document: Sequence, steps: Steps) -> tuple[Any, int]:
    """The node at the end of `steps`, and its place."""
    node: Any = document
    place = 0
    for step in steps:
        # Of a key that stands there twice, the last was looked at.
        index = step if isinstance(step, int) else item_of(node, step) + 1
        node, place = node[index], node.places[index]
    return node, place
