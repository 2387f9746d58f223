"""
Give the nodes of a file their types: from lists and texts to the rules of a desired state.

cattrs walks the models, and gathers every error together with the way to it.
What stands here is what it cannot know: which keys a file may have, which of them
come later, and how a person is told. The place of an error is looked up in the
nodes once there is one, so files without errors pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping as AnyMapping
from typing import Any, TypeAlias

import attrs
from cattrs import AttributeValidationNote, ClassValidationError, Converter, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from reconciler.errors import DesiredStateError, Problem
from reconciler.files import values
from reconciler.files.nodes import Mapping, Sequence, describe, line_and_column, read_nodes
from reconciler.files.patterns import PatternReader
from reconciler.files.values import ABSENT, Refused, Steps
from reconciler.files.wording import listing, quote, suggestion
from reconciler.model.desired import Origin, RepositoryRule, TagRule

Hook: TypeAlias = Callable[[Any, Any], Any]

_MINIMAL = "the least that a file holds:\n    version: 1\n    repositories: []"
_PLAN_MEMBERS = frozenset({"format_version", "fingerprint"})
_IS_A_PLAN = "a saved plan, and no desired-state file"
_PLAN_HINT = "reconciler show PLAN shows it, reconciler apply PLAN applies it, alone"
_ENTRY = "each entry starts with - match:"
_DECLARE = "say what must hold, such as attributes: {deleteEnabled: false}"


@attrs.frozen
class DesiredFile:
    """What one file says."""

    origin: Origin  # of `registry`, or of the file where that is left out
    version: int = 0
    registry: str | None = None
    repositories: tuple[RepositoryRule, ...] = ()


@attrs.frozen
class _Shape:
    """The keys that a mapping may have."""

    known: tuple[str, ...]
    required: frozenset[str]
    later: frozenset[str]  # keys that the format has and that are not supported yet
    absent: AnyMapping[str, Any]  # what stands for the keys that are left out
    advice: str  # what it looks like


_FILE = _Shape(
    known=("version", "registry", "repositories"),
    required=frozenset({"version", "repositories"}),
    later=frozenset({"exceptions"}),
    absent={},
    advice=_MINIMAL,
)
_REPOSITORY = _Shape(
    known=("match", "exclude", "attributes", "tags"),
    required=frozenset({"match"}),
    later=frozenset({"protect", "manifests", "ensure", "unlock", "keep", "retention"}),
    absent={"match": ABSENT, "exclude": ABSENT, "attributes": ABSENT, "tags": ABSENT},
    advice=_ENTRY,
)
_TAG = _Shape(
    known=("match", "exclude", "attributes"),
    required=frozenset({"match"}),
    later=frozenset({"protect", "digest", "ensure", "unlock", "keep", "retention"}),
    absent={"match": ABSENT, "exclude": ABSENT, "attributes": ABSENT},
    advice=_ENTRY,
)


def make_reader() -> Callable[[str, str], DesiredFile]:
    """
    The function from the text of a file and its name to what it says; it raises DesiredStateError.

    All that it reads shares one budget of patterns: take a new one for each load.
    """
    converter = Converter(detailed_validation=True)
    patterns = PatternReader()
    converter.register_structure_hook(TagRule, _tag_hook(converter, patterns))
    converter.register_structure_hook(RepositoryRule, _repository_hook(converter, patterns))
    structure_file = _file_hook(converter)

    def read(text: str, file: str) -> DesiredFile:
        document = read_nodes(text, file)
        if not document or document[0] is None:
            raise DesiredStateError((Problem(file, 0, 0, path="", message="the file is empty", hint=_MINIMAL),))
        if isinstance(document[0], Mapping) and _PLAN_MEMBERS.issubset(document[0][::2]):
            raise DesiredStateError((Problem(file, 0, 0, path="", message=_IS_A_PLAN, hint=_PLAN_HINT),))
        try:
            desired: DesiredFile = structure_file(document[0], DesiredFile)
        except (ExceptionGroup, Refused) as error:
            refusals = list(_refusals(error, ()))
            document = read_nodes(text, file, with_places=True)
            problems = [_problem(refused, document, file) for refused in refusals]
            raise DesiredStateError(tuple(sorted(problems, key=_line_and_column))) from None
        return desired

    return read


def _tag_hook(converter: Converter, patterns: PatternReader) -> Hook:
    from_fields = make_dict_structure_fn(
        TagRule,
        converter,
        match=override(struct_hook=patterns.tags),
        exclude=override(struct_hook=patterns.tags),
        attributes=override(struct_hook=values.tag_declarations),
        origin=_as_it_is(),
    )
    return _entry(_mapping(_TAG, from_fields))


def _repository_hook(converter: Converter, patterns: PatternReader) -> Hook:
    from_fields = make_dict_structure_fn(
        RepositoryRule,
        converter,
        match=override(struct_hook=patterns.repositories),
        exclude=override(struct_hook=patterns.repositories),
        attributes=override(struct_hook=values.repository_declarations),
        tags=_list(converter, tuple[TagRule, ...]),
        origin=_as_it_is(),
    )
    return _entry(_mapping(_REPOSITORY, from_fields))


def _file_hook(converter: Converter) -> Hook:
    from_fields = make_dict_structure_fn(
        DesiredFile,
        converter,
        version=override(struct_hook=values.version),
        registry=override(struct_hook=values.registry),
        repositories=_list(converter, tuple[RepositoryRule, ...]),
        origin=_as_it_is(),
    )
    structure_mapping = _mapping(_FILE, from_fields)

    def structure(node: Any, kind: Any) -> Any:
        desired = structure_mapping(node, kind)
        return attrs.evolve(desired, origin=_origin_of_registry(node))

    return structure


def _origin_of_registry(node: Mapping) -> Origin:
    keys = node[::2]
    if "registry" not in keys:
        return node.origin
    return Origin(node.origin.file, *line_and_column(node.places[2 * keys.index("registry") + 1]))


def _list(converter: Converter, kind: Any) -> Any:
    """How cattrs shall treat a field that is a list of entries."""
    structure_items: Hook = converter.get_structure_hook(kind)

    def structure(node: Any, _: Any) -> Any:
        if node is ABSENT or isinstance(node, Sequence):
            return structure_items(node, kind)
        raise Refused("needs a value" if node is None else f"must be a list of entries, not {describe(node)}", _ENTRY)

    return override(struct_hook=structure)


def _as_it_is() -> Any:
    return override(struct_hook=lambda value, _: value)


def _mapping(shape: _Shape, from_fields: Hook) -> Hook:
    """The hook that checks the keys of a mapping, and lets cattrs do the values."""
    known = frozenset(shape.known)

    def structure(node: Any, kind: Any) -> Any:
        if not isinstance(node, Mapping):
            found = f"must be a mapping, not {describe(node)}"
            raise Refused("needs a value" if node is None else found, shape.advice)
        items = iter(node)
        pairs = dict(zip(items, items, strict=False))
        keys = pairs.keys()
        fine = 2 * len(pairs) == len(node) and keys <= known and keys >= shape.required
        refused = [] if fine else list(_key_problems(node, shape))
        try:
            model = from_fields({**shape.absent, **pairs, "origin": node.origin}, kind)
        except ClassValidationError as error:
            refused.extend(_refusals(error, ()))
        if refused:
            raise ExceptionGroup("a mapping", refused)
        return model

    return structure


def _entry(structure_mapping: Hook) -> Hook:
    """`structure_mapping` for an entry, which has to declare something."""

    def structure(node: Any, kind: Any) -> Any:
        rule = structure_mapping(node, kind)
        if not rule.attributes and not getattr(rule, "tags", ()):
            raise Refused("the entry declares nothing", _DECLARE)
        return rule

    return structure


def _key_problems(node: Mapping, shape: _Shape) -> Iterator[Refused]:
    yield from values.repeated_keys(node)
    for item in range(0, len(node), 2):
        if node[item] not in shape.known:
            yield _unknown_key(str(node[item]), shape, item)
    for key in shape.known:
        if key in shape.required and key not in node[::2]:
            yield Refused(f"{key} is required", shape.advice)


def _unknown_key(key: str, shape: _Shape, item: int) -> Refused:
    if key in shape.later:
        return Refused(f"{key} is not yet supported", "without it, the file would not mean what it says", item=item)
    if key == "<<":
        return Refused("merge keys are not supported", values.MERGE_HINT, item=item)
    hint = f"known keys: {listing(shape.known)}"
    return Refused(f"unknown key {quote(key)}{suggestion(key, shape.known)}", hint, item=item)


def _refusals(error: BaseException, steps: Steps) -> Iterator[Refused]:
    """Every refusal in `error`, each with the way to it that cattrs has noted."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            steps = (*steps, note.name)
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
        yield from _refusals(inner, steps)


def _problem(refused: Refused, document: Sequence, file: str) -> Problem:
    steps = refused.steps
    node, place = _find(document, (0, *steps))
    message = refused.message
    if refused.item is not None:
        place = node.places[refused.item]
    if refused.first is not None:
        line, column = line_and_column(node.places[refused.first])
        message = f"{message}; first at {line}:{column}"
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    return Problem(file, *line_and_column(place), path=path, message=message, hint=refused.hint)


def _find(document: Sequence, steps: Steps) -> tuple[Any, int]:
    """The node at the end of `steps`, and its place."""
    node: Any = document
    place = 0
    for step in steps:
        # Of a key that stands there twice, the last was looked at.
        index = step if isinstance(step, int) else len(node) - 1 - 2 * node[-2::-2].index(step)
        node, place = node[index], node.places[index]
    return node, place


def _line_and_column(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column
