"""A plan to where it was asked for: a file, and stdout as text or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.cli.output import answer, stdout_paint
from reconciler.cli.registry import Traffic, tell

if TYPE_CHECKING:
    from reconciler.planning.plan import Plan


def put_out(plan: Plan, traffic: Traffic, others: Mapping[str, Any]) -> None:
    """Save the plan where `--out` says so, and answer with it as `--format` says."""
    from reconciler.planning.planfile import fingerprint, plan_to_json
    from reconciler.render.plan_text import render_plan

    if others["out"]:
        from reconciler.files.writing import write_atomically

        write_atomically(others["out"], plan_to_json(plan))
        tell(f"Saved     {others['out']}, {fingerprint(plan)}\n", traffic)
    if others["output_format"] == "json":
        answer(plan_to_json(plan))
    else:
        answer(render_plan(plan, stdout_paint(no_color=others["no_color"]), full=others["full"]))
