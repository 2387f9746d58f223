"""Drift as a comment, or a page that somebody is called at night for: the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from reconciler.planning.drift import WAYS, Drifted
from reconciler.planning.plan import Plan
from reconciler.render.drift_words import attribute_change
from reconciler.render.markdown import Row, code, codes, comment_marker, document, notes
from reconciler.render.words import count, named

_GRAVE = ("hidden", "loosened", "moved", "deleted")
_COLUMNS = ("", "Resource", "Last applied → live", "First seen", "Declared at")
_SEE_ALL = "`reconciler drift FILE... --full` shows all."


def render_drift_markdown(
    plan: Plan, drifted: Sequence[Drifted], first_seen: Mapping[str, str], remarks: Sequence[str] = ()
) -> str:
    """
    The drift as Markdown, ending in a newline; less than 65,536 characters, whatever it holds.

    Args:
        plan: The plan that heals it.
        drifted: What drifted.
        first_seen: When each attribute was first seen to drift, for people, by its key.
        remarks: What else to say about it.
    """
    ways = Counter(way for each in drifted for way in each.ways)
    parts = [f"{ways[way]:,} {way}" for way in WAYS if ways[way]]
    resources = count(len({each.address for each in drifted}), "resource")
    said = f"{resources}, {', '.join(parts)}" if drifted else "none"
    unknown = [(named(each.address, whole=False), each.message) for each in plan.unknown]
    unread = f"{count(len(unknown), 'resource')} could not be read in full, so there may be more drift."
    blocks = [
        comment_marker("drift", plan.registry),
        f"### Drift at {code(plan.registry, 200)}: {said}",
        "" if plan.complete else f"**It is not complete**: {unread}",
        "" if drifted or not plan.complete else "**Nothing drifted.**",
        notes("Worth knowing", [(remark, "") for remark in remarks], _SEE_ALL),
        notes(
            "Not read in full", [(named(each.address, whole=False), each.message) for each in plan.unknown], _SEE_ALL
        ),
    ]
    return document(blocks, [_row(each, first_seen) for each in drifted], _COLUMNS, [], _SEE_ALL)


def _row(each: Drifted, first_seen: Mapping[str, str]) -> Row:
    way = each.ways[0]
    return Row(
        gravity=WAYS.index(way),
        is_grave=way in _GRAVE,
        address=each.address,
        kind=f"**{way}**" if way in _GRAVE else way,
        cells=partial(_cells, each, first_seen),
    )


def _cells(each: Drifted, first_seen: Mapping[str, str]) -> tuple[str, ...]:
    since = each.first_seen(first_seen)
    attributes = "<br>".join(code(attribute_change(attribute)) for attribute in each.attributes)
    return attributes, code(since) if since else "", codes(each.origins)
