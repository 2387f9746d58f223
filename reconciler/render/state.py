"""What is remembered, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from reconciler.model.holder import Holder
from reconciler.model.last_applied import LastApplied
from reconciler.planning.debts import Debt
from reconciler.planning.planfile import FORMAT_VERSION
from reconciler.planning.stateview import Known
from reconciler.render.words import Paint, count, moment, named, safe, shown

_SHOWN = 10


def render_state(
    place: str,
    last: LastApplied | None,
    holder: Holder | None,
    known: Sequence[Known],
    paint: Paint,
    *,
    is_list: bool,
    is_left_behind: bool = False,
    owed: Sequence[Debt] | None = (),
) -> str:
    """
    The memory as text, ending in a newline.

    Args:
        place: Where it is.
        last: What it is; None: there is none.
        holder: Who holds the run lock; None: nobody.
        known: The resources that were asked for.
        paint: Puts text in a style.
        is_list: Resources were asked for.
        is_left_behind: The holder has ended without letting go.
        owed: Locks that are owed; None: not readable.
    """
    if is_list:
        return "".join(f"{line}\n" for each in known for line in _resource(each, paint)) or "Nothing matches.\n"
    rows = [
        ("Memory", place),
        *(_about(last) if last else [("", "nothing yet; the first apply begins it")]),
        *_lock(holder, is_left_behind=is_left_behind),
        *_owed(owed),
    ]
    return "".join(f"{paint(f'{name:10}', 'bold')}{safe(text)}\n" for name, text in rows)


def state_to_json(
    place: str,
    last: LastApplied | None,
    holder: Holder | None,
    known: Sequence[Known],
    *,
    owed: Sequence[Debt] | None = (),
) -> bytes:
    """The same as one object, sorted."""
    document = {
        "format_version": FORMAT_VERSION,
        "location": place,
        "last_applied": None if last is None else _document(last),
        "run_lock": None if holder is None else _holder(holder),
        "owed": None if owed is None else [_debt(debt) for debt in owed],
        "resources": [
            {
                "address": str(each.address),
                "kind": each.address.kind,
                "attributes": each.remembered.attributes,
                "digest": each.remembered.digest or None,
            }
            for each in known
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _about(last: LastApplied) -> Iterator[tuple[str, str]]:
    counts = last.counts
    holds = [
        count(counts.repositories, "repository", "repositories"),
        count(counts.tags, "tag"),
        *([count(counts.manifests, "manifest")] if counts.manifests else []),
    ]
    yield "Registry", last.registry
    yield "Lineage", last.lineage
    yield "Serial", f"{last.serial:,}, written {moment(last.written)} by version {last.tool_version}"
    if last.run:
        yield "Last run", f"{last.run.id}, {'finished' if last.run.is_finished else 'not finished'}"
    yield "Holds", ", ".join(holds)


def _lock(holder: Holder | None, *, is_left_behind: bool) -> Iterator[tuple[str, str]]:
    if holder is None:
        yield "Run lock", "free"
        return
    yield "Run lock", f"{'left behind' if is_left_behind else 'held'} by {holder}"
    yield "", f"since {moment(holder.since)}, id {holder.id}"
    if is_left_behind:
        yield "", "which has ended; the next run takes it over"


def _owed(owed: Sequence[Debt] | None) -> Iterator[tuple[str, str]]:
    if owed is None:
        yield "Owed", "not readable"
        return
    head = "Owed"
    for debt in owed[:_SHOWN]:
        locks = " and ".join(debt.attributes)
        yield head, f"{named(debt.address, whole=False)}: {locks}"
        yield "", f"  since {moment(debt.since)} by run {debt.run}"
        head = ""
    if len(owed) > _SHOWN:
        yield "", f"… and {len(owed) - _SHOWN:,} more; --format json shows all"
    if owed:
        yield "", "which the next apply locks before it does anything else"


def _resource(known: Known, paint: Paint) -> Iterator[str]:
    yield paint(safe(str(known.address)), "bold")
    for name, value in sorted(known.remembered.attributes.items()):
        yield f"  {safe(name):15}  {shown(value)}"
    if known.remembered.digest:
        yield f"  {'digest':15}  {safe(known.remembered.digest)}"


def _document(last: LastApplied) -> dict[str, Any]:
    run = last.run
    return {
        "registry": last.registry,
        "lineage": last.lineage,
        "serial": last.serial,
        "written": last.written,
        "tool_version": last.tool_version,
        "desired_digest": last.desired_digest or None,
        "run": None if run is None else {"id": run.id, "fingerprint": run.fingerprint, "finished": run.is_finished},
        "counts": {
            "repositories": last.counts.repositories,
            "tags": last.counts.tags,
            "manifests": last.counts.manifests,
        },
    }


def _debt(debt: Debt) -> dict[str, Any]:
    return {"address": str(debt.address), "locks": debt.attributes, "run": debt.run, "since": debt.since}


def _holder(holder: Holder) -> dict[str, Any]:
    names = ("id", "who", "host", "pid", "operation", "since", "renewed")
    return {name: getattr(holder, name) for name in names}
