"""
Locks that are owed: taken off for a moment by a run that may not have lived to put them back.

They are written down before a lock comes off. So what stands here is at worst a lock
that never came off, and never one that nobody remembers.

What was deleted and made anew meanwhile is somebody else's, whatever it is called. So
it is written down too when the resource was created, as the registry tells it; a tag
that is moved keeps that time. Older records lack it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import orjson

from reconciler.errors import AddressError, StateError
from reconciler.model.address import Address, parse_address
from reconciler.model.attributes import DIGEST, LOCKS, Document

FORMAT_VERSION = "1.0"
_KIND = "acr-reconciler debts"
_WHAT_NOW = (
    "  It says what was unlocked for a moment and has to be locked again. Nothing is applied before that is known.\n"
    "  Look whether all that should be locked is; then move {place} away."
)


@attrs.frozen
class Debt:
    """One resource that has to be locked again."""

    address: Address
    locks: Document  # as they were, each of them false
    run: str  # who took them off
    since: str  # RFC 3339
    created: str = ""  # when the resource was, as the registry sent it; empty: not known
    digest: str = ""  # that the tag pointed at; empty: not known, or no tag

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the locks, sorted."""
        return tuple(sorted(self.locks))

    def is_void_for(self, created: str) -> bool:
        """A resource that was created then is another one than that which was unlocked."""
        return bool(self.created and created) and self.created != created


def debts_to_bytes(registry: str, debts: Iterable[Debt]) -> bytes:
    """What is owed at a registry: UTF-8, sorted by address; equal debts give equal bytes."""
    ordered = sorted(debts, key=lambda debt: debt.address.order)
    document = {
        "kind": _KIND,
        "format_version": FORMAT_VERSION,
        "registry": registry,
        "debts": [_document(debt) for debt in ordered],
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def debts_from_bytes(content: bytes, place: str) -> tuple[str, tuple[Debt, ...]]:
    """
    The registry that something is owed at, and what.

    Args:
        content: What stands there.
        place: What to call it in an error.

    Raises:
        StateError: it is something else, of a later version, cut or changed.
    """
    try:
        head = orjson.loads(content)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("kind") != _KIND:
        raise _refused(place, "not a record of debts of this program, or damaged")
    version = str(head.get("format_version"))
    if version != FORMAT_VERSION:
        raise _refused(place, f"debts in format {version[:20]!a}; this version reads {FORMAT_VERSION}")
    try:
        registry, debts = _text(head["registry"]), tuple(map(_debt, head["debts"]))
    except (KeyError, TypeError, ValueError, AddressError):
        raise _refused(place, "damaged") from None
    if debts_to_bytes(registry, debts) != content:
        raise _refused(place, "damaged, or changed by hand")
    return registry, debts


def _document(debt: Debt) -> dict[str, object]:
    known = {"createdTime": debt.created, DIGEST: debt.digest}
    return {
        "address": str(debt.address),
        "locks": dict(debt.locks),
        "run": debt.run,
        "since": debt.since,
        **{name: value for name, value in known.items() if value},
    }


def _debt(document: Mapping[str, Any]) -> Debt:
    locks = document["locks"]
    if (
        type(locks) is not dict
        or not locks
        or locks.keys() - set(LOCKS)
        or any(lock is not False for lock in locks.values())
    ):
        raise TypeError("locks are false")
    return Debt(
        parse_address(_text(document["address"])),
        locks,
        _text(document["run"]),
        _text(document["since"]),
        created=_text(document.get("createdTime", "")),
        digest=_text(document.get(DIGEST, "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError("a text is missing")
    return value


def _refused(place: str, how: str) -> StateError:
    return StateError(f"{place}: {how}; it is left as it is\n{_WHAT_NOW.format(place=place)}")
