"""
The journal: every run as one line of JSON, the newest last.

It answers who changed what and when, and holds what it takes to undo a run. It is
pruned from its beginning, by size; the newest run stays however long it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs
import orjson

from reconciler.errors import AddressError, RefusedError, StateError
from reconciler.model.address import Address, parse_address
from reconciler.model.attributes import DIGEST, Document
from reconciler.planning.debts import Debt
from reconciler.planning.plan import Action, Drift, Plan, Via
from reconciler.planning.planfile import FORMAT_VERSION, fingerprint, reference_document

MAX_BYTES = 16 * 1024**2
LATEST = "latest"
_MAY_STAND = ("verified", "unconfirmed")


class _Outcome(Protocol):
    @property
    def change(self) -> Any: ...
    @property
    def status(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def was_so_already(self) -> bool: ...


class _Locks(Protocol):
    @property
    def address(self) -> Address: ...
    @property
    def attributes(self) -> Sequence[str]: ...


class _Unlocked(_Locks, Protocol):
    @property
    def status(self) -> str: ...


class _Settled(Protocol):
    @property
    def debt(self) -> Debt: ...
    @property
    def status(self) -> str: ...


@attrs.frozen
class RunInfo:
    """Who ran what, when, from where."""

    id: str  # sorts by time, as far as clocks can be trusted
    operation: str  # apply, or drift --heal
    who: str
    host: str
    started: str  # RFC 3339, UTC
    ended: str
    seconds: float  # by a clock that does not jump
    tool_version: str


@attrs.frozen
class Done:
    """One change of a run that is over."""

    address: Address
    action: Action
    status: str
    is_ours: bool  # the run sent it, or may have
    before: Document
    after: Document
    via: Via | None = None  # of a manifest: the tag on whose behalf; older runs do not tell
    was_so_already: bool = False  # the run found it so, whoever did it


def run_to_line(
    info: RunInfo,
    plan: Plan,
    outcomes: Sequence[_Outcome],
    *,
    accepted: Sequence[Drift] = (),
    unlocked: Sequence[_Unlocked] = (),
    paid: Sequence[_Settled] = (),
    interrupted: bool,
    serial: int | None,
) -> bytes:
    """
    One run as a line of the journal, ending in a newline.

    Args:
        info: Who and when.
        plan: What was carried out.
        outcomes: How each change ended.
        accepted: What moved or went though locked, and is remembered as it is from now on.
        unlocked: Locks that came off for a moment, and whether they are back on.
        paid: What the run paid first of what was owed.
        interrupted: Somebody asked it to stop.
        serial: Of the memory after it; None: none was written.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "run": info.id,
        **attrs.asdict(info, filter=attrs.filters.exclude("id")),
        "registry": plan.registry,
        "fingerprint": fingerprint(plan),
        "desired_digest": plan.desired_digest,
        "base": reference_document(plan.base),
        "serial": serial,
        "interrupted": interrupted,
        "summary": Counter(outcome.status for outcome in outcomes),
        "accepted": [_accepted(drift) for drift in accepted],
        "changes": [_change(outcome) for outcome in outcomes],
        **_locks(unlocked, paid),
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def appended(journal: bytes, line: bytes) -> bytes:
    """The journal with one more line, and without as many of its first ones as it takes to stay within bounds."""
    if journal and not journal.endswith(b"\n"):
        journal += b"\n"
    surplus = len(journal) + len(line) - MAX_BYTES
    if surplus > 0:
        cut = journal.find(b"\n", min(surplus, len(journal)) - 1)
        journal = journal[cut + 1 :] if cut >= 0 else b""
    return journal + line


def runs_from_bytes(journal: bytes, place: str) -> list[dict[str, Any]]:
    """
    Every run in the journal, as it was written, the oldest first.

    Raises:
        StateError: a line of it is no run.
    """
    return [_run(line, place, number) for number, line in enumerate(journal.splitlines(), 1) if line.strip()]


def find_run(runs: Sequence[Mapping[str, Any]], wanted: str, place: str) -> Mapping[str, Any]:
    """
    The run with this id, or whose id begins so; `latest` is the newest one that changed something.

    Raises:
        RefusedError: there is none, or there are several.
    """
    if wanted == LATEST:
        found = [run for run in runs if any(done.is_ours for done in changes_of(run, place))][-1:]
    else:
        found = [run for run in runs if str(run["run"]).startswith(wanted)] if wanted else []
        found = [run for run in found if run["run"] == wanted] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise RefusedError(f"{wanted}: {len(found):,} runs begin so in {place}\n  Give more of the id.")
    raise RefusedError(f"{wanted}: no such run in {place}\n  reconciler state log lists them.")


def changes_of(run: Mapping[str, Any], place: str) -> list[Done]:
    """
    What a run did, change by change.

    Raises:
        StateError: it is not as it was written.
    """
    try:
        return [_done(change) for change in run["changes"]]
    except AddressError as error:
        raise StateError(f"{place}: run {run.get('run')}: damaged: {error}") from None


def _change(outcome: _Outcome) -> dict[str, Any]:
    change = outcome.change
    document: dict[str, Any] = {
        "address": str(change.address),
        "action": change.action,
        "status": outcome.status,
        "before": change.before,
        "after": change.after,
    }
    if change.via:
        document["via"] = {"address": str(change.via.address), "digest": change.via.digest}
    if outcome.was_so_already:
        return {**document, "already": True}
    return {**document, "message": outcome.message} if outcome.message else document


def _accepted(drift: Drift) -> dict[str, Any]:
    return {"address": str(drift.address), "before": drift.before, "after": drift.after}


def _locks(unlocked: Sequence[_Unlocked], paid: Sequence[_Settled]) -> dict[str, Any]:
    return {
        **_if_any("unlocked", [_lock(each, each.status) for each in unlocked]),
        **_if_any("paid", [{**_lock(each.debt, each.status), "run": each.debt.run} for each in paid]),
    }


def _if_any(name: str, locks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: locks} if locks else {}


def _lock(of: _Locks, status: str) -> dict[str, Any]:
    return {"address": str(of.address), "attributes": list(of.attributes), "status": status}


def _run(line: bytes, place: str, number: int) -> dict[str, Any]:
    try:
        run = orjson.loads(line)
    except ValueError:
        run = None
    if not _is_run(run):
        raise StateError(f"{place}:{number}: not a run; the journal is damaged there and left as it is")
    found: dict[str, Any] = run
    return found


def _is_run(run: object) -> bool:
    """It has the members that a run has, each of the right kind."""
    if not isinstance(run, dict) or any(type(run.get(name)) is not str for name in ("run", "registry")):
        return False
    summary, changes = run.get("summary"), run.get("changes")
    return (
        isinstance(summary, dict)
        and all(type(number) is int for number in summary.values())
        and isinstance(run.get("accepted", []), list)
        and all(isinstance(each, dict) for each in run.get("accepted", []))
        and all(_are_locks(run.get(name, [])) for name in ("unlocked", "paid"))
        and isinstance(changes, list)
        and all(map(_is_change, changes))
    )


def _are_locks(locks: object) -> bool:
    return isinstance(locks, list) and all(map(_is_lock, locks))


def _is_lock(lock: object) -> bool:
    if not isinstance(lock, dict) or any(type(lock.get(name)) is not str for name in ("address", "status")):
        return False
    attributes = lock.get("attributes")
    return isinstance(attributes, list) and all(type(name) is str for name in attributes)


def _is_change(change: object) -> bool:
    if not isinstance(change, dict) or any(
        type(change.get(name)) is not str for name in ("address", "status", "action")
    ):
        return False
    before, after = change.get("before"), change.get("after")
    return (
        isinstance(before, dict)
        and isinstance(after, dict)
        and (before.keys() == after.keys() or {"create": before, "delete": after}.get(change["action"]) == {})
        and all(type(value) in (bool, int, str) for value in (*before.values(), *after.values()))
        and (change["action"] != "move" or DIGEST in before)
        and ("via" not in change or _is_via(change["via"]))
    )


def _is_via(via: object) -> bool:
    return isinstance(via, dict) and all(type(via.get(name)) is str for name in ("address", "digest"))


def _done(change: Mapping[str, Any]) -> Done:
    status, via, was_so_already = change["status"], change.get("via"), bool(change.get("already", False))
    return Done(
        parse_address(change["address"]),
        change["action"],
        status,
        is_ours=status in _MAY_STAND and not was_so_already,
        before=change["before"],
        after=change["after"],
        via=Via(parse_address(via["address"]), via["digest"]) if via else None,
        was_so_already=was_so_already,
    )
