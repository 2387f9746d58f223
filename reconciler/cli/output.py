"""What goes to stdout and stderr, and whether in colour."""

from __future__ import annotations

import os
import sys

from reconciler.render.words import Paint, painter


def answer(content: str | bytes) -> None:
    """Write the answer of a command to stdout, as UTF-8 whatever the locale."""
    data = content.encode() if isinstance(content, str) else content
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """Write one note to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def stdout_paint(*, no_color: bool) -> Paint:
    """Colour on a terminal, unless --no-color or NO_COLOR (no-color.org) says otherwise."""
    return painter(color=sys.stdout.isatty() and not no_color and not os.environ.get("NO_COLOR"))
