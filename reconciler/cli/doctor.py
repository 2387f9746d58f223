"""`reconciler doctor`: reach, sign-in and permissions, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import ERROR, OK, options
from reconciler.cli.clock import now
from reconciler.cli.output import answer, standard_input, stdout_paint
from reconciler.cli.registry import Registry, Traffic, client_for, open_registry
from reconciler.cli.signals import run_asked
from reconciler.cli.steps import desired_now, traffic_from

if TYPE_CHECKING:
    from reconciler.model.diagnosis import Diagnosis
    from reconciler.model.matching import DesiredIndex


@click.command("doctor")
@click.argument("files", metavar="[FILE...]", nargs=-1, shell_complete=options.file_names)
@options.registry
@options.overlay
@options.output_format
@options.full
@options.sign_in
@options.traffic
@options.no_color
@options.quiet
@options.verbose
def command(files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Tell what is missing to work with a registry.

    Reaches it, signs in, lists repositories, and asks for each repository that the
    files speak of what may be done with it. What is missing is named as the role or
    the action that grants it. Changes nothing.

    \b
    Examples:
      reconciler doctor --registry contoso.azurecr.io
      reconciler doctor registry.yaml
      reconciler doctor registry.yaml --auth entra --format json
    """
    from reconciler.model.matching import DesiredIndex
    from reconciler.render.doctor_json import diagnosis_to_json
    from reconciler.render.doctor_text import render_diagnosis

    traffic = traffic_from(others)
    index, written = None, None
    if files:
        from reconciler.files import load_desired

        desired = load_desired(files, stdin=standard_input(), overlays=others["overlay"])
        index, written = DesiredIndex(desired_now(desired, now())), desired.registry
    with open_registry(registry, written, traffic) as known:
        diagnosis = run_asked(_diagnosed(known, index, traffic))
    if others["output_format"] == "json":
        answer(diagnosis_to_json(diagnosis, known.name))
    else:
        answer(render_diagnosis(diagnosis, stdout_paint(no_color=others["no_color"]), full=others["full"]))
    return OK if diagnosis.is_healthy else ERROR


async def _diagnosed(registry: Registry, index: DesiredIndex | None, traffic: Traffic) -> Diagnosis:
    from reconciler.cli.progress import Progress
    from reconciler.doctor import diagnose

    async with client_for(registry, traffic, Progress(quiet=traffic.quiet, tells_sign_in=False)) as client:
        return await diagnose(client, index, concurrency=traffic.concurrency)
