"""
Files that no answer may replace: those that a run reads beside the desired state, and its memory.

A memory in an object store has no name that an answer could be written to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.backend.location import DEFAULT_PLACE

_FILE_URL = re.compile("file://", re.IGNORECASE)


def why_kept(path: str, options: Mapping[str, Any]) -> str:
    """
    What of the run would be lost if `path` were replaced, in words; empty: nothing.

    Args:
        path: Of a file that is to be written.
        options: Those of the command, by name.
    """
    for name in ("alerts", "ca_bundle"):
        read = options.get(name)
        if read and identity(Path(path)) == identity(Path(read)):
            return f"the file of --{name.replace('_', '-')}"
    if any(_is_of_memory(Path(path), Path(os.path.realpath(place))) for place in _memories(options)):
        return "the memory, or what is kept beside it"
    return ""


def identity(path: Path) -> object:
    """The same for all names of a file."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # a zero character in the name is a ValueError
        return os.path.realpath(path)  # it is not there yet
    return found.st_dev, found.st_ino


def _memories(options: Mapping[str, Any]) -> Iterator[str]:
    """Files that may be a memory: the one that is named, and the one that is there where none is."""
    said = options["state"] if "state" in options else os.environ.get("RECONCILER_STATE")
    if said and _FILE_URL.match(said):
        said = said[len("file://") :]
    if said and "://" not in said:
        yield said
    yield DEFAULT_PLACE


def _is_of_memory(path: Path, memory: Path) -> bool:
    """Whether that is the memory or what is kept beside it, by any name."""
    real = Path(os.path.realpath(path))
    return _is_name_of_memory(real, memory) or _is_same_as_one_of(path, memory)


def _is_name_of_memory(path: Path, memory: Path) -> bool:
    names = (f"{memory.name}.", f".{memory.name}.")  # the second one is that of the guard of a local memory
    return path == memory or (path.parent == memory.parent and path.name.startswith(names))


def _is_same_as_one_of(path: Path, memory: Path) -> bool:
    """Whether it is another name (a hard link) of a file that is there."""
    try:
        kept = [each for each in memory.parent.iterdir() if _is_name_of_memory(each, memory)]
    except OSError:
        return False
    return identity(path) in map(identity, kept)
