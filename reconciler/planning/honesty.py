"""
Whether a plan from a file shows what it would do.

Who approves a plan reads what it shows, and `apply` does what its patches say. A plan
that was changed by hand could show one thing and do another; so each change is made
again from what it shows, and has to come out as it stands there.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import PatternError
from reconciler.model.address import Address, Kind, is_digest, is_tag_name
from reconciler.model.attributes import (
    DIGEST,
    LOCKS,
    MANIFEST_COUNT,
    REPOSITORY_ATTRIBUTES,
    TAG_ATTRIBUTES,
    TAG_COUNT,
    TAGGED,
    UPDATED,
    Value,
)
from reconciler.model.pattern import compile_pattern
from reconciler.planning.patch import Operation, Patch, make_patch
from reconciler.planning.plan import (
    Change,
    Drift,
    Matching,
    Retention,
    Unlock,
    Via,
    effects_of,
    opens_manifest,
    stage_of,
)

_ATTRIBUTES: Mapping[Kind, tuple[str, ...]] = {
    "repository": REPOSITORY_ATTRIBUTES,
    "tag": TAG_ATTRIBUTES,
    "manifest": TAG_ATTRIBUTES,
}
# What a delete depends on, and the type that it has.
_CONDITIONS: Mapping[Kind, Mapping[str, type]] = {
    "repository": {TAG_COUNT: int, MANIFEST_COUNT: int, UPDATED: str},
    "tag": {UPDATED: str},
    "manifest": {TAGGED: bool, UPDATED: str},
}
_MAX_RANK = 2**31


def is_honest(change: Change) -> bool:
    """It is a change that this version makes, and what it shows is what it would do."""
    changed = change.attributes
    try:
        patch = make_patch(change.before, change.after)
    except ValueError:
        return False
    return (
        change.kind == change.address.kind
        and change.causes.keys() == set(changed)
        and bool(changed)
        and _is_possible(change)
        and _is_same(patch, change.patch)
        and change.effects == effects_of(change.before, change.after, changed)
        and change.stage == stage_of(change.address, change.action, change.after, changed)
        and 0 <= change.rank < _MAX_RANK
        and (change.via is None or _is_via(change.via, change.address))
        and _are_tags(change)
    )


def is_honest_unlock(unlock: Unlock) -> bool:
    """Just locks, all of which come off, and the patch says so."""
    return (
        bool(unlock.before)
        and unlock.before.keys() <= set(LOCKS)
        and all(value is False for value in unlock.before.values())
        and unlock.after == dict.fromkeys(unlock.before, True)
        and all(value is True for value in unlock.after.values())
        and _is_same(make_patch(unlock.before, unlock.after), unlock.patch)
    )


def is_retention(retention: Retention) -> bool:
    """It counts tags or manifests of a repository, by patterns that are some, and keeps some."""
    kept = [number for number in (retention.last, retention.newer_than_s) if number is not None]
    return (
        retention.address.kind == "repository"
        and retention.kind != "repository"
        and bool(kept)
        and min(kept) > 0
        and all(map(_is_matching, (retention.of, *retention.apart)))
    )


def _is_matching(matching: Matching) -> bool:
    try:
        for text in (*matching.match, *matching.exclude, *matching.media_type):
            compile_pattern(text)
    except PatternError:
        return False
    return bool(matching.match)


def is_drift(drift: Drift) -> bool:
    """It is a digest that changed, or something that is gone."""
    digests = [document.get(DIGEST) for document in (drift.before, drift.after or {}) if DIGEST in document]
    is_moved = drift.after is not None and drift.before.keys() == drift.after.keys() == {DIGEST}
    return (drift.after is None or (is_moved and bool(drift.address.tag))) and all(
        is_digest(str(digest)) for digest in digests
    )


def _is_possible(change: Change) -> bool:
    return _POSSIBLE[change.action](change)


def _is_update(change: Change) -> bool:
    """Known attributes that change from one boolean to the other, and what stays as it is."""
    stays = {name: value for name, value in change.before.items() if name not in change.attributes}
    return (
        change.before.keys() == change.after.keys()
        and _may_stay(stays, change)
        and _are_flags(change, change.attributes)
    )


def _may_stay(stays: Mapping[str, Value], change: Change) -> bool:
    """The digest of a tag; of a manifest that is opened, perhaps, that it has no tag."""
    if change.kind == "tag":
        return stays.keys() == {DIGEST} and _is_a_digest(stays[DIGEST])
    is_opened = opens_manifest(change.address, change.after, change.attributes)
    return not stays or (is_opened and stays.keys() == {TAGGED} and stays[TAGGED] is False)


def _is_move(change: Change) -> bool:
    """A digest, and perhaps known attributes, that change."""
    return (
        change.kind == "tag"
        and change.before.keys() == change.after.keys() == set(change.attributes)
        and _is_a_digest(change.before.get(DIGEST))
        and _is_a_digest(change.after.get(DIGEST))
        and _are_flags(change, [name for name in change.attributes if name != DIGEST])
    )


def _is_create(change: Change) -> bool:
    """A tag with a digest, and permissions that it must not have."""
    flags = {name: value for name, value in change.after.items() if name != DIGEST}
    return (
        change.kind == "tag"
        and not change.before
        and _is_a_digest(change.after.get(DIGEST))
        and flags.keys() <= set(TAG_ATTRIBUTES)
        and all(value is False for value in flags.values())
    )


def _is_delete(change: Change) -> bool:
    """What it depends on: locks that are not there, the digest of a tag, and what goes with the kind."""
    conditions = _CONDITIONS[change.kind]
    others = {name: value for name, value in change.before.items() if name not in LOCKS and name != DIGEST}
    return (
        not change.after
        and (change.kind == "tag") == (DIGEST in change.before)
        and _is_a_digest(change.before.get(DIGEST, "sha256:" + "0" * 64))
        and all(change.before[name] is True for name in LOCKS if name in change.before)
        and others.keys() <= conditions.keys()
        and all(type(value) is conditions[name] for name, value in others.items())
        and (change.kind != "manifest" or others.get(TAGGED) is False)
        and (change.kind != "repository" or bool(others.keys() & {TAG_COUNT, MANIFEST_COUNT}))
    )


_POSSIBLE = {"update": _is_update, "move": _is_move, "create": _is_create, "delete": _is_delete}


def _are_flags(change: Change, names: tuple[str, ...] | list[str]) -> bool:
    values = [document[name] for name in names for document in (change.before, change.after)]
    return set(names) <= set(_ATTRIBUTES[change.kind]) and all(isinstance(value, bool) for value in values)


def _is_a_digest(value: Value | None) -> bool:
    return isinstance(value, str) and is_digest(value)


def _is_via(via: Via, address: Address) -> bool:
    return (
        bool(via.address.tag and address.digest)
        and via.address.repository == address.repository
        and is_digest(via.digest)
    )


def _are_tags(change: Change) -> bool:
    """Names of tags, each once, beside a manifest that is opened."""
    names = change.tags
    is_opened = change.action == "update" and opens_manifest(change.address, change.after, change.attributes)
    return not names or (is_opened and all(map(is_tag_name, names)) and list(names) == sorted(set(names)))


def _is_same(one: Patch, other: Patch) -> bool:
    """Equal, and of the same types: 1 is not true."""
    return [_typed(operation) for operation in one] == [_typed(operation) for operation in other]


def _typed(operation: Operation) -> dict[str, tuple[type, object]]:
    return {name: (type(value), value) for name, value in operation.items()}
