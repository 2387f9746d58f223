"""
The schema of desired-state files, version 1.

Its objects and their keys are the loader's (`files.shapes`), its levels and attributes
the model's. An editor's parser gives types to scalars where our loader reads text, so
members that take a name also take what YAML makes of the names `1.10` and `true`. A
`null` is refused: nearly always it is a value that was forgotten, and the name can be
put in quotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.files.shapes import EXCEPTION, FILE, MANIFEST, REPOSITORY, TAG, Shape
from reconciler.model.address import Kind
from reconciler.model.attributes import LOCKS, REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES, TELEPORT
from reconciler.model.protection import LEVELS
from reconciler.schema import patterns
from reconciler.schema.desired_members import (
    ATTRIBUTES,
    EXCEPTION_MEMBERS,
    FILE_MEMBERS,
    KEEP_MEMBERS,
    MANIFEST_MEMBERS,
    REPOSITORY_MEMBERS,
    TAG_MEMBERS,
)
from reconciler.schema.generate import DIALECT, Member, Schema

_BESIDE_ABSENT = ("match", "exclude", "ensure", "unlock", "tagged", "mediaType")
_EXACT: Schema = {"pattern": patterns.EXACT, "items": {"pattern": patterns.EXACT}}
_OPEN: Schema = {"enum": [True, "true"]}
_COMMENT = "Made from the models by `make generated`; `reconciler schema` prints it."


def desired_state_schema() -> Schema:
    """The schema of a file, draft 2020-12."""
    return {
        "$schema": DIALECT,
        "$comment": _COMMENT,
        **_object("Desired-state file, version 1", "How one registry must be.", FILE, FILE_MEMBERS),
        "$defs": {
            "repository": _entry("repository", "Repository entry", "What holds for the repositories that match."),
            "tag": _entry("tag", "Tag entry", "What holds for the tags that match."),
            "manifest": _entry("manifest", "Manifest entry", "What holds for the manifests that match."),
            "exception": _exception(),
            "repositoryAttributes": _attributes("Attributes of repositories", REPOSITORY_ATTRIBUTES),
            "tagAttributes": _attributes("Attributes of tags and manifests", TAG_ATTRIBUTES),
            "keep": _keep(),
        },
    }


def _object(title: str, description: str, shape: Shape, members: Mapping[str, Member]) -> Schema:
    """The keys that the loader knows, each as `members` tells."""
    if members.keys() != set(shape.known):
        raise ValueError(f"{title}: {sorted(members.keys() ^ set(shape.known))} is not told of, or not known")
    required = [key for key in shape.known if key in shape.required]
    return {
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": {key: members[key].schema() for key in shape.known},
    }


_ENTRIES: Mapping[Kind, tuple[Shape, Mapping[str, Member]]] = {
    "repository": (REPOSITORY, REPOSITORY_MEMBERS),
    "tag": (TAG, TAG_MEMBERS),
    "manifest": (MANIFEST, MANIFEST_MEMBERS),
}


def _entry(kind: Kind, title: str, description: str) -> Schema:
    shape, members = _ENTRIES[kind]
    rules = [_says_something(shape), *_contradictions(shape), *_EXTRA[kind]]
    if "keep" in shape.known:
        rules.append(_nothing_locked_beside_keep(kind))
    return {
        **_object(title, description, shape, members),
        "allOf": rules,
    }


def _contradictions(shape: Shape) -> Iterator[Schema]:
    """What a key needs, and what cannot stand beside it; in words that editors of draft 7 know, too."""
    yield _beside("unlock", {"required": ["ensure"]})
    yield _beside("ensure", _without(*(key for key in shape.known if key not in _BESIDE_ABSENT)))
    if "digest" in shape.known:
        yield _beside("digest", {"properties": {"match": _EXACT}})
        yield _beside("keep", _without("digest"))


def _beside(key: str, rule: Schema) -> Schema:
    return {"if": {"required": [key]}, "then": rule}


def _without(*keys: str) -> Schema:
    return {"properties": dict.fromkeys(keys, False)}


def _says_something(shape: Shape) -> Schema:
    """An entry has a level, a digest, …, or a mapping or list that is not empty."""
    ways: list[Schema] = [{"required": [key]} for key in ("protect", "digest", "ensure", "keep") if key in shape.known]
    ways.append({"required": ["attributes"], "properties": {"attributes": {"minProperties": 1}}})
    lists = [key for key in ("tags", "manifests") if key in shape.known]
    ways += [{"required": [key], "properties": {key: {"minItems": 1}}} for key in lists]
    return {"anyOf": ways}


def _nothing_locked_beside_keep(kind: Kind) -> Schema:
    """`keep` stands beside no lock; an attribute that is true takes off what a level of the same entry locks."""
    rules: list[Schema] = [{"properties": {"attributes": {"properties": dict.fromkeys(LOCKS, _OPEN)}}}]
    for level, flags in LEVELS[kind].items():
        locks = [name for name in LOCKS if flags.get(name) is False]
        if locks:
            opened = {"required": ["attributes"], "properties": {"attributes": {"required": locks}}}
            is_level = {"required": ["protect"], "properties": {"protect": {"const": level}}}
            rules.append({"if": is_level, "then": opened})
    return _beside("keep", {"allOf": rules})


def _exception() -> Schema:
    is_about_repositories = {
        "pattern": patterns.REPOSITORIES_ONLY,
        "items": {"pattern": patterns.REPOSITORIES_ONLY},
    }
    teleports = {"properties": {"attributes": {"required": [TELEPORT]}}, "required": ["attributes"]}
    return {
        **_object("Exception", "What holds for a while, over everything else.", EXCEPTION, EXCEPTION_MEMBERS),
        "if": teleports,
        "then": {"properties": {"match": is_about_repositories}},
    }


def _attributes(title: str, names: tuple[str, ...]) -> Schema:
    return {
        "title": title,
        "description": "Attributes of the registry that must have a value; one that is left out is left alone.",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: ATTRIBUTES[name].schema() for name in names},
    }


def _keep() -> Schema:
    return {
        "title": "Retention",
        "description": "What stays of that which the entry matches; with both members, either is enough to stay.",
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {key: member.schema() for key, member in KEEP_MEMBERS.items()},
    }


_EXTRA: Mapping[Kind, tuple[Schema, ...]] = {
    "repository": (
        {
            "if": {"properties": {"match": _EXACT}},
            "else": {"properties": {"ensure": False, "tags": {"items": _without("digest")}}},
        },
    ),
    "tag": (),
    "manifest": ({"anyOf": [{"required": [key]} for key in ("match", "tagged", "mediaType")]},),
}
