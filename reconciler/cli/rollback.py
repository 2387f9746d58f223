"""`reconciler rollback`: the plan that undoes a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from reconciler.cli import OK, options
from reconciler.cli.debts import note_debts
from reconciler.cli.formats import Formats, formats_from
from reconciler.cli.memory import JOURNAL, Memory, Where, open_place, read_memory, where_from
from reconciler.cli.output import note
from reconciler.cli.plan_output import put_out
from reconciler.cli.registry import Registry, Traffic, client_for, open_registry, tell
from reconciler.cli.signals import run_asked
from reconciler.cli.steps import limits_from, traffic_from
from reconciler.cli.stream import stream_for, told
from reconciler.errors import LockedError, RefusedError
from reconciler.render.words import named, paragraph

if TYPE_CHECKING:
    from reconciler.backend.store import Store
    from reconciler.model.holder import Holder
    from reconciler.planning.debts import Debt
    from reconciler.planning.journal import Done
    from reconciler.planning.limits import Limits
    from reconciler.planning.undo import Found, Left

_SHOWN = 10
_HEADINGS = {
    "changed": "Changed since, left alone",
    "needed": "Needed by what is locked, left alone",
    "unclear": "Perhaps needed by what is locked, left alone",
    "impossible": "Cannot be undone",
    "already": "Found so already by that run, not undone",
}
_STILL = "\nThe files still say what they said: change them too, or the next apply does it\nall again."


@click.command("rollback")
@click.argument("run", metavar="RUN")
@options.registry
@options.out
@options.state
@options.formats
@options.full
@options.limits
@options.sign_in
@options.traffic
@options.no_color
@options.quiet
@options.verbose
def command(run: str, registry: str | None, **others: Any) -> int:
    """
    Make the plan that undoes a run; apply PLAN carries it out.

    RUN is an id from `state log`, or its beginning, or latest. Attributes go back to
    what they were, and tags to where they pointed while the repository still holds that.
    What was created stays and what was deleted is gone: that is told, and not undone.

    Only what still stands as that run left it is touched; what somebody changed since
    is told and left alone, and so is what the run found so already. A killed run is not
    in the journal, so latest may be an older one; a note says so. A manifest stays locked
    where a locked tag or index needs it that is not undone too. The files still say what
    they said: change them too, or the next apply does it all again.

    \b
    Examples:
      reconciler rollback latest --out undo.json
      reconciler apply undo.json
    """
    formats = formats_from(others, (), others["out"])
    limits, traffic, where = limits_from(others), traffic_from(others), where_from(others)
    traffic = attrs.evolve(traffic, stream=stream_for(formats, "rollback"))
    return told(traffic.stream, lambda: _undone(run, registry, limits, traffic, where, formats=formats, others=others))


def _undone(
    run: str,
    registry: str | None,
    limits: Limits,
    traffic: Traffic,
    where: Where,
    *,
    formats: Formats,
    others: Mapping[str, Any],
) -> int:
    from reconciler.planning.journal import changes_of
    from reconciler.planning.limits import check_limits
    from reconciler.planning.undo import undo

    wanted, place = _wanted(run, where)
    with open_registry(registry, str(wanted["registry"]), traffic) as live:
        if live.name != wanted["registry"]:
            raise RefusedError(f"run {wanted['run']} was at {wanted['registry']}, not at {live.name}")
        memory = read_memory(where, live, traffic, ())
        done = changes_of(wanted, place)
        found = run_asked(_read(done, memory, live, traffic, note_debts(memory.store, live)))
    managed = memory.last.counts.resources if memory.last else 0
    undone = undo(str(wanted["run"]), live.name, done, found, memory=memory.base, managed=managed)
    plan = attrs.evolve(undone.plan, findings=check_limits(undone.plan, limits, desired_is_empty=False))
    _tell_left(undone.left, full=bool(others["full"]))
    put_out(plan, formats, traffic, others)
    tell(_STILL, traffic, when=plan.has_changes)
    return OK


def _wanted(run: str, where: Where) -> tuple[Mapping[str, Any], str]:
    """
    A run as it stands in the journal, and where that is.

    Raises:
        RefusedError: there is no journal, or no such run in it.
    """
    from reconciler.planning.journal import LATEST, find_run, runs_from_bytes

    store = open_place(where)
    if store is None:
        raise RefusedError("--state none: there is no journal to find a run in")
    place = f"{store.name}{JOURNAL}"
    blob = store.read(JOURNAL)
    runs = runs_from_bytes(blob.content, place) if blob else []
    if run == LATEST:
        _note_unrecorded(store, runs)
    return find_run(runs, run, place), place


def _note_unrecorded(store: Store, runs: Sequence[Mapping[str, Any]]) -> None:
    """Say so where a run lock tells of a run that is newer than the journal."""
    from reconciler.backend.lock import read_holder
    from reconciler.backend.process import has_ended

    try:
        holder = read_holder(store)
    except LockedError as error:
        note(f"warning: {error}")
        return
    if holder is None or any(_is_by(run, holder) for run in runs[-1:]):
        return
    ended = "did not end" if has_ended(holder.process) else "is not known to have ended"
    note(f"note: the run by {holder} {ended} and is not in the journal; latest is an older run")


def _is_by(run: Mapping[str, Any], holder: Holder) -> bool:
    """Its lock could not be released, but it is in the journal; one that came before had ended by then."""
    return run.get("host") == holder.host and str(run.get("ended", "")) > holder.since


async def _read(
    done: Sequence[Done], memory: Memory, registry: Registry, traffic: Traffic, debts: Sequence[Debt]
) -> Found:
    from reconciler.standing import read_standing

    async with client_for(registry, traffic, lambda _: None) as client:
        return await read_standing(client, done, memory.base, debts, concurrency=traffic.concurrency)


def _tell_left(left: Sequence[Left], *, full: bool) -> None:
    """What is not undone, under the heading that fits."""
    for kind, heading in _HEADINGS.items():
        some = [each for each in left if each.kind == kind]
        if not some:
            continue
        note(f"{heading}: {len(some):,}")
        for each in some[:_SHOWN]:
            what = named(each.address, whole=full)
            note(paragraph(f"{what}: {each.why}" if each.why else what, margin=2))
        if len(some) > _SHOWN:
            note(f"  … and {len(some) - _SHOWN:,} more")
        note("")
