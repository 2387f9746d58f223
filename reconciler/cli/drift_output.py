"""Drift in every format, with what else is to be said about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli.clock import shown_time
from reconciler.render.words import Paint, count, few

if TYPE_CHECKING:
    from reconciler.cli.drifting import Looked
    from reconciler.cli.formats import Renderings
    from reconciler.cli.memory import Memory
    from reconciler.planning.debts import Debt
    from reconciler.planning.drift import Drifted
    from reconciler.planning.plan import Plan
    from reconciler.render.drift_json import Telling


def renderings(
    looked: Looked, *, full: bool, heals: bool, owed: Sequence[Debt] = (), tellings: Sequence[Telling] = ()
) -> Renderings:
    """
    Drift in every format.

    Args:
        looked: What was found.
        full: Show everything, however much it is.
        heals: It is about to be undone.
        owed: What a run that did not end left unlocked.
        tellings: Who else was told, and with which success.
    """
    from reconciler.render.drift_json import drift_to_json
    from reconciler.render.drift_junit import drift_to_junit
    from reconciler.render.drift_markdown import render_drift_markdown
    from reconciler.render.drift_text import render_drift

    plan, healing, found, seen = looked.plan, looked.healing, looked.found, looked.seen
    shown = {key: shown_time(at) for key, at in seen.items()}
    remarks = [
        *_owed(owed),
        *_unmatched(plan),
        *_notes(plan, healing, found, looked.memory, heals=heals),
        *(f"{telling.sink} was not told of this: {telling.error}" for telling in tellings if telling.error),
    ]

    def text(paint: Paint) -> str:
        return render_drift(plan.registry, found, shown, paint, full=full, notes=remarks, is_complete=healing.complete)

    return {
        "text": text,
        "json": lambda _: drift_to_json(healing, found, seen, owed, tellings),
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
            f"{little_known(memory)} remembered, so this is all that differs from the files; who changed it is not"
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


def little_known(memory: Memory) -> str:
    """How much is remembered where that is too little, as a sentence begins."""
    return "Only what saved plans touched is" if memory.last else "Nothing is"
