"""
A plan for people: at a prompt, in a pull request's log, at three in the morning.

Changes are grouped by repository, one line for each attribute, and readable
without colour. A large plan shows the gravest first and counts the rest: nobody
reads 100,000 lines, and the one that hides an image must not drown in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST
from reconciler.planning.plan import Change, Plan, effects_of
from reconciler.render.change_rows import rows, whole
from reconciler.render.plan_notes import plan_notes
from reconciler.render.plan_summary import GRAVE, claims, effects, gravity, has_cause, summary_lines, told_causes
from reconciler.render.words import (
    WIDTH,
    Paint,
    Style,
    count,
    paragraph,
    safe,
    sentence,
    short_name,
)

SHOW_ALL_UP_TO = 100  # changes; beyond that a plan is shown in part
SHOWN_REPOSITORIES = 10
SHOWN_CHANGES = 5  # of one repository
_SIGNS = {"update": "~", "move": ">", "create": "+", "delete": "-"}
_BELOW, _DEEPER = "└", " └"
_SIGN_WIDTH = 2  # columns
_SIGN_STYLES: dict[str, Style] = {"update": "yellow", "move": "yellow", "create": "green", "delete": "red"}
_MARKS = {"hide": "hides", "loosen": "loosens"}
_CAUSE_STYLES: dict[str, Style] = {"drift": "red", "conflict": "red"}
_MAX_NAME = 30
_ASKED = "asked for at "
_DIGESTS_AT = 6  # columns: two digits fewer, and an arrow would not fit before a digest


def render_plan(plan: Plan, paint: Paint, *, full: bool) -> str:
    """
    The plan as text, ending in a newline.

    Args:
        plan: What to show.
        paint: Puts text in a style.
        full: Show every change, however many there are, and every digest to its last digit.
    """
    blocks = [
        *_changes(plan, paint, full=full or len(plan.changes) <= SHOW_ALL_UP_TO, digests=full),
        *plan_notes(plan, paint, full=full),
        _summary(plan, paint),
    ]
    return "\n".join(block for block in blocks if block)


def _changes(plan: Plan, paint: Paint, *, full: bool, digests: bool) -> Iterator[str]:
    grouped = groupby(plan.changes, key=lambda change: change.address.repository)
    groups = [(name, list(changes)) for name, changes in grouped]
    layout = _Layout(plan, paint, full=full, digests=digests)
    if full:
        for name, changes in groups:
            yield layout.repository(name, _nested(changes))
        return
    groups.sort(key=lambda group: (min(map(gravity, group[1])), group[0]))
    for name, changes in groups[:SHOWN_REPOSITORIES]:
        gravest = sorted(changes, key=lambda change: (gravity(change), change.address.order))
        yield layout.repository(name, gravest[:SHOWN_CHANGES], left_out=gravest[SHOWN_CHANGES:])
    rest = groups[SHOWN_REPOSITORIES:]
    if rest:
        left_out = [change for _, changes in rest for change in changes]
        where = count(len(rest), "more repository", "more repositories")
        more = f"… and {count(len(left_out), 'change')} in {where} {effects(left_out)}".rstrip()
        yield paint(more, "dim") + "\n" + paint("  The gravest stand first; --full shows all.", "dim") + "\n"


class _Layout:
    """Columns that fit the whole plan, so that lines stand below each other across repositories."""

    def __init__(self, plan: Plan, paint: Paint, *, full: bool, digests: bool) -> None:
        self._paint = paint
        self._digests = digests  # to the last digit, below what they belong to
        tags = (change for change in plan.changes if change.kind == "tag" and full)
        self._tags = {change.address: set(change.origins) for change in tags}  # who asked for each
        names = (len(short_name(change.address)) for change in plan.changes)
        self._name_width = max((length for length in names if length <= _MAX_NAME), default=0)
        attributes = (len(safe(name)) for each in plan.changes for name in each.after if name != DIGEST)
        self._attribute_width = max(attributes, default=0)
        widths = (len(text) for change in plan.changes for _, text in rows(change, self._attribute_width))
        self._row_width = max(widths, default=0)
        is_grave = any(set(change.effects) & set(GRAVE) for change in plan.changes)
        self._mark_width = max(map(len, _MARKS.values())) if is_grave else 0
        # Who moved is said where somebody did, and where nobody knows although there is a memory.
        told = {cause for change in plan.changes if has_cause(change) for cause in change.causes.values()}
        told &= told_causes(plan)
        self._cause_width = max(map(len, told), default=0)
        self._told = told
        self._margin = 4 + self._name_width + 2  # where rows begin
        self._line_width = self._margin + self._row_width
        self._line_width += sum(2 + width for width in (self._mark_width, self._cause_width) if width)

    def repository(self, name: str, changes: Sequence[Change], left_out: Sequence[Change] = ()) -> str:
        lines = [self._paint(name, "bold")]
        for change in changes:
            lines += self._change(change)
        if left_out:
            more = f"    … and {count(len(left_out), 'more change')} here {effects(left_out)}".rstrip()
            lines.append(self._paint(f"{more}; --full shows all", "dim"))
        return "\n".join(lines) + "\n"

    def _change(self, change: Change) -> Iterator[str]:
        name, sign = short_name(change.address), self._sign(change)
        head = f"  {sign}{name:{self._name_width}}"
        if len(name) > self._name_width:
            yield head
            head = " " * (self._margin - 2)
        asked = [f"{safe(origin)}{self._on_behalf(change)}" for origin in self._new_origins(change)]
        # Several origins belong to different attributes, and beside the wrong one an origin would mislead.
        is_beside = len(asked) == 1 and self._line_width + 2 + len(asked[0]) <= WIDTH
        beside = f"  {self._paint(asked[0], 'dim')}" if is_beside else ""
        for attribute, text in rows(change, self._attribute_width):
            yield f"{head}  {self._row(change, attribute, text)}{beside}".rstrip()
            head, beside = " " * (self._margin - 2), ""
        yield from whole(change, margin=_DIGESTS_AT) if self._digests else ()
        if asked and not is_beside:
            yield from self._origins(asked)

    def _sign(self, change: Change) -> str:
        """What is done, 2 columns; a manifest that is changed for the tag above hangs from that, a child deeper."""
        sign = _SIGNS[change.action]
        if self._is_below(change):
            sign = _DEEPER if _is_part(change) else _BELOW
        return self._paint(sign, _SIGN_STYLES[change.action]) + " " * (_SIGN_WIDTH - len(sign))

    def _is_below(self, change: Change) -> bool:
        return change.via is not None and change.via.address in self._tags

    def _new_origins(self, change: Change) -> Sequence[str]:
        """Who asked for it, unless that stands at the tag above it."""
        above = self._tags.get(change.via.address, set()) if change.via else set[str]()
        return () if above and above.issuperset(change.origins) else change.origins

    def _on_behalf(self, change: Change) -> str:
        """The tag that a manifest is changed for, where it does not stand below it."""
        return "" if change.via is None or self._is_below(change) else f" for {short_name(change.via.address)}"

    def _row(self, change: Change, attribute: str, text: str) -> str:
        row = f"{text:{self._row_width}}"
        if self._mark_width:
            effects = effects_of(change.before, change.after, [attribute]) if attribute else ()
            mark = "".join(_MARKS[effect] for effect in effects if effect in _MARKS)
            row = f"{row}  {self._column(mark, self._mark_width, 'red')}"
        if self._cause_width:
            cause = change.causes[attribute] if attribute else change.cause
            is_condition = not attribute and change.action == "update"
            told = cause if cause in self._told and has_cause(change) and not is_condition else ""
            row = f"{row}  {self._column(told, self._cause_width, _CAUSE_STYLES.get(told, 'dim'))}"
        return row

    def _column(self, text: str, width: int, style: Style) -> str:
        return f"{self._paint(text, style) if text else ''}{' ' * (width - len(text))}"

    def _origins(self, origins: Sequence[str]) -> Iterator[str]:
        together = ", ".join(origins)
        if self._margin + len(_ASKED) + len(together) <= WIDTH:
            yield f"{' ' * self._margin}{self._paint(_ASKED + together, 'dim')}"
            return
        for start, origin in zip_longest((_ASKED,), origins, fillvalue=""):
            yield f"    {self._paint(f'{start:{len(_ASKED)}}{origin}', 'dim')}"


def _nested(changes: Sequence[Change]) -> list[Change]:
    """Each tag followed by the manifests that are changed for it, so that nobody has to look up a digest."""
    below: dict[Address, list[Change]] = {change.address: [] for change in changes if change.kind == "tag"}
    for change in changes:
        if change.via and change.via.address in below:
            below[change.via.address].append(change)
    rest = (change for change in changes if not (change.via and change.via.address in below))
    return [each for change in rest for each in (change, *sorted(below.get(change.address, ()), key=_is_part))]


def _is_part(change: Change) -> bool:
    """A tag asks for it that points at an index which it is part of, and not at itself."""
    return change.via is not None and change.via.digest != change.address.digest


def _summary(plan: Plan, paint: Paint) -> str:
    claim = sentence(f"Plan for {safe(plan.registry)}:", claims(plan), effects(plan.changes))
    return "\n".join([paint(claim, "bold"), *(paragraph(line, margin=2) for line in summary_lines(plan))]) + "\n"
