"""Since when something drifts: noted beside the memory when it is seen for the first time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import orjson

from reconciler.cli.memory import DRIFT, Memory, update_blob
from reconciler.cli.output import note
from reconciler.errors import BackendError

if TYPE_CHECKING:
    from reconciler.planning.drift import Drifted

_FORMAT_VERSION = "1.0"
_NOTHING = b""


def first_seen(memory: Memory, found: Sequence[Drifted], at: str, *, is_whole: bool) -> Mapping[str, str]:
    """
    When each attribute was first seen to drift (RFC 3339), by its key; from now on it is known.

    Args:
        memory: Beside which that is kept.
        found: What drifts now.
        at: When that is (RFC 3339).
        is_whole: What is not in `found` does not drift any more.
    """
    seen = {attribute.key: at for each in found for attribute in each.attributes}
    store = memory.store
    if store is None:
        return seen

    def noted(content: bytes) -> bytes:
        old = _read(content)
        seen.update({key: old.get(key, at) for key in seen})
        kept = seen if is_whole else {**old, **seen}
        if not kept and not content:
            return _NOTHING
        document = {"format_version": _FORMAT_VERSION, "first_seen": kept}
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)

    try:
        update_blob(store, DRIFT, noted)
    except BackendError as error:
        note(f"warning: when it was first seen cannot be kept: {error}")
    return seen


def _read(content: bytes) -> Mapping[str, str]:
    """What was noted; nothing where that cannot be read, for it is a convenience and no memory."""
    try:
        noted = orjson.loads(content)["first_seen"]
        return {str(key): str(at) for key, at in noted.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
