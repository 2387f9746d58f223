"""
What a person should know of each member of a desired-state file.

The words stand in the schema (editors show them) and in docs/file-reference.md. Which
members there are is the loader's to say: `desired_state` compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.files.intents import ABSENCE, MAX_LAST
from reconciler.files.times import MAX_MOMENT_LENGTH
from reconciler.files.values import FLAGS, MAX_REGISTRY_LENGTH, VERSION
from reconciler.model.address import Kind
from reconciler.model.attributes import DELETE, LIST, READ, TELEPORT, WRITE
from reconciler.model.pattern import MAX_LENGTH
from reconciler.model.protection import LEVELS
from reconciler.schema import patterns
from reconciler.schema.generate import Member, Schema

_NAMES = ["string", "number", "boolean"]  # what an editor's parser makes of 1.10 and true
_FLAG: Schema = {"enum": [True, False, *FLAGS]}
_DIGEST = "sha256:9f2c4e6a8b0d1f3e5c7a9b8d6f4e2c0a1b3d5f7e9c8a6b4d2f0e1c3a5b7d9f8e"


def _texts(types: list[str], pattern: str) -> Schema:
    """One text or a list of them; the keywords about texts and those about lists do not touch each other."""
    one: Schema = {"pattern": pattern, "minLength": 1, "maxLength": MAX_LENGTH, "minimum": 0}
    if "number" not in types:
        del one["minimum"]
    items = {"type": types if len(types) > 1 else types[0], **one}
    return {"type": [*types, "array"], **one, "minItems": 1, "items": items}


def _list(definition: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{definition}"}, "default": []}


def _match(of: str, pattern: str, *examples: Any, types: list[str] | None = None) -> dict[str, Member]:
    allowed = _texts(types or _NAMES, pattern)
    return {
        "match": Member("Which", f"Which {of}: one pattern or a list of them.", examples, allowed),
        "exclude": Member("Which not", f"But not these {of}: one pattern or a list of them.", examples[-1:], allowed),
    }


def _protect(kind: Kind) -> Member:
    levels = "; ".join(
        f"`{level}` sets " + " and ".join(f"{name} {str(value).lower()}" for name, value in flags.items())
        for level, flags in LEVELS[kind].items()
    )
    below = {
        "repository": " It says nothing about what is in the repository.",
        "tag": " It reaches the manifest that the tag points at, and each child of an index.",
        "manifest": " It reaches each child of an index.",
    }
    wins = " `attributes` of the same entry win over it."
    known = list(LEVELS[kind])
    return Member("Level of protection", f"{levels}.{below[kind]}{wins}", (known[0],), {"enum": known})


def _declared(kind: str, definition: str) -> Member:
    also = {"$ref": f"#/$defs/{definition}", "default": {}}
    about = f"Attributes that each {kind} must have, true or false; what is left out is left alone."
    return Member("Attributes", about, ({DELETE: False},), also)


def _absent(what: str, more: str = "") -> dict[str, Member]:
    ensure = Member("Absence", f"The {what} that match must go. Nothing else stands in the entry.{more}", (ABSENCE,))
    unlock = Member(
        "Delete what is locked", f"Beside `ensure: {ABSENCE}`: also delete what is locked.", (True,), {"default": False}
    )
    return {
        "ensure": Member(ensure.title, ensure.description, ensure.examples, {"enum": [ABSENCE]}),
        "unlock": Member(unlock.title, unlock.description, unlock.examples, {**_FLAG, **unlock.also}),
    }


_KEEP = Member(
    "Retention",
    "What stays of that which matches; the rest goes. What is locked, or needed by something that stays, stays too.",
    ({"last": 10, "newerThan": "30d"},),
    {"$ref": "#/$defs/keep"},
)

FILE_MEMBERS: Mapping[str, Member] = {
    "version": Member("Version of the format", "The version of this format.", (1,), {"enum": [int(VERSION), VERSION]}),
    "registry": Member(
        "Registry",
        "The registry that the file is about: a host, a URL without a path, or `emulator`, the embedded one. "
        "`--registry` and RECONCILER_REGISTRY override it; several files that name one must agree.",
        ("contoso.azurecr.io", "http://127.0.0.1:5000", "emulator"),
        {"type": "string", "pattern": patterns.REGISTRY_NAME, "maxLength": MAX_REGISTRY_LENGTH},
    ),
    "repositories": Member(
        "Entries about repositories",
        "Rules, in order: a later one wins over an earlier one, attribute by attribute. May be empty.",
        ([{"match": "**", "protect": "undeletable"}],),
        {"type": "array", "items": {"$ref": "#/$defs/repository"}},
    ),
    "exceptions": Member(
        "Exceptions",
        "Rules that end by themselves; until then they win over all others.",
        (
            [
                {
                    "match": "prod/api:v1.2.3",
                    "attributes": {WRITE: True},
                    "until": "2026-12-01T18:00:00Z",
                    "reason": "INC-4711, vendor re-push",
                }
            ],
        ),
        _list("exception"),
    ),
}
REPOSITORY_MEMBERS: Mapping[str, Member] = {
    **_match("repositories", patterns.REPOSITORY_PATTERN, "**", "prod/*", ["prod/api", "prod/web"]),
    "attributes": _declared("repository", "repositoryAttributes"),
    "protect": _protect("repository"),
    **_absent("repositories", " Their names stand without wildcards."),
    "tags": Member(
        "Entries about tags",
        "Rules about tags of these repositories.",
        ([{"match": "v*", "protect": "immutable"}],),
        _list("tag"),
    ),
    "manifests": Member(
        "Entries about manifests",
        "Rules about manifests of these repositories.",
        ([{"tagged": False, "keep": {"newerThan": "2w"}}],),
        _list("manifest"),
    ),
}
TAG_MEMBERS: Mapping[str, Member] = {
    **_match("tags", patterns.TAG_PATTERN, "v*", "1.10", ["*-rc*", "*-snapshot"]),
    "attributes": _declared("tag", "tagAttributes"),
    "protect": _protect("tag"),
    "digest": Member(
        "Where the tag points",
        "The digest of the manifest that the tag must point at. Tag and repository are named without wildcards.",
        (_DIGEST,),
        {"type": "string", "pattern": patterns.DIGEST},
    ),
    **_absent("tags"),
    "keep": _KEEP,
}
MANIFEST_MEMBERS: Mapping[str, Member] = {
    **_match("manifests, by their digests", patterns.DIGEST_PATTERN, "**", "sha256:9f*", types=["string"]),
    "tagged": Member(
        "Tagged or not", "true: manifests that a tag points at; false: the others; left out: both.", (False,), _FLAG
    ),
    "mediaType": Member(
        "Media types",
        "Manifests of such a type: one pattern or a list, with `*` and `**`; left out: of every type.",
        ("application/vnd.oci.**",),
        _texts(["string"], patterns.MEDIA_TYPE_PATTERN),
    ),
    "attributes": _declared("manifest", "tagAttributes"),
    "protect": _protect("manifest"),
    **_absent("manifests"),
    "keep": _KEEP,
}
EXCEPTION_MEMBERS: Mapping[str, Member] = {
    "match": Member(
        "Which",
        "Which repositories, tags or manifests: one pattern of addresses or a list; no `regex:`.",
        ("prod/api", "prod/**:v1.*", "prod/api@sha256:9f*"),
        _texts(_NAMES, patterns.TARGET_PATTERN),
    ),
    "attributes": Member(
        "Attributes",
        "Attributes that have a value meanwhile; at least one.",
        ({WRITE: True},),
        {"$ref": "#/$defs/repositoryAttributes", "minProperties": 1},
    ),
    "until": Member(
        "Until when",
        "When it ends: date, time and time zone (RFC 3339).",
        ("2026-12-01T18:00:00Z", "2026-12-01T18:00:00+01:00"),
        {"type": "string", "pattern": patterns.MOMENT, "maxLength": MAX_MOMENT_LENGTH},
    ),
    "reason": Member(
        "Why",
        "Why there is one: one line, at most 500 characters.",
        ("INC-4711, vendor re-push",),
        {"type": _NAMES, "pattern": patterns.REASON},
    ),
}
KEEP_MEMBERS: Mapping[str, Member] = {
    "last": Member(
        "The newest",
        f"So many of the newest stay: 1 to {MAX_LAST:,}.",
        (10,),
        {"type": ["integer", "string"], "minimum": 1, "maximum": MAX_LAST, "pattern": patterns.NUMBER_OF_NEWEST},
    ),
    "newerThan": Member(
        "The young",
        "What is younger stays: a whole number and `h`, `d` or `w`; at most 100 years.",
        ("12h", "30d", "2w"),
        {"type": "string", "pattern": patterns.DURATION},
    ),
}
ATTRIBUTES: Mapping[str, Member] = {
    name: Member(f"{title}", f"{description} false: {effect}.", (False,), _FLAG)
    for name, title, description, effect in (
        (DELETE, "Deletable", "It can be deleted.", "it cannot; a tag can still be overwritten"),
        (WRITE, "Writable", "It can be overwritten.", "it can be neither overwritten nor deleted"),
        (LIST, "Listed", "It is in lists.", "it is left out of lists, and patterns no longer find it"),
        (READ, "Readable", "It can be pulled.", "it cannot be pulled"),
        (
            TELEPORT,
            "Teleport",
            "Artifact streaming's predecessor is on, which only some registries have.",
            "it is off",
        ),
    )
}
