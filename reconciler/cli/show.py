"""`reconciler show`: a saved plan, in any format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from reconciler.cli import OK, options
from reconciler.cli.formats import Formats, deliver, formats_from
from reconciler.cli.output import stdout_paint
from reconciler.cli.plan_output import plan_renderings
from reconciler.cli.plan_source import read_bytes
from reconciler.cli.stream import Stream, stream_for, told


@click.command("show")
@click.argument("plan", metavar="PLAN", shell_complete=options.file_names)
@options.formats
@options.full
@options.no_color
def command(plan: str, **others: Any) -> int:
    """
    Show a saved plan.

    PLAN is a file written by `reconciler plan --out`, or - for standard input. It
    is checked against its fingerprint, which stands at the end: that is what `apply
    --expect` takes. Nothing is read from the registry.

    \b
    Examples:
      reconciler show plan.json
      reconciler show plan.json --full
      reconciler show plan.json --format markdown=plan.md --format junit=plan.xml
    """
    formats = formats_from(others, (plan,))
    stream = stream_for(formats, "show")
    return told(stream, lambda: _shown(plan, formats, stream, others))


def _shown(path: str, formats: Formats, stream: Stream, others: Mapping[str, Any]) -> int:
    from reconciler.events import plan_events
    from reconciler.planning.planfile import fingerprint, plan_from_json

    plan = plan_from_json(read_bytes(path), path)
    stream.started(plan.registry)
    stream.all(plan_events(plan))
    renderings = dict(plan_renderings(plan, full=others["full"]))
    in_text = renderings[options.TEXT]
    renderings[options.TEXT] = lambda paint: f"{in_text(paint)!s}Fingerprint {fingerprint(plan)}\n"
    deliver(formats, renderings, stdout_paint(no_color=others["no_color"]))
    return OK
