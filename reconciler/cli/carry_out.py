"""Carry a plan out, remember what came of it, report: what `apply` and `drift --heal` have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from reconciler.cli import ERROR, OK
from reconciler.cli.debts import book_for
from reconciler.cli.formats import Formats, Renderings, deliver_or_note
from reconciler.cli.memory import Memory
from reconciler.cli.options import TEXT
from reconciler.cli.output import note
from reconciler.cli.progress import Progress, shown
from reconciler.cli.record import Run, record
from reconciler.cli.registry import Registry, Traffic, client_for, tell
from reconciler.cli.signals import asking_to_stop, kept, uninterrupted
from reconciler.cli.stream import Stream
from reconciler.errors import RefusedError
from reconciler.render.words import Paint, count, few

if TYPE_CHECKING:
    from reconciler.apply import Book, Interrupt, Recheck, Report, Settled
    from reconciler.planning.plan import Drift, Plan
    from reconciler.planning.remember import Made
    from reconciler.recheck import Found

# What to do about changes that are stale before the first is made: refuse all, leave just those, or do not look.
OnStale = Literal["abort", "skip"]


@attrs.frozen(eq=False)
class Order:
    """A plan that was approved, and how to carry it out."""

    plan: Plan
    operation: str
    lines_after: Callable[[Made], Mapping[str, bytes]]  # of the memory, by what the changes came to
    desired: tuple[str, bytes] | None = None  # the digest and the rules of the files; None: a saved plan
    recheck: Recheck = "page"  # how many tags of a repository are read again
    looks_first: bool = False  # reads all that it touches before the first change, and makes none if some is stale
    is_repeated: bool = False  # it was carried out to its end before: only look
    tells_sign_in: bool = False
    accepted: tuple[Drift, ...] = ()  # what is remembered as it is from now on
    paid: tuple[Settled, ...] = ()  # what was owed by earlier runs, and was seen to before the plan was made
    marks: Callable[[], str] | None = None  # moves a ref of Git when every change ended verified; says so


@attrs.frozen
class Style:
    """How to tell about it."""

    formats: Formats
    full: bool
    paint: Paint
    said_before: Callable[[Paint], str | bytes] = lambda _: (
        ""
    )  # what a file in text begins with: what stdout showed before


def carry_out(order: Order, registry: Registry, traffic: Traffic, memory: Memory, style: Style) -> int:
    """
    Converge, remember, report.

    Returns:
        The exit code.
    """
    run = Run.begun(order.operation, memory)
    with kept():
        report = asyncio.run(_converged(order, registry, traffic, memory, book_for(memory, registry, run)))
    traffic.measured.outcomes, traffic.measured.is_interrupted = report.outcomes, report.interrupted
    with uninterrupted():
        problems = record(run, order, report, memory)
    is_told = _tell(report, style, traffic.stream)
    for problem in (*_left_open(report), *problems):
        note(f"error: {problem}")
    if order.plan.blocked:
        note(f"error: {_blocked(order.plan)}")
    is_done = report.is_success and is_told and not problems
    if is_done and order.marks:
        _mark(order.marks, order.plan, traffic)
    return OK if is_done and not order.plan.blocked else ERROR


def _blocked(plan: Plan) -> str:
    """What the files want and no change could do, in a line."""
    addresses = sorted({each.address for each in plan.blocked}, key=lambda address: address.order)
    them = count(len(addresses), "resource is", "resources are")
    return f"{them} blocked, see the plan above: {few([str(address) for address in addresses])}"


def _left_open(report: Report) -> list[str]:
    """What was unlocked for a moment and is not known to be locked again."""
    return [
        f"{each.address} is not locked as it was ({', '.join(each.attributes)}): {each.message}"
        for each in report.left_open
    ]


def _mark(marks: Callable[[], str], plan: Plan, traffic: Traffic) -> None:
    """Move the ref, unless something that the files declare was not seen, or could not be done."""
    if plan.blocked or not plan.complete:
        tell("Not marked: not everything that the files declare is so, or was read", traffic)
    else:
        tell(marks(), traffic)


def _tell(report: Report, style: Style, stream: Stream) -> bool:
    from reconciler.events import Counted, report_counts

    stream(Counted("report", report_counts(report.outcomes)))
    renderings = report_renderings(report, full=style.full)
    in_text = renderings[TEXT]

    def whole_text(paint: Paint) -> str:
        return "\n".join(filter(None, [str(style.said_before(paint)), str(in_text(paint))]))

    for_files: Renderings = {**renderings, TEXT: whole_text}
    try:
        if stream.is_broken:  # it must be told somewhere
            note(str(in_text(style.paint)))
        return deliver_or_note(style.formats, renderings, for_files, style.paint) and not stream.is_broken
    except KeyboardInterrupt:
        raise RefusedError("interrupted while the report was written\n  What it says above is so.") from None


def report_renderings(report: Report, *, full: bool) -> Renderings:
    """A report in every format."""
    from reconciler.render.report_json import report_to_json
    from reconciler.render.report_junit import report_to_junit
    from reconciler.render.report_markdown import render_report_markdown
    from reconciler.render.report_text import render_report

    plan = report.plan
    return {
        "text": lambda paint: (
            render_report(plan.registry, report.outcomes, paint, full=full) if plan.has_changes else ""
        ),
        "json": lambda _: report_to_json(
            plan, report.outcomes, interrupted=report.interrupted, unlocked=report.unlocked
        ),
        "markdown": lambda _: render_report_markdown(
            plan, report.outcomes, interrupted=report.interrupted, unlocked=report.unlocked
        ),
        "junit": lambda _: report_to_junit(plan, report.outcomes, report.unlocked),
    }


async def _converged(order: Order, registry: Registry, traffic: Traffic, memory: Memory, book: Book | None) -> Report:
    from reconciler.apply import Interrupt, apply_plan
    from reconciler.events import both

    interrupt = Interrupt()
    loop = asyncio.get_running_loop()
    for number in asking_to_stop():
        loop.add_signal_handler(number, _on_signal, interrupt)
    plan, started_s = order.plan, time.monotonic()
    counted = Progress(quiet=traffic.quiet, changes=max(1, len(plan.changes)), tells_sign_in=order.tells_sign_in)
    with shown(counted, quiet=traffic.quiet) as progress:
        async with client_for(registry, traffic, progress) as client:
            report = await _instead(order, client, traffic, progress, interrupt) or await apply_plan(
                plan,
                client,
                concurrency=traffic.concurrency,
                sink=both(progress, traffic.stream),
                interrupt=interrupt,
                forbidden=memory.why_not,
                book=book,
                recheck=order.recheck,
                children=lambda name: memory.base.remembered(name).children,
            )
    took = f"{count(client.request_count, 'request')}, {time.monotonic() - started_s:.1f} s"
    tried = sum(outcome.status != "not-attempted" for outcome in report.outcomes)
    tell(f"\nTried     {count(tried, 'change')} in {took}", traffic, when=plan.has_changes)
    restored = len(report.unlocked) - len(report.left_open)
    tell(f"Unlocked  {restored:,} for a moment, and locked again", traffic, when=restored > 0)
    return report


async def _instead(
    order: Order, client: Any, traffic: Traffic, progress: Progress, interrupt: Interrupt
) -> Report | None:
    """The report of a plan that is not to be carried out, after a look; None: it is."""
    from reconciler.recheck import is_stale, recheck, refused, repeated

    if not order.plan.has_changes or not (order.looks_first or order.is_repeated):
        return None
    found: Found = await recheck(
        order.plan,
        client,
        concurrency=traffic.concurrency,
        progress=progress.looked,
        interrupt=interrupt,
        recheck=order.recheck,
    )
    if order.is_repeated:
        return repeated(order.plan, found)
    return refused(order.plan, found) if is_stale(found) else None


def _on_signal(interrupt: Interrupt) -> None:
    interrupt()
    if interrupt.times == 1:
        note("interrupted: finishing what is under way; once more cuts it off")
