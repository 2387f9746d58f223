"""
Look for drift, tell it, undo it: what `drift` does once and `watch` again and again.

Whatever fails on the way, a drift that was found is shown: not being able to tell others of
it, or to undo it, is no reason to keep it from whoever runs the command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import attrs

from reconciler.cli import CHANGES, ERROR, OK, options
from reconciler.cli.alerting import note_found, note_tellings, tell_drift
from reconciler.cli.carry_out import Order, Style, carry_out
from reconciler.cli.clock import now_text
from reconciler.cli.debts import note_debts
from reconciler.cli.drift_output import little_known, renderings
from reconciler.cli.first_seen import first_seen
from reconciler.cli.formats import deliver
from reconciler.cli.memory import Memory
from reconciler.cli.output import answer, note, stdout_paint
from reconciler.cli.registry import Registry
from reconciler.cli.signals import uninterrupted
from reconciler.cli.steps import Given, plan_registry
from reconciler.errors import RefusedError

if TYPE_CHECKING:
    from reconciler.apply import Settled
    from reconciler.model.address import Address
    from reconciler.model.attributes import Value
    from reconciler.model.desired import DesiredState
    from reconciler.planning.debts import Debt
    from reconciler.planning.drift import Drifted
    from reconciler.planning.plan import Plan
    from reconciler.render.drift_json import Telling

_TELLING = "interrupted: others are being told; a moment"


@attrs.frozen(eq=False)
class Looked:
    """What a look at the registry found."""

    plan: Plan  # of everything
    healing: Plan  # of what drifted, held to the limits
    found: Sequence[Drifted]
    seen: Mapping[str, str]  # when each attribute was first seen to drift (RFC 3339), by its key
    at: str  # RFC 3339: when it was
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
    found, at = drifted(healing, _last_applied(memory)), now_text()
    given.traffic.measured.found = found
    seen = first_seen(memory, found, at, is_whole=_is_whole(healing, given))
    given.traffic.stream.all(drift_events(healing, found, seen))
    return Looked(planned.plan, healing, found, seen, at, planned.owed, memory)


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
        with uninterrupted(_TELLING):
            tellings = tell_drift(given, looked, registry)
    finally:
        are_told = note_tellings(tellings, given.traffic)
        answers = renderings(looked, full=others["full"], heals=False, owed=looked.owed, tellings=tellings)
        deliver(given.formats, answers, stdout_paint(no_color=others["no_color"]))
    if not looked.healing.complete:
        note(f"error: {len(looked.healing.unknown):,} could not be read in full; there may be more drift than this")
        return ERROR
    if looked.found or looked.owed:
        return CHANGES
    return OK if are_told else ERROR


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
    code = ERROR
    try:
        code = undo(looked, registry, given, paid, _answer_or_note(given))
    finally:
        with uninterrupted(_TELLING):
            are_told = told_of_heal(looked, registry, given, is_over=code == OK)
    if code == OK and left_of(looked):
        return CHANGES
    return code if are_told else ERROR


def told_of_heal(looked: Looked, registry: Registry, given: Given, *, is_over: bool) -> bool:
    """
    Tell others what was found and, where it is over, that too; whether everybody was told.

    What was found is in the ledger since before it was undone, so its beginning and its end are told at once.
    """
    if not is_over or looked.memory.store is None:
        return note_tellings(tell_drift(given, looked, registry), given.traffic)
    left, at = left_of(looked), now_text()
    seen = first_seen(looked.memory, left, at, is_whole=_is_whole(looked.healing, given))
    after = attrs.evolve(looked, found=left, seen=seen, at=at)
    return note_tellings(tell_drift(given, after, registry), given.traffic)


def left_of(looked: Looked) -> Sequence[Drifted]:
    """What no change of an attribute undoes."""
    return [each for each in looked.found if not each.can_heal]


def undo(
    looked: Looked, registry: Registry, given: Given, paid: tuple[Settled, ...], show: Callable[[Looked, Style], None]
) -> int:
    """
    Show what drifted and undo it.

    Returns:
        The exit code.

    Raises:
        RefusedError: it may not be undone as it is.
    """
    from reconciler.planning.remember import lines_with

    others, memory = given.others, looked.memory
    text = renderings(looked, full=others["full"], heals=True)["text"]
    style = Style(given.formats, others["full"], stdout_paint(no_color=others["no_color"]), text)
    show(looked, style)
    stopping = [finding for finding in looked.healing.findings if finding.stops]
    if stopping:
        for finding in stopping:
            note(f"{finding.code}: {finding.message}")
        raise RefusedError("this is not healed as it is; nothing was changed\n  See above.")
    note_found(given, looked, registry)
    given.traffic.stream.all(looked.healing.changes)
    # What was not healed stays remembered as it was, whatever these files say of it.
    order = Order(
        looked.healing, "drift --heal", partial(lines_with, memory.last), recheck=others["recheck"], paid=paid
    )
    return carry_out(order, registry, given.traffic, memory, style)


def _answer_or_note(given: Given) -> Callable[[Looked, Style], None]:
    def show(_: Looked, style: Style) -> None:
        text = str(style.said_before(style.paint))
        answer(text) if given.formats.stdout == options.TEXT else note(text)

    return show


def _is_whole(healing: Plan, given: Given) -> bool:
    """What was not found to drift does not drift."""
    return healing.complete and given.selection.is_everything


def _last_applied(memory: Memory) -> Callable[[Address, str], Value | None]:
    """What an attribute was last applied as, as far as it is remembered."""

    def last_applied(address: Address, name: str) -> Value | None:
        from reconciler.model.attributes import DIGEST
        from reconciler.model.last_applied import NOTHING

        remembered = memory.base.remembered(address.repository)
        if address.kind == "repository":
            return remembered.attributes.get(name)
        of = remembered.tags if address.tag else remembered.manifests
        one = of.get(address.tag or address.digest, NOTHING)
        return (one.digest or None) if name == DIGEST else one.attributes.get(name)

    return last_applied
