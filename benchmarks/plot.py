"""
Draw all ratios in one picture, each as a share of its target.

Targets differ from 0.25 to 3, so the ratios themselves have no common scale; the
share of the target has. There is one line to look at: left of it is met. Shape and
fill tell the verdict as well as colour does (Okabe and Ito's blue and vermilion).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import shown
from benchmarks.scenarios import Result

LEFT, MIDDLE, RIGHT = 1.03, 1.15, 1.27  # columns beside the plot, in widths of it
MET, MISSED, INK, FAINT = "#0072B2", "#D55E00", "#222222", "#6E6E6E"


def draw(results: Sequence[Result], folder: Path) -> None:
    """Write bench.svg and bench.png into `folder`."""
    # Without a fixed salt the same picture would be a different file each time.
    with mpl.rc_context({"svg.hashsalt": "bench", "font.size": 11, "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 1.6 + 0.46 * len(results)), layout="constrained")
        axes = figure.add_subplot()
        for row, result in enumerate(results):
            _draw_row(axes, row, result)
        _draw_frame(axes, results)
        figure.savefig(folder / "bench.svg", metadata={"Date": None})
        figure.savefig(folder / "bench.png", dpi=150)


def _draw_row(axes: Axes, row: int, result: Result) -> None:
    colour = MET if result.is_met else MISSED
    shares = [100 * ratio / result.target for ratio in result.ratios]
    axes.plot([min(shares), max(shares)], [row, row], color=colour, linewidth=6, alpha=0.35, solid_capstyle="round")
    axes.plot(
        100 * result.median / result.target,
        row,
        marker="o" if result.is_met else "D",
        color=colour,
        markerfacecolor=colour if result.is_met else "white",
        markersize=9,
        markeredgewidth=2,
    )
    _beside(axes, (LEFT, row), shown(result.median), ("axes fraction", "data"), colour)
    _beside(axes, (MIDDLE, row), shown(result.target), ("axes fraction", "data"), INK)
    _beside(axes, (RIGHT, row), "met" if result.is_met else "missed", ("axes fraction", "data"), colour)


def _beside(axes: Axes, place: tuple[float, float], text: str, coordinates: Any, colour: str) -> None:
    axes.annotate(text, place, xycoords=coordinates, va="center", color=colour)


def _draw_frame(axes: Axes, results: Sequence[Result]) -> None:
    largest = max(100 * max(result.ratios) / result.target for result in results)
    axes.set_xlim(0, max(125, 1.05 * largest))
    axes.set_ylim(len(results) - 0.4, -0.6)
    axes.axvline(100, color=INK, linewidth=1.5)
    above = -0.85  # in rows, over the first
    axes.text(100, above, "target", ha="center", va="center", color=INK)
    for place, text in ((LEFT, "median"), (MIDDLE, "at most")):
        _beside(axes, (place, above), text, ("axes fraction", "data"), FAINT)
    axes.set_yticks(range(len(results)), [result.title for result in results])
    axes.set_xlabel("share of the target, %\npoint: median of the rounds; band: smallest to largest", color=INK)
    axes.grid(axis="x", color="#E6E6E6")
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
