"""The journal, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from reconciler.errors import AddressError
from reconciler.events import STATUSES
from reconciler.model.address import parse_address
from reconciler.model.attributes import DIGEST, Document
from reconciler.render.change_rows import held
from reconciler.render.words import Paint, count, moment, named, paragraph, safe, shown

SHOWN_RUNS = 20
SHOWN_CHANGES = 50
_BECAME = {"paid": "locked again", "void": "void: it is gone", "remade": "void: it was made anew since"}


def render_runs(runs: Sequence[Mapping[str, Any]], paint: Paint, *, full: bool) -> str:
    """Two lines for each run, the newest last, ending in a newline."""
    some = runs if full else runs[-SHOWN_RUNS:]
    lines = []
    if len(some) < len(runs):
        lines.append(paint(f"… {count(len(runs) - len(some), 'older run')}; --full shows all", "dim"))
    for run in some:
        lines.append(f"{paint(safe(_text(run, 'run')), 'bold')}  {safe(_text(run, 'operation'))}, {_ended(run)}")
        lines.append(paint(f"  {_who(run)}, {_seconds(run)} s, {safe(_text(run, 'fingerprint')[:19])}…", "dim"))
    return "\n".join(lines) + "\n"


def render_run(run: Mapping[str, Any], paint: Paint, *, full: bool) -> str:
    """One run, change by change, ending in a newline."""
    rows = [
        ("Run", _text(run, "run")),
        ("What", f"{_text(run, 'operation')} at {_text(run, 'registry')}"),
        ("Who", _who(run)),
        ("When", f"{moment(_text(run, 'started'))}, {_seconds(run)} s"),
        ("Plan", _text(run, "fingerprint")),
        ("Memory", f"serial {run.get('serial')}" if run.get("serial") else "not written"),
    ]
    lines = [f"{paint(f'{name:8}', 'bold')}{safe(text)}" for name, text in rows]
    lines += [f"accepted       {safe(_text(each, 'address'))}" for each in run.get("accepted", [])]
    lines += _some(run.get("paid", []), _paid, paint, full=full)
    lines += _some(run.get("unlocked", []), _unlocked, paint, full=full)
    lines += [""] if run["changes"] else []
    lines += _some(run["changes"], partial(_change, full=full), paint, full=full)
    lines += ["", paint(_ended(run).capitalize(), "bold") + "."]
    return "\n".join(lines) + "\n"


def runs_to_json(runs: Sequence[Mapping[str, Any]]) -> bytes:
    """Runs as they stand in the journal: a line of JSON each."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return b"".join(orjson.dumps(run, option=options) for run in runs)


def _some(
    all_of: Sequence[Mapping[str, Any]], line: Callable[[Mapping[str, Any]], str], paint: Paint, *, full: bool
) -> list[str]:
    """A line of each, and of how many more there are."""
    some = all_of if full else all_of[:SHOWN_CHANGES]
    more = len(all_of) - len(some)
    return [*map(line, some), *([paint(f"… and {more:,} more; --full shows all", "dim")] if more else [])]


def _paid(lock: Mapping[str, Any]) -> str:
    status = _text(lock, "status")
    became = _BECAME.get(status, status)
    return safe(f"paid           {_locks(lock)}, owed since run {_text(lock, 'run')}, {became}")


def _unlocked(lock: Mapping[str, Any]) -> str:
    is_back = _text(lock, "status") == "restored"
    return safe(f"unlocked       {_locks(lock)} for a moment, {'' if is_back else 'not known to be '}locked again")


def _locks(lock: Mapping[str, Any]) -> str:
    return f"{_text(lock, 'address')}: {' and '.join(lock['attributes'])}"


def _change(change: Mapping[str, Any], *, full: bool) -> str:
    before, after = change.get("before", {}), change.get("after", {})
    values = ", ".join(
        f"{safe(name)} {shown(before.get(name, '?'), whole=full)} → {shown(value, whole=full)}"
        for name, value in sorted(after.items())
        if before.get(name) != value
    )
    if _text(change, "action") == "delete":
        values = _gone(before)
    line = f"{_text(change, 'status'):13}  {_named(change, full=full)}"
    already = ["it was so already"] if change.get("already") else []
    said = [part for part in (values, *already, _text(change, "message")) if part]
    return "\n".join([line, *(paragraph(part, margin=4) for part in said)])


def _named(change: Mapping[str, Any], *, full: bool) -> str:
    """The address; of a digest the first digits, unless all is to be shown."""
    try:
        return named(parse_address(_text(change, "address")), whole=full)
    except AddressError:
        return safe(_text(change, "address"))


def _gone(before: Document) -> str:
    """What a delete is about; the digest whole, since it is what brings a tag back."""
    if DIGEST in before:
        return f"→ gone; it pointed at {before[DIGEST]}"
    contents = held(before)
    return f"→ gone, with {contents}" if contents else "→ gone"


def _ended(run: Mapping[str, Any]) -> str:
    summary = run["summary"]
    parts = [f"{summary[status]:,} {status}" for status in STATUSES if summary.get(status)]
    ended = ", ".join(parts) if parts else "nothing to change"
    if parts and all(change.get("already") for change in run["changes"]):
        ended += ", nothing was sent"
    if accepted := run.get("accepted"):
        ended += f", {len(accepted):,} accepted"
    return f"{ended}, interrupted" if run.get("interrupted") else ended


def _who(run: Mapping[str, Any]) -> str:
    return safe(f"{_text(run, 'who')}@{_text(run, 'host')}")


def _seconds(run: Mapping[str, Any]) -> str:
    seconds = run.get("seconds", 0)
    return f"{seconds:.1f}" if isinstance(seconds, int | float) else "?"


def _text(values: Mapping[str, Any], name: str) -> str:
    return str(values.get(name, ""))
