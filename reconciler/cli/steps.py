"""The steps that several commands share: files to desired state, desired state and registry to plan."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs
import click

from reconciler.cli.clock import nanoseconds, now, parsed, text_of
from reconciler.cli.formats import Formats
from reconciler.cli.gathered import Gathered
from reconciler.cli.measured import Measured
from reconciler.cli.memory import Where, where_from
from reconciler.cli.options import said_at
from reconciler.cli.output import password_from_stdin
from reconciler.cli.progress import Progress, shown
from reconciler.cli.registry import Registry, Traffic, client_for, tell
from reconciler.cli.signals import run_asked
from reconciler.cli.stream import stream_for
from reconciler.errors import RefusedError
from reconciler.render.words import count

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.cli.alerting import Alerting
    from reconciler.model.desired import DesiredState
    from reconciler.model.last_applied import RememberedRepository
    from reconciler.model.live import LiveRepository
    from reconciler.model.matching import RepositoryRules
    from reconciler.model.selection import Selection
    from reconciler.planning.base import BaseState
    from reconciler.planning.debts import Debt
    from reconciler.planning.limits import Limits
    from reconciler.planning.plan import Finding, Plan
    from reconciler.planning.remember import Observed
    from reconciler.registry.accounts import SignIn, Way
    from reconciler.registry.client import Client

_HAS_TIME_AND_ZONE = re.compile(r"[Tt ]\d\d:\d\d.*(?:[Zz]|[+-]\d\d:?\d\d)$")


def limits_from(options: dict[str, object]) -> Limits:
    """
    The limits that the command line sets; takes its options out of `options`.

    Raises:
        RefusedError: one of them is not a limit.
    """
    from reconciler.planning.limits import DEFAULT_LIMIT, Limits, parse_limit

    given = {way: options.pop(f"max_{way}") for way in ("loosen", "hide", "move", "delete")}
    limits = {
        way: DEFAULT_LIMIT if said is None else parse_limit(str(said), said_at(f"max_{way}"))
        for way, said in given.items()
    }
    return Limits(
        **limits,
        allow_empty=bool(options.pop("allow_empty")),
        allow_incomplete=bool(options.pop("allow_incomplete")),
    )


def traffic_from(options: dict[str, object]) -> Traffic:
    """How to talk to the registry; takes its options out of `options`."""
    timeout_s = float(str(options.pop("timeout")))
    if math.isnan(timeout_s):
        raise RefusedError("--timeout nan: not a number of seconds")
    return Traffic(
        sign_in=_sign_in_from(options, timeout_s),
        insecure=bool(options.pop("insecure")),
        ca_bundle=str(options.pop("ca_bundle") or "") or None,
        concurrency=int(str(options.pop("concurrency"))),
        timeout_s=timeout_s,
        quiet=bool(options.pop("quiet")),
        verbose=bool(options.pop("verbose")),
        measured=cast("Measured | None", options.pop("measured", None)) or Measured(),
    )


def _sign_in_from(options: dict[str, object], timeout_s: float) -> SignIn:
    """
    What the command line and the environment give to sign in with.

    A password is never an argument: whoever lists the processes of the machine reads those.
    """
    from reconciler.registry.accounts import SignIn, check

    way, username = options.pop("auth"), options.pop("username")
    is_on_stdin = bool(options.pop("password_stdin"))
    if is_on_stdin and "-" in click.get_current_context().params.get("files", ()):
        raise RefusedError("--password-stdin and the file - would both read standard input")
    sign_in = SignIn(
        way=cast("Way | None", way),
        username=str(username or ""),
        password=password_from_stdin() if is_on_stdin else os.environ.get("RECONCILER_PASSWORD", ""),
        refresh_token=os.environ.get("RECONCILER_REFRESH_TOKEN", ""),
        environment=os.environ,
        timeout_s=timeout_s,
    )
    check(sign_in)
    return sign_in


@attrs.frozen(eq=False)
class Planned:
    """A plan, and what it takes to remember its outcome."""

    plan: Plan
    lines: Mapping[str, bytes] = attrs.field(factory=dict)  # of a state file: repositories that no change touches
    pending: Sequence[tuple[Observed, RememberedRepository]] = ()  # and those that one does
    owed: Sequence[Debt] = ()  # locks that the plan takes for on, and that are not


@attrs.frozen(eq=False)
class Given:
    """What the command line says, but for the files and the registry."""

    limits: Limits
    traffic: Traffic
    where: Where
    selection: Selection
    now: datetime  # the moment that rules with a time go by
    formats: Formats  # what to answer in
    others: Mapping[str, Any]  # the options of the command itself, by name
    alerting: Alerting | None = None  # whom to tell about drift; None: nobody


def given_from(options: dict[str, Any], formats: Formats, operation: str) -> Given:
    """
    What the command line says.

    Args:
        options: Those of the command, by name.
        formats: What to answer in.
        operation: What the run is called where its events are told.

    Raises:
        RefusedError: something of it cannot be.
    """
    limits, traffic, where = limits_from(options), traffic_from(options), where_from(options)
    selection, moment = _selection_from(options), now_from(options)
    traffic = attrs.evolve(traffic, stream=stream_for(formats, operation))  # what may truncate a file comes last
    return Given(limits, traffic, where, selection, moment, formats, options)


def _selection_from(options: dict[str, Any]) -> Selection:
    from reconciler.files.targets import targets_given
    from reconciler.model.selection import Selection

    targets, excludes = options.pop("target"), options.pop("exclude")
    return Selection(targets_given("--target", targets), targets_given("--exclude", excludes))


def now_from(options: dict[str, Any]) -> datetime:
    """
    The moment of the run, from the command line or the clock; takes its option out of `options`.

    Raises:
        RefusedError: it is no moment.
    """
    text = options.pop("now")
    moment = now() if text is None else parsed(text)
    if moment is None or (text is not None and not _HAS_TIME_AND_ZONE.search(text)):
        raise RefusedError(
            f"--now {text}: not a moment\n  It is written as in 2026-12-01T18:00:00Z, with its time zone."
        )
    return moment


def desired_now(desired: DesiredState, moment: datetime) -> DesiredState:
    """What is desired at a moment: exceptions that are in force have become rules, others are gone."""
    from reconciler.model.exceptions import in_force

    return in_force(desired, nanoseconds(moment))


def plan_registry(
    desired: DesiredState,
    registry: Registry,
    given: Given,
    base: BaseState,
    *,
    keep: bool = False,
    owed: Sequence[Debt] = (),
) -> Planned:
    """
    Refresh and plan: what `registry` lacks to be what `desired` declares, with the limits that it exceeds.

    Args:
        desired: What the files declare.
        registry: Where to read.
        given: How to talk to it, and how much may be changed at once.
        base: What was last applied.
        keep: Keep what was found in sync too, to remember it.
        owed: Locks that will be on before anything is changed.
    """
    from reconciler.planning.compare import make_plan
    from reconciler.planning.limits import check_limits
    from reconciler.planning.planfile import desired_digest
    from reconciler.planning.timing import expiry, goes_by_time

    gathered = run_asked(_refreshed(desired, registry, given, base, keep=keep, owed=owed))
    plan = make_plan(registry.name, desired_digest(desired), gathered.parts, base.reference)
    limits = check_limits(plan, given.limits, desired_is_empty=not desired.repositories)
    plan = attrs.evolve(
        plan,
        findings=(*limits, *plan.findings, *_remarks(plan, desired, given, gathered)),
        now=text_of(given.now) if goes_by_time(desired) else None,
        expires=expiry(plan, desired, nanoseconds(given.now)),
    )
    given.traffic.measured.plan = plan
    return Planned(plan, gathered.lines, gathered.pending, gathered.owed)


def _remarks(plan: Plan, desired: DesiredState, given: Given, gathered: Gathered) -> Iterator[Finding]:
    """What else is to be said about the plan, by the files and the command line."""
    from reconciler.planning.remarks import exception_findings, rule_findings, selection_findings, unlock_findings

    yield from exception_findings(desired, nanoseconds(given.now), plan)
    if plan.complete and given.selection.is_everything:
        yield from rule_findings(gathered.desired, gathered.spoken)
    yield from selection_findings(gathered.unmatched)
    if given.where.state is None:
        yield from unlock_findings(plan)


async def _refreshed(
    desired: DesiredState, registry: Registry, given: Given, base: BaseState, *, keep: bool, owed: Sequence[Debt]
) -> Gathered:
    from reconciler.events import RepositoryRead, both
    from reconciler.model.selection import SelectedIndex, Unmatched
    from reconciler.planning.owed import paid_repository
    from reconciler.registry.reader import refresh

    started_s, traffic = time.monotonic(), given.traffic
    gathered = Gathered(desired_now(desired, given.now), base, given, keep=keep)
    index = SelectedIndex(gathered.desired, given.selection)
    unmatched = Unmatched(given.selection, index)

    def receive(rules: RepositoryRules, live: LiveRepository, remembered: RememberedRepository) -> None:
        gathered.add(rules, paid_repository(live, owed), remembered)
        unmatched.see(rules, live)
        is_asked_for = rules.declares_attributes or rules.declares_tags or rules.declares_manifests
        if is_asked_for and not live.missing and not live.unread:
            both(progress, traffic.stream)(RepositoryRead(live.name, len(live.tags)))

    with shown(Progress(quiet=traffic.quiet), quiet=traffic.quiet) as progress:
        async with client_for(registry, traffic, progress) as client:
            owed = gathered.owed = await _still_owed(client, owed, traffic) if owed else ()
            await refresh(
                client,
                index,
                base,
                concurrency=traffic.concurrency,
                receive=receive,
                now_ns=nanoseconds(given.now),
            )
    read = f"{count(progress.repositories, 'repository', 'repositories')}, {count(progress.tags, 'tag')}"
    took = f"{count(client.request_count, 'request')}, {time.monotonic() - started_s:.1f} s"
    tell(f"Read      {read} in {took}\n", traffic)
    gathered.unmatched = unmatched.told()
    return gathered


async def _still_owed(client: Client, owed: Sequence[Debt], traffic: Traffic) -> Sequence[Debt]:
    """Those that the next apply would pay."""
    from reconciler.apply import still_owed

    return await still_owed(client, owed, concurrency=traffic.concurrency)
