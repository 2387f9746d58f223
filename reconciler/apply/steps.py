"""
The requests that make one change, in their order, as values.

Between two of them the resource is in a state that nobody declared. Permissions are
granted before a tag moves, because the move may need them, and withdrawn after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from reconciler.model.attributes import DIGEST, Document, Value
from reconciler.planning.patch import Patch, request_body
from reconciler.planning.plan import Change

Verb: TypeAlias = Literal["PATCH", "PUT", "DELETE"]


@attrs.frozen
class Step:
    """One request."""

    verb: Verb
    tests: Patch | None  # what must hold before it; None: nothing may be there
    after: Document | None  # what shows once it is done; None: nothing is there
    body: Mapping[str, Value] = attrs.field(factory=dict)  # of a PATCH


def steps_of(change: Change) -> tuple[Step, ...]:
    """What to send for `change`, at least one request."""
    if change.action == "delete":
        return (Step("DELETE", change.patch, None),)
    if change.action == "update":
        return (Step("PATCH", change.patch, change.after, request_body(change.patch)),)
    return tuple(_pointing(change))


def holds(wanted: Document | None, live: Document | None) -> bool:
    """`live` is as `wanted` says, whatever else it shows."""
    if wanted is None or live is None:
        return wanted is live
    return wanted.items() <= live.items()


def differences(wanted: Document, live: Document) -> Iterator[str]:
    """What of `live` is not as `wanted`, in words."""
    for name in sorted(wanted):
        if live.get(name) != wanted[name]:
            value = live.get(name)
            yield f"{name} {str(value).lower() if isinstance(value, bool) else value}"


def _pointing(change: Change) -> Iterator[Step]:
    """A tag is put on a manifest, and gets its attributes."""
    is_there = bool(change.before)
    tests, known = change.patch if is_there else None, dict(change.before)
    flags = request_body(change.patch)
    granted = {name: value for name, value in flags.items() if is_there and value is True}
    if granted:
        known |= granted
        yield Step("PATCH", tests, dict(known), granted)
        tests = _tests(known)
    known[DIGEST] = change.after[DIGEST]
    yield Step("PUT", tests, dict(known))
    others = {name: value for name, value in flags.items() if name not in granted}
    if others:
        yield Step("PATCH", _tests(known), change.after, others)


def _tests(document: Document) -> Patch:
    return tuple({"op": "test", "path": f"/{name}", "value": value} for name, value in sorted(document.items()))
