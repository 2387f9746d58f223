"""
The files that are made from the program: schemas, and two pages of the documentation.

`make generated` writes them, and a test tells which of them are not as they would be
written now. Everything in them is sorted or stands in the program's own order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from generating.commands import commands_page
from generating.file_reference import file_reference_page
from reconciler.schema.formats import FORMATS, file_name, schema_to_json

ROOT = Path(__file__).parent.parent

# The path of each file from the top, and what makes its text.
GENERATED: Mapping[str, Callable[[], str]] = {
    **{f"specs/schemas/{file_name(name)}": partial(schema_to_json, name) for name in FORMATS},
    "docs/commands.md": commands_page,
    "docs/file-reference.md": file_reference_page,
}


def stale() -> list[str]:
    """The files that are not as they would be written now."""
    return [path for path, make in GENERATED.items() if not _holds(ROOT / path, make())]


def write() -> list[str]:
    """Write what is stale, and say what that was."""
    found = stale()
    for path in found:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(GENERATED[path](), encoding="utf-8")
    return found


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
