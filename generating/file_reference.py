"""docs/file-reference.md: every member of a desired-state file, from the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from generating.markdown import MADE, cell, table
from reconciler.schema import patterns
from reconciler.schema.desired_state import desired_state_schema

_INTRODUCTION = """\
Every member of a desired-state file, version 1, as this version reads it. The
[guide](desired-state.md) tells what they are for and how they act together; the
[JSON Schema](../specs/schemas/desired-state.v1.schema.json), from which this page is made,
lets editors check files while they are typed ([how](start.md#let-your-editor-help)).
`reconciler validate` checks more than a schema can: that some name can match a pattern, say.

Every scalar is read as text: a tag `1.10` or `true` needs no quotes. A member that is not
named here is an error."""

# The objects in the order in which a reader meets them: their definition, and where they stand.
_OBJECTS = (
    ("", ""),
    ("repository", "an item of `repositories`"),
    ("tag", "an item of `tags`"),
    ("manifest", "an item of `manifests`"),
    ("keep", "`keep` of an entry"),
    ("repositoryAttributes", "`attributes` of a repository entry, and of an exception"),
    ("tagAttributes", "`attributes` of a tag or manifest entry"),
    ("exception", "an item of `exceptions`"),
)
_LOOKS_LIKE = {
    patterns.REGISTRY_NAME: "a host, a URL without a path, or `emulator`",
    patterns.DIGEST: "a digest",
    patterns.DURATION: "a duration",
    patterns.MOMENT: "a moment",
}
_TOGETHER: Mapping[str, str] = {
    "repository": """\
An entry says something besides what it matches. `ensure` needs exact names under `match`, and
nothing but `exclude` and `unlock` beside it; `unlock` needs `ensure`.""",
    "tag": """\
An entry says something besides what it matches. `digest` needs exact names under `match`, here and
around it. Beside `ensure` stand only `exclude` and `unlock`; `unlock` needs `ensure`; beside `keep` stands
neither `digest` nor anything that locks.""",
    "manifest": """\
An entry says which manifests by `match`, `tagged` or `mediaType`, at least one of them, and
something besides. `ensure`, `unlock` and `keep` go together as in a tag entry.""",
    "exception": "`teleportEnabled` stands only where every address is one of repositories.",
    "keep": "At least one of them; with both, either is enough to stay.",
}


def file_reference_page() -> str:
    """The page, in Markdown."""
    schema = desired_state_schema()
    missing = schema["$defs"].keys() - {name for name, _ in _OBJECTS}
    if missing:
        raise ValueError(f"no place is known for {missing}")
    parts = [f"# Members of desired-state files\n\n{MADE}\n\n{_INTRODUCTION}"]
    for name, where in _OBJECTS:
        parts += _object(schema["$defs"][name] if name else schema, name, where)
    return "\n\n".join(parts) + "\n"


def _object(schema: Mapping[str, Any], name: str, where: str) -> Iterator[str]:
    required = schema.get("required", [])
    yield f"## {schema['title'] if name else 'The file'}"
    yield f"{schema['description']} It is {where}." if where else schema["description"]
    head = ("member", "what it is", "allowed", "left out", "example")
    yield table(head, [_row(key, each, is_required=key in required) for key, each in schema["properties"].items()])
    if name in _TOGETHER:
        yield _TOGETHER[name]


def _row(key: str, schema: Mapping[str, Any], *, is_required: bool) -> tuple[str, ...]:
    example = f"`{cell(_json(schema['examples'][0]))}`"
    return f"`{key}`", cell(schema["description"]), cell(_allowed(schema)), _left_out(schema, is_required), example


def _left_out(schema: Mapping[str, Any], is_required: bool) -> str:  # noqa: FBT001
    if is_required:
        return "an error"
    return f"`{_json(schema['default'])}`" if "default" in schema else "says nothing"


def _allowed(schema: Mapping[str, Any]) -> str:
    """Which values, in words."""
    if "$ref" in schema:
        return f"a mapping: {_link(schema['$ref'])}"
    if "enum" in schema:
        values = dict.fromkeys(str(value).lower() for value in schema["enum"])
        return ", ".join(f"`{each}`" for each in values)
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if kinds == ["array"]:
        return f"a list of {_link(schema['items']['$ref'])}"
    if "array" in kinds:
        return "a pattern, or a list of them"
    if "integer" in kinds:
        return f"a whole number, {schema['minimum']} to {schema['maximum']:,}"
    return _LOOKS_LIKE.get(schema["pattern"], "a text")


def _link(reference: str) -> str:
    definition = reference.rpartition("/")[2]
    title = desired_state_schema()["$defs"][definition]["title"]
    return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
