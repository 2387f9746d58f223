"""
What happens during a run as lines of JSON (NDJSON), each of them whole and short.

A line never has more than 4,096 bytes: so much a pipe takes at once or not at all, whoever
else writes to it and whenever the writer is killed (PIPE_BUF on Linux; POSIX.1-2017, write()).
It is ASCII, so nothing in it can end a line before its end, or move a cursor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from reconciler import __version__
from reconciler.events import (
    Counted,
    DriftFound,
    Event,
    Outcome,
    RepositoryRead,
    RunEnded,
    RunStarted,
    SignedIn,
    Unlocked,
    Waiting,
)
from reconciler.planning.plan import Blocked, Change, Finding, Unknown
from reconciler.planning.planfile import change_document
from reconciler.render.drift_json import drift_document
from reconciler.render.report_json import outcome_document, unlocked_document

FORMAT_VERSION = "1.0"
MAX_BYTES = 4096
# Tried one after the other where a line is too long: items of a list, and characters of a text.
_CUTS = ((100, 2000), (20, 500), (5, 200), (0, 100))
_HEAD = ("format_version", "type", "at", "sequence")
_NEVER_CUT = ("address", *_HEAD)


# The type of each event, and its members as plain JSON values.
_TYPES: Mapping[type, tuple[str, Callable[[Any], Mapping[str, Any]]]] = {
    RunStarted: (
        "run-started",
        lambda it: {"operation": it.operation, "registry": it.registry or None, "tool_version": __version__},
    ),
    SignedIn: ("signed-in", lambda it: {"way": it.way, "who": it.who, "passed_over": list(it.passed_over)}),
    RepositoryRead: ("repository-read", lambda it: {"repository": it.name, "tags": it.tags}),
    Waiting: ("waiting", attrs.asdict),
    Change: ("change-planned", lambda it: {"change": change_document(it)}),
    DriftFound: ("drift-found", lambda it: {"drift": drift_document(it.drifted, it.first_seen)}),
    Blocked: (
        "blocked",
        lambda it: {"address": str(it.address), "reason_code": it.reason_code, "message": it.message},
    ),
    Unknown: ("unknown", lambda it: {"address": str(it.address), "message": it.message}),
    Finding: ("finding", lambda it: {"code": it.code, "message": it.message, "stops": it.stops}),
    Outcome: ("outcome", outcome_document),
    Unlocked: ("unlocked", unlocked_document),
    Counted: ("summary", attrs.asdict),
    RunEnded: ("run-ended", attrs.asdict),
}


def event_line(event: Event, *, at: str, sequence: int) -> bytes:
    """
    One event as a line, ending in a newline.

    Args:
        event: What happened.
        at: When (RFC 3339).
        sequence: The number of the line in its stream, from 1.
    """
    name, members = _TYPES[type(event)]
    return _line({"format_version": FORMAT_VERSION, "type": name, "at": at, "sequence": sequence, **members(event)})


def _line(document: Mapping[str, Any]) -> bytes:
    line = _encoded(document)
    for items, characters in _CUTS:
        if len(line) <= MAX_BYTES:
            return line
        left_out: dict[str, int] = {}
        line = _encoded({**_cut(document, "", (items, characters), left_out), "left_out": left_out})
    if len(line) <= MAX_BYTES:
        return line
    return _encoded({**{name: document[name] for name in _HEAD}, "left_out": {"members": len(document) - len(_HEAD)}})


def _cut(value: Any, path: str, most: tuple[int, int], left_out: dict[str, int]) -> Any:
    """`value` with long lists and texts cut; how much of which is noted in `left_out`, by its path."""
    items, characters = most
    if isinstance(value, Mapping):
        return {
            key: each if key in _NEVER_CUT else _cut(each, f"{path}.{key}" if path else key, most, left_out)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        if len(value) > items:
            left_out[path] = len(value) - items
        return [_cut(each, path, most, left_out) for each in value[:items]]
    if isinstance(value, str) and len(value) > characters:
        left_out[path] = left_out.get(path, 0) + len(value) - characters
        return f"{value[:characters]}…"
    return value


def _encoded(document: Mapping[str, Any]) -> bytes:
    # Half of a pair of surrogates, as a file name that is no UTF-8 holds, is no text that JSON could carry.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    whole = text.encode("utf-8", "replace").decode()
    return (whole if whole.isascii() else json.dumps(json.loads(whole), separators=(",", ":"))).encode() + b"\n"
