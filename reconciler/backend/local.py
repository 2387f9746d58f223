"""
A store in a folder: each blob is a file.

A file is replaced by a new one that is whole and safe on disk before it takes the
name, so a crash leaves the old or the new one. Two writers are kept apart by a lock
on a guard file beside it, held for the moment of comparing and replacing; readers
need none. The memory that was replaced last stays beside the new one as `.backup`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from reconciler.backend.store import MAX_BLOB_BYTES, Blob
from reconciler.errors import BackendError, ConflictError

BACKUP = ".backup"
_GUARD, _NEW, _RANDOM = ".guard", ".new-", re.compile(r"[0-9a-f]{8}")
_PATIENCE_S, _POLL_S = 20.0, 0.005
_ELSEWHERE = "--state LOCATION names another place; --state none works without a memory"
_IN_WORDS = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


class FileStore:
    """Files at one path, told apart by what is added to it."""

    def __init__(self, path: str) -> None:
        self.name = path

    def read(self, suffix: str) -> Blob | None:
        """What stands there; None: nothing."""
        path = self._path(suffix)
        try:
            content = _content(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed(path, "read", error) from None
        return Blob(content, _version(content))

    def write(self, suffix: str, content: bytes, *, replaces: str | None) -> str:
        """Put `content` there, whole or not at all, and return its version."""
        path = self._path(suffix)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._guarded():
                self._expect(suffix, replaces)
                self._replace(path, content, keeps_old=not suffix)
        except OSError as error:
            raise _failed(path, "written", error) from None
        return _version(content)

    def delete(self, suffix: str, *, replaces: str) -> None:
        """Leave nothing there."""
        path = self._path(suffix)
        try:
            if not path.parent.exists():
                raise self._conflict(suffix)
            with self._guarded():
                self._expect(suffix, replaces)
                path.unlink()
                _sync_folder(path.parent)
        except OSError as error:
            raise _failed(path, "deleted", error) from None

    def _expect(self, suffix: str, version: str | None) -> None:
        found = self.read(suffix)
        if (found.version if found else None) != version:
            raise self._conflict(suffix)

    def _conflict(self, suffix: str) -> ConflictError:
        return ConflictError(f"{self._path(suffix)}: somebody else wrote it meanwhile; it is left as it is")

    def _path(self, suffix: str) -> Path:
        # A link stays, and what it leads to has its lock and its journal beside it, whoever comes over which link.
        return Path(f"{os.path.realpath(self.name)}{suffix}")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Keep other writers out meanwhile, in this process and in others."""
        guard = os.open(_beside(self._path(""), _GUARD), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _await_lock(guard)
            yield
        finally:
            os.close(guard)

    def _replace(self, path: Path, content: bytes, *, keeps_old: bool) -> None:
        start = _beside(self._path(""), _NEW)
        for left in path.parent.iterdir():
            if left.name.startswith(start.name) and _RANDOM.fullmatch(left.name, len(start.name)):
                left.unlink(missing_ok=True)  # by a writer that was killed; nobody else writes now
        new, link = (start.with_name(f"{start.name}{secrets.token_hex(4)}") for _ in range(2))
        try:
            _write(new, content, _mode(path))
            if keeps_old and path.exists():
                _link(path, link)
                link.replace(f"{path}{BACKUP}")
            new.replace(path)
            _sync_folder(path.parent)
        finally:
            new.unlink(missing_ok=True)
            link.unlink(missing_ok=True)  # renaming does nothing where both names are of the same file already


def _content(path: Path) -> bytes:
    # Opening a pipe that nobody writes to would wait for ever, but for this flag.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if status.st_size > MAX_BLOB_BYTES:
            raise OSError(errno.EFBIG, f"more than {MAX_BLOB_BYTES:,} bytes")
        return file.read()


def _await_lock(guard: int) -> None:
    """Wait for the guard, but not for ever: whoever has it may have been stopped in the middle of a write."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                raise OSError(errno.EBUSY, f"another process has been writing for {_PATIENCE_S:.0f} s") from None
            time.sleep(_POLL_S)
        else:
            return


def _link(old: Path, new: Path) -> None:
    """Let the old file be found under another name too, before something else takes its own."""
    try:
        os.link(old, new)
    except OSError:  # a file system without links
        _write(new, old.read_bytes(), _mode(old))


def _write(path: Path, content: bytes, mode: int | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
        if mode is not None:
            os.fchmod(descriptor, mode)


def _mode(target: Path) -> int | None:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}{ending}")


def _version(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _failed(path: Path, done: str, error: OSError) -> BackendError:
    why = _IN_WORDS.get(error.errno or 0) or (error.strerror or str(error)).lower()
    return BackendError(f"{path}: cannot be {done}: {why}; nothing there was changed\n  {_ELSEWHERE}")
