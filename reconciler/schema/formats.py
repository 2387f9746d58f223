"""The formats that have a schema, each with the version that its file is named after; made when asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from reconciler.schema.generate import Schema

Format: TypeAlias = Literal["desired-state", "plan", "event"]


def _desired_state() -> Schema:
    from reconciler.schema.desired_state import desired_state_schema

    return desired_state_schema()


def _plan() -> Schema:
    from reconciler.schema.plan import plan_schema

    return plan_schema()


def _event() -> Schema:
    from reconciler.schema.event import event_schema

    return event_schema()


_MAKERS: Mapping[Format, Callable[[], Schema]] = {"desired-state": _desired_state, "plan": _plan, "event": _event}
FORMATS: tuple[Format, ...] = tuple(_MAKERS)


def schema_of(name: Format) -> Schema:
    """The schema of a format, as plain JSON values."""
    return _MAKERS[name]()


def schema_to_json(name: Format) -> str:
    """The same as a file: people read it too, so its order is that of its members."""
    return f"{json.dumps(schema_of(name), indent=2, ensure_ascii=False)}\n"


def file_name(name: Format) -> str:
    """What the file with the schema is called."""
    return f"{name}.v1.schema.json"
