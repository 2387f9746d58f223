"""`reconciler plan`: refresh, compare, show."""

from __future__ import annotations

import sys
from typing import Any

import click

from reconciler.cli import CHANGES, ERROR, OK, options
from reconciler.cli.output import answer, note, stdout_paint
from reconciler.cli.registry import open_registry
from reconciler.cli.steps import limits_from, plan_registry, traffic_from


@click.command("plan")
@options.files
@options.registry
@click.option("--out", metavar="PLAN", help="Write the plan to this file too, for review and `apply PLAN`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
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
    from reconciler.planning.planfile import plan_to_json
    from reconciler.render.plan_text import render_plan

    limits, traffic = limits_from(others), traffic_from(others)
    desired = load_desired(files, stdin=sys.stdin.buffer)
    with open_registry(registry or desired.registry, traffic) as live:
        plan = plan_registry(desired, live, traffic, limits)
    if others["out"]:
        from reconciler.files.writing import write_atomically

        write_atomically(others["out"], plan_to_json(plan))
    if others["output_format"] == "json":
        answer(plan_to_json(plan))
    else:
        answer(render_plan(plan, stdout_paint(no_color=others["no_color"]), full=others["full"]))
    if not plan.complete:
        note(f"error: {len(plan.unknown):,} could not be read; the plan is not complete")
        return ERROR
    return CHANGES if plan.has_changes and others["detailed_exitcode"] else OK
