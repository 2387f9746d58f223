"""Read a file that was named on the command line and may be a saved plan."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.errors import PlanFileError

_START = 64 * 1024


def read_bytes(path: str) -> bytes:
    """
    What the file holds; `-` is standard input.

    Raises:
        PlanFileError: it cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise PlanFileError(f"{path}: cannot be read: {error.strerror}") from None


def names_a_plan(paths: tuple[str, ...]) -> bool:
    """The command line names one file, and that is a saved plan rather than a desired-state file."""
    if len(paths) != 1 or not Path(paths[0]).is_file():
        return False
    with Path(paths[0]).open("rb") as file:
        start = file.read(_START)
    return start.lstrip()[:1] == b"{" and b'"base"' in start and b'"blocked"' in start
