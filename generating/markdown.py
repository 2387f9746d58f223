"""Markdown in the dialect of GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MADE = "<!-- Made from the program by `make generated`; change the program, not this page. -->"


def cell(text: str) -> str:
    """`text` for a cell of a table: on one line, and no end of the cell in it."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(each)} |".replace("|  |", "| |") for each in lines)
