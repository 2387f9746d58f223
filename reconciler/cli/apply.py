"""`reconciler apply`: show, ask, converge, verify."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import ERROR, OK, options
from reconciler.cli.output import answer, answer_or_note, is_terminal, note, standard_input, stdout_paint
from reconciler.cli.plan_source import names_a_plan, read_bytes
from reconciler.cli.progress import Progress, shown
from reconciler.cli.registry import Registry, Traffic, client_for, open_registry, tell
from reconciler.cli.steps import limits_from, plan_registry, traffic_from
from reconciler.errors import RefusedError
from reconciler.render.words import count

if TYPE_CHECKING:
    from reconciler.apply import Interrupt, Report
    from reconciler.planning.limits import Limits
    from reconciler.planning.plan import Plan


@click.command("apply")
@click.argument("files", metavar="FILE... | PLAN", nargs=-1, required=True)
@options.registry
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@options.planning
def command(files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Make the registry what the files declare.

    Shows the plan, asks, carries it out and verifies each change by reading it
    back. Given a PLAN that `plan --out` wrote, it carries out just that: whatever
    is not as it was when the plan was made is left alone and reported.

    \b
    Examples:
      reconciler apply registry.yaml
      reconciler apply registry.yaml --auto-approve
      reconciler apply plan.json
    """
    limits, traffic = limits_from(others), traffic_from(others)
    if not others["auto_approve"] and not _is_terminal():
        raise RefusedError("there is no terminal to ask on\n  --auto-approve applies without asking; plan only looks")
    if names_a_plan(files):
        return _apply_saved(files[0], registry, traffic, limits, others)
    from reconciler.files import load_desired

    desired = load_desired(files, stdin=standard_input())
    with open_registry(registry, desired.registry, traffic) as live:
        plan = plan_registry(desired, live, traffic, limits)
        return _apply(plan, live, traffic, others, is_signed_in=True)


def _apply_saved(path: str, registry: str | None, traffic: Traffic, limits: Limits, others: dict[str, Any]) -> int:
    import attrs

    from reconciler.planning.limits import EMPTY, check_limits
    from reconciler.planning.planfile import plan_from_json
    from reconciler.registry.location import parse_location

    plan = plan_from_json(read_bytes(path), path)
    if registry and registry != plan.registry and parse_location(registry, insecure=True).name != plan.registry:
        raise RefusedError(f"{path}: the plan is for {plan.registry}, not for {registry}")
    was_empty = any(finding.code == EMPTY for finding in plan.findings)
    plan = attrs.evolve(plan, findings=check_limits(plan, limits, desired_is_empty=was_empty))
    with open_registry(registry, plan.registry, traffic) as live:
        return _apply(plan, live, traffic, others, is_signed_in=False)


def _apply(plan: Plan, registry: Registry, traffic: Traffic, others: dict[str, Any], *, is_signed_in: bool) -> int:
    from reconciler.render.plan_text import render_plan
    from reconciler.render.report_json import report_to_json
    from reconciler.render.report_text import render_report

    paint = stdout_paint(no_color=others["no_color"])
    is_json = others["output_format"] == "json"
    text = render_plan(plan, paint, full=others["full"])
    if is_json:
        tell(text, traffic)
    else:
        answer(text)
    if plan.findings:
        raise RefusedError("the plan may not be applied as it is; nothing was changed\n  See the findings above.")
    if plan.has_changes and not others["auto_approve"] and not _is_approved(plan):
        note("Not applied; nothing was changed.")
        return ERROR
    report = asyncio.run(_converged(plan, registry, traffic, tells_sign_in=not is_signed_in))
    if is_json:
        told: str | bytes = report_to_json(plan, report.outcomes, interrupted=report.interrupted)
    else:
        told = render_report(plan.registry, report.outcomes, paint, full=others["full"]) if plan.has_changes else ""
    try:
        is_told = answer_or_note(told)
    except KeyboardInterrupt:
        raise RefusedError("interrupted while the report was written\n  What it says above is so.") from None
    return OK if report.is_success and is_told and not plan.blocked else ERROR


def _is_terminal() -> bool:
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def _is_approved(plan: Plan) -> bool:
    question = f"\nType yes to apply this to {plan.registry}"
    try:
        said: str = click.prompt(question, default="no", show_default=False, err=True)
    except click.Abort:
        note("")  # the error begins on a line of its own
        raise
    return said == "yes"


async def _converged(plan: Plan, registry: Registry, traffic: Traffic, *, tells_sign_in: bool) -> Report:
    from reconciler.apply import Interrupt, apply_plan

    interrupt = Interrupt()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _on_signal, interrupt)
    started_s = time.monotonic()
    counted = Progress(quiet=traffic.quiet, changes=max(1, len(plan.changes)), tells_sign_in=tells_sign_in)
    with shown(counted, quiet=traffic.quiet) as progress:
        async with client_for(registry, traffic, progress) as client:
            report = await apply_plan(plan, client, concurrency=traffic.concurrency, sink=progress, interrupt=interrupt)
    took = f"{count(client.request_count, 'request')}, {time.monotonic() - started_s:.1f} s"
    tried = sum(outcome.status != "not-attempted" for outcome in report.outcomes)
    tell(f"\nTried     {count(tried, 'change')} in {took}", traffic, when=plan.has_changes)
    return report


def _on_signal(interrupt: Interrupt) -> None:
    interrupt()
    if interrupt.times == 1:
        note("interrupted: finishing what is under way; once more cuts it off")
