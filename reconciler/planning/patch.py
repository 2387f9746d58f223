"""
Turn two documents into the patch between them, and a patch into a request.

A patch (RFC 6902) is the whole story of one change: what must still hold
(`test`), what to send (`replace`), and, applied to a document, what it turns
into. It is a value; nothing here talks to a registry.

ACR merges the members that it is sent, so a patch that adds or removes an attribute
of something that stays has no meaning: `make_patch` refuses to build one. A resource
that comes or goes as a whole is all `add`, or all `remove`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, TypeAlias

import attrs
import jsonpatch

from reconciler.model.attributes import DIGEST, TAGGED, Document, Value

_CONDITIONS = (DIGEST, TAGGED)  # what is tested although it stays

Operation: TypeAlias = Mapping[str, Any]
Patch: TypeAlias = tuple[Operation, ...]
# A member of a document, and the type of its value: as keys of a cache, 1 and true are one.
_Item: TypeAlias = tuple[str, Value, type]


def make_patch(before: Document, after: Document) -> Patch:
    """
    The patch that turns `before` into `after`.

    Each value that it replaces or removes is tested first; so is the digest of a tag,
    because a tag that moved since is not the tag that somebody reviewed, and whether a
    manifest has one. An empty document stands for a resource that is not there.
    """
    gone = tuple((*item, type(item[1])) for item in sorted(before.items()) if after.get(item[0]) != item[1])
    new = tuple((*item, type(item[1])) for item in sorted(after.items()) if before.get(item[0]) != item[1])
    tests, replaces = _edits(gone, new)
    staying = [name for name in _CONDITIONS if name in before and before[name] == after.get(name)]
    if staying:
        pinned = ({"op": "test", "path": f"/{name}", "value": before[name]} for name in staying)
        tests = tuple(sorted((*tests, *pinned), key=itemgetter("path")))
    return (*tests, *replaces)


@functools.lru_cache(maxsize=1024)
def _edits(gone: tuple[_Item, ...], new: tuple[_Item, ...]) -> tuple[Patch, Patch]:
    """The tests and the replacements that turn `gone` into `new`: a plan of 100,000 changes has a handful of them."""
    before, after = ({name: value for name, value, _ in items} for items in (gone, new))
    # jsonpatch walks a set of keys, so its order follows the hash seed. Plan files
    # must not: reviewers compare them byte by byte.
    edits = sorted(jsonpatch.make_patch(before, after).patch, key=itemgetter("path"))
    possible = "replace" if before and after else "add" if after else "remove"
    strange = [edit for edit in edits if edit["op"] != possible]
    if strange:
        raise ValueError(f"ACR cannot do this to an attribute: {strange}")
    tests = tuple({"op": "test", "path": f"/{name}", "value": value} for name, value in before.items())
    return tests, tuple(map(_operation, edits))


def _operation(edit: Mapping[str, Any]) -> Operation:
    """One edit, with its members in the order in which people read them."""
    return {name: edit[name] for name in ("op", "path", "value") if name in edit}


def apply_patch(patch: Iterable[Operation], document: Document) -> Document:
    """
    What `document` turns into.

    Raises:
        ValueError: a `test` fails, or the patch does not fit the document.
    """
    try:
        applied: Document = jsonpatch.apply_patch(dict(document), [dict(operation) for operation in patch])
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise ValueError(f"the patch does not apply: {error}") from None
    return applied


@attrs.frozen
class Mismatch:
    """A `test` of a patch that does not hold any more."""

    attribute: str
    expected: Value
    actual: Value | None  # None: the attribute is not there

    def __str__(self) -> str:
        return f"{self.attribute} was {_shown(self.expected)}, is now {_shown(self.actual)}"


def failed_tests(patch: Patch, live: Document) -> tuple[Mismatch, ...]:
    """The `test` operations of `patch` that do not hold on `live`, in the order of the patch."""
    return tuple(
        Mismatch(name, operation["value"], live.get(name))
        for operation in patch
        if operation["op"] == "test"
        and not _same(live.get(name := operation["path"].removeprefix("/")), operation["value"])
    )


def request_body(patch: Patch) -> dict[str, Value]:
    """
    The body of the PATCH request: the attributes that differ, and no other member.

    A client that sent more once made repositories unreadable (Azure/azure-powershell#17857). A
    digest is none of them: a tag moves by a push.
    """
    edits = (operation for operation in patch if operation["op"] in ("add", "replace"))
    named = ((edit["path"].removeprefix("/"), edit["value"]) for edit in edits)
    return {name: value for name, value in named if name != DIGEST}


def _same(live: object, expected: object) -> bool:
    return type(live) is type(expected) and live == expected


def _shown(value: Value | None) -> str:
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value[:13]}…" if isinstance(value, str) and value.startswith("sha256:") else str(value)
