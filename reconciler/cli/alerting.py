"""
Tell others what drifted: whom, what of it is news, and what came of telling them.

What was told is noted beside the memory, before and after: a sink that is being told is
marked, so that two runs at the same time do not tell it twice, and what it did not take is
told by the next run. Nothing that fails here keeps a drift from being shown.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from reconciler.cli.clock import now, now_text, text_of
from reconciler.cli.memory import ALERTS, Memory, Where, update_blob
from reconciler.cli.options import said_at
from reconciler.cli.output import note
from reconciler.cli.registry import Registry, Traffic, tell
from reconciler.cli.signals import run_asked
from reconciler.errors import AlertError, BackendError, RefusedError
from reconciler.render.drift_json import Telling
from reconciler.render.words import count

if TYPE_CHECKING:
    from reconciler.alerts.delivery import Delivery
    from reconciler.alerts.ledger import Ledger
    from reconciler.alerts.sink import Batch, Sink
    from reconciler.cli.drifting import Looked
    from reconciler.cli.steps import Given
    from reconciler.planning.drift import Drifted

DEFAULT_REPEAT_S = 24 * 3600
_AGAIN = "\n  So what was told before is not known, and is told again."


@attrs.frozen(eq=False)
class Alerting:
    """Whom to tell about drift, how often, and of which files."""

    sinks: tuple[Sink, ...]
    repeat_s: float
    files: tuple[str, ...]
    overlays: tuple[str, ...]
    interval_s: float | None = None  # until the next run; None: not known


def alerting_from(options: dict[str, Any], files: tuple[str, ...], interval_s: float | None = None) -> Alerting | None:
    """
    Whom to tell, from the command line; takes its options out of `options`. None: nobody.

    Args:
        options: Those of the command, by name.
        files: That the drift is told by.
        interval_s: Until the next run; None: not known.

    Raises:
        DesiredStateError: the file of alerts is wrong.
        RefusedError: something of it cannot be, or a secret is not there.
    """
    path, texts, repeat = options.pop("alerts"), options.pop("alert"), options.pop("repeat")
    if path is None and not texts:
        if repeat is not None:
            raise RefusedError(f"{said_at('repeat')}: nobody is told\n  --alert URL or --alerts FILE names who is.")
        return None
    from reconciler.alerts.settings import AlertSettings, sinks_from_file
    from reconciler.alerts.short import sink_from_text

    settings = sinks_from_file(path, os.environ) if path is not None else AlertSettings(())
    sinks = (*settings.sinks, *(sink_from_text(text, os.environ) for text in texts))
    keys = [sink.key for sink in sinks]
    for sink in sinks:
        if keys.count(sink.key) > 1:
            raise RefusedError(f"{sink.name} would be told twice\n  Give each a name: of its own in an --alerts file.")
    said_s = seconds_of(repeat, "repeat") if repeat is not None else settings.repeat_s
    repeat_s = DEFAULT_REPEAT_S if said_s is None else said_s
    return Alerting(sinks, repeat_s, files, options["overlay"], interval_s)


def seconds_of(text: str, option: str) -> float:
    """
    The seconds of a duration that an option names.

    Raises:
        RefusedError: it is none.
    """
    from reconciler.alerts.kinds import period_s
    from reconciler.files.values import Refused

    try:
        return period_s(text)
    except Refused as refused:
        raise RefusedError(f"{said_at(option)}: {refused.message}\n  {refused.hint}") from None


def tell_drift(given: Given, looked: Looked, registry: Registry) -> tuple[Telling, ...]:
    """
    Tell each sink what is news to it.

    Args:
        given: Whom, and what the command was asked for.
        looked: What was found.
        registry: Where.
    """
    from reconciler.alerts.delivery import deliver

    if given.alerting is None:
        return ()
    batches = _claimed(given, looked, registry)
    deliveries = run_asked(deliver(batches)) if batches else ()
    _note_told(looked.memory, batches, deliveries)
    return tuple(_telling(batch, delivery) for (_, batch), delivery in zip(batches, deliveries, strict=True))


def note_found(given: Given, looked: Looked, registry: Registry) -> None:
    """
    Note what was found, and who is to be told, before it is undone.

    Whatever becomes of this run then, the next one tells that it was so.
    """
    alerting = given.alerting
    if alerting is not None and looked.memory.store is not None:
        _update(looked.memory, lambda ledger: _with_found(ledger, given, alerting, looked, registry))


def note_tellings(tellings: Sequence[Telling], traffic: Traffic) -> bool:
    """Say on stderr what came of it; whether everybody was told."""
    for telling in tellings:
        said = f"{count(telling.firing, 'alert')}, {telling.resolved:,} resolved"
        tell(f"Told      {telling.sink}: {said}", traffic, when=not telling.error and _has_news(telling))
    for telling in tellings:
        if telling.error:
            what = count(telling.firing + telling.resolved, "alert")
            note(f"error: {telling.sink} was not told of {what}: {telling.error}\n  The next run tells it again.")
    return not any(telling.error for telling in tellings)


def _has_news(telling: Telling) -> bool:
    return bool(telling.firing or telling.resolved)


def _words(alerting: Alerting, where: Where, registry: Registry, memory: Memory) -> tuple[str, ...]:
    """The words of a command line that name the same files, registry and memory."""
    asked = () if registry.written else ("--registry", registry.name)
    place = ("--state", memory.store.name) if memory.store and not where.is_default else ()
    base = ("--base", where.revision) if where.revision else ()
    laid = [word for overlay in alerting.overlays for word in ("--overlay", overlay)]
    return (*alerting.files, *laid, *asked, *place, *base)


def _healing(words: Sequence[str]) -> Callable[[Drifted], str]:
    """How the command reads that undoes a drift, or accepts it where nothing does; as a shell takes it."""

    def command(each: Drifted) -> str:
        what = ("drift", *words, "--heal", "--target") if each.can_heal else ("apply", *words, "--accept")
        return shlex.join(("reconciler", *what, str(each.address)))

    return command


def _with_found(ledger: Ledger, given: Given, alerting: Alerting, looked: Looked, registry: Registry) -> Ledger:
    """The ledger with what was found, waiting for every sink."""
    from reconciler.alerts.ledger import after, awaited, tidied
    from reconciler.alerts.making import Run

    words = _words(alerting, given.where, registry, looked.memory)
    run = Run(registry.name, looked.at, looked.seen, _healing(words))
    is_whole = looked.healing.complete and given.selection.is_everything
    ledger = after(ledger, looked.found, run, is_whole=is_whole)
    return awaited(tidied(ledger, looked.at), [sink.key for sink in alerting.sinks])


def _claimed(given: Given, looked: Looked, registry: Registry) -> Sequence[tuple[Sink, Batch]]:
    """What to tell whom; it is marked that they are being told, so that nobody else tells them the same."""
    from reconciler.alerts.ledger import LEASE, Terms, batch, claimed

    alerting = given.alerting
    if alerting is None:
        return ()
    command = shlex.join(("reconciler", "drift", *_words(alerting, given.where, registry, looked.memory)))
    terms = Terms(
        looked.at,
        alerting.repeat_s,
        alerting.interval_s,
        is_complete=looked.healing.complete,
        is_everything=given.selection.is_everything,
        command=command,
    )
    batches: list[tuple[Sink, Batch]] = []
    busy: list[str] = []
    until = text_of(now() + LEASE)

    def decided(ledger: Ledger) -> Ledger:
        ledger = _with_found(ledger, given, alerting, looked, registry)
        busy[:] = [sink.name for sink in alerting.sinks if sink.key in ledger.busy]
        free = [sink for sink in alerting.sinks if sink.key not in ledger.busy]
        offered = [(sink, batch(ledger, registry.name, sink.key, terms)) for sink in free]
        batches[:] = [(sink, each) for sink, each in offered if each.news or sink.wants_each_run]
        return claimed(ledger, [sink.key for sink, _ in batches], until)

    _update(looked.memory, decided)
    for name in busy:
        note(f"note: another run is telling {name}, or died while it did; a later one tells it what is left")
    return batches


def _note_told(memory: Memory, batches: Sequence[tuple[Sink, Batch]], deliveries: Sequence[Delivery]) -> None:
    from reconciler.alerts.ledger import released, tidied, told

    keys = [sink.key for sink, _ in batches]

    def noted(ledger: Ledger) -> Ledger:
        for (sink, batch), delivery in zip(batches, deliveries, strict=True):
            ledger = told(ledger, sink.key, batch.news) if delivery.told else ledger
        return tidied(released(ledger, keys), now_text())

    if batches and memory.store is not None:
        _update(memory, noted)


def _update(memory: Memory, change: Callable[[Ledger], Ledger]) -> None:
    """Replace the ledger by what `change` makes of it; where it cannot be kept, `change` is asked all the same."""
    from reconciler.alerts.ledger import Ledger
    from reconciler.alerts.ledger_file import ledger_from_bytes, ledger_to_bytes

    def changed(content: bytes) -> bytes:
        try:
            old = ledger_from_bytes(content)
        except AlertError as error:
            note(f"warning: {error}{_AGAIN}")
            old = Ledger()
        new = change(old)
        return content if new == old else ledger_to_bytes(new)

    if memory.store is None:
        change(Ledger())
        return
    try:
        update_blob(memory.store, ALERTS, changed)
    except BackendError as error:
        note(f"warning: {error}{_AGAIN}")
        change(Ledger())


def _telling(batch: Batch, delivery: Delivery) -> Telling:
    resolved = sum(event.status == "resolved" for event in batch.news)
    return Telling(delivery.name, len(batch.news) - resolved, resolved, delivery.error)
