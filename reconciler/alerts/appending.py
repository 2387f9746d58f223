"""
Lines at the end of a file that others append to as well.

A line is one write, and what does not fit the disk is taken back as a whole, so that no
line is there in part and none twice.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from typing import NoReturn

from reconciler.errors import AlertError
from reconciler.files.wording import printable


def append(path: str, lines: Sequence[bytes]) -> None:
    """
    All lines to the end of a file, each in one write; or none.

    Raises:
        AlertError: it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _append(descriptor, lines, path)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # a zero character in the name is a ValueError
        _refuse(path, getattr(error, "strerror", None) or "it cannot be a file's name")


def _append(descriptor: int, lines: Sequence[bytes], path: str) -> None:
    is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    if is_regular:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    start = os.fstat(descriptor).st_size
    try:
        if not all(os.write(descriptor, line) == len(line) for line in lines):
            _refuse(path, os.strerror(errno.ENOSPC))
    except (OSError, AlertError):
        if is_regular:
            os.ftruncate(descriptor, start)
        raise


def _refuse(path: str, reason: str) -> NoReturn:
    raise AlertError(f"{printable(path)}: cannot be written: {reason}")
