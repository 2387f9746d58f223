"""Drift for people: who is called at night reads the gravest first, and what it means in a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from reconciler.model.attributes import DIGEST
from reconciler.planning.drift import WAYS, Drifted
from reconciler.render.drift_words import attribute_change
from reconciler.render.words import Paint, count, paragraph, safe, sentence, short_name, whole_digests

SHOWN = 50  # resources; beyond that the gravest are shown and the rest counted
_SIGNS = {"moved": ">", "deleted": "-"}
_MAX_NAME = 30
_MARGIN = 6
_NAME_WIDTH = 14  # columns, of an attribute


def render_drift(
    registry: str,
    drifted: Sequence[Drifted],
    first_seen: Mapping[str, str],
    paint: Paint,
    *,
    full: bool,
    notes: Sequence[str] = (),
    is_complete: bool = True,
) -> str:
    """
    The drift as text, ending in a newline.

    Args:
        registry: Where it is.
        drifted: What drifted.
        first_seen: When each attribute was first seen to drift, for people, by its key.
        paint: Puts text in a style.
        full: Show everything, however much it is, and every digest to its last digit.
        notes: What else to say about it, below.
        is_complete: Everything could be read.
    """
    gravest = sorted(drifted, key=lambda each: (WAYS.index(each.ways[0]), each.address.order))
    some = gravest if full or len(gravest) <= SHOWN else gravest[:SHOWN]
    in_order = sorted(some, key=lambda each: each.address.order)
    layout = _Layout(some, first_seen, paint, digests=full)
    blocks = [
        "\n".join([paint(name, "bold"), *(line for each in group for line in layout.lines(each))]) + "\n"
        for name, group in groupby(in_order, key=lambda each: each.address.repository)
    ]
    if len(some) < len(gravest):
        left = Counter(each.ways[0] for each in gravest[SHOWN:])
        parts = ", ".join(f"{left[way]:,} {way}" for way in WAYS if left[way])
        blocks.append(paint(f"… and {len(gravest) - SHOWN:,} more ({parts}); --full shows all", "dim") + "\n")
    return "\n".join([*blocks, _summary(registry, drifted, paint, notes, is_complete=is_complete)])


class _Layout:
    """Columns that fit all that is shown: the name, what became of it, since when; and below it the values."""

    def __init__(self, shown: Sequence[Drifted], first_seen: Mapping[str, str], paint: Paint, *, digests: bool) -> None:
        self._digests = digests
        self._first_seen = first_seen
        self._paint = paint
        names = (len(short_name(each.address)) for each in shown)
        self._name_width = max((length for length in names if length <= _MAX_NAME), default=0)
        self._word_width = max((len(_word(each)) for each in shown), default=0)

    def lines(self, each: Drifted) -> Iterator[str]:
        name, sign = short_name(each.address), self._paint(_SIGNS.get(each.ways[0], "~"), "yellow")
        since = each.first_seen(self._first_seen)
        padding = " " * (self._word_width - len(_word(each))) if since else ""
        word = f"{self._paint(_word(each), 'yellow' if each.ways[0] == 'tightened' else 'red')}{padding}"
        told = f"{word}  since {safe(since)}" if since else word
        if len(name) > self._name_width:
            yield f"  {sign} {name}"
            yield f"    {' ' * self._name_width}  {told}"
        else:
            yield f"  {sign} {name:{self._name_width}}  {told}"
        if each.ways[0] != "deleted":
            yield from (f"      {attribute_change(attribute, width=_NAME_WIDTH)}" for attribute in each.attributes)
        yield from self._whole(each) if self._digests else ()
        yield self._paint(f"      declared at {', '.join(map(safe, each.origins))}", "dim")

    def _whole(self, each: Drifted) -> Iterator[str]:
        """The digests that are named by their first digits, and that of a tag that is gone."""
        yield from whole_digests(each.address.digest, None, margin=_MARGIN)
        for attribute in each.attributes:
            if attribute.name == DIGEST:
                yield from whole_digests(attribute.last_applied, attribute.live, margin=_MARGIN)


def _word(each: Drifted) -> str:
    suffix = ", though locked" if each.ways[0] in ("moved", "deleted") else ""
    return f"{', '.join(each.ways)}{suffix}"


def _summary(
    registry: str, drifted: Sequence[Drifted], paint: Paint, notes: Sequence[str], *, is_complete: bool
) -> str:
    if not drifted:
        claim = f"No drift {'' if is_complete else 'in what could be read '}at {safe(registry)}."
    else:
        ways = Counter(way for each in drifted for way in each.ways)
        parts = [f"{ways[way]:,} {way}" for way in WAYS if ways[way]]
        claim = sentence(
            f"Drift at {safe(registry)}: {count(len({each.address for each in drifted}), 'resource')},", parts
        )
    return "\n".join([paint(claim, "bold"), *(paragraph(note, margin=2) for note in notes)]) + "\n"
