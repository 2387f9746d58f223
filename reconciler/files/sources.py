"""
Find the files that were named, and read their bytes.

A path is a file, a folder, or `-` for standard input. A folder stands for every
`.yaml`, `.yml` and `.json` below it, in the order of their paths as plain text;
whatever starts with a dot is skipped, as editors and Git keep their own things
there. A link in a folder must not lead out of it: whoever may add a file to the
folder could otherwise have other files of the machine read, and shown in messages.
A path that is named itself may be a link to anywhere.

Later files win over earlier ones, so one file may be reached once only:
naming it twice leaves open which place counts, and is a problem.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import attrs

from reconciler.errors import DesiredStateError, Problem
from reconciler.files.wording import printable, quote

STDIN = "-"
SUFFIXES = (".yaml", ".yml", ".json")
MAX_FILE_BYTES = 256 * 1024 * 1024


class _LeadsOutError(OSError):
    """A link that a folder holds, to something that it does not."""


@attrs.frozen
class Source:
    """One file to read: the name that messages use, and where it is."""

    name: str
    path: Path | None  # None: standard input


def find_sources(paths: Sequence[str]) -> Iterator[Source | Problem]:
    """Every file that `paths` stand for, in order; a problem stands where something could not be found."""
    yield from _each_once(_all_sources(paths), {})


def find_overlays(overlays: Sequence[str], bases: Iterable[Source | Problem]) -> Iterator[Source | Problem]:
    """The file that each of `overlays` names, in order; `bases` are the files that they are for."""
    seen = {_identity(source): source.name for source in bases if isinstance(source, Source)}
    yield from _each_once(map(_overlay_at, overlays), seen)


def _overlay_at(text: str) -> Source | Problem:
    if text != STDIN and "\0" not in text and Path(text).is_dir():
        return _problem(text, "a folder; an overlay is one file", "name the files in the order in which they apply")
    return next(_all_sources([text]))


def _each_once(sources: Iterable[Source | Problem], seen: dict[object, str]) -> Iterator[Source | Problem]:
    for source in sources:
        if isinstance(source, Problem):
            yield source
            continue
        identity = _identity(source)
        if identity in seen:
            yield _problem(source.name, f"the same file as {quote(seen[identity])}", "name each file once")
            continue
        seen[identity] = source.name
        yield source


def read_source(source: Source, *, stdin: BinaryIO | None, limit: int = MAX_FILE_BYTES) -> bytes:
    """
    The bytes of `source`.

    Raises:
        DesiredStateError: it cannot be read, or holds more than `limit` bytes.
    """
    try:
        data = _read_file(source.path, limit) if source.path else _read_stdin(stdin, limit)
    except OSError as error:
        raise DesiredStateError((_problem(source.name, _reason(error)),)) from None
    if len(data) > limit:
        message = f"a file of more than {limit:,} bytes"
        raise DesiredStateError((_problem(source.name, message, "split it, or say more with patterns"),))
    return data


def _read_file(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        # A sparse file may claim terabytes: ask before memory is set aside.
        size = os.fstat(file.fileno()).st_size
        return file.read(limit + 1) if size <= limit else bytes(limit + 1)


def _read_stdin(stdin: BinaryIO | None, limit: int) -> bytes:
    if stdin is None and sys.stdin is None:
        raise OSError("standard input is closed")
    return (stdin or sys.stdin.buffer).read(limit + 1)


def _all_sources(paths: Sequence[str]) -> Iterator[Source | Problem]:
    for path in paths:
        if path == STDIN:
            yield Source(STDIN, None)
        else:
            yield from _sources_at(path)


def _sources_at(text: str) -> Iterator[Source | Problem]:
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        yield _problem(text, _reason(error))
        return
    if not stat.S_ISDIR(mode):
        yield _checked(text, path, mode)
        return
    found = sorted(_walk(path), key=lambda pair: pair[0])
    yield from (_in_folder(text, relative, error) for relative, error in found)
    if not found:
        yield _problem(text, "a folder without desired-state files", f"they end in {', '.join(SUFFIXES)}")


def _walk(folder: Path) -> Iterator[tuple[str, OSError | None]]:
    """The relative path of every file below `folder`, and of every folder that cannot be read, with the error."""
    root = os.path.realpath(folder)
    waiting, walked = [""], set()
    while waiting:
        relative = waiting.pop()
        try:
            status = (folder / relative).stat()
            names = sorted(os.listdir(folder / relative))  # noqa: PTH208  # names are all that is needed
        except OSError as error:
            yield relative, error
            continue
        # A link may lead back to a folder above it, or twice to the same one.
        if (status.st_dev, status.st_ino) in walked:
            continue
        walked.add((status.st_dev, status.st_ino))
        below = [f"{relative}/{name}" if relative else name for name in names if not name.startswith(".")]
        folders = {path for path in below if (folder / path).is_dir()}
        wanted = [path for path in below if path in folders or path.endswith(SUFFIXES)]
        outside = {path for path in wanted if _leads_out(folder / path, root)}
        yield from ((path, _LeadsOutError()) for path in wanted if path in outside)
        waiting.extend(path for path in reversed(wanted) if path in folders - outside)
        yield from ((path, None) for path in wanted if path not in folders | outside)


def _leads_out(path: Path, root: str) -> bool:
    # Only links are resolved: what is not one stands in a folder that was looked at before.
    return path.is_symlink() and os.path.commonpath([root, os.path.realpath(path)]) != root


def _in_folder(folder: str, relative: str, error: OSError | None) -> Source | Problem:
    name = f"{folder.rstrip('/')}/{relative}" if relative else folder
    if isinstance(error, _LeadsOutError):
        return _problem(name, "a link that leads out of the folder", "a path that is named itself may be such a link")
    path = Path(folder) / relative
    try:
        return _problem(name, _reason(error)) if error else _checked(name, path, path.stat().st_mode)
    except OSError as missing:
        return _problem(name, _reason(missing))


def _checked(name: str, path: Path, mode: int) -> Source | Problem:
    # Opening a pipe that nobody writes to would wait for ever.
    if stat.S_ISREG(mode):
        return Source(printable(name), path)
    return _problem(name, "not a regular file", f"{STDIN} reads standard input")


def _identity(source: Source) -> object:
    if source.path is None:
        return STDIN
    try:
        status = source.path.stat()
    except OSError:
        return source.path  # gone in the meantime; reading it will say so
    return (status.st_dev, status.st_ino)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, ValueError):
        return "not a path: it holds a NUL character"  # the only text that Python does not even try
    return f"cannot be read: {printable(error.strerror or str(error))}"


def _problem(name: str, message: str, hint: str = "") -> Problem:
    return Problem(printable(name), line=0, column=0, path="", message=message, hint=hint)
