"""
Write a file so that it is there whole or not at all.

A plan that a crash cut in half would be refused, but somebody would have to find
out why; and the one that it replaces would be gone. Only what cannot be replaced,
such as a device or a pipe, is written into.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from reconciler.errors import RefusedError

# To open /dev/stdout would start a file anew that stdout is already writing to; a socket cannot be opened at all.
_OWN_DESCRIPTOR = re.compile(r"/(?:dev/fd|proc/self/fd)/([0-9]{1,4})|/dev/(stdout|stderr)", re.ASCII)
_STANDARD = {"stdout": 1, "stderr": 2}


def write_atomically(path: str, content: bytes) -> None:
    """
    Replace the file at `path` by one that holds `content`; the old one stays until the new one is safe on disk.

    A symbolic link stays, and what it leads to is replaced. The new file has the mode
    of the old one, or the one that the umask leaves.

    Raises:
        RefusedError: it cannot be written; a file that was there is untouched.
    """
    try:
        if own := _OWN_DESCRIPTOR.fullmatch(path):
            _write(os.dup(int(own[1] or _STANDARD[own[2]])), content)
        else:
            _write_or_replace(Path(path), content)
    except IsADirectoryError:
        raise RefusedError(f"{path}: a folder") from None
    except OSError as error:
        raise RefusedError(f"{path}: cannot be written: {error.strerror}") from None


def _write_or_replace(path: Path, content: bytes) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is None or stat.S_ISREG(mode):
        _replace(Path(os.path.realpath(path)), mode, content)
    else:
        _write(os.open(path, os.O_WRONLY), content)


def _replace(target: Path, mode: int | None, content: bytes) -> None:
    # The name is short whatever the target's is: that may be as long as a name can be.
    new = target.with_name(f".reconciler-{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600)
    try:
        _write(descriptor, content, mode)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _write(descriptor: int, content: bytes, mode: int | None = None) -> None:
    """Write all of `content`, with `mode` where it is given, and close `descriptor`."""
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fsync(descriptor)
        if mode is not None:
            os.fchmod(descriptor, stat.S_IMODE(mode))
