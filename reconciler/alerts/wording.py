"""
What people are told: one message for a batch, the gravest first, and the rest counted.

Each chat shows it in its own way; what it says is said here, and how long it can get.
What is resolved only because a resource drifts otherwise now is no news for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

import attrs

from reconciler.alerts.event import AttributeEvent, DriftEvent
from reconciler.alerts.sink import Batch
from reconciler.alerts.text import harmless
from reconciler.planning.drift import WAYS
from reconciler.render.words import count, moment, shown

MOST = 10  # resources that a message names

_REGISTRY, _NAME, _LINE = 100, 400, 600  # characters
_NOT_COMPLETE = "Not everything could be read, so there may be more."

Tone = Literal["critical", "warning", "resolved"]
T = TypeVar("T")


@attrs.frozen
class Entry:
    """What is said about one resource; every text is on one line, and of bounded length."""

    title: str
    tone: Tone
    lines: tuple[str, ...]
    heal: str  # a command; empty: nothing to do

    @property
    def text(self) -> str:
        """All of it, in lines."""
        return "\n".join([self.title, *self.lines, *([f"heal: {self.heal}"] if self.heal else [])])


@attrs.frozen
class Message:
    """What is said about a batch."""

    headline: str
    tone: Tone
    entries: tuple[Entry, ...]
    rest: str  # how many more there are; empty: none
    notes: tuple[str, ...]

    @property
    def below(self) -> tuple[str, ...]:
        """What stands below the entries."""
        return (*([self.rest] if self.rest else []), *self.notes)


def news_for_people(batch: Batch) -> tuple[DriftEvent, ...]:
    """The news without what is resolved only because something else drifts there now."""
    return tuple(event for event in batch.news if not event.replaced_by)


def message(batch: Batch, events: Sequence[DriftEvent], most: int = MOST) -> Message:
    """
    What is said about events of a batch, the gravest first.

    Args:
        batch: What else is known.
        events: Those that it is about; at least one.
        most: How many resources are named.
    """
    left = len(events) - most
    more = f"and {left:,} more: {batch.command}" if most else f"{batch.command} shows them."
    return Message(
        headline=headline(batch, events),
        tone=_tone(events[0]),
        entries=tuple(_entry(event, batch.at) for event in events[:most]),
        rest=harmless(more, _LINE) if left > 0 else "",
        notes=() if batch.is_complete else (_NOT_COMPLETE,),
    )


def fitting(make: Callable[[int], T], fits: Callable[[T], bool], most: int = MOST) -> T:
    """What `make` makes of as many entries as fit; without any it always does."""
    for number in range(most, 0, -1):
        if fits(made := make(number)):
            return made
    return make(0)


def headline(batch: Batch, events: Sequence[DriftEvent]) -> str:
    """`contoso.azurecr.io: ` and what `counted` says."""
    return f"{harmless(batch.registry, _REGISTRY)}: {counted(events, batch.at)}"


def counted(events: Sequence[DriftEvent], at: str) -> str:
    """
    `12 resources drifted, 10 loosened, 2 moved; 1 resource still drifts, 1 moved; 3 resources drift no more`.

    Args:
        events: What is counted, by resource.
        at: When the run was; what it did not see first drifts still.
    """
    groups: dict[str, list[DriftEvent]] = {"began": [], "still": [], "resolved": []}
    for event in events:
        groups[_stage(event, at)].append(event)
    began, still, resolved = (len({event.address for event in groups[each]}) for each in groups)
    parts = [
        f"{count(began, 'resource')} drifted{_ways(groups['began'])}" if began else "",
        f"{count(still, 'resource')} still {_drifts(still)}{_ways(groups['still'])}" if still else "",
        f"{count(resolved, 'resource')} {_drifts(resolved)} no more" if resolved else "",
    ]
    return "; ".join(part for part in parts if part)


def _drifts(number: int) -> str:
    return "drifts" if number == 1 else "drift"


def _ways(events: Sequence[DriftEvent]) -> str:
    ways = Counter(event.ways[0] for event in events)
    return "".join(f", {ways[way]:,} {way}" for way in WAYS if ways[way])


def _stage(event: DriftEvent, at: str) -> str:
    if event.status == "resolved":
        return "resolved"
    return "began" if event.first_seen == at else "still"


def _tone(event: DriftEvent) -> Tone:
    return "resolved" if event.status == "resolved" else event.severity


def _entry(event: DriftEvent, at: str) -> Entry:
    still = ", still" if _stage(event, at) == "still" else ""
    name = f"{event.address} ({', '.join(event.ways)}{still})"
    if event.status == "resolved":
        line = f"It drifts no more, last seen so {moment(event.last_seen)}."
        return Entry(harmless(f"resolved: {name}", _NAME), "resolved", (harmless(line, _LINE),), "")
    title = harmless(f"{event.severity}: {name}", _NAME)
    heal = harmless(event.heal, _LINE) if len(event.heal) < _LINE else ""  # half a command might be another one
    return Entry(title, event.severity, tuple(harmless(line, _LINE) for line in _lines(event)), heal)


def _lines(event: DriftEvent) -> Iterator[str]:
    yield event.meaning.removeprefix(f"{event.address}: ")
    if event.ways[0] != "deleted":
        yield ", ".join(f"{each.name}: {values(each)}" for each in event.attributes)
    yield f"since {moment(event.first_seen)}"
    if event.pattern:
        yield event.pattern
    if not event.can_heal:
        yield "No change of an attribute undoes it: a person has to decide."


def values(each: AttributeEvent) -> str:
    """`false → true`; `?` is what is not known, `gone` what is not there any more."""
    before, live = (None if value is None else shown(value) for value in (each.before, each.live))
    return f"{before or '?'} → {live or 'gone'}"
