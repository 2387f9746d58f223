"""
The plan that undoes a run: each value back to what it was before, each tag back to where it pointed.

Only what still stands as the run left it is touched. Where somebody changed it since,
their change is newer than what is to be undone, and stays. So does the lock of a manifest
that a tag or an index needs which is not undone with it, or that came to need it since.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, LOCKS, TAGGED, WRITE, Document, is_locked
from reconciler.model.last_applied import NOTHING
from reconciler.model.live import LiveRepository
from reconciler.planning import changes
from reconciler.planning.base import BaseState
from reconciler.planning.held import held
from reconciler.planning.journal import Done
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import (
    ACTIONS,
    STAGE_DELETE,
    STAGE_MOVE,
    STAGE_UNLOCK,
    Action,
    Change,
    Plan,
    Summary,
    Unlock,
    Via,
    effects_of,
    stage_of,
)

# Somebody changed it since; something locked needs it; it cannot be read whether something does; no plan undoes it;
# the run found it so, and who did it is not known.
Kind: TypeAlias = Literal["changed", "needed", "unclear", "impossible", "already"]


@attrs.frozen
class Left:
    """A change of the run that is not undone, and why."""

    address: Address
    why: str  # empty where the kind says it all
    kind: Kind


@attrs.frozen
class Undone:
    """The plan, and what it leaves."""

    plan: Plan
    left: tuple[Left, ...]


@attrs.frozen(eq=False)
class Found:
    """What the registry holds now."""

    live: Mapping[Address, Document | None]  # of each of `wanted_for`; None: it is gone
    repositories: Mapping[str, LiveRepository]  # those in which a manifest would be opened


_Verdict = Change | Left


def wanted_for(done: Sequence[Done], memory: BaseState) -> set[Address]:
    """What has to be read to undo a run: what it changed, where tags pointed before, repositories that we lock."""
    ours = [each for each in done if each.is_ours]
    wanted = {each.address for each in ours}
    wanted |= {_origin_of(each) for each in ours if each.action == "move"}
    return wanted | {Address(name) for name in {each.address.repository for each in ours} if _locks(memory, name)}


def roots_after(done: Sequence[Done]) -> set[Address]:
    """Manifests that something locked may stand on once the run is undone, and does not now."""
    ours = [each for each in done if each.is_ours]
    moved = {_origin_of(each) for each in ours if DIGEST in each.before and _is_root(each)}
    return moved | {each.address for each in ours if each.address.digest and is_locked(each.before)}


def _is_root(done: Done) -> bool:
    return bool(done.address.tag) and (done.action == "move" or is_locked(done.before))


def opens_manifest(done: Done) -> bool:
    """To undo it is to take a lock off a manifest."""
    locked = (name for name in LOCKS if done.after.get(name) is False and done.before.get(name) is True)
    return done.is_ours and done.action == "update" and bool(done.address.digest) and any(locked)


def changed_since(done: Done, now: Document) -> list[str]:
    """The attributes that are not as the run left them."""
    # Whether a manifest had a tag is what its change rested on; where it was locked before, it may be so again.
    return [name for name in sorted(done.after) if name != TAGGED and now.get(name) != done.after[name]]


def undo(run: str, registry: str, done: Sequence[Done], found: Found, *, memory: BaseState, managed: int) -> Undone:
    """
    The plan that undoes `run`.

    Args:
        run: Its id.
        registry: Where it was.
        done: What it did.
        found: What the registry holds now.
        memory: What was last applied.
        managed: How many resources are managed, which the limits are a share of.
    """
    ours = [each for each in done if each.is_ours]
    verdicts = {each.address: _undone(each, found.live, run) for each in ours}
    _keep_what_is_needed(ours, verdicts, found)
    undoing = tuple(sorted((v for v in verdicts.values() if isinstance(v, Change)), key=_order))
    left = [each for each in verdicts.values() if isinstance(each, Left)]
    left += [Left(each.address, "", "already") for each in done if each.was_so_already]
    actions = Counter(change.action for change in undoing)
    plan = Plan(
        registry=registry,
        desired_digest=f"sha256:{hashlib.sha256(f'undo {run}'.encode()).hexdigest()}",
        base=memory.reference,
        complete=True,
        changes=undoing,
        unlocks=tuple(sorted(_unlocks(undoing, found, memory), key=_order)),
        drift=(),
        blocked=(),
        missing=(),
        unknown=(),
        findings=(),
        summary=Summary(
            **{action: actions[action] for action in ACTIONS}, managed=max(managed, len(undoing)), unmanaged=0
        ),
    )
    return Undone(plan, tuple(sorted(left, key=_order)))


def _undone(done: Done, live: Mapping[Address, Document | None], run: str) -> _Verdict:
    now = live[done.address]
    changed = sorted(name for name in done.after if done.before.get(name) != done.after[name])
    if why := _why_never(done, changed):
        return Left(done.address, why, "impossible")
    if now is None:
        return Left(done.address, "it is not there any more", "changed")
    if differs := changed_since(done, now):
        return Left(done.address, f"{', '.join(differs)} changed since", "changed")
    if done.action == "move" and live[_origin_of(done)] is None:
        return Left(done.address, f"the repository does not hold {done.before[DIGEST]} any more", "impossible")
    return _change(done, now, changed, run)


def _why_never(done: Done, changed: Sequence[str]) -> str:
    """Why no plan can undo it; empty: one can."""
    if done.action not in ("update", "move"):
        return f"it was a {done.action}, and only updates and moves can be undone"
    flags = [name for name in changed if not (done.action == "move" and name == DIGEST)]
    if any(type(done.before[name]) is not bool or type(done.after[name]) is not bool for name in flags):
        return "only attributes that are true or false can be undone"
    return ""


def _change(done: Done, live: Document, changed: Sequence[str], run: str) -> Change:
    action: Action = "move" if DIGEST in changed else "update"
    kept = {*changed, DIGEST} & live.keys()
    before = {name: live[name] for name in sorted(kept)}
    after = {**before, **{name: done.before[name] for name in changed}}
    return Change(
        address=done.address,
        kind=done.address.kind,
        action=action,
        causes=dict.fromkeys(changed, "config"),
        effects=effects_of(before, after, changed),
        before=before,
        after=after,
        patch=make_patch(before, after),
        origins=(f"undo of run {run}",),
        stage=stage_of(done.address, action, after, changed),
    )


def _keep_what_is_needed(ours: Sequence[Done], verdicts: dict[Address, _Verdict], found: Found) -> None:
    """Leave the locks of manifests that something needs; what is opened for a tag waits for that tag."""
    opening = [each for each in ours if opens_manifest(each)]
    for done in opening:
        verdicts[done.address] = _with_tag(verdicts[done.address], verdicts.get(done.via.address) if done.via else None)
    undoing = _by_repository(each for each in verdicts.values() if isinstance(each, Change))
    holding = {name: held(_after(live, undoing[name])) for name, live in found.repositories.items()}
    for done in opening:
        here = holding[done.address.repository]
        why = here.why(done.address.digest)
        if why and isinstance(verdicts[done.address], Change):
            verdicts[done.address] = Left(
                done.address, why, "needed" if done.address.digest in here.whys else "unclear"
            )


def _with_tag(change: _Verdict, above: _Verdict | None) -> _Verdict:
    """Whether a manifest is opened; `above` is what becomes of the tag for which it was locked."""
    if isinstance(change, Left):
        return change
    if isinstance(above, Left):
        why = f"it was locked for {above.address.tag}, which is left as it is"
        return Left(change.address, why, above.kind)
    if above is None or DIGEST not in above.after:
        return change
    return attrs.evolve(change, via=Via(above.address, str(above.after[DIGEST])))


def _after(live: LiveRepository, undoing: Sequence[Change]) -> LiveRepository:
    """A repository as it will be."""
    tags, manifests = dict(live.tags), dict(live.manifests)
    for change in undoing:
        tag, digest = change.address.tag, change.address.digest
        if tag in tags:
            tags[tag] = {**tags[tag], **change.after}
        elif digest in manifests:
            known = manifests[digest]
            manifests[digest] = attrs.evolve(known, document={**known.document, **change.after})
    return attrs.evolve(live, tags=tags, manifests=manifests)


def _unlocks(undoing: Sequence[Change], found: Found, memory: BaseState) -> Iterator[Unlock]:
    """Locks that may be in the way and that files declare, as far as that is remembered."""
    opened = {change.address for change in undoing if change.stage == STAGE_UNLOCK}
    inside = _by_repository(change for change in undoing if STAGE_MOVE <= change.stage <= STAGE_DELETE)
    for name, moving in sorted(inside.items()):
        here, known = Address(name), memory.remembered(name)
        if here not in opened and _is_in_the_way(found.live.get(here), known.attributes):
            yield _unlock(here, moving[0].origins)
        for change in moving:
            was = known.tags.get(change.address.tag, NOTHING)
            stays = change.action == "move" and change.after.get(WRITE) is not True
            if stays and _is_in_the_way(found.live[change.address], was.attributes):
                yield _unlock(change.address, change.origins)


def _by_repository(undoing: Iterable[Change]) -> defaultdict[str, list[Change]]:
    found: defaultdict[str, list[Change]] = defaultdict(list)
    for change in undoing:
        found[change.address.repository].append(change)
    return found


def _is_in_the_way(live: Document | None, declared: Document) -> bool:
    return live is not None and live.get(WRITE) is False and declared.get(WRITE) is False


def _unlock(address: Address, origins: tuple[str, ...]) -> Unlock:
    return attrs.evolve(changes.unlock(address, {WRITE: False}, ()), origins=origins)


def _locks(memory: BaseState, repository: str) -> bool:
    """The files keep a repository from being written in."""
    return memory.remembered(repository).attributes.get(WRITE) is False


def _origin_of(done: Done) -> Address:
    """What a tag pointed at before it was moved."""
    return Address(done.address.repository, digest=str(done.before[DIGEST]))


def _order(each: Change | Left | Unlock) -> tuple[str, str, str]:
    return each.address.order
