"""
The plan that undoes a run: each value back to what it was before.

Only what still stands as the run left it is touched. Where somebody changed it since,
their change is newer than what is to be undone, and stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, Document
from reconciler.planning.base import Reference
from reconciler.planning.journal import Done
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import Change, Plan, Summary, effects_of, stage_of


@attrs.frozen
class Left:
    """A change of the run that is not undone, and why."""

    address: Address
    why: str


@attrs.frozen
class Undone:
    """The plan, and what it leaves."""

    plan: Plan
    left: tuple[Left, ...]


def undo(
    run: str,
    registry: str,
    done: Sequence[Done],
    live: Mapping[Address, Document | None],
    *,
    base: Reference | None,
    managed: int,
) -> Undone:
    """
    The plan that undoes `run`.

    Args:
        run: Its id.
        registry: Where it was.
        done: What it did.
        live: What the registry holds now, for each address in `done`; None: it is gone.
        base: What was last applied.
        managed: How many resources are managed, which the limits are a share of.
    """
    ours = [each for each in done if each.is_ours]
    verdicts = [_undone(each, live[each.address], run) for each in ours]
    changes = sorted((v for v in verdicts if isinstance(v, Change)), key=lambda change: change.address.order)
    left = sorted((v for v in verdicts if isinstance(v, Left)), key=lambda each: each.address.order)
    plan = Plan(
        registry=registry,
        desired_digest=f"sha256:{hashlib.sha256(f'undo {run}'.encode()).hexdigest()}",
        base=base,
        complete=True,
        changes=tuple(changes),
        unlocks=(),
        drift=(),
        blocked=(),
        missing=(),
        unknown=(),
        findings=(),
        summary=Summary(
            update=len(changes), move=0, create=0, delete=0, managed=max(managed, len(changes)), unmanaged=0
        ),
    )
    return Undone(plan, tuple(left))


def _undone(done: Done, live: Document | None, run: str) -> Change | Left:
    if done.action != "update":
        return Left(done.address, f"it was a {done.action}, and only updates can be undone")
    if live is None:
        return Left(done.address, "it is not there any more")
    changed = sorted(name for name in done.after if done.before.get(name) != done.after[name])
    if any(type(done.before[name]) is not bool or type(done.after[name]) is not bool for name in changed):
        return Left(done.address, "only attributes that are true or false can be undone")
    differs = [name for name in sorted(done.after) if live.get(name) != done.after[name]]
    if differs:
        return Left(done.address, f"{', '.join(differs)} changed since")
    kept = {*changed, DIGEST} & live.keys()
    before = {name: live[name] for name in sorted(kept)}
    after = {**before, **{name: done.before[name] for name in changed}}
    return Change(
        address=done.address,
        kind=done.address.kind,
        action="update",
        causes=dict.fromkeys(changed, "config"),
        effects=effects_of(before, after, changed),
        before=before,
        after=after,
        patch=make_patch(before, after),
        origins=(f"undo of run {run}",),
        stage=stage_of(done.address, "update", after, changed),
    )
