"""Whether a saved plan still stands on what it was made on: the same memory, and nobody applied since."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from reconciler.cli.clock import shown_time
from reconciler.cli.output import note
from reconciler.errors import RefusedError
from reconciler.render.words import paragraph

if TYPE_CHECKING:
    from reconciler.cli.memory import Memory
    from reconciler.model.last_applied import LastApplied
    from reconciler.planning.plan import Plan


def was_applied(plan: Plan, path: str, memory: Memory) -> bool:
    """
    Whether `plan` was carried out to its end before, so that there is nothing left but to look.

    Raises:
        RefusedError: somebody else applied since it was made, or it was made on another memory.
    """
    from reconciler.planning.base import MemoryReference
    from reconciler.planning.planfile import fingerprint

    if memory.store is None:
        return False
    base = plan.base if isinstance(plan.base, MemoryReference) else None
    last, place = memory.last, memory.store.name
    if last is None:
        if base is not None:
            _refuse(path, f"it was made on a memory with serial {base.serial:,}, and there is none at {place}")
        return False
    if base is not None and base.lineage != last.lineage:
        _refuse(path, f"it was made on another memory than the one at {place}")
    serial = base.serial if base else None
    if serial == last.serial:
        return False
    run = last.run
    if run is None or run.fingerprint != fingerprint(plan) or run.base_serial != serial:
        since = "without a memory" if serial is None else f"on serial {serial:,} of the memory"
        _refuse(path, f"it was made {since}, and {_who_came(last)}")
    if not run.is_finished and run.serial != last.serial:
        _refuse(
            path, f"run {run.id} of it did not finish, and somebody applied since: the serial is {last.serial:,} now"
        )
    return _say_so(last, is_finished=run.is_finished, run=run.id)


def _say_so(last: LastApplied, *, is_finished: bool, run: str) -> bool:
    if is_finished:
        note(f"This plan was applied before, as run {run}\n  ({shown_time(last.written)}); it is only compared now.\n")
    else:
        note(f"Run {run} of this plan did not finish; this one does what is left.\n")
    return is_finished


def _who_came(last: LastApplied) -> str:
    by = f"run {last.run.id} came" if last.run else "somebody applied"
    return f"{by} since: its serial is {last.serial:,} now ({shown_time(last.written)})"


def _refuse(path: str, why: str) -> NoReturn:
    raise RefusedError(
        f"{path}: the plan is stale; nothing was changed\n"
        f"{paragraph(f'{why[0].upper()}{why[1:]}.', margin=2)}\n"
        "  Make a new plan and review it; --state names the memory that it was made on."
    )
