"""`reconciler show`: a saved plan, in any format."""

from __future__ import annotations

import click

from reconciler.cli import OK, options
from reconciler.cli.output import answer, stdout_paint
from reconciler.cli.plan_source import read_bytes


@click.command("show")
@click.argument("plan", metavar="PLAN")
@options.output_format
@options.full
@options.no_color
def command(plan: str, output_format: str, full: bool, no_color: bool) -> int:  # noqa: FBT001 - click's signature
    """
    Show a saved plan.

    PLAN is a file written by `reconciler plan --out`, or - for standard input. It
    is checked against its fingerprint; nothing is read from the registry.

    \b
    Examples:
      reconciler show plan.json
      reconciler show plan.json --full
    """
    from reconciler.planning.planfile import plan_from_json, plan_to_json
    from reconciler.render.plan_text import render_plan

    saved = plan_from_json(read_bytes(plan), plan)
    if output_format == "json":
        answer(plan_to_json(saved))
    else:
        answer(render_plan(saved, stdout_paint(no_color=no_color), full=full))
    return OK
