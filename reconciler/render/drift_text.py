"""Drift for people: who is called at night reads the gravest first, and what it means in a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from reconciler.planning.drift import WAYS, Attribute, Drifted
from reconciler.render.words import WIDTH, Paint, count, paragraph, safe, sentence, short_name, shown

SHOWN = 50  # resources; beyond that the gravest are shown and the rest counted
_SIGNS = {"moved": ">", "deleted": "-"}
_MAX_NAME = 30


def render_drift(
    registry: str,
    drifted: Sequence[Drifted],
    first_seen: Mapping[str, str],
    paint: Paint,
    *,
    full: bool,
    notes: Sequence[str] = (),
) -> str:
    """
    The drift as text, ending in a newline.

    Args:
        registry: Where it is.
        drifted: What drifted.
        first_seen: When that was first seen, for people, by fingerprint.
        paint: Puts text in a style.
        full: Show everything, however much it is.
        notes: What else to say about it, below.
    """
    gravest = sorted(drifted, key=lambda each: (WAYS.index(each.ways[0]), each.address.order))
    some = gravest if full or len(gravest) <= SHOWN else gravest[:SHOWN]
    in_order = sorted(some, key=lambda each: each.address.order)
    width = max((len(short_name(each.address)) for each in some), default=0)
    blocks = [
        "\n".join([paint(name, "bold"), *_lines(list(group), min(width, _MAX_NAME), first_seen, paint)]) + "\n"
        for name, group in groupby(in_order, key=lambda each: each.address.repository)
    ]
    if len(some) < len(gravest):
        left = Counter(each.ways[0] for each in gravest[SHOWN:])
        parts = ", ".join(f"{left[way]:,} {way}" for way in WAYS if left[way])
        blocks.append(paint(f"… and {len(gravest) - SHOWN:,} more ({parts}); --full shows all", "dim") + "\n")
    return "\n".join([*blocks, _summary(registry, drifted, paint, notes)])


def _lines(group: Sequence[Drifted], width: int, first_seen: Mapping[str, str], paint: Paint) -> Iterator[str]:
    for each in group:
        name, sign = short_name(each.address), paint(_SIGNS.get(each.ways[0], "~"), "yellow")
        head = f"  {sign} {name:{width}}"
        if len(name) > width:
            yield head
            head = " " * (4 + width)
        for text in _texts(each, paint):
            yield f"{head}  {text}"
            head = " " * (4 + width)
        yield from _place(each, 4 + width + 2, first_seen, paint)


def _texts(each: Drifted, paint: Paint) -> Iterator[str]:
    if each.ways[0] == "deleted":
        yield paint("deleted, though it was locked", "red")
        return
    suffix = ", though it was locked" if each.ways[0] == "moved" else ""
    means = paint(", ".join(each.ways) + suffix, "yellow" if each.ways[0] == "tightened" else "red")
    *first, last = [_attribute(attribute) for attribute in each.attributes]
    yield from first
    yield f"{last}  {means}"


def _attribute(attribute: Attribute) -> str:
    values = [value if value is None else shown(value) for value in (attribute.last_applied, attribute.live)]
    return f"{safe(attribute.name):15}  {values[0] or '?'} → {values[1] or 'gone'}"


def _place(each: Drifted, margin: int, first_seen: Mapping[str, str], paint: Paint) -> Iterator[str]:
    since = first_seen.get(each.fingerprint, "")
    said = [f"first seen {safe(since)}" if since else "", f"declared at {', '.join(map(safe, each.origins))}"]
    told = [part for part in said if part]
    together = "; ".join(told)
    if margin + len(together) <= WIDTH:
        told = [together]
    yield from (
        f"{' ' * min(margin, 8 if len(part) + margin > WIDTH else margin)}{paint(part, 'dim')}" for part in told
    )


def _summary(registry: str, drifted: Sequence[Drifted], paint: Paint, notes: Sequence[str]) -> str:
    if not drifted:
        claim = f"No drift at {safe(registry)}."
    else:
        ways = Counter(way for each in drifted for way in each.ways)
        parts = [f"{ways[way]:,} {way}" for way in WAYS if ways[way]]
        claim = sentence(f"Drift at {safe(registry)}: {count(len(drifted), 'resource')},", parts)
    return "\n".join([paint(claim, "bold"), *(paragraph(note, margin=2) for note in notes)]) + "\n"
