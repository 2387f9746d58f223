"""Read a file that was named on the command line and may be a saved plan."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.cli.output import standard_input
from reconciler.errors import PlanFileError

MAX_PLAN_BYTES = 1024**3
_START = 64 * 1024
_STDIN = "-"


def read_bytes(path: str) -> bytes:
    """
    What the file holds; `-` is standard input.

    Raises:
        PlanFileError: it cannot be read, or is no file that could hold a plan.
    """
    try:
        data = _read_stdin() if path == _STDIN else _read_file(path)
    except OSError as error:
        raise PlanFileError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_PLAN_BYTES:
        raise _too_long(path)
    return data


def names_a_plan(paths: tuple[str, ...]) -> bool:
    """The command line names one file, and that is a saved plan rather than a desired-state file."""
    if len(paths) != 1 or paths[0] == _STDIN:
        return False
    try:
        start = _start_of(Path(paths[0]))
    except (OSError, ValueError):  # ValueError: a NUL character in the path
        return False  # whoever reads it as desired state says what is wrong
    return start.lstrip()[:1] == b"{" and b'"base"' in start and b'"blocked"' in start


def _start_of(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(_START)


def _read_stdin() -> bytes:
    stdin = standard_input()
    if stdin is None:
        raise OSError("standard input is closed")
    return stdin.read(MAX_PLAN_BYTES + 1)


def _read_file(path: str) -> bytes:
    # Opening a pipe that nobody writes to would wait for ever.
    mode = Path(path).stat().st_mode
    if stat.S_ISDIR(mode):
        raise PlanFileError(f"{path}: a folder, not a saved plan")
    if not stat.S_ISREG(mode):
        raise PlanFileError(f"{path}: not a regular file\n  {_STDIN} reads standard input")
    with Path(path).open("rb") as file:
        # A sparse file may claim terabytes: ask before memory is set aside.
        if os.fstat(file.fileno()).st_size > MAX_PLAN_BYTES:
            raise _too_long(path)
        return file.read(MAX_PLAN_BYTES + 1)


def _too_long(path: str) -> PlanFileError:
    return PlanFileError(f"{path}: more than {MAX_PLAN_BYTES:,} bytes; no plan is that long")
