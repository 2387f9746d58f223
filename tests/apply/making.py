"""Plans made by hand from values, and what a run needs besides: a client, a place for debts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from reconciler.apply import Interrupt, Report, apply_plan
from reconciler.backend.local import FileStore
from reconciler.cli.debts import DebtBook, read_debts
from reconciler.emulator import EmbeddedEmulator
from reconciler.model.address import parse_address
from reconciler.model.attributes import Document
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import ACTIONS, Change, Plan, Summary, Unlock, Via, effects_of, stage_of
from reconciler.registry.accounts import only
from reconciler.registry.client import Client
from reconciler.registry.location import parse_location
from reconciler.registry.transport import Transport

HERE = "registry.yaml:1:1"
RUN = "20261126T201003Z-c0ffee"
OPEN = {"deleteEnabled": True, "writeEnabled": True}
LOCKED = {"deleteEnabled": False, "writeEnabled": False}


@asynccontextmanager
async def client_of(
    emulator: EmbeddedEmulator, *, timeout_s: float = 30.0, concurrency: int = 8
) -> AsyncIterator[Client]:
    """A client for an emulator."""
    location = parse_location(emulator.url)
    transport = Transport(location, timeout_s=timeout_s, concurrency=concurrency, on_pause=lambda pause: None)
    async with Client(transport, only(None)) as client:
        yield client


def change(
    text: str, before: Document, after: Document, *, rank: int = 0, via: tuple[str, str] | None = None
) -> Change:
    """The change from `before` to `after`, each the whole of what it shows."""
    address, changed = parse_address(text), sorted(n for n in {**before, **after} if before.get(n) != after.get(n))
    action = "create" if not before else "delete" if not after else "move" if "digest" in changed else "update"
    return Change(
        address=address,
        kind=address.kind,
        action=action,
        causes=dict.fromkeys(changed, "config"),
        effects=effects_of(before, after, changed),
        before=before,
        after=after,
        patch=make_patch(before, after),
        origins=(HERE,),
        stage=stage_of(address, action, after, changed),
        rank=rank,
        via=Via(parse_address(via[0]), via[1]) if via else None,
    )


def unlock(text: str, *names: str) -> Unlock:
    """The announcement that these locks, or both, may come off for a moment."""
    before: Document = dict.fromkeys(names or ("deleteEnabled", "writeEnabled"), False)
    after: Document = dict.fromkeys(before, True)
    return Unlock(parse_address(text), before, after, make_patch(before, after), (HERE,))


def plan_of(*changes: Change, unlocks: Iterable[Unlock] = ()) -> Plan:
    """A plan of these changes."""
    ordered = tuple(sorted(changes, key=lambda each: each.address.order))
    counts = {action: sum(each.action == action for each in ordered) for action in ACTIONS}
    return Plan(
        registry="emulator",
        desired_digest="sha256:",
        base=None,
        complete=True,
        changes=ordered,
        unlocks=tuple(sorted(unlocks, key=lambda each: each.address.order)),
        drift=(),
        blocked=(),
        missing=(),
        unknown=(),
        findings=(),
        summary=Summary(**counts, managed=len(ordered), unmanaged=0),
    )


def book_at(path: object) -> DebtBook:
    """A record of debts in a file."""
    return DebtBook(FileStore(str(path)), "emulator", RUN)


def owed_at(path: object) -> dict[str, Mapping[str, object]]:
    """What is owed there."""
    return {str(debt.address): debt.locks for debt in read_debts(FileStore(str(path)), "emulator")}


async def applied(plan: Plan, client: Client, **others: Any) -> Report:
    """The report of a plan that was carried out."""
    given = {"concurrency": 8, "sink": lambda event: None, "interrupt": Interrupt(), **others}
    return await apply_plan(plan, client, **given)


def told(report: Report) -> dict[str, str]:
    """How each change ended."""
    return {str(outcome.change.address): outcome.status for outcome in report.outcomes}


def unlocked(report: Report) -> dict[str, str]:
    """What was unlocked for a moment, and what became of that."""
    return {str(each.address): each.status for each in report.unlocked}


def sent(emulator: EmbeddedEmulator) -> list[str]:
    """What was asked that changes something, in the order of the answers."""
    asked = (each for each in emulator.requests() if each.method != "GET")
    return [f"{each.method} {each.path} {(each.body or b'').decode()[:60]}".strip() for each in asked]
