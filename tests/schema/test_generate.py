"""Attrs classes become JSON Schema, and nothing in them goes undescribed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs
import pytest

from reconciler.schema.generate import Book, Member, Told, document_schema


@attrs.frozen
class Leaf:
    """Something inside."""

    name: str


@attrs.frozen
class Tree:
    """One of each type that is known."""

    flag: bool
    number: int | None
    sort: Literal["oak", "elm"]
    leaves: tuple[Leaf, ...]
    by_name: Mapping[str, Leaf] = attrs.field(factory=dict)
    best: Leaf | None = None


LEAF = Told("Leaf", "A leaf.", {"name": Member("Name", "Its name.", ("a",), {"minLength": 1})})
MEMBERS = {name: Member(name, f"About {name}.") for name in ("flag", "number", "sort", "leaves", "by_name", "best")}


def about(name):
    """What every member of the tree says of itself."""
    return {"title": name, "description": f"About {name}."}


def test_a_class_becomes_an_object_with_its_types():
    """Members without a default are required, and others than those that are known are refused."""
    schema = document_schema(Tree, Book({Tree: Told("Tree", "A tree.", MEMBERS), Leaf: LEAF}))

    leaf = {"$ref": "#/$defs/Leaf"}
    assert {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tree",
        "description": "A tree.",
        "type": "object",
        "additionalProperties": False,
        "required": ["flag", "number", "sort", "leaves"],
        "properties": {
            "flag": {**about("flag"), "type": "boolean"},
            "number": {**about("number"), "type": ["integer", "null"]},
            "sort": {**about("sort"), "enum": ["oak", "elm"]},
            "leaves": {**about("leaves"), "type": "array", "items": leaf},
            "by_name": {**about("by_name"), "type": "object", "additionalProperties": leaf},
            "best": {**about("best"), "anyOf": [leaf, {"type": "null"}]},
        },
        "$defs": {
            "Leaf": {
                "title": "Leaf",
                "description": "A leaf.",
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {
                        "title": "Name",
                        "description": "Its name.",
                        "type": "string",
                        "minLength": 1,
                        "examples": ["a"],
                    }
                },
            }
        },
    } == schema


def test_a_member_that_is_no_field_has_a_type_of_its_own():
    """It is written beside the fields, and required unless the table says otherwise."""
    told = Told("Leaf", "", {**LEAF.members, "size": Member("Size", "In cm.", kind=int), "old": _OPTIONAL})

    schema = document_schema(Leaf, Book({Leaf: told}))

    assert ["name", "size"] == schema["required"]
    assert {"title": "Size", "description": "In cm.", "type": "integer"} == schema["properties"]["size"]


_OPTIONAL = Member("Old", "Whether it is.", kind=bool, is_required=False)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, r"Leaf: not told of \['name'\]; told of, and no field: \[\]"),
        (
            {**LEAF.members, "nam": Member("Nam", "")},
            r"Leaf: not told of \[\]; told of, and no field: \['nam'\]",
        ),
    ],
)
def test_a_table_that_lacks_a_field_or_has_one_too_many_is_refused(members, said):
    """A field that is new cannot be forgotten, nor one that is gone be described."""
    with pytest.raises(ValueError, match=said):
        document_schema(Leaf, Book({Leaf: Told("Leaf", "", members)}))


def test_a_type_that_json_has_no_shape_for_is_refused():
    """Rather than described by a guess."""
    with pytest.raises(ValueError, match="no schema is known for"):
        document_schema(Leaf, Book({Leaf: Told("Leaf", "", {**LEAF.members, "x": Member("X", "", kind=set[str])})}))
