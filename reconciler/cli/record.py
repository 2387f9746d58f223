"""Write down what a run did: what is remembered, and the run's line in the journal."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import TYPE_CHECKING

import attrs

from reconciler import __version__
from reconciler.cli.clock import now_text
from reconciler.cli.memory import JOURNAL, Memory, update_blob, write_last
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.apply import Report
    from reconciler.backend.store import Store
    from reconciler.cli.carry_out import Order
    from reconciler.model.last_applied import LastRun

_DID_SOMETHING = ("verified", "unconfirmed")
_FOUND_OUT = "  The registry is as the report says. The next apply finds that out and remembers it."


@attrs.frozen
class Run:
    """A run that has begun."""

    id: str
    operation: str
    started: str
    started_s: float
    who: str
    host: str

    @classmethod
    def begun(cls, operation: str, memory: Memory) -> Run:
        """A run that begins now."""
        started = now_text()
        stamp = started.replace("-", "").replace(":", "")
        who, host = (memory.lock.holder.who, memory.lock.holder.host) if memory.lock else ("", "")
        return cls(f"{stamp}-{secrets.token_hex(3)}", operation, started, time.monotonic(), who, host)


def record(run: Run, order: Order, report: Report, memory: Memory) -> list[str]:
    """
    Remember what came of a run, and add it to the journal.

    Returns:
        What could not be written, and what now; empty: everything was.
    """
    store = memory.store
    if store is None:
        return []
    problems: list[str] = []
    serial = None
    if lost := memory.why_not():
        problems.append(f"{lost}, so what was done is not remembered\n{_FOUND_OUT}")
    else:
        try:
            serial = _remember(run, order, report, memory, store)
        except Exception as error:  # noqa: BLE001 - the registry was changed: the report must come, whatever fails here
            problems.append(f"what was done is not remembered: {_said(error)}\n{_FOUND_OUT}")
    try:
        _add_to_journal(run, order, report, store, serial)
    except Exception as error:  # noqa: BLE001 - as above
        problems.append(f"the run is not in the journal: {_said(error)}")
    return problems


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ReconcilerError) else f"reconciler itself failed: {error!r}"


def _remember(run: Run, order: Order, report: Report, memory: Memory, store: Store) -> int | None:
    """The serial of the memory after the run."""
    from reconciler.planning.remember import Made, Written, next_memory

    last_run = _last_run(run, order, report)
    if last_run is None and order.desired is None:  # a saved plan that did nothing knows nothing new
        return memory.last.serial if memory.last else None
    true, unclear = (
        {each.change.address: each.change.after for each in report.outcomes if each.status == status}
        for status in _DID_SOMETHING
    )
    pointed = (each.change for each in report.outcomes if each.change.action in ("move", "create"))
    made = Made(true, unclear, frozenset(change.address for change in pointed))
    wanted = next_memory(
        memory.last,
        order.plan.registry,
        order.lines_after(made),
        desired=order.desired,
        run=last_run,
        written=Written(now_text(), __version__, str(uuid.uuid4())),
    )
    if wanted is None:
        return memory.last.serial if memory.last else None
    return write_last(store, memory.version, wanted, made).serial


def _last_run(run: Run, order: Order, report: Report) -> LastRun | None:
    """The run, where it sent something, or all of a plan is as it should be; a plan that was refused did neither."""
    from reconciler.model.last_applied import LastRun
    from reconciler.planning.base import MemoryReference
    from reconciler.planning.planfile import fingerprint

    has_sent = any(each.status in _DID_SOMETHING and not each.was_so_already for each in report.outcomes)
    if order.is_repeated or not report.outcomes or not (has_sent or report.is_success):
        return None
    base = order.plan.base
    serial = base.serial if isinstance(base, MemoryReference) else None
    return LastRun(run.id, fingerprint(order.plan), serial, report.is_success)


def _add_to_journal(run: Run, order: Order, report: Report, store: Store, serial: int | None) -> None:
    from reconciler.planning.journal import RunInfo, appended, run_to_line

    info = RunInfo(
        id=run.id,
        operation=run.operation,
        who=run.who,
        host=run.host,
        started=run.started,
        ended=now_text(),
        seconds=round(time.monotonic() - run.started_s, 3),
        tool_version=__version__,
    )
    line = run_to_line(
        info,
        report.plan,
        report.outcomes,
        accepted=order.accepted,
        unlocked=report.unlocked,
        paid=order.paid,
        interrupted=report.interrupted,
        serial=serial,
    )
    update_blob(store, JOURNAL, lambda journal: appended(journal, line))
