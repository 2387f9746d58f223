"""
What a run comes to, gathered on its way, and written as metrics when it has ended, however it ended.

A run is not worse for metrics that could not be written: that is a warning. That they cannot be
written at all, as they were asked for, is found out before the run begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from reconciler.cli import CHANGES, ERROR, OK
from reconciler.cli.options import said_at
from reconciler.cli.output import note
from reconciler.errors import RefusedError, UnreachableError

if TYPE_CHECKING:
    from reconciler.events import Outcome
    from reconciler.metrics import RunFacts
    from reconciler.metrics.push import Gateway
    from reconciler.planning.drift import Drifted
    from reconciler.planning.plan import Plan
    from reconciler.registry.tally import Tally


@attrs.define(eq=False)
class Measured:
    """What is known of a run so far; whoever finds something out sets it."""

    registry: str = ""  # empty: not known yet
    plan: Plan | None = None  # of everything
    found: Sequence[Drifted] | None = None  # None: drift was not looked for
    outcomes: Sequence[Outcome] = ()
    is_interrupted: bool = False  # somebody asked it to stop while it changed things
    tallies: list[Tally] = attrs.field(factory=list)

    def facts(self, command: str, *, is_success: bool, duration_s: float) -> RunFacts:
        """The run, which ends now."""
        from reconciler.metrics.facts import RunFacts, changes_in, seen_in
        from reconciler.registry.tally import total

        return RunFacts(
            self.registry,
            command,
            ended_s=time.time(),
            duration_s=duration_s,
            is_success=is_success,
            seen=None if self.plan is None else seen_in(self.plan, self.found, self.outcomes),
            changes=changes_in(self.outcomes),
            tally=total(self.tallies),
        )


def measured(function: Callable[..., int]) -> Callable[..., int]:
    """The body of a command that takes `options.metrics`: what it comes to is written where they say."""

    @functools.wraps(function)
    def run(**given: Any) -> int:
        place, insecure = given.pop("metrics"), given.pop("metrics_insecure")
        if place is None:
            return function(**given)
        to = _destination(place, given, insecure=insecure)
        so_far, started_s = Measured(registry=_named(given["registry"])), time.monotonic()
        code = ERROR
        try:
            code = function(**given, measured=so_far)
            return code
        finally:
            facts = functools.partial(so_far.facts, duration_s=time.monotonic() - started_s)
            command = click.get_current_context().command.name or ""
            _write(to, facts(command, is_success=code in (OK, CHANGES)))

    return run


def _named(registry: str | None) -> str:
    """The registry that the command line names, as plans name it; empty where none is, for files may name one."""
    from reconciler.registry.location import parse_location

    with contextlib.suppress(RefusedError):
        return parse_location(registry, insecure=True).name if registry else ""
    return ""


def _destination(place: str, given: dict[str, Any], *, insecure: bool) -> Gateway | str:
    """
    Where metrics go: a Pushgateway, or the path of a file.

    Raises:
        RefusedError: they cannot go there, or nowhere at all.
    """
    from reconciler.metrics.exposition import check_installed
    from reconciler.metrics.push import LIMIT_S, parse_gateway
    from reconciler.metrics.textfile import read_textfile

    check_installed(said_at("metrics"))
    if not place:
        raise RefusedError("--metrics: the name is empty\n  Is a variable not set?")
    if "://" not in place:
        read_textfile(place)
        return place
    return attrs.evolve(
        parse_gateway(place, insecure=insecure),
        username=os.environ.get("RECONCILER_METRICS_USERNAME", ""),
        password=os.environ.get("RECONCILER_METRICS_PASSWORD", ""),
        ca_bundle=given["ca_bundle"] or None,
        limit_s=min(LIMIT_S, given["timeout"]),
    )


def _write(to: Gateway | str, run: RunFacts) -> None:
    """Write or push; a failure is a warning."""
    try:
        _to_file(to, run) if isinstance(to, str) else _to_gateway(to, run)
    except RefusedError as error:
        note(f"warning: the metrics were not written: {error}")
    except UnreachableError as error:
        note(f"warning: the metrics were not pushed: {error}")


def _to_file(path: str, run: RunFacts) -> None:
    from reconciler.metrics import observe
    from reconciler.metrics.textfile import read_textfile, write_textfile

    before = read_textfile(path)
    if not run.registry:  # it ended before it knew; the file is of one job
        run = attrs.evolve(run, registry=next(iter(before.registries(run.command)), ""))
    if not run.registry:
        raise RefusedError(f"{path}: the run ended before it was known which registry it is about")
    write_textfile(path, observe(before.of(run.registry, run.command), run))


def _to_gateway(gateway: Gateway, run: RunFacts) -> None:
    from reconciler.metrics import Metrics, observe
    from reconciler.metrics.push import push

    if not run.registry:
        raise UnreachableError("the run ended before it was known which registry it is about")
    asyncio.run(push(gateway, observe(Metrics(), run), run.registry, run.command))
