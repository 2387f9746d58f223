"""`reconciler drift`: what somebody changed behind our back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import click

from reconciler.cli import CHANGES, ERROR, OK, options
from reconciler.cli.carry_out import Order, Style, carry_out
from reconciler.cli.clock import shown_time
from reconciler.cli.debts import note_debts, pay_first
from reconciler.cli.first_seen import first_seen
from reconciler.cli.formats import Renderings, deliver, formats_from
from reconciler.cli.measured import measured
from reconciler.cli.memory import Memory, locked_memory, read_memory
from reconciler.cli.output import answer, note, standard_input, stdout_paint
from reconciler.cli.registry import Registry, open_registry
from reconciler.cli.signals import terminated_as_interrupted
from reconciler.cli.steps import Given, Planned, given_from, plan_registry
from reconciler.cli.stream import told
from reconciler.errors import RefusedError
from reconciler.render.words import Paint, count, few

if TYPE_CHECKING:
    from reconciler.apply import Settled
    from reconciler.model.desired import DesiredState
    from reconciler.planning.debts import Debt
    from reconciler.planning.drift import Drifted
    from reconciler.planning.limits import Limits
    from reconciler.planning.plan import Plan


@click.command("drift")
@options.files
@options.registry
@click.option("--heal", is_flag=True, help="Undo it: make just that what it was last applied as. Does not ask.")
@options.lock_timeout
@options.recheck
@options.metrics
@options.planning
@measured
def command(files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Tell what somebody changed behind our back.

    Compares what is live with what was last applied, attribute by attribute, and
    leaves out what the files themselves want changed: that is for plan. Exits with
    2 where something drifted. With --heal it is undone, within the same limits as
    apply, and the exit code is 0 once nothing is left of it.

    \b
    Examples:
      reconciler drift registry.yaml
      reconciler drift registry.yaml --format json | jq '.drift[].address'
      reconciler drift registry.yaml --format text --format junit=drift.xml
      reconciler drift registry.yaml --heal --state az://state/prod.json
    """
    operation = "drift --heal" if others["heal"] else "drift"
    given = given_from(others, formats_from(others, (*files, *others["overlay"])), operation)
    return told(given.traffic.stream, lambda: _looked(files, registry, given))


def _looked(files: tuple[str, ...], registry: str | None, given: Given) -> int:
    from reconciler.files import load_desired

    traffic, where, others = given.traffic, given.where, given.others
    desired = load_desired(files, stdin=standard_input(), overlays=others["overlay"])
    with open_registry(registry, desired.registry, traffic) as live:
        if not others["heal"]:
            memory = read_memory(where, live, traffic, files)
            return _told(desired, live, given, memory)
        with terminated_as_interrupted(), locked_memory(where, live, traffic, files, "drift --heal") as memory:
            paid = pay_first(memory, live, traffic, "drift --heal")
            return _healed(desired, live, given, memory, paid)


def _told(desired: DesiredState, registry: Registry, given: Given, memory: Memory) -> int:
    owed = note_debts(memory.store, registry)
    planned = plan_registry(desired, registry, given, memory.base, owed=owed)
    healing, found = _drift_in(planned, given.limits, memory)
    given.traffic.measured.found = found
    renderings = _renderings(planned.plan, healing, found, memory, given=given, owed=planned.owed)
    deliver(given.formats, renderings, stdout_paint(no_color=given.others["no_color"]))
    if not healing.complete:
        note(f"error: {len(healing.unknown):,} could not be read in full; there may be more drift than this")
        return ERROR
    return CHANGES if found or planned.owed else OK


def _healed(desired: DesiredState, registry: Registry, given: Given, memory: Memory, paid: tuple[Settled, ...]) -> int:
    from reconciler.planning.remember import lines_with

    if not memory.is_known:
        raise RefusedError(
            f"{_little_known(memory).lower()} remembered, so what drifted is not known\n"
            "  Apply the files first: that makes everything as they say, and remembers all of it."
        )
    planned = plan_registry(desired, registry, given, memory.base)
    healing, found = _drift_in(planned, given.limits, memory, is_empty=not desired.repositories)
    given.traffic.measured.found = found
    others, traffic = given.others, given.traffic
    is_whole = healing.complete and given.selection.is_everything
    paint = stdout_paint(no_color=others["no_color"])
    text = _renderings(planned.plan, healing, found, memory, given=given)["text"]
    if given.formats.stdout == options.TEXT:
        answer(text(paint))
    else:
        note(str(text(paint)))
    stopping = [finding for finding in healing.findings if finding.stops]
    if stopping:
        for finding in stopping:
            note(f"{finding.code}: {finding.message}")
        raise RefusedError("this is not healed as it is; nothing was changed\n  See above.")
    traffic.stream.all(healing.changes)
    # What was not healed stays remembered as it was, whatever these files say of it.
    order = Order(healing, "drift --heal", partial(lines_with, memory.last), recheck=others["recheck"], paid=paid)
    code = carry_out(order, registry, traffic, memory, Style(given.formats, others["full"], paint, text))
    left = [each for each in found if not each.can_heal]
    if code == OK:
        first_seen(memory, left, is_whole=is_whole)
    return CHANGES if code == OK and left else code


def _drift_in(
    planned: Planned, limits: Limits, memory: Memory, *, is_empty: bool = False
) -> tuple[Plan, Sequence[Drifted]]:
    """The plan that heals what drifted, held to the limits, and what drifted."""
    from reconciler.planning.drift import drifted, only_drift
    from reconciler.planning.limits import check_limits

    healing = only_drift(planned.plan, is_known=memory.is_known)
    healing = attrs.evolve(healing, findings=check_limits(healing, limits, desired_is_empty=is_empty))
    return healing, drifted(healing)


def _renderings(
    plan: Plan,
    healing: Plan,
    found: Sequence[Drifted],
    memory: Memory,
    *,
    given: Given,
    owed: Sequence[Debt] = (),
) -> Renderings:
    """Drift in every format; the stream is told of it."""
    from reconciler.events import drift_events
    from reconciler.render.drift_json import drift_to_json
    from reconciler.render.drift_junit import drift_to_junit
    from reconciler.render.drift_markdown import render_drift_markdown
    from reconciler.render.drift_text import render_drift

    seen = first_seen(memory, found, is_whole=healing.complete and given.selection.is_everything)
    given.traffic.stream.all(drift_events(healing, found, seen))
    shown = {key: shown_time(at) for key, at in seen.items()}
    others = given.others
    remarks = [*_owed(owed), *_unmatched(plan), *_notes(plan, healing, found, memory, heals=others["heal"])]

    def text(paint: Paint) -> str:
        full, is_complete = others["full"], healing.complete
        return render_drift(plan.registry, found, shown, paint, full=full, notes=remarks, is_complete=is_complete)

    return {
        "text": text,
        "json": lambda _: drift_to_json(healing, found, seen, owed),
        "markdown": lambda _: render_drift_markdown(healing, found, shown, remarks),
        "junit": lambda _: drift_to_junit(healing, found, seen, owed),
    }


def _owed(owed: Sequence[Debt]) -> list[str]:
    """What a run that died left unlocked."""
    if not owed:
        return []
    them = count(len(owed), "resource is", "resources are")
    named = few([str(debt.address) for debt in owed])
    return [f"{them} still unlocked by a run that did not end: {named}. apply, or --heal, locks first."]


def _unmatched(plan: Plan) -> list[str]:
    """What was selected and is nothing."""
    return [finding.message for finding in plan.findings if finding.code == "unmatched-selection"]


def _notes(plan: Plan, healing: Plan, found: Sequence[Drifted], memory: Memory, *, heals: bool) -> list[str]:
    notes = []
    can = sum(each.can_heal for each in found)
    if not memory.is_known:
        notes.append(
            f"{_little_known(memory)} remembered, so this is all that differs from the files; who changed it is not"
            " known. After the first apply of files it is."
        )
    elif can and not heals:
        notes.append(f"--heal undoes it for {count(can, 'resource')}.")
    if can < len(found):
        notes.append(
            f"{len(found) - can:,} moved or went though locked, which no change of an attribute undoes: put the image"
            " back, or let apply --accept ADDRESS remember it as it is."
        )
    others = len(plan.changes) - len(healing.changes)
    if others and memory.is_known:
        them = count(others, "more resource differs", "more resources differ")
        notes.append(f"{them} from the files and did not drift: something new, or new rules. plan shows that.")
    return notes


def _little_known(memory: Memory) -> str:
    return "Only what saved plans touched is" if memory.last else "Nothing is"
