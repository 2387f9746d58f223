"""
What a change does, as rows of text: one for each attribute, and for what comes, goes or moves.

A row is what stands between the name of a resource and who asked for it. All rows of a
plan are as wide as the widest, so that a person can read down a column.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.attributes import DIGEST, MANIFEST_COUNT, TAG_COUNT, TAGGED, UPDATED, Document
from reconciler.planning.plan import Change
from reconciler.render.words import count, safe, shown, whole_digests

VALUES_WIDTH = 13  # true → false


def rows(change: Change, attribute_width: int) -> Iterator[tuple[str, str]]:
    """Each row, with the attribute that it is about; empty where it is about the whole resource."""
    if change.action == "delete":
        yield "", _goes(change)
        return
    if change.action == "create":
        yield DIGEST, shown(change.after[DIGEST])
    if change.action == "move":
        yield DIGEST, f"{shown(change.before[DIGEST])} → {shown(change.after[DIGEST])}"
    for name in change.attributes:
        if name != DIGEST:
            yield name, f"{safe(name):{attribute_width}}  {_values(change, name):{VALUES_WIDTH}}"
    if change.action == "update" and TAGGED in change.before:
        yield "", "only while it has no tag"


def whole(change: Change, *, margin: int) -> list[str]:
    """The digests that stand in the name or in the rows of a change, as lines of their own."""
    if change.address.digest:
        return whole_digests(change.address.digest, None, margin=margin)
    if change.action == "update":
        return []
    return whole_digests(change.before.get(DIGEST), change.after.get(DIGEST), margin=margin)


def _values(change: Change, name: str) -> str:
    after = shown(change.after[name])
    return f"{shown(change.before[name])} → {after}" if name in change.before else after


def held(before: Document) -> str:
    """How much a repository that goes held: `2 tags and 3 manifests`; empty: that is not told."""
    known = ((before.get(name), noun) for name, noun in ((TAG_COUNT, "tag"), (MANIFEST_COUNT, "manifest")))
    return " and ".join(count(number, noun) for number, noun in known if isinstance(number, int))


def _goes(change: Change) -> str:
    """What is lost: where a tag pointed, how much a repository held."""
    contents = held(change.before)
    if contents:
        return f"with {contents}"
    digest = shown(change.before[DIGEST]) if DIGEST in change.before else ""
    by_age = "unless pushed again" if UPDATED in change.before else ""
    return ", ".join(filter(None, [digest, by_age]))
