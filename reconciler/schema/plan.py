"""
The schema of plan files, format 1.0.

The classes of `planning.plan` say which members there are; `plan_members` tells of each.
Codes of findings and of what is blocked are open sets, as readers tolerate those that they do not know.
"""

from __future__ import annotations

from reconciler.model.address import Address
from reconciler.model.attributes import (
    DIGEST,
    MANIFEST_COUNT,
    REPOSITORY_ATTRIBUTES,
    TAG_COUNT,
    TAGGED,
    UPDATED,
    Document,
)
from reconciler.planning.patch import Patch
from reconciler.planning.plan import Plan
from reconciler.schema import patterns
from reconciler.schema.generate import Book, Schema, document_schema
from reconciler.schema.plan_members import TOLD

_COMMENT = "Made from the models by `make generated`; `reconciler schema plan` prints it."
_ADDRESS: Schema = {"type": "string", "pattern": patterns.ADDRESS}
_DOCUMENT: Schema = {"$ref": "#/$defs/Document"}
_PATCH: Schema = {"type": "array", "items": {"$ref": "#/$defs/Operation"}}
_BOOK = Book(TOLD, ((Address, _ADDRESS), (Document, _DOCUMENT), (Patch, _PATCH)))


def plan_schema() -> Schema:
    """The schema of a plan file, draft 2020-12."""
    schema = document_schema(Plan, _BOOK)
    definitions = {**schema["$defs"], "Document": _document(), "Operation": _operation()}
    return {"$schema": schema["$schema"], "$comment": _COMMENT, **schema, "$defs": definitions}


def _document() -> Schema:
    """The attributes of one resource, and what else a delete rests on."""
    flags: Schema = {name: {"type": "boolean"} for name in (*REPOSITORY_ATTRIBUTES, TAGGED)}
    counts: Schema = {name: {"type": "integer", "minimum": 0} for name in (TAG_COUNT, MANIFEST_COUNT)}
    texts: Schema = {DIGEST: {"type": "string", "pattern": patterns.DIGEST}, UPDATED: {"type": "string"}}
    return {
        "title": "Document",
        "description": "Attributes of one resource, as the registry spells them; empty: the resource is not there.",
        "type": "object",
        "additionalProperties": False,
        "properties": {**flags, **texts, **counts},
        "examples": [{"deleteEnabled": False, "writeEnabled": False}],
    }


def _operation() -> Schema:
    """RFC 6902, as far as plans need it: a value of a document, tested or made."""
    return {
        "title": "Operation of a patch (RFC 6902)",
        "description": "`test`: this must still hold; the others: this becomes different. Tests stand first.",
        "type": "object",
        "additionalProperties": False,
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["test", "replace", "add", "remove"]},
            "path": {"type": "string", "pattern": patterns.PATH_IN_DOCUMENT},
            "value": {"type": ["boolean", "integer", "string"]},
        },
        "if": {"properties": {"op": {"const": "remove"}}},
        "then": {"properties": {"value": False}},
        "else": {"required": ["value"]},
        "examples": [{"op": "test", "path": "/deleteEnabled", "value": True}],
    }
