"""What `validate` found as JSON, for editors and pipelines that mark the places in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from reconciler import __version__
from reconciler.errors import Problem
from reconciler.planning.planfile import FORMAT_VERSION


def validation_to_json(counts: Mapping[str, int], problems: Sequence[Problem]) -> bytes:
    """
    The result as one object, sorted.

    Args:
        counts: How many entries of each sort the files hold; empty where something is wrong with them.
        problems: All that is wrong, in the order of files and lines.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "valid": not problems,
        "entries": counts or None,
        "problems": [
            {
                "file": problem.file,
                "line": problem.line or None,  # it is the file itself
                "column": problem.column or None,
                "path": problem.path,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in problems
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
