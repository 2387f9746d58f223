"""`reconciler rollback`: the plan that undoes a run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from reconciler.cli import OK, options
from reconciler.cli.memory import JOURNAL, open_place, read_memory, where_from
from reconciler.cli.output import note
from reconciler.cli.plan_output import put_out
from reconciler.cli.registry import Registry, Traffic, client_for, open_registry, tell
from reconciler.cli.steps import limits_from, traffic_from
from reconciler.errors import NotFoundError, ReconcilerError, RefusedError, first_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.address import Address
    from reconciler.model.attributes import Document
    from reconciler.planning.undo import Left
    from reconciler.registry.client import Client

_SHOWN = 10
_STILL = "\nThe files still say what they said: change them too, or the next apply does it\nall again."


@click.command("rollback")
@click.argument("run", metavar="RUN")
@options.registry
@options.out
@options.state
@options.output_format
@options.full
@options.limits
@options.sign_in
@options.traffic
@options.no_color
@options.quiet
@options.verbose
def command(run: str, registry: str | None, **others: Any) -> int:
    """
    Make the plan that undoes a run; apply PLAN carries it out.

    RUN is an id from `state log`, or its beginning, or latest. Only what still stands
    as that run left it goes back to what it was before; what somebody changed since
    is told and left alone. The files still say what they said: change them too, or the
    next apply does it all again.

    \b
    Examples:
      reconciler rollback latest --out undo.json
      reconciler apply undo.json
    """
    from reconciler.planning.journal import changes_of, find_run, runs_from_bytes
    from reconciler.planning.limits import check_limits
    from reconciler.planning.undo import undo

    limits, traffic, where = limits_from(others), traffic_from(others), where_from(others)
    store = open_place(where)
    if store is None:
        raise RefusedError("--state none: there is no journal to find a run in")
    place = f"{store.name}{JOURNAL}"
    blob = store.read(JOURNAL)
    wanted = find_run(runs_from_bytes(blob.content, place) if blob else [], run, place)
    with open_registry(registry, str(wanted["registry"]), traffic) as live:
        if live.name != wanted["registry"]:
            raise RefusedError(f"run {wanted['run']} was at {wanted['registry']}, not at {live.name}")
        memory = read_memory(where, live, traffic, ())
        done = changes_of(wanted, place)
        found = asyncio.run(_read([each.address for each in done if each.is_ours], live, traffic))
    managed = memory.last.counts.resources if memory.last else 0
    undone = undo(str(wanted["run"]), live.name, done, found, base=memory.base.reference, managed=managed)
    plan = attrs.evolve(undone.plan, findings=check_limits(undone.plan, limits, desired_is_empty=False))
    _tell_left(undone.left)
    put_out(plan, traffic, others)
    tell(_STILL, traffic, when=plan.has_changes)
    return OK


async def _read(
    addresses: Sequence[Address], registry: Registry, traffic: Traffic
) -> Mapping[Address, Document | None]:
    """What the registry holds at each address; None: it says that there is nothing."""
    found: dict[Address, Document | None] = {}
    remaining = iter(addresses)

    async def work(some: Iterator[Address], client: Client) -> None:
        for address in some:
            found[address] = await _document(address, client)

    try:
        async with client_for(registry, traffic, lambda _: None) as client, asyncio.TaskGroup() as group:
            for _ in range(min(traffic.concurrency, len(addresses))):
                group.create_task(work(remaining, client))
    except* ReconcilerError as failures:
        raise first_of(failures) from None
    return found


async def _document(address: Address, client: Client) -> Document | None:
    try:
        return await client.read(address)
    except NotFoundError as error:
        if not error.is_certain:
            raise
        return None


def _tell_left(left: Sequence[Left]) -> None:
    if not left:
        return
    note(f"Left alone, because they are not as the run left them: {len(left):,}")
    for each in left[:_SHOWN]:
        note(f"  {each.address}: {each.why}")
    if len(left) > _SHOWN:
        note(f"  … and {len(left) - _SHOWN:,} more")
    note("")
