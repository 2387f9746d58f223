"""Files as an editor's schema check sees them: read by YAML 1.2's core schema, whose scalars have types."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import yaml
from jsonschema import Draft202012Validator

_TAG = "tag:yaml.org,2002:"
_LIBYAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # which takes tabs in JSON


class CoreLoader(_LIBYAML):
    """YAML 1.2's core schema. Source: YAML 1.2.2, section 10.3.2."""

    yaml_implicit_resolvers: Mapping = {}


for _name, _expression, _first in (
    ("null", r"null|Null|NULL|~|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+0123456789.")),
):
    CoreLoader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"^(?:{_expression})$"), _first)
CoreLoader.add_constructor(f"{_TAG}int", lambda loader, node: int(node.value))
CoreLoader.add_constructor(f"{_TAG}float", lambda loader, node: float(node.value))


def read(text: str | bytes) -> object:
    """The one document of `text`, as plain values."""
    return yaml.load(text, CoreLoader)


@functools.cache
def _validator(make) -> Draft202012Validator:
    return Draft202012Validator(make())


def refusals(make, document: object) -> list[str]:
    """What the schema that `make` makes refuses in a document, each with its place."""
    return [f"{error.json_path}: {error.message[:120]}" for error in _validator(make).iter_errors(document)]
