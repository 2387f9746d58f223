"""`reconciler plan`: refresh, compare, show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import CHANGES, ERROR, OK, options
from reconciler.cli.debts import note_debts
from reconciler.cli.memory import read_memory
from reconciler.cli.output import note, standard_input
from reconciler.cli.plan_output import put_out
from reconciler.cli.registry import open_registry, tell
from reconciler.cli.steps import given_from, plan_registry
from reconciler.errors import RefusedError
from reconciler.render.words import count

if TYPE_CHECKING:
    from reconciler.planning.plan import Plan


@click.command("plan")
@options.files
@options.registry
@options.out
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes or drift.")
@options.planning
def command(files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Show what apply would change.

    Reads the live registry and changes nothing. FILE is a YAML or JSON file, a
    folder of them, or - for standard input.

    \b
    Examples:
      reconciler plan registry.yaml
      reconciler plan registry.yaml --out plan.json --detailed-exitcode
      reconciler plan base.yaml prod.yaml --format json | jq .summary
    """
    from reconciler.files import load_desired

    given = given_from(others)
    traffic = given.traffic
    _check_out(others["out"], (*files, *others["overlay"]))
    desired = load_desired(files, stdin=standard_input(), overlays=others["overlay"])
    with open_registry(registry, desired.registry, traffic) as live:
        memory = read_memory(given.where, live, traffic, files)
        owed = note_debts(memory.store, live)
        plan = plan_registry(desired, live, given, memory.base, owed=owed).plan
    put_out(plan, traffic, others)
    if not plan.complete:
        note(f"error: {len(plan.unknown):,} could not be read in full; the plan is not complete")
        return ERROR
    if not others["detailed_exitcode"]:
        return OK
    tell(_blocked_note(plan), traffic, when=bool(plan.blocked) and not plan.has_changes)
    return CHANGES if plan.has_changes or plan.drift else OK


def _check_out(out: str | None, files: tuple[str, ...]) -> None:
    """
    Check where the plan is to go, before anything is read.

    Raises:
        RefusedError: nowhere, or where it would replace one of the files that it is made from.
    """
    from reconciler.files.sources import Source, find_sources

    if out is None:
        return
    if not out:
        raise RefusedError("--out: the name is empty\n  Is a variable not set?")
    inputs = (source.path for source in find_sources(files) if isinstance(source, Source))
    if any(path is not None and _is_same_file(path, Path(out)) for path in inputs):
        raise RefusedError(f"--out {out}: the plan would replace a file that it is made from")


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False  # one of them is not there, so they are not the same


def _blocked_note(plan: Plan) -> str:
    blocked = count(len({blocked.address for blocked in plan.blocked}), "resource is", "resources are")
    return f"note: {blocked} blocked, see above"
