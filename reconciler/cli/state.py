"""`reconciler state`: what is remembered, the journal, and the run lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import OK, options
from reconciler.cli.debts import all_debts
from reconciler.cli.memory import JOURNAL, open_place, read_last, where_from
from reconciler.cli.output import answer, note, stdout_paint
from reconciler.errors import RefusedError

if TYPE_CHECKING:
    from reconciler.backend.store import Store


@click.group("state")
def command() -> None:
    """
    Show what was last applied, the journal and the run lock.

    \b
    Examples:
      reconciler state show
      reconciler state show 'prod/**' --state az://state/prod.json
      reconciler state log
      reconciler state unlock 0b7e…
    """


@command.command("show")
@click.argument("patterns", metavar="[PATTERN...]", nargs=-1)
@options.state
@options.output_format
@options.no_color
def show(patterns: tuple[str, ...], **others: Any) -> int:
    """
    Show what is remembered.

    Without a PATTERN that is where, since when and how much, who holds the run lock, and
    which locks are owed; with one, what was last applied to each resource whose address
    it matches.

    \b
    Examples:
      reconciler state show
      reconciler state show 'prod/api:v1*' --format json
    """
    from reconciler.backend.lock import read_holder
    from reconciler.backend.process import has_ended
    from reconciler.model.pattern import compile_pattern
    from reconciler.planning.stateview import view
    from reconciler.render.state import render_state, state_to_json

    compiled = [compile_pattern(pattern) for pattern in patterns]
    store = _place(others)
    last, _ = read_last(store)
    holder = read_holder(store)
    shown = view(last, compiled) if last else []
    owed = all_debts(store)
    if others["output_format"] == "json":
        answer(state_to_json(store.name, last, holder, shown, owed=owed))
    else:
        paint = stdout_paint(no_color=others["no_color"])
        is_left_behind = holder is not None and has_ended(holder.process)
        are = {"is_list": bool(patterns), "is_left_behind": is_left_behind}
        answer(render_state(store.name, last, holder, shown, paint, owed=owed, **are))
    return OK


@command.command("pull")
@options.state
def pull(**others: Any) -> int:
    """
    Write the state file to stdout, as it stands.

    \b
    Examples:
      reconciler state pull --state az://state/prod.json > prod.json
    """
    from reconciler.planning.statefile import state_from_bytes

    store = _place(others)
    blob = store.read("")
    if blob is None:
        raise RefusedError(f"{store.name}: nothing is remembered yet")
    state_from_bytes(blob.content, store.name)
    answer(blob.content)
    return OK


@command.command("unlock")
@click.argument("lock_id", metavar="ID")
@options.state
def unlock(lock_id: str, **others: Any) -> int:
    """
    Take the run lock away from a run that will never release it.

    A run that ended here without releasing it, or that stopped renewing it, is told
    from a live one by itself; this is for when you know better. ID is in the message
    of whoever was refused, and in state show.

    \b
    Examples:
      reconciler state unlock 0b7e4f5c-…
    """
    from reconciler.backend.lock import unlock as take_away
    from reconciler.backend.process import identity

    store = _place(others)
    holder = take_away(store, lock_id)
    if holder is not None and holder.process and identity(holder.pid) == holder.process:
        note("warning: that process still runs here; it stops changing things when it next renews its lock, in 5 s")
    note(f"Unlocked  {store.name}: {holder or 'what stood there'} holds it no longer")
    return OK


@command.command("log")
@click.argument("run", metavar="[RUN]", required=False)
@options.state
@options.output_format
@options.full
@options.no_color
def log(run: str | None, full: bool, **others: Any) -> int:  # noqa: FBT001 - click's signature
    """
    Show the journal: every run, the newest last; or one RUN, change by change.

    RUN is an id or its beginning, or latest: the newest run that changed something.

    \b
    Examples:
      reconciler state log
      reconciler state log latest
      reconciler state log --format json | jq .summary
    """
    from reconciler.planning.journal import find_run, runs_from_bytes
    from reconciler.render.journal import render_run, render_runs, runs_to_json

    store = _place(others)
    place = f"{store.name}{JOURNAL}"
    blob = store.read(JOURNAL)
    runs = runs_from_bytes(blob.content, place) if blob else []
    chosen = [find_run(runs, run, place)] if run else runs
    paint = stdout_paint(no_color=others["no_color"])
    if others["output_format"] == "json":
        answer(runs_to_json(chosen))
    elif run:
        answer(render_run(chosen[0], paint, full=full))
    elif runs:
        answer(render_runs(runs, paint, full=full))
    else:
        note(f"{place}: no run yet")
    return OK


def _place(options_given: dict[str, Any]) -> Store:
    store = open_place(where_from(options_given))
    if store is None:
        raise RefusedError("--state none: there is no memory to show")
    return store
