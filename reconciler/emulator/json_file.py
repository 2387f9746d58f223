"""Files that say what an emulated registry is like: JSON, read as a whole, with errors that say where."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import orjson

from reconciler.emulator.errors import EmulatorError

Object: TypeAlias = dict[str, Any]


def read_json(path: Path) -> Any:
    """
    What stands in the file.

    Raises:
        EmulatorError: it cannot be read, or is not JSON.
    """
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise EmulatorError(f"{path}: cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:  # without its cause, which holds the whole document
        raise EmulatorError(f"{path}: not JSON: {error}") from None


def object_of(given: object, place: str, known: tuple[str, ...] = ()) -> Object:
    """`given`, which is a JSON object of `known` members; of any, where none are given."""
    if not isinstance(given, dict):
        raise EmulatorError(f"{place}: not an object")
    unknown = [name for name in given if known and name not in known]
    if unknown:
        raise EmulatorError(f'{place}: unknown "{unknown[0]}"\n  known: {", ".join(known)}')
    return given
