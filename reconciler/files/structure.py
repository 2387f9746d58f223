"""
Give the nodes of a file their types: from lists and texts to the rules of a desired state.

cattrs walks the models, and gathers every error together with the way to it.
What stands here is what it cannot know: how each field is read, and that an entry has
to say something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence as AnySequence
from typing import Any, TypeAlias

import attrs
from cattrs import ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, override

from reconciler.errors import DesiredStateError, Problem
from reconciler.files import intents, shapes, values
from reconciler.files.intents import item_of
from reconciler.files.nodes import Mapping, Placed, Sequence, describe, read_nodes
from reconciler.files.overlay import Overlay
from reconciler.files.overlaying import overlay_nodes
from reconciler.files.patterns import PatternReader
from reconciler.files.refusals import problems_of, refusals
from reconciler.files.shapes import Shape
from reconciler.files.times import moment_ns
from reconciler.files.values import ABSENT, Refused
from reconciler.model.desired import ExceptionRule, ManifestRule, Origin, RepositoryRule, TagRule

Hook: TypeAlias = Callable[[Any, Any], Any]

_PLAN_MEMBERS = frozenset({"format_version", "fingerprint"})
_IS_A_PLAN = "a saved plan, and no desired-state file"
_PLAN_HINT = "reconciler show PLAN shows it, reconciler apply PLAN applies it, alone"
_DECLARE = "say what must hold, such as attributes: {deleteEnabled: false}"
_PERMIT = "say what holds for a while, such as attributes: {writeEnabled: true}"


@attrs.frozen
class DesiredFile:
    """What one file says."""

    origin: Origin  # of `registry`, or of the file where that is left out
    version: int = 0
    registry: str | None = None
    repositories: tuple[RepositoryRule, ...] = ()
    exceptions: tuple[ExceptionRule, ...] = ()


def make_reader() -> Callable[..., DesiredFile]:
    """
    The function from the text of a file, its name and its overlays to what it says; it raises DesiredStateError.

    All that it reads shares one budget of patterns: take a new one for each load.
    """
    converter = Converter(detailed_validation=True)
    patterns = PatternReader()
    converter.register_structure_hook(TagRule, _tag_hook(converter, patterns))
    converter.register_structure_hook(ManifestRule, _manifest_hook(converter, patterns))
    converter.register_structure_hook(RepositoryRule, _repository_hook(converter, patterns))
    converter.register_structure_hook(ExceptionRule, _exception_hook(converter, patterns))
    structure_file = _file_hook(converter)

    def read(text: str, file: str, overlays: AnySequence[Overlay] = ()) -> DesiredFile:
        files = {0: file, **{overlay.number: overlay.name for overlay in overlays}}
        # With overlays everything needs its place: what is wrong later may stand in any of the files.
        document = read_nodes(text, file, with_places=bool(overlays))
        _check_document(document, file)
        if overlays:
            document = overlay_nodes(document, overlays, files, size=len(text))
        try:
            desired: DesiredFile = structure_file(document[0], DesiredFile)
        except (ExceptionGroup, Refused) as error:
            refused = list(refusals(error))
            placed = document if overlays else read_nodes(text, file, with_places=True)
            raise DesiredStateError(problems_of(refused, placed, files)) from None
        return desired

    return read


def _check_document(document: Sequence, file: str) -> None:
    """Refuse what is no desired-state file at all."""
    if not document or document[0] is None:
        message, hint = "the file is empty", shapes.FILE.advice
    elif isinstance(document[0], Mapping) and _PLAN_MEMBERS.issubset(document[0][::2]):
        message, hint = _IS_A_PLAN, _PLAN_HINT
    else:
        return
    raise DesiredStateError((Problem(file, 0, 0, path="", message=message, hint=hint),))


def _tag_hook(converter: Converter, patterns: PatternReader) -> Hook:
    from_fields = make_dict_structure_fn(
        TagRule,
        converter,
        match=override(struct_hook=patterns.tags),
        exclude=override(struct_hook=patterns.tags),
        attributes=override(struct_hook=values.tag_declarations),
        protect=override(struct_hook=intents.protect_of("tag")),
        digest=override(struct_hook=intents.digest),
        ensure=override(struct_hook=intents.ensure),
        keep=override(struct_hook=intents.keep),
        origin=_as_it_is(),
    )
    return _entry(_mapping(shapes.TAG, from_fields))


def _manifest_hook(converter: Converter, patterns: PatternReader) -> Hook:
    from_fields = make_dict_structure_fn(
        ManifestRule,
        converter,
        match=override(struct_hook=patterns.digests_or_all),
        exclude=override(struct_hook=patterns.digests),
        attributes=override(struct_hook=values.tag_declarations),
        tagged=override(struct_hook=intents.tagged),
        media_type=override(rename="mediaType", struct_hook=patterns.media_types),
        protect=override(struct_hook=intents.protect_of("manifest")),
        ensure=override(struct_hook=intents.ensure),
        keep=override(struct_hook=intents.keep),
        is_exception=override(omit=True),
        origin=_as_it_is(),
    )
    return _entry(_mapping(shapes.MANIFEST, from_fields))


def _repository_hook(converter: Converter, patterns: PatternReader) -> Hook:
    from_fields = make_dict_structure_fn(
        RepositoryRule,
        converter,
        match=override(struct_hook=patterns.repositories),
        exclude=override(struct_hook=patterns.repositories),
        attributes=override(struct_hook=values.repository_declarations),
        tags=_list(converter, tuple[TagRule, ...], shapes.TAG),
        manifests=_list(converter, tuple[ManifestRule, ...], shapes.MANIFEST),
        protect=override(struct_hook=intents.protect_of("repository")),
        ensure=override(struct_hook=intents.ensure),
        origin=_as_it_is(),
    )
    return _entry(_mapping(shapes.REPOSITORY, from_fields))


def _exception_hook(converter: Converter, patterns: PatternReader) -> Hook:
    from_fields = make_dict_structure_fn(
        ExceptionRule,
        converter,
        match=override(struct_hook=patterns.targets),
        attributes=override(struct_hook=values.repository_declarations),
        until=override(struct_hook=lambda node, _: str(node)),  # until_ns reads the same, and refuses it
        until_ns=override(rename="until", struct_hook=moment_ns),
        reason=override(struct_hook=intents.reason),
        origin=_as_it_is(),
    )
    structure_mapping = _mapping(shapes.EXCEPTION, from_fields)

    def structure(node: Any, kind: Any) -> Any:
        exception = structure_mapping(node, kind)
        if not exception.attributes:
            raise Refused("the exception declares nothing", _PERMIT)
        return exception

    return structure


def _file_hook(converter: Converter) -> Hook:
    from_fields = make_dict_structure_fn(
        DesiredFile,
        converter,
        version=override(struct_hook=values.version),
        registry=override(struct_hook=values.registry),
        repositories=_list(converter, tuple[RepositoryRule, ...], shapes.REPOSITORY),
        exceptions=_list(converter, tuple[ExceptionRule, ...], shapes.EXCEPTION),
        origin=_as_it_is(),
    )
    structure_mapping = _mapping(shapes.FILE, from_fields)

    def structure(node: Any, kind: Any) -> Any:
        desired = structure_mapping(node, kind)
        return attrs.evolve(desired, origin=_origin_of_registry(node))

    return structure


def _origin_of_registry(node: Mapping) -> Origin:
    registry = dict(zip(node[::2], node[1::2], strict=True)).get("registry")
    return registry.origin if isinstance(registry, Placed) else node.origin


def _list(converter: Converter, kind: Any, shape: Shape) -> Any:
    """How cattrs shall treat a field that is a list of entries of some shape."""
    structure_items: Hook = converter.get_structure_hook(kind)

    def structure(node: Any, _: Any) -> Any:
        if node is ABSENT or isinstance(node, Sequence):
            return structure_items(node, kind)
        found = f"must be a list of entries, not {describe(node)}"
        raise Refused("needs a value" if node is None else found, shape.advice)

    return override(struct_hook=structure)


def _as_it_is() -> Any:
    return override(struct_hook=lambda value, _: value)


def _mapping(shape: Shape, from_fields: Hook) -> Hook:
    """The hook that checks the keys of a mapping, and lets cattrs do the values."""

    def structure(node: Any, kind: Any) -> Any:
        if not isinstance(node, Mapping):
            found = f"must be a mapping, not {describe(node)}"
            raise Refused("needs a value" if node is None else found, shape.advice)
        items = iter(node)
        pairs = dict(zip(items, items, strict=False))
        keys = pairs.keys()
        fine = 2 * len(pairs) == len(node) and keys <= shape.plain and keys >= shape.required
        refused = [] if fine else list(shape.problems(node, pairs))
        try:
            model = from_fields({**shape.absent, **pairs, "origin": node.origin}, kind)
        except ClassValidationError as error:
            refused.extend(refusals(error))
        if refused:
            raise ExceptionGroup("a mapping", refused)
        return model

    return structure


def _entry(structure_mapping: Hook) -> Hook:
    """`structure_mapping` for an entry, which has to declare something."""

    def structure(node: Any, kind: Any) -> Any:
        rule = structure_mapping(node, kind)
        if rule.declared:
            return rule
        if rule.ensure is not None and "unlock" in node[::2]:
            unlock = node[item_of(node, "unlock") + 1] == "true"
            return attrs.evolve(rule, ensure=attrs.evolve(rule.ensure, unlock=unlock))
        if not any(getattr(rule, said, None) for said in ("ensure", "keep", "tags", "manifests")):
            raise Refused("the entry declares nothing", _DECLARE)
        return rule

    return structure
