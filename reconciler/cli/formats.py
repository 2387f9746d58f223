"""
`--format`, which may be given several times: what a command answers in, and where each of that goes.

All of it is checked before anything is read: a run that takes minutes, or changes
things, must not find out at its end that nobody can be told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from reconciler.cli.kept_files import identity, why_kept
from reconciler.cli.options import NDJSON, TEXT, Wanted, said_at
from reconciler.cli.output import answer, answer_or_note, note
from reconciler.errors import RefusedError
from reconciler.render.words import Paint, painter

if TYPE_CHECKING:
    from reconciler.alerts.sink import Sink

# How to make an answer in each format that can be made at the end; text in a style.
Renderings: TypeAlias = Mapping[str, Callable[[Paint], str | bytes]]


@attrs.frozen
class Formats:
    """What a command answers in."""

    wanted: tuple[Wanted, ...]

    @property
    def stdout(self) -> str:
        """The format that goes to stdout; empty: none does."""
        return next((each.name for each in self.wanted if each.path is None), "")

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Format and file, for each that goes to one."""
        return tuple((each.name, each.path) for each in self.wanted if each.path is not None)


def deliver(formats: Formats, renderings: Renderings, paint: Paint) -> None:
    """
    Answer in every format that was asked for; files first, as whoever reads stdout may have gone.

    Raises:
        RefusedError: something of it cannot be written.
    """
    for name, path in formats.files:
        if name in renderings:
            _write(path, renderings[name])
    if formats.stdout in renderings:
        answer(renderings[formats.stdout](paint))


def deliver_or_note(formats: Formats, on_stdout: Renderings, in_files: Renderings, paint: Paint) -> bool:
    """
    Answer in every format with what must be told somewhere: on stderr where stdout fails.

    Returns:
        Whether all of it went where it was meant to.
    """
    is_told = formats.stdout not in on_stdout or answer_or_note(on_stdout[formats.stdout](paint))
    for name, path in formats.files:
        try:
            if name in in_files:
                _write(path, in_files[name])
        except RefusedError as error:
            note(f"error: {error}")
            is_told = False
    return is_told


def _write(path: str, rendering: Callable[[Paint], str | bytes]) -> None:
    from reconciler.files.writing import write_atomically

    content = rendering(painter(color=False))
    write_atomically(path, content.encode() if isinstance(content, str) else content)


@attrs.frozen
class _Target:
    """A file that is to be written."""

    said: str  # how it was asked for
    path: str
    what: str  # is written there


def formats_from(options: dict[str, Any], inputs: Sequence[str], out: str | None = None) -> Formats:
    """
    What `--format` and `--stream` ask for, checked; takes them out of `options`.

    Args:
        options: Those of the command, by name.
        inputs: Files and folders that the command reads.
        out: Where `--out` writes the plan.

    Raises:
        RefusedError: two would go to one place, or one to where it cannot or must not be written.
    """
    asked = (*options.pop("format"), *((Wanted(NDJSON),) if options.pop("stream") else ()))
    formats = Formats(asked or (Wanted(TEXT),))
    at = said_at("format")
    to_stdout = [each.name for each in formats.wanted if each.path is None]
    if len(to_stdout) > 1:
        raise RefusedError(
            f"{at}: {' and '.join(to_stdout)} would both go to stdout\n"
            "  At most one can. Name a file for the others, as in --format json=plan.json."
        )
    targets = [_Target(f"{at} {name}={path}", path, "the answer") for name, path in formats.files]
    for target in targets:
        if problem := _why_not(target.path):
            raise RefusedError(f"{target.said}: {problem}")
    _check_targets([*_out_target(out), *targets], inputs, options)
    return formats


def check_apart(formats: Formats, sinks: Iterable[Sink]) -> None:
    """
    Check that no answer replaces a file that a sink appends to.

    Raises:
        RefusedError: one would.
    """
    from reconciler.alerts.sinks.jsonlines import appended_by

    others = set(map(identity, map(Path, appended_by(sinks))))
    for name, path in formats.files:
        if identity(Path(path)) in others and (os.path.isfile(path) or not os.path.exists(path)):  # noqa: PTH110, PTH113
            raise RefusedError(f"{said_at('format')} {name}={path}: alerts are appended to that file")


def check_kept(said: str, path: str, what: str, options: Mapping[str, Any]) -> None:
    """
    Check that nothing that the run keeps, or reads beside its files, is replaced.

    Args:
        said: How the file was asked for.
        path: Where to write.
        what: Is written there.
        options: Those of the command, by name.

    Raises:
        RefusedError: something would be.
    """
    if kept := why_kept(path, options):
        raise RefusedError(f"{said}: {what} would replace {kept}")


def _check_targets(targets: Sequence[_Target], inputs: Sequence[str], options: Mapping[str, Any]) -> None:
    """Refuse to write over what is read or kept, or twice to the same file."""
    read = set(map(identity, _files_in(inputs))) if targets else set[object]()
    written: dict[object, str] = {}
    for target in targets:
        place = identity(Path(target.path))
        if place in read:
            raise RefusedError(f"{target.said}: {target.what} would replace a file that it is made from")
        check_kept(target.said, target.path, target.what, options)
        if place in written:
            raise RefusedError(f"{target.said}: {written[place]} goes to that file too")
        written[place] = target.said


def _out_target(out: str | None) -> list[_Target]:
    if out is None:
        return []
    if not out:
        raise RefusedError("--out: the name is empty\n  Is a variable not set?")
    return [_Target(f"--out {out}", out, "the plan")]


def _files_in(inputs: Sequence[str]) -> Iterator[Path]:
    from reconciler.files.sources import Source, find_sources

    return (source.path for source in find_sources(inputs) if isinstance(source, Source) and source.path is not None)


def _why_not(path: str) -> str:
    """Why nothing can be written to `path`, as far as that is known before; empty: it may go well."""
    if not path:
        return "the name is empty\n  Is a variable not set?"
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode if target.exists() else None
        folder_mode = target.parent.stat().st_mode
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    if mode is not None and stat.S_ISDIR(mode):
        return "a folder"
    # A file is replaced, which its folder must permit; a device or pipe is written into.
    place = target.parent if mode is None or stat.S_ISREG(mode) else target
    if not stat.S_ISDIR(folder_mode) or not os.access(place, os.W_OK):
        return "cannot be written: Permission denied"
    return ""
