"""
The three streams of the process: what goes to stdout and stderr, whether in colour, and what comes in.

Each of them may be closed, full or gone. A run that loses its notes goes on; one
that cannot give its answer has failed and says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import BinaryIO, TextIO

import click

from reconciler.errors import RefusedError
from reconciler.render.words import Paint, painter

_MAX_PASSWORD_BYTES = 64 * 1024


def answer(content: str | bytes) -> None:
    """
    Write the answer of a command to stdout, as UTF-8 whatever the locale.

    Raises:
        RefusedError: it cannot be written.
        click.exceptions.Exit: whoever read stdout has gone and wants no error either.
    """
    try:
        _to_stdout(content)
    except BrokenPipeError:
        raise click.exceptions.Exit(1) from None
    except OSError as error:
        raise RefusedError(unwritten(error)) from None


def answer_or_note(content: str | bytes) -> bool:
    """
    Write to stdout what must be told somewhere; to stderr where stdout fails.

    Returns:
        Whether stdout took it.
    """
    try:
        _to_stdout(content)
    except OSError:
        note((content if isinstance(content, str) else content.decode()).removesuffix("\n"))
        return False
    return True


def note(text: str) -> None:
    """Write one note to stderr."""
    draw(f"{text}\n")


def draw(text: str) -> None:
    """Write to stderr just this, for what moves on a terminal."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody reads notes any more. That must not stop a run that may be changing things.
        _give_up(sys.stderr)


def unwritten(error: OSError) -> str:
    """The error about an answer that stdout did not take."""
    return f"the answer cannot be written: {error.strerror}"


def give_up_stdout() -> None:
    """Write nothing more to stdout, not even what is still in its buffer."""
    if sys.stdout is not None:
        _give_up(sys.stdout)
    sys.stdout = None  # so that a later answer fails too, instead of going nowhere unnoticed


def stdout_paint(*, no_color: bool) -> Paint:
    """Colour on a terminal, unless --no-color or NO_COLOR (no-color.org) says otherwise."""
    return painter(color=is_terminal(sys.stdout) and not no_color and not os.environ.get("NO_COLOR"))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sits at `stream`; Python has None for a stream that was closed from the start."""
    return stream is not None and stream.isatty()


def standard_input() -> BinaryIO | None:
    """What `-` reads; None where it is closed."""
    return getattr(sys.stdin, "buffer", None)


def password_from_stdin() -> str:
    """
    The password that was piped in: one line.

    Raises:
        RefusedError: there is none.
    """
    stdin = standard_input()
    line = b"" if stdin is None else stdin.read(_MAX_PASSWORD_BYTES)
    password = line.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r")
    if "\n" in password:
        raise RefusedError("--password-stdin: standard input holds more than one line\n  The password is one line.")
    if not password:
        raise RefusedError(
            "--password-stdin: standard input holds no password\n  It is one line, as in: … < password.txt"
        )
    return password


def _to_stdout(content: str | bytes) -> None:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    rest = memoryview(content.encode() if isinstance(content, str) else content)
    try:
        sys.stdout.flush()
        while rest:  # with PYTHONUNBUFFERED a write may take only a part
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    except OSError:
        give_up_stdout()
        raise


def _give_up(stream: TextIO) -> None:
    """Let go nowhere what is left in `stream`: Python flushes it at exit, and would complain and exit with 120."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
