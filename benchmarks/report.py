"""
Results as a table for people and as JSON for whatever compares runs.

Ratios are what is judged. The JSON also keeps what each side took in every round,
so that a surprising ratio can be explained.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scenarios import Result

_WIDTHS = (33, 8, 8, 17)


def verdict(result: Result, *, judged: bool) -> str:
    """What the last column says. A quick run proves that things work, and nothing about speed."""
    if not judged:
        return "not judged"
    return "met" if result.is_met else "MISSED"


def shown(ratio: float) -> str:
    """Three digits, so that 0.254 is not printed as the 0.25 that it misses."""
    return f"{ratio:#.3g}"


def table(results: Sequence[Result], *, judged: bool) -> str:
    """One line per ratio, in less than 80 columns."""
    lines = [_line("Ratio", "at most", "median", "min to max", "target")]
    for result in results:
        spread = f"{shown(min(result.ratios))} to {shown(max(result.ratios))}"
        cells = (shown(result.target), shown(result.median), spread, verdict(result, judged=judged))
        lines.append(_line(result.title, *cells))
    return "\n".join(lines)


def _line(title: str, *cells: str) -> str:
    *numbers, last = cells
    aligned = (f"{number:>{width}}" for number, width in zip(numbers, _WIDTHS[1:], strict=True))
    return f"{title:<{_WIDTHS[0]}}{''.join(aligned)}   {last}"


def write_json(results: Sequence[Result], path: Path) -> None:
    """Everything that was measured, and on what."""
    document = {
        "format_version": "1.0",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "results": [_row(result) for result in results],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _row(result: Result) -> dict[str, object]:
    return {
        "title": result.title,
        "target": result.target,
        "median": result.median,
        "ratios": result.ratios,
        "verdict": verdict(result, judged=True),
        "unit": result.unit,
        "ours": result.ours,
        "other": result.other,
    }
