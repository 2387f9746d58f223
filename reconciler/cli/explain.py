"""`reconciler explain`: which rule says what about one resource, and what can happen to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from reconciler.cli import OK, options
from reconciler.cli.clock import nanoseconds
from reconciler.cli.debts import note_debts
from reconciler.cli.memory import Memory, read_memory, where_from
from reconciler.cli.output import answer, standard_input, stdout_paint
from reconciler.cli.registry import Registry, Traffic, client_for, open_registry
from reconciler.cli.signals import run_asked
from reconciler.cli.steps import desired_now, now_from, traffic_from
from reconciler.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.address import Address
    from reconciler.model.desired import ExceptionRule
    from reconciler.model.last_applied import RememberedRepository
    from reconciler.model.live import LiveRepository
    from reconciler.model.matching import RepositoryRules
    from reconciler.planning.debts import Debt
    from reconciler.planning.drift import Drifted
    from reconciler.planning.repository_plan import RepositoryPlan
    from reconciler.planning.retained import Retained
    from reconciler.registry.client import Client
    from reconciler.render.explain_text import Explanation

_MOST_DEMANDS = 10


@click.command("explain")
@click.argument("address")
@options.files
@click.option("--offline", is_flag=True, help="Only what the files say; ask no registry.")
@options.registry
@options.overlay
@options.memory
@options.now
@options.sign_in
@options.traffic
@options.full
@options.no_color
@options.quiet
@options.verbose
def command(address: str, files: tuple[str, ...], registry: str | None, **others: Any) -> int:
    """
    Tell which rule says what about one resource, and what can happen to it.

    ADDRESS is a repository (team/app), a tag (team/app:v1) or a manifest
    (team/app@sha256:…, at least 6 digits of it). Every rule that speaks of it is listed
    in file order, with what a later one overrides; then what of it drifted since it was
    last applied, what the registry holds now and what apply would make of it; then
    whether it can be overwritten, deleted, lost with what it depends on, or pulled, now
    and after apply, each with the one attribute that would stop it.

    \b
    Examples:
      reconciler explain team/app:v1.2.0 registry.yaml
      reconciler explain team/app deploy/ --offline
    """
    from reconciler.files import load_desired
    from reconciler.model.address import is_digest, parse_address, parse_beginning
    from reconciler.model.matching import DesiredIndex
    from reconciler.render.explain_text import render_explanation

    traffic, moment, where = traffic_from(others), now_from(others), where_from(others)
    resource = parse_beginning(address) or parse_address(address)
    if others["offline"] and resource.digest and not is_digest(resource.digest):
        raise RefusedError(f"{address}: --offline takes the whole digest; only the registry knows the others")
    desired = load_desired(files, stdin=standard_input(), overlays=others["overlay"])
    rules = DesiredIndex(desired_now(desired, moment)).for_repository(resource.repository)
    if others["offline"]:
        explained = _said(resource, rules)
    else:
        with open_registry(registry, desired.registry, traffic) as known:
            memory = read_memory(where, known, traffic, files)
            owed = note_debts(memory.store, known)
            explained = run_asked(
                _explained(resource, rules, known, traffic, nanoseconds(moment), owed=owed, memory=memory)
            )
    explained = _with_exceptions(explained, desired.exceptions, nanoseconds(moment))
    answer(render_explanation(explained, stdout_paint(no_color=others["no_color"]), full=others["full"]))
    return OK


def _said(
    resource: Address,
    rules: RepositoryRules,
    live: LiveRepository | None = None,
    part: RepositoryPlan | None = None,
    kept: Iterable[Retained] = (),
) -> Explanation:
    """What the files say of it."""
    from reconciler.planning.explain import rules_about, said_besides, said_of_the_whole
    from reconciler.planning.rules import contributions
    from reconciler.render.explain_text import Explanation

    speaking = rules_about(resource, rules, live, part)
    more = (*said_of_the_whole(resource, rules), *said_besides(speaking, kept))
    return Explanation(resource, contributions(speaking), more)


def _with_exceptions(explained: Explanation, exceptions: Iterable[ExceptionRule], now_ns: int) -> Explanation:
    """Until when, and why, what the files say of it is not what they say otherwise."""
    from reconciler.planning.explain import exceptions_about

    about = exceptions_about(explained.address, exceptions)
    current = tuple(each for each in about if now_ns < each.until_ns)
    return attrs.evolve(explained, exceptions=current, ended=tuple(each for each in about if each not in current))


async def _explained(
    resource: Address,
    rules: RepositoryRules,
    registry: Registry,
    traffic: Traffic,
    now_ns: int,
    *,
    owed: Sequence[Debt],
    memory: Memory,
) -> Explanation:
    """What the files say of it, what became of it, and what would become of it once what is owed is paid."""
    from reconciler.apply import still_owed
    from reconciler.planning.compare import plan_repository
    from reconciler.planning.explain import demands_on, prospects, standing_lock
    from reconciler.planning.owed import paid_repository
    from reconciler.planning.retained import retained
    from reconciler.registry.single import whole_address

    remembered = memory.base.remembered(resource.repository)
    async with client_for(registry, traffic, lambda _: None) as client:
        resource = await whole_address(client, resource)
        live = await _read(resource, rules, client, now_ns, remembered=remembered)
        here = [debt for debt in owed if debt.address.repository == resource.repository]
        paid = paid_repository(live, await still_owed(client, here, concurrency=traffic.concurrency))
    part = plan_repository(rules, paid, memory.base.of(live.name, remembered), now_ns)
    demands = demands_on(resource.digest, part.demands, live.manifests) if resource.digest else ()
    kept = retained(resource, rules, paid, part, now_ns)
    return attrs.evolve(
        _said(resource, rules, live, part, kept),
        demands=demands[:_MOST_DEMANDS],
        stands=standing_lock(resource, rules, paid, part),
        drifted=_drift_of(resource, part),
        become=prospects(resource, live, part, paid),
    )


def _drift_of(resource: Address, part: RepositoryPlan) -> tuple[Drifted, ...]:
    """What somebody did to it behind our back, as far as it is remembered how it was last applied."""
    from reconciler.planning.compare import make_plan
    from reconciler.planning.drift import drifted, only_drift

    found = drifted(only_drift(make_plan("", "", [part]), is_known=True))
    return tuple(each for each in found if each.address == resource)


async def _read(
    resource: Address, rules: RepositoryRules, client: Client, now_ns: int, *, remembered: RememberedRepository
) -> LiveRepository:
    """Its repository, as far as rules speak of it, and all that the resource depends on."""
    from reconciler.registry.single import read_around

    live = await read_around(client, resource, rules, now_ns, remembered)
    if live.unread:
        raise RefusedError(live.unread)
    return live
