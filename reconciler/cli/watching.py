"""
One run after another, until somebody asks to stop.

A run that fails is told and counted, and the next one tries again: a watch that ends because
a registry was away for a minute watches nothing. Only what no later run can mend ends it, and
that is found out before the first one.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from reconciler.cli import CHANGES, ERROR, OK
from reconciler.cli.alerting import Alerting, alerting_from, note_tellings, tell_drift
from reconciler.cli.clock import now, now_text, shown_time
from reconciler.cli.debts import note_debts, pay_first
from reconciler.cli.drift_output import renderings
from reconciler.cli.drifting import Looked, look, told_of_heal, undo
from reconciler.cli.measured import Measured
from reconciler.cli.memory import locked_memory, read_memory
from reconciler.cli.output import answer_or_note, note, stdout_paint
from reconciler.cli.registry import Registry, open_registry
from reconciler.cli.signals import Stopping
from reconciler.cli.steps import Given
from reconciler.cli.watched_files import WatchedFiles
from reconciler.errors import ReconcilerError
from reconciler.render.words import count
from reconciler.watch.rhythm import Rhythm, wait_s
from reconciler.watch.standing import Standing, begun, ended, why_not_alive, why_not_ready

if TYPE_CHECKING:
    from reconciler.metrics import Metrics, RunFacts
    from reconciler.model.desired import DesiredState

_GLANCE_S = 1.0  # between two looks whether a file has changed


@attrs.frozen(eq=False)
class Asked:
    """What a watch was asked for."""

    files: tuple[str, ...]
    registry: str | None
    given: Given
    options: Mapping[str, Any]  # of the command as they were, by name
    rhythm: Rhythm
    listen: tuple[str, int] | None


@attrs.define(eq=False)
class _Watch:
    """A watch under way; `standing` and `metrics` are read by the pages, in a thread of their own."""

    asked: Asked
    files: WatchedFiles
    stopping: Stopping
    standing: Standing
    metrics: Metrics
    registry: str  # as metrics call it, until a run knows better
    alerting: Alerting | None  # whom to tell, as their file said it when it could last be read
    shown: frozenset[str] = frozenset()  # fingerprints of the drift that was shown last


def watch(asked: Asked) -> int:
    """
    Look, tell and heal until somebody asks to stop.

    Returns:
        The exit code.

    Raises:
        ReconcilerError: what no later run could mend.
    """
    from reconciler.metrics import Metrics

    alerts = asked.options["alerts"]
    files = WatchedFiles(asked.files, asked.given.others["overlay"], [alerts] if alerts else [])
    with open_registry(asked.registry, files.desired().registry, asked.given.traffic) as registry:
        pass  # so that a registry that is none is told before the first run
    standing = Standing(asked.rhythm.interval_s, time.monotonic())
    under_way = _Watch(asked, files, Stopping(), standing, Metrics(), registry.name, asked.given.alerting)
    with under_way.stopping.listening(), contextlib.suppress(KeyboardInterrupt), _pages(under_way):
        while True:
            _wait(under_way, _run(under_way))
    note("Stopped")
    return OK


@contextlib.contextmanager
def _pages(under_way: _Watch) -> Iterator[None]:
    """Answer what can be asked of the watch."""
    every = f"every {under_way.asked.rhythm.interval_s:,.0f} s"
    if under_way.asked.listen is None:
        note(f"Watching  {every}")
        yield
        return
    from reconciler.metrics.exposition import exposition, is_installed
    from reconciler.watch.pages import app, served

    if not is_installed():
        note("note: /metrics needs pip install 'acr-reconciler[metrics]'; /healthz and /readyz answer without")
    pages = app(
        lambda: why_not_alive(under_way.standing, time.monotonic()),
        lambda: why_not_ready(under_way.standing, time.monotonic()),
        lambda: exposition(under_way.metrics) if is_installed() else None,
    )
    with served(pages, *under_way.asked.listen) as url:
        note(f"Watching  {every}, {url}/healthz /readyz /metrics")
        yield


def _run(under_way: _Watch) -> float:
    """One run; how long to wait after it, in seconds."""
    from reconciler.metrics import observe

    started_s = time.monotonic()
    under_way.standing = begun(under_way.standing, started_s)
    facts = _facts(under_way)
    under_way.metrics = observe(under_way.metrics, facts)
    under_way.standing = ended(under_way.standing, time.monotonic(), is_success=facts.is_success)
    under_way.stopping.check()
    chance = random.random()  # noqa: S311 - for no secret
    return wait_s(under_way.asked.rhythm, time.monotonic() - started_s, under_way.standing.failures, chance)


def _facts(under_way: _Watch) -> RunFacts:
    """What one run came to."""
    asked, started_s = under_way.asked, time.monotonic()
    measured = Measured(registry=under_way.registry)
    traffic = attrs.evolve(asked.given.traffic, measured=measured, quiet=True)
    code = ERROR
    try:
        desired = under_way.files.desired()
        if under_way.files.problem:
            _complain(f"the files have changed, and are not taken\n{under_way.files.problem}")
        is_told_whom = _read_alerts(under_way)
        given = attrs.evolve(asked.given, now=now(), traffic=traffic, alerting=under_way.alerting)
        with open_registry(asked.registry, desired.registry, traffic) as registry:
            under_way.registry = registry.name
            code = _looked(under_way, desired, registry, given)
        code = code if is_told_whom else ERROR
    except ReconcilerError as error:
        _complain(str(error))
    if measured.is_interrupted:
        under_way.stopping.is_asked = True
    is_success = code in (OK, CHANGES) and not under_way.files.problem
    return measured.facts("watch", is_success=is_success, duration_s=time.monotonic() - started_s)


def _read_alerts(under_way: _Watch) -> bool:
    """Read again whom to tell, for secrets are replaced, and people too; whether that could be read."""
    asked = under_way.asked
    # What is told now must last until the next run, also where this one turns out to have failed.
    longest_s = wait_s(asked.rhythm, 0, under_way.standing.failures + 1, 1)
    try:
        under_way.alerting = alerting_from(dict(asked.options), asked.files, longest_s)
    except ReconcilerError as error:
        _complain(f"whom to tell cannot be read, so those are told who were before\n{error}")
        return False
    return True


def _looked(under_way: _Watch, desired: DesiredState, registry: Registry, given: Given) -> int:
    """The exit code of one look, and of healing what it found."""
    started_s = time.monotonic()
    memory = read_memory(given.where, registry, given.traffic, under_way.asked.files)
    looked = look(desired, registry, given, memory, note_debts(memory.store, registry))
    note(_line(looked, given, time.monotonic() - started_s))
    can_heal = memory.is_known and (looked.owed or any(each.can_heal for each in looked.found))
    if given.others["heal"] and can_heal:
        try:
            return _healed(under_way, desired, registry, given)
        except ReconcilerError:
            _told(under_way, looked, registry, given)  # that it cannot be undone now is no reason to keep it quiet
            raise
    _told(under_way, looked, registry, given)
    if not looked.healing.complete:
        return ERROR
    return CHANGES if looked.found or looked.owed else OK


def _told(under_way: _Watch, looked: Looked, registry: Registry, given: Given) -> None:
    """Show what was found and tell others; one who is not told is no reason to look less often."""
    _show(under_way, looked, given)
    with under_way.stopping.held():
        note_tellings(tell_drift(given, looked, registry), under_way.asked.given.traffic)


def _healed(under_way: _Watch, desired: DesiredState, registry: Registry, given: Given) -> int:
    """The exit code of one heal; others are told what was found, and that it is over."""
    with locked_memory(given.where, registry, given.traffic, under_way.asked.files, "watch --heal") as memory:
        paid = pay_first(memory, registry, given.traffic, "watch --heal")
        looked = look(desired, registry, given, memory)
        code = ERROR
        try:
            code = undo(looked, registry, given, paid, lambda found, _: _show(under_way, found, given))
        finally:
            with under_way.stopping.held():
                telling = attrs.evolve(given, traffic=under_way.asked.given.traffic)
                told_of_heal(looked, registry, telling, is_over=code == OK)
    return code


def _show(under_way: _Watch, looked: Looked, given: Given) -> None:
    """Show what drifted, where that is not what was shown before; on stderr where nobody takes it on stdout."""
    found, before = _fingerprints(looked), under_way.shown
    if found - before or (looked.healing.complete and before - found):
        answers = renderings(looked, full=given.others["full"], heals=given.others["heal"], owed=looked.owed)
        answer_or_note(str(answers["text"](stdout_paint(no_color=given.others["no_color"]))))
        answer_or_note("\n")
        under_way.shown = found


def _fingerprints(looked: Looked) -> frozenset[str]:
    return frozenset(each.fingerprint for each in looked.found)


def _line(looked: Looked, given: Given, took_s: float) -> str:
    """A run in a line."""
    drifting = len({each.address for each in looked.found})
    said = count(drifting, "resource drifts", "resources drift") if drifting else "no drift"
    if not looked.healing.complete:
        said += f", {len(looked.healing.unknown):,} could not be read in full"
    requests = sum(sum(tally.requests.values()) for tally in given.traffic.measured.tallies)
    managed = f"{looked.plan.summary.managed:,} managed"
    return f"{_moment()}  {said}; {managed}, {count(requests, 'request')}, {took_s:.1f} s"


def _complain(message: str) -> None:
    note(f"{_moment()}  error: {message}")


def _moment() -> str:
    return shown_time(now_text())


def _wait(under_way: _Watch, seconds: float) -> None:
    """Wait; not to the end where a file has changed, and stays so for a moment."""
    files, until_s = under_way.files, time.monotonic() + seconds
    before = files.stamps()
    while (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(left_s, _GLANCE_S))
        stamps = files.stamps()
        if stamps == before and files.have_changed():
            return
        before = stamps
