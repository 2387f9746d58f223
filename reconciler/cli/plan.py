"""`reconciler plan`: refresh, compare, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import CHANGES, ERROR, OK, options
from reconciler.cli.debts import note_debts
from reconciler.cli.formats import formats_from
from reconciler.cli.measured import measured
from reconciler.cli.memory import read_memory
from reconciler.cli.output import note, standard_input
from reconciler.cli.plan_output import put_out
from reconciler.cli.registry import open_registry, tell
from reconciler.cli.steps import Given, given_from, plan_registry
from reconciler.cli.stream import told
from reconciler.render.words import count

if TYPE_CHECKING:
    from reconciler.planning.plan import Plan


@click.command("plan")
@options.files
@options.registry
@options.out
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes or drift.")
@options.metrics
@options.planning
@measured
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
      reconciler plan registry.yaml --format text --format markdown=plan.md
    """
    given = given_from(others, formats_from(others, (*files, *others["overlay"]), others["out"]), "plan")
    return told(given.traffic.stream, lambda: _planned(files, registry, given))


def _planned(files: tuple[str, ...], registry: str | None, given: Given) -> int:
    from reconciler.files import load_desired

    traffic, others = given.traffic, given.others
    desired = load_desired(files, stdin=standard_input(), overlays=others["overlay"])
    with open_registry(registry, desired.registry, traffic) as live:
        memory = read_memory(given.where, live, traffic, files)
        owed = note_debts(memory.store, live)
        plan = plan_registry(desired, live, given, memory.base, owed=owed).plan
    put_out(plan, given.formats, traffic, others)
    if not plan.complete:
        note(f"error: {len(plan.unknown):,} could not be read in full; the plan is not complete")
        return ERROR
    if not others["detailed_exitcode"]:
        return OK
    tell(_blocked_note(plan), traffic, when=bool(plan.blocked) and not plan.has_changes)
    return CHANGES if plan.has_changes or plan.drift else OK


def _blocked_note(plan: Plan) -> str:
    blocked = count(len({blocked.address for blocked in plan.blocked}), "resource is", "resources are")
    return f"note: {blocked} blocked, see above"
