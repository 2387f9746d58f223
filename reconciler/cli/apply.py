"""`reconciler apply`: show, ask, converge, verify, remember."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from reconciler.cli import ERROR, options
from reconciler.cli.accept import accepted_by, accepting
from reconciler.cli.asking import has_terminal, is_approved
from reconciler.cli.basis import was_applied
from reconciler.cli.carry_out import Order, Style, carry_out
from reconciler.cli.clock import now, parsed
from reconciler.cli.debts import pay_first
from reconciler.cli.formats import formats_from
from reconciler.cli.measured import measured
from reconciler.cli.memory import Memory, Where, locked_memory
from reconciler.cli.output import answer, note, standard_input, stdout_paint
from reconciler.cli.plan_source import names_a_plan, read_bytes
from reconciler.cli.registry import open_registry, tell
from reconciler.cli.signals import terminated_as_interrupted
from reconciler.cli.steps import Given, Planned, desired_now, given_from, plan_registry
from reconciler.cli.stream import told
from reconciler.errors import RefusedError

if TYPE_CHECKING:
    from reconciler.files.revision import Mark
    from reconciler.model.address import Address
    from reconciler.planning.plan import Plan
    from reconciler.planning.remember import Made

_CLOCKS_DIFFER = timedelta(minutes=5)
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")


@click.command("apply")
@click.argument("files", metavar="FILE... | PLAN", nargs=-1, required=True, shell_complete=options.file_names)
@options.registry
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--expect", metavar="FINGERPRINT", help="Go on only if this is the plan: the one that was approved.")
@options.on_stale
@click.option(
    "--accept", metavar="PATTERN", multiple=True, help="Remember as it is now what moved or went though locked."
)
@click.option("--mark", metavar="REF", help="Move this ref of Git here when every change ended verified.")
@options.lock_timeout
@options.recheck
@options.metrics
@options.planning
@measured
def command(files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Make the registry what the files declare.

    Shows the plan, asks, carries it out and verifies each change by reading it
    back. Given a PLAN that `plan --out` wrote, it carries out just that: all that it
    touches is read again first, and if something is not as it was when the plan was
    made, nothing is changed (--on-stale skip leaves just that alone).

    \b
    Examples:
      reconciler apply registry.yaml
      reconciler apply registry.yaml --auto-approve --expect sha256:9f2c…
      reconciler apply plan.json
      reconciler apply registry.yaml --auto-approve --format junit=apply.xml
    """
    is_plan = names_a_plan(files)
    _check(others, is_plan=is_plan)
    given = given_from(others, formats_from(others, (*files, *others["overlay"])), "apply")
    if not others["auto_approve"] and not has_terminal():
        raise RefusedError("there is no terminal to ask on\n  --auto-approve applies without asking; plan only looks")
    if is_plan:
        return told(given.traffic.stream, lambda: _apply_saved(files[0], registry, given))
    return told(given.traffic.stream, lambda: _apply_files(files, registry, given))


def _check(others: Mapping[str, Any], *, is_plan: bool) -> None:
    """Refuse, before anything is read, options that do not fit what is applied."""
    expected = others["expect"]
    if expected is not None and not _FINGERPRINT.fullmatch(expected):
        raise RefusedError("--expect: not a fingerprint\n  It is sha256: and 64 digits, as plan --out tells it.")
    source = click.get_current_context().get_parameter_source
    for name in ("accept", "mark", "base", "target", "exclude", "overlay", "now"):
        if is_plan and others.get(name) and source(name) is ParameterSource.COMMANDLINE:
            raise RefusedError(f"--{name} goes with files; a saved plan does just what it says")
    if others["mark"] and (others["target"] or others["exclude"]):
        raise RefusedError("--mark says that all of the files was applied; --target and --exclude leave some out")


def _apply_files(files: tuple[str, ...], registry: str | None, given: Given) -> int:
    from reconciler.files import load_desired
    from reconciler.planning.remember import lines_with
    from reconciler.planning.rulesfile import rules_to_bytes

    traffic, others = given.traffic, given.others
    accepts = accepting(others["accept"])
    desired = load_desired(files, stdin=standard_input(), overlays=others["overlay"])
    mark = _mark(others["mark"], files, others["overlay"])
    with (
        open_registry(registry, desired.registry, traffic) as live,
        terminated_as_interrupted(),
        locked_memory(given.where, live, traffic, files, "apply") as memory,
    ):
        paid = pay_first(memory, live, traffic, "apply")
        planned = plan_registry(desired, live, given, memory.base, keep=memory.store is not None)
        _show(planned.plan, given)
        _check_expiry(planned.plan)
        is_part = not given.selection.is_everything
        accepted = accepted_by(planned.plan, others["accept"])
        _check_expected(planned.plan, others["expect"], memory)
        if not is_approved(planned.plan, others, is_more=bool(accepted)):
            return ERROR
        _check_expiry(planned.plan)
        order = Order(
            planned.plan,
            "apply",
            lambda made: lines_with(memory.last, made, accepted) if is_part else lines_after(planned, made, accepts),
            desired=None if is_part else (planned.plan.desired_digest, rules_to_bytes(desired_now(desired, given.now))),
            recheck=others["recheck"],
            looks_first=others["on_stale"] == "abort",
            marks=_moving(mark),
            accepted=accepted,
            paid=paid,
        )
        return carry_out(order, live, traffic, memory, _style(planned.plan, given))


def _apply_saved(path: str, registry: str | None, given: Given) -> int:
    from reconciler.planning.remember import lines_with

    traffic, others = given.traffic, given.others
    plan = _saved(path, registry, given)
    where = _where(plan, path, given.where)
    with (
        open_registry(registry, plan.registry, traffic) as live,
        terminated_as_interrupted(),
        locked_memory(where, live, traffic, (), "apply") as memory,
    ):
        paid = pay_first(memory, live, traffic, "apply")
        tell("", traffic)
        is_repeated = was_applied(plan, path, memory)
        _show(plan, given)
        if not is_repeated and not is_approved(plan, others):
            return ERROR
        _check_expiry(plan, path)
        order = Order(
            plan,
            "apply",
            lambda made: lines_with(memory.last, made),
            recheck=others["recheck"],
            looks_first=others["on_stale"] != "skip",
            is_repeated=is_repeated,
            tells_sign_in=True,
            paid=paid,
        )
        return carry_out(order, live, traffic, memory, _style(plan, given))


def _saved(path: str, registry: str | None, given: Given) -> Plan:
    """
    The plan in a file, held to the limits of now.

    Raises:
        RefusedError: it is for another registry, not the one that is expected, or too old.
    """
    import attrs

    from reconciler.planning.limits import EMPTY, check_limits
    from reconciler.planning.planfile import fingerprint, plan_from_json
    from reconciler.registry.location import parse_location

    plan = plan_from_json(read_bytes(path), path)
    if registry and registry != plan.registry and parse_location(registry, insecure=True).name != plan.registry:
        raise RefusedError(f"{path}: the plan is for {plan.registry}, not for {registry}")
    if given.others["expect"] not in (None, fingerprint(plan)):
        raise RefusedError(f"{path}: its fingerprint is {fingerprint(plan)}, not the one that is expected")
    was_empty = any(finding.code == EMPTY for finding in plan.findings)
    remarks = tuple(finding for finding in plan.findings if not finding.stops)
    limits = check_limits(plan, given.limits, desired_is_empty=was_empty)
    _check_expiry(plan, path)
    return attrs.evolve(plan, findings=(*limits, *remarks))


def _where(plan: Plan, path: str, where: Where) -> Where:
    """Where the memory is that goes with the plan; one that was made on a commit was made without."""
    from reconciler.planning.base import RevisionReference

    if not isinstance(plan.base, RevisionReference):
        return where
    if where.state is not None and not where.is_default:
        raise RefusedError(f"{path}: it was made on a commit, and --state names a memory\n  Leave --state out.")
    return Where(None, None)


def _show(plan: Plan, given: Given) -> None:
    """
    Show the plan that is about to be applied.

    Raises:
        RefusedError: it may not be applied as it is.
    """
    from reconciler.events import plan_events
    from reconciler.render.plan_text import render_plan

    given.traffic.stream.all(plan_events(plan))
    text = render_plan(plan, stdout_paint(no_color=given.others["no_color"]), full=given.others["full"])
    if given.formats.stdout == options.TEXT:
        answer(text)
    else:
        tell(text, given.traffic)
    if any(finding.stops for finding in plan.findings):
        raise RefusedError("the plan may not be applied as it is; nothing was changed\n  See the findings above.")


def _check_expiry(plan: Plan, path: str = "") -> None:
    """Refuse a plan that was made while an exception was in force that has ended since, or for a time to come."""
    where = f"{path}: " if path else ""
    made, end = (parsed(text) if text else None for text in (plan.now, plan.expires))
    if (plan.now and made is None) or (plan.expires and end is None):
        raise RefusedError(f"{where}the plan names a moment that is none; nothing was changed\n  Make a new plan.")
    is_early = made is not None and made > now() + _CLOCKS_DIFFER
    if is_early and (path or any(change.action == "delete" for change in plan.changes)):
        raise RefusedError(
            f"{where}the plan is for a time to come, {plan.now}; nothing was changed\n"
            "  It shows what will be so then, and what is deleted now is gone. Make a plan for now, or apply it then."
        )
    if end is not None and end <= now():
        raise RefusedError(
            f"{where}the plan is stale; nothing was changed\n"
            f"  An exception that it was made for ended at {plan.expires}. Make a new plan."
        )


def _check_expected(plan: Plan, expected: str | None, memory: Memory) -> None:
    """Refuse a plan that is not the approved one, unless it does nothing at all."""
    from reconciler.planning.planfile import fingerprint

    found = fingerprint(plan)
    if expected in (None, found):
        return
    if plan.has_changes:
        raise RefusedError(
            f"the plan is not the one that was approved; nothing was changed\n  approved  {expected}\n"
            f"  now       {found}\n  Registry or files changed since. Review the plan above and approve it."
        )
    run = memory.last.run if memory.last else None
    applied = f": it was applied as run {run.id}" if run and run.fingerprint == expected else ""
    note(f"Nothing is left to do of the plan that was approved{applied}")


def _style(plan: Plan, given: Given) -> Style:
    from reconciler.render.plan_text import render_plan

    full: bool = given.others["full"]
    paint = stdout_paint(no_color=given.others["no_color"])
    return Style(given.formats, full, paint, lambda plain: render_plan(plan, plain, full=full))


def lines_after(planned: Planned, made: Made, accepts: Callable[[Address], bool]) -> dict[str, bytes]:
    """The lines of the memory after the run: most stand already, some depend on what was made true."""
    from reconciler.planning.remember import line_after

    changed = {
        observed.name: line_after(observed, remembered, made, accepts) for observed, remembered in planned.pending
    }
    return {**planned.lines, **changed}


def _mark(ref: str | None, files: tuple[str, ...], overlays: tuple[str, ...]) -> Mark | None:
    if ref is None:
        return None
    from reconciler.files.revision import prepare_mark

    return prepare_mark(ref, files, overlays)


def _moving(mark: Mark | None) -> Callable[[], str] | None:
    if mark is None:
        return None

    def move() -> str:
        mark.move()
        return f"Marked    {mark.ref} at {mark.commit[:12]}\n          git push origin {mark.ref}   shares it"

    return move
