"""
What a member of a document of faults must be, each as a validator of attrs.

They raise ValueError with the member's name in front, in Python as in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

import attrs

from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.limits import CLASSES, parse_rate
from reconciler.emulator.names import parse_reference

Field: TypeAlias = "attrs.Attribute[Any]"

_MAX_COUNT = 1_000_000
_MAX_SECONDS = 86_400
_REFUSALS = range(400, 600)
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def number(_owner: object, field: Field, value: object) -> None:
    """A number that is not negative."""
    _require(_is_number(value, _MAX_COUNT), field, f"must be a number from 0 to {_MAX_COUNT}")


def count(_owner: object, field: Field, value: object) -> None:
    """A whole number that is not negative."""
    is_count = isinstance(value, int) and _is_number(value, _MAX_COUNT)
    _require(is_count, field, f"must be a whole number from 0 to {_MAX_COUNT}")


def positive(_owner: object, field: Field, value: object) -> None:
    """A whole number that is at least one."""
    is_positive = isinstance(value, int) and value != 0 and _is_number(value, _MAX_COUNT)
    _require(is_positive, field, f"must be a whole number from 1 to {_MAX_COUNT}")


def offset(_owner: object, field: Field, value: object) -> None:
    """A whole number that may be negative."""
    is_offset = isinstance(value, int) and _is_number(abs(value), _MAX_COUNT) and not isinstance(value, bool)
    _require(is_offset, field, f"must be a whole number from -{_MAX_COUNT} to {_MAX_COUNT}")


def share(_owner: object, field: Field, value: object) -> None:
    """A probability that something can happen with."""
    _require(_is_number(value, 1) and value != 0, field, "must be a number above 0, and at most 1")


def status(_owner: object, field: Field, value: object) -> None:
    """A status that says no."""
    _require(isinstance(value, int) and value in _REFUSALS, field, "must be a status from 400 to 599")


def flag(_owner: object, field: Field, value: object) -> None:
    """On or off."""
    _require(isinstance(value, bool), field, "must be true or false")


def text(_owner: object, field: Field, value: object) -> None:
    """Any text."""
    _require(isinstance(value, str), field, "must be a string")


def path(_owner: object, field: Field, value: object) -> None:
    """How a decoded path begins."""
    _require(isinstance(value, str) and value.startswith("/"), field, "must be a path that starts with /")


def origin(_owner: object, field: Field, value: object) -> None:
    """Scheme and host, or nothing."""
    is_origin = isinstance(value, str) and (value == "" or _ORIGIN.fullmatch(value) is not None)
    _require(is_origin, field, 'must be like "https://example.org", or ""')


def repositories(_owner: object, field: Field, value: object) -> None:
    """Names of repositories."""
    _require(_are_references(value, is_tag=False), field, 'must be a list of repositories, like ["team/app"]')


def tags(_owner: object, field: Field, value: object) -> None:
    """References to tags."""
    _require(_are_references(value, is_tag=True), field, 'must be a list of tags, like ["team/app:v1"]')


def seconds(_owner: object, field: Field, value: object) -> None:
    """Classes of calls, each with a time."""
    for kind, time in _by_class(field, value):
        wanted = f"must be a number of seconds from 0 to {_MAX_SECONDS}"
        _require(_is_number(time, _MAX_SECONDS), field, wanted, below=f".{kind}")


def rates(_owner: object, field: Field, value: object) -> None:
    """Classes of calls, each with a rate."""
    for kind, rate in _by_class(field, value):
        try:
            parse_rate(str(rate))
        except ValueError as error:
            raise ValueError(f"{field.name}.{kind}: {error}") from None


def one_of(*choices: str) -> Any:
    """One of a few words."""
    wanted = f"must be one of {', '.join(choices)}"

    def check(_owner: object, field: Field, value: object) -> None:
        _require(value in choices, field, wanted)

    return check


def optional(check: Any) -> Any:
    """None, or what `check` wants."""
    return attrs.validators.optional(check)


def _by_class(field: Field, value: object) -> Iterable[tuple[str, object]]:
    if not isinstance(value, dict):
        raise ValueError(f"{field.name}: must be an object")  # noqa: TRY004 - every problem is of one kind
    for kind in value:
        _require(kind in CLASSES, field, f'unknown class "{kind}"; there are {", ".join(CLASSES)}')
    return value.items()


def _are_references(value: object, *, is_tag: bool) -> bool:
    try:
        found = [parse_reference(item) for item in value] if isinstance(value, tuple) else None
    except (EmulatorError, TypeError):
        return False
    return found is not None and all(bool(one.tag) is is_tag and not one.digest for one in found)


def _is_number(value: object, largest: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= largest


def _require(holds: object, field: Field, wanted: str, *, below: str = "") -> None:
    if not holds:
        raise ValueError(f"{field.name}{below}: {wanted}")
