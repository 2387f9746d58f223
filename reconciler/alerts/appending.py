"""
Lines at the end of a file that others append to as well.

A line is one write, and what does not fit the disk is taken back as a whole, so that no
line is there in part and none twice. Whoever waits for us gives up some time; after that
nothing is written, for it would be told again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from reconciler.errors import AlertError
from reconciler.files.wording import printable

WAIT_S = 10.0  # for whoever else appends; the others take less than a second
_POLL_S = 0.02
_LONGEST_LINE = 1024 * 1024


def append(
    path: str, lines: Sequence[bytes], *, wait_s: float = WAIT_S, why_not: Callable[[bytes], str] | None = None
) -> None:
    """
    All lines to the end of a file, each in one write; or none.

    Args:
        path: Of the file; it is made if it is not there.
        lines: Each with its end.
        wait_s: How long others who hold its lock are waited for.
        why_not: From the first line of a file that is not empty to why nothing may be appended there; empty: it may.

    Raises:
        AlertError: it cannot be written, or may not.
    """
    until_s = time.monotonic() + wait_s
    try:
        descriptor = os.open(path, _flags(path, reads=why_not is not None), 0o666)
        try:
            os.set_blocking(descriptor, True)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                _lock(descriptor, until_s, path, wait_s)
                _check(descriptor, path, why_not)
            _append(descriptor, lines, path, until_s)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # a zero character in the name is a ValueError
        _refuse(path, _reason(error))


def _flags(path: str, *, reads: bool) -> int:
    """How to open it: a pipe or a device is only written to, and nobody is waited for who reads from it."""
    is_other = os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113  # Path's raise more
    access = os.O_RDWR if reads and not is_other else os.O_WRONLY
    return access | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


def _lock(descriptor: int, until_s: float, path: str, wait_s: float) -> None:
    # A thread that waited in the system could not be told to stop, and would write whenever the lock is free.
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                _refuse(path, f"somebody else has held its lock for {wait_s:,.0f} s")
            time.sleep(_POLL_S)
        else:
            return


def _check(descriptor: int, path: str, why_not: Callable[[bytes], str] | None) -> None:
    if why_not is None or not os.fstat(descriptor).st_size:
        return
    first, _, _ = os.pread(descriptor, _LONGEST_LINE, 0).partition(b"\n")
    if reason := why_not(first):
        raise AlertError(f"{printable(path)}: {reason}")


def _append(descriptor: int, lines: Sequence[bytes], path: str, until_s: float) -> None:
    start = os.fstat(descriptor).st_size
    try:
        for line in lines:
            if time.monotonic() >= until_s:
                _refuse(path, os.strerror(errno.ETIMEDOUT))
            if os.write(descriptor, line) != len(line):
                _refuse(path, os.strerror(errno.ENOSPC))
    except (OSError, AlertError):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.ftruncate(descriptor, start)
        raise


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return "nobody reads from it" if error.errno == errno.ENXIO else error.strerror or type(error).__name__
    return "it cannot be a file's name"


def _refuse(path: str, reason: str) -> NoReturn:
    raise AlertError(f"{printable(path)}: cannot be written: {reason}")
