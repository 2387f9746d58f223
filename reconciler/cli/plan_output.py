"""A plan to where it was asked for: the file of `--out`, and every format of `--format`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.cli.formats import Formats, Renderings, deliver
from reconciler.cli.output import stdout_paint
from reconciler.cli.registry import Traffic, tell

if TYPE_CHECKING:
    from reconciler.planning.plan import Plan


def put_out(plan: Plan, formats: Formats, traffic: Traffic, others: Mapping[str, Any]) -> None:
    """Save the plan where `--out` says so, and answer with it as `--format` says."""
    from reconciler.events import plan_events
    from reconciler.planning.planfile import fingerprint, plan_to_json

    traffic.stream.all(plan_events(plan))
    if others["out"]:
        from reconciler.files.writing import write_atomically

        write_atomically(others["out"], plan_to_json(plan))
        tell(f"Saved     {others['out']}, {fingerprint(plan)}\n", traffic)
    deliver(formats, plan_renderings(plan, full=others["full"]), stdout_paint(no_color=others["no_color"]))


def plan_renderings(plan: Plan, *, full: bool) -> Renderings:
    """A plan in every format."""
    from reconciler.planning.planfile import plan_to_json
    from reconciler.render.plan_junit import plan_to_junit
    from reconciler.render.plan_markdown import render_plan_markdown
    from reconciler.render.plan_text import render_plan

    return {
        "text": lambda paint: render_plan(plan, paint, full=full),
        "json": lambda _: plan_to_json(plan),
        "markdown": lambda _: render_plan_markdown(plan),
        "junit": lambda _: plan_to_junit(plan),
    }
