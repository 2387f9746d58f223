"""
Look for drift, tell it, undo it: what `drift` does once and `watch` again and again.

Whatever fails on the way, a drift that was found is shown: not being able to tell others of
it, or to undo it, is no reason to keep it from whoever runs the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import attrs

from reconciler.cli import CHANGES, ERROR, OK, options
from reconciler.cli.alerting import note_tellings, tell_drift
from reconciler.cli.carry_out import Order, Style, carry_out
from reconciler.cli.debts import note_debts
from reconciler.cli.drift_output import little_known, renderings
from reconciler.cli.first_seen import first_seen
from reconciler.cli.formats import deliver
from reconciler.cli.memory import Memory
from reconciler.cli.output import answer, note, stdout_paint
from reconciler.cli.registry import Registry
from reconciler.cli.steps import Given, plan_registry
from reconciler.errors import RefusedError

if TYPE_CHECKING:
    from reconciler.apply import Settled
    from reconciler.model.desired import DesiredState
    from reconciler.planning.debts import Debt
    from reconciler.planning.drift import Drifted
    from reconciler.planning.plan import Plan
    from reconciler.render.drift_json import Telling


@attrs.frozen(eq=False)
class Looked:
    """What a look at the registry found."""

    plan: Plan  # of everything
    healing: Plan  # of what drifted, held to the limits
    found: Sequence[Drifted]
    seen: Mapping[str, str]  # when each attribute was first seen to drift (RFC 3339), by its key
    owed: Sequence[Debt]  # locks that a run which did not end left off
    memory: Memory


def look(desired: DesiredState, registry: Registry, given: Given, memory: Memory, owed: Sequence[Debt] = ()) -> Looked:
    """What drifted; it is noted since when."""
    from reconciler.events import drift_events
    from reconciler.planning.drift import drifted, only_drift
    from reconciler.planning.limits import check_limits

    planned = plan_registry(desired, registry, given, memory.base, owed=owed)
    healing = only_drift(planned.plan, is_known=memory.is_known)
    findings = check_limits(healing, given.limits, desired_is_empty=not desired.repositories)
    healing = attrs.evolve(healing, findings=findings)
    found = drifted(healing)
    given.traffic.measured.found = found
    seen = first_seen(memory, found, is_whole=_is_whole(healing, given))
    given.traffic.stream.all(drift_events(healing, found, seen))
    return Looked(planned.plan, healing, found, seen, planned.owed, memory)


def looked_for(desired: DesiredState, registry: Registry, given: Given, memory: Memory) -> int:
    """
    Look, tell others, and answer.

    Returns:
        The exit code.
    """
    looked = look(desired, registry, given, memory, note_debts(memory.store, registry))
    others = given.others
    tellings: tuple[Telling, ...] = ()
    try:
        tellings = tell(looked, registry, given)
    finally:
        answers = renderings(looked, full=others["full"], heals=False, owed=looked.owed, tellings=tellings)
        deliver(given.formats, answers, stdout_paint(no_color=others["no_color"]))
    are_told = note_tellings(tellings, given.traffic)
    if not looked.healing.complete:
        note(f"error: {len(looked.healing.unknown):,} could not be read in full; there may be more drift than this")
        return ERROR
    if looked.found or looked.owed:
        return CHANGES
    return OK if are_told else ERROR


def tell(
    looked: Looked, registry: Registry, given: Given, *, left: Sequence[Drifted] | None = None
) -> tuple[Telling, ...]:
    """Tell others what was found; with `left`, what is left of it."""
    found = looked.found if left is None else left
    return tell_drift(given, found, looked.seen, registry, looked.memory, is_complete=looked.healing.complete)


def healed(desired: DesiredState, registry: Registry, given: Given, memory: Memory, paid: tuple[Settled, ...]) -> int:
    """
    Look, undo what drifted, and tell others what was found and that it is over.

    Returns:
        The exit code.

    Raises:
        RefusedError: it may not be undone as it is, or it is not known what drifted.
    """
    if not memory.is_known:
        raise RefusedError(
            f"{little_known(memory).lower()} remembered, so what drifted is not known\n"
            "  Apply the files first: that makes everything as they say, and remembers all of it."
        )
    looked = look(desired, registry, given, memory)
    try:
        code = undo(looked, registry, given, paid)
    finally:
        are_told = note_tellings(tell(looked, registry, given), given.traffic)
    if code == OK:
        are_told = told_of_end(looked, registry, given) and are_told
    if code == OK and _left(looked):
        return CHANGES
    return code if are_told else ERROR


def told_of_end(looked: Looked, registry: Registry, given: Given) -> bool:
    """Tell others that what was healed is over; whether everybody was told."""
    left = _left(looked)
    seen = first_seen(looked.memory, left, is_whole=_is_whole(looked.healing, given))
    return note_tellings(tell(attrs.evolve(looked, found=left, seen=seen), registry, given), given.traffic)


def _left(looked: Looked) -> Sequence[Drifted]:
    """What no change of an attribute undoes."""
    return [each for each in looked.found if not each.can_heal]


def undo(looked: Looked, registry: Registry, given: Given, paid: tuple[Settled, ...]) -> int:
    """
    Show what drifted and undo it.

    Returns:
        The exit code.

    Raises:
        RefusedError: it may not be undone as it is.
    """
    from reconciler.planning.remember import lines_with

    others, memory = given.others, looked.memory
    paint = stdout_paint(no_color=others["no_color"])
    text = renderings(looked, full=others["full"], heals=True)["text"]
    if given.formats.stdout == options.TEXT:
        answer(text(paint))
    else:
        note(str(text(paint)))
    stopping = [finding for finding in looked.healing.findings if finding.stops]
    if stopping:
        for finding in stopping:
            note(f"{finding.code}: {finding.message}")
        raise RefusedError("this is not healed as it is; nothing was changed\n  See above.")
    given.traffic.stream.all(looked.healing.changes)
    # What was not healed stays remembered as it was, whatever these files say of it.
    order = Order(
        looked.healing, "drift --heal", partial(lines_with, memory.last), recheck=others["recheck"], paid=paid
    )
    return carry_out(order, registry, given.traffic, memory, Style(given.formats, others["full"], paint, text))


def _is_whole(healing: Plan, given: Given) -> bool:
    """What was not found to drift does not drift."""
    return healing.complete and given.selection.is_everything
