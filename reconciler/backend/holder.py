"""
The run lock as bytes: who holds it.

What is read back must be just such a lock. From anything else nobody could tell
whether somebody applies, so it keeps everybody out until a person removes it.
"""

from __future__ import annotations

import os
import shlex
import uuid
from datetime import UTC, datetime
from typing import Any

import attrs
import orjson

from reconciler import __version__
from reconciler.backend.location import DEFAULT_PLACE
from reconciler.backend.process import host, identity, user
from reconciler.errors import LockedError
from reconciler.model.holder import Holder

LOCK = ".lock"
DAMAGED = "damaged"  # stands for the id of a lock that cannot be read
_FORMAT_VERSION = "1.0"


def new_holder(registry: str, operation: str) -> Holder:
    """The lock of our own process, from now on."""
    now = timestamp()
    return Holder(
        id=str(uuid.uuid4()),
        who=user(),
        host=host(),
        pid=os.getpid(),
        process=identity(os.getpid()),
        operation=operation,
        registry=registry,
        since=now,
        renewed=now,
        tool_version=__version__,
    )


def holder_to_bytes(holder: Holder, turn: int) -> bytes:
    """
    The lock as it is written.

    Args:
        holder: Who holds it.
        turn: How often it was renewed. It makes each renewal another content, for the clock
            may stand still or be set back, and others watch nothing but the change.
    """
    document = {"format_version": _FORMAT_VERSION, "turn": turn, **attrs.asdict(holder)}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def holder_from_bytes(content: bytes, place: str) -> Holder:
    """
    Who holds the lock.

    Raises:
        LockedError: that is no lock, or one of a later version.
    """
    try:
        document = _lock(orjson.loads(content))
        texts = {field.name: _text(document[field.name]) for field in attrs.fields(Holder) if field.name != "pid"}
        holder = Holder(pid=_number(document["pid"]), **texts)
        moment(holder.since), moment(holder.renewed)
    except (ValueError, KeyError, TypeError) as error:
        why = str(error) if isinstance(error, _OtherVersionError) else "not a run lock of this program, or damaged"
        raise LockedError(
            f"{place}{LOCK}: {why}; it is left as it is\n"
            f"  Nobody can apply until it is gone. If you are sure:\n"
            f"    {how_to_unlock(DAMAGED, place)}"
        ) from None
    return holder


def how_to_unlock(lock_id: str, place: str) -> str:
    """The command that takes the lock with that id away, to be pasted into a shell."""
    elsewhere = "" if place == DEFAULT_PLACE else f" --state {shlex.quote(place)}"
    return f"reconciler state unlock {lock_id}{elsewhere}"


def moment(text: str) -> datetime:
    """A point in time; ValueError: it is none, or without its distance to UTC."""
    then = datetime.fromisoformat(text)
    if then.tzinfo is None:
        raise ValueError("without an offset")
    return then


def timestamp() -> str:
    """Now, by the clock on the wall."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class _OtherVersionError(ValueError):
    """The lock is in a format that this program does not know."""


def _lock(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or not isinstance(document["format_version"], str) or not document["id"]:
        raise TypeError("not a lock")
    if document["format_version"] != _FORMAT_VERSION:
        raise _OtherVersionError(f"a run lock in format {_text(document['format_version'])[:20]}, which is not known")
    if not document["id"].isprintable():
        raise ValueError("an id that nobody could type")
    return document


def _number(value: object) -> int:
    if type(value) is not int or value < 1:
        raise TypeError("a number is missing")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)
