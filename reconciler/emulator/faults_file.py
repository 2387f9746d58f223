"""
Faults from a JSON file, and from the command line as `NAME=VALUE`.

A value is JSON where it can be read as such and a text where not, so that neither
`latency_ms=50` nor `budgets.read=600/min` needs quotes; lists of names may be written
with commas. What stands on the command line goes over what stands in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import orjson

from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.fault_settings import BadFaultsError, Document, FaultSettings, merged, parse_faults
from reconciler.emulator.json_file import read_json

_LISTS = tuple(field.name for field in attrs.fields(FaultSettings) if field.default == ())


def read_faults(path: Path | None, settings: Sequence[str]) -> Document:
    """
    The document of the faults in the file, if there is one, and of those in `settings`.

    Raises:
        EmulatorError: the file cannot be read, or something in it or in `settings` is no fault; the text says where.
    """
    document = {} if path is None else _read(path)
    for setting in settings:
        document = merged(document, _checked(f"--fault {setting}", _parsed(setting)))
    return document


def _read(path: Path) -> Document:
    return _checked(str(path), read_json(path))


def _checked(where: str, document: Any) -> Document:
    try:
        parse_faults(document)
    except BadFaultsError as error:
        raise EmulatorError("\n".join(f"{where}: {problem}" for problem in error.problems)) from None
    found: Document = document
    return found


def _parsed(setting: str) -> Document:
    name, separator, text = setting.partition("=")
    if not separator:
        raise EmulatorError(f"--fault {setting}: not NAME=VALUE\n  write latency_ms=50 or throttled_s.read=30")
    outer, separator, inner = name.partition(".")
    value = _value(text)
    if outer in _LISTS and isinstance(value, str):
        value = value.split(",")
    return {outer: {inner: value} if separator else value}


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return text
