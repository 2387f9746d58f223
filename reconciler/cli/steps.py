"""The steps that several commands share: files to desired state, desired state and registry to plan."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import attrs
import click

from reconciler.cli.output import password_from_stdin
from reconciler.cli.progress import Progress, shown
from reconciler.cli.registry import Registry, Traffic, client_for, tell
from reconciler.errors import RefusedError
from reconciler.render.words import count

if TYPE_CHECKING:
    from reconciler.model.desired import DesiredState
    from reconciler.model.live import LiveRepository
    from reconciler.model.matching import RepositoryRules
    from reconciler.planning.limits import Limits
    from reconciler.planning.plan import Plan, RepositoryPlan
    from reconciler.registry.accounts import SignIn, Way


def limits_from(options: dict[str, object]) -> Limits:
    """
    The limits that the command line sets; takes its options out of `options`.

    Raises:
        RefusedError: one of them is not a limit.
    """
    from reconciler.planning.limits import DEFAULT_LIMIT, Limits, parse_limit

    loosen, hide = options.pop("max_loosen"), options.pop("max_hide")
    return Limits(
        loosen=parse_limit(str(loosen)) if loosen is not None else DEFAULT_LIMIT,
        hide=parse_limit(str(hide)) if hide is not None else DEFAULT_LIMIT,
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


def plan_registry(desired: DesiredState, registry: Registry, traffic: Traffic, limits: Limits) -> Plan:
    """Refresh and plan: what `registry` lacks to be what `desired` declares, with the limits that it exceeds."""
    from reconciler.planning.limits import check_limits
    from reconciler.planning.plan import make_plan
    from reconciler.planning.planfile import desired_digest

    parts = asyncio.run(_refreshed(desired, registry, traffic))
    plan = make_plan(registry.name, desired_digest(desired), parts)
    return attrs.evolve(plan, findings=check_limits(plan, limits, desired_is_empty=not desired.repositories))


async def _refreshed(desired: DesiredState, registry: Registry, traffic: Traffic) -> Sequence[RepositoryPlan]:
    from reconciler.events import RepositoryRead
    from reconciler.model.matching import DesiredIndex
    from reconciler.planning.plan import RepositoryPlan, plan_repository
    from reconciler.registry.reader import refresh

    started_s = time.monotonic()
    index = DesiredIndex(desired)
    parts: list[RepositoryPlan] = []
    managed = unmanaged = 0

    def receive(rules: RepositoryRules, live: LiveRepository) -> None:
        nonlocal managed, unmanaged
        part = plan_repository(rules, live)
        managed, unmanaged = managed + part.managed, unmanaged + part.unmanaged
        if part.has_something_to_say:
            parts.append(attrs.evolve(part, managed=0, unmanaged=0))
        is_asked_for = rules.declares_attributes or rules.declares_tags
        if is_asked_for and not live.missing and not live.unread:
            progress(RepositoryRead(live.name, len(live.tags)))

    with shown(Progress(quiet=traffic.quiet), quiet=traffic.quiet) as progress:
        async with client_for(registry, traffic, progress) as client:
            await refresh(client, index, concurrency=traffic.concurrency, receive=receive)
    read = f"{count(progress.repositories, 'repository', 'repositories')}, {count(progress.tags, 'tag')}"
    took = f"{count(client.request_count, 'request')}, {time.monotonic() - started_s:.1f} s"
    tell(f"Read      {read} in {took}\n", traffic)
    return [*parts, RepositoryPlan(managed=managed, unmanaged=unmanaged)]
