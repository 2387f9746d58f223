"""
From attrs classes to JSON Schema, draft 2020-12.

The types of a class say which members its JSON has; a table beside says what a reader
should know of each. A member that the table lacks, and one that the class has no more,
is an error: so no member goes undescribed.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: Mapping[Any, str] = {bool: "boolean", int: "integer", str: "string", types.NoneType: "null"}


@attrs.frozen
class Member:
    """What a reader should know of one member of an object."""

    title: str
    description: str
    examples: tuple[Any, ...] = ()
    also: Mapping[str, Any] = attrs.field(factory=dict)  # what its type leaves open: a pattern, a least value
    kind: Any = None  # the type of a member that is no field of the class
    is_required: bool | None = None  # None: it is where the class has no default for it

    def schema(self, kind: Mapping[str, Any] | None = None) -> Schema:
        """The schema of the member, whose type is `kind`."""
        about: Schema = {"title": self.title, "description": self.description, **(kind or {}), **self.also}
        return {**about, "examples": list(self.examples)} if self.examples else about


@attrs.frozen
class Told:
    """What a reader should know of one class, and of each member, in the order in which they are shown."""

    title: str
    description: str
    members: Mapping[str, Member]


@attrs.frozen
class Book:
    """All that types do not say."""

    told: Mapping[type, Told]
    special: tuple[tuple[Any, Schema], ...] = ()  # the schemas of types that JSON has in a shape of its own


def document_schema(root: type, book: Book) -> Schema:
    """The schema of a document that is one `root`; every class of `book` has a definition in it."""
    definitions = {kind.__name__: class_schema(kind, book) for kind in book.told if kind is not root}
    return {"$schema": DIALECT, **class_schema(root, book), "$defs": definitions}


def class_schema(kind: type, book: Book) -> Schema:
    """
    The schema of one class.

    Raises:
        ValueError: a field is not told of, or something is told that is no field.
    """
    told = book.told[kind]
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in attrs.fields(kind) if field.init}
    strange = [name for name, member in told.members.items() if member.kind is None and name not in fields]
    untold = [name for name in fields if name not in told.members]
    if strange or untold:
        raise ValueError(f"{kind.__name__}: not told of {untold}; told of, and no field: {strange}")
    required = [name for name, member in told.members.items() if _is_required(member, fields.get(name))]
    return {
        "title": told.title,
        "description": told.description,
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": {
            name: member.schema(type_schema(member.kind or hints[name], book)) for name, member in told.members.items()
        },
    }


def type_schema(kind: Any, book: Book) -> Schema:
    """The schema of values of one type, as annotations have it."""
    for known, schema in book.special:
        if kind == known:
            return schema
    if kind in book.told:
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    return _generic_schema(typing.get_origin(kind), typing.get_args(kind), book)


def _generic_schema(origin: Any, arguments: tuple[Any, ...], book: Book) -> Schema:
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in {typing.Union, types.UnionType}:
        return _one_of([type_schema(argument, book) for argument in arguments])
    if origin is tuple and arguments[1:] == (...,):
        return {"type": "array", "items": type_schema(arguments[0], book)}
    if origin in {Mapping, dict}:
        return {"type": "object", "additionalProperties": type_schema(arguments[1], book)}
    raise ValueError(f"no schema is known for {origin} of {arguments}")


def _one_of(schemas: list[Schema]) -> Schema:
    """Some value of one of `schemas`; of plain types, a list of their names is easier to read."""
    if all(schema.keys() == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _is_required(member: Member, field: Any) -> bool:
    if member.is_required is not None:
        return member.is_required
    return field is None or field.default is attrs.NOTHING
