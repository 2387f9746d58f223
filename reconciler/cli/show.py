"""`reconciler show`: a saved plan, in any format."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import OK, options
from reconciler.cli.formats import deliver, formats_from
from reconciler.cli.output import stdout_paint
from reconciler.cli.plan_output import plan_renderings
from reconciler.cli.plan_source import read_bytes


@click.command("show")
@click.argument("plan", metavar="PLAN", shell_complete=options.file_names)
@options.formats
@options.full
@options.no_color
def command(plan: str, **others: Any) -> int:
    """
    Show a saved plan.

    PLAN is a file written by `reconciler plan --out`, or - for standard input. It
    is checked against its fingerprint; nothing is read from the registry.

    \b
    Examples:
      reconciler show plan.json
      reconciler show plan.json --full
      reconciler show plan.json --format markdown=plan.md --format junit=plan.xml
    """
    from reconciler.planning.planfile import plan_from_json

    formats = formats_from(others, (plan,))
    saved = plan_from_json(read_bytes(plan), plan)
    paint = stdout_paint(no_color=others["no_color"])
    deliver(formats, plan_renderings(saved, full=others["full"]), paint)
    return OK
