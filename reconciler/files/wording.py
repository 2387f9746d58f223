"""
Words from a file, made fit to stand in a message.

A desired-state file may come with a pull request from anybody. What it says is
shown in logs and on terminals, so it must not be able to forge a line, to move
the cursor, or to drown what matters.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable

_MAX_SHOWN = 80
_MAX_COMPARED = 40


def quote(text: str) -> str:
    """`text` in double quotes on one line, cut at 80 characters, with nothing in it that a terminal would obey."""
    shown = text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
    return f'"{printable(shown)}"'


def printable(text: str) -> str:
    """`text` with every character that does not print as itself written as its escape."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


@functools.lru_cache(maxsize=1024)
def suggestion(text: str, known: tuple[str, ...]) -> str:
    """`; did you mean "…"?` with the nearest of `known`, or nothing where none is near."""
    # difflib takes time with the square of the length, and no word that we know is that long.
    nearest = difflib.get_close_matches(text, known, n=1) if len(text) <= _MAX_COMPARED else []
    return f'; did you mean "{nearest[0]}"?' if nearest else ""


def listing(words: Iterable[str]) -> str:
    """`words` in their order, with commas."""
    return ", ".join(words)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", errors="backslashreplace").decode("ascii")
