"""The report of an apply for people: what did not end well first and in full, the rest counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconciler.events import STATUSES, Outcome, Status
from reconciler.render.words import Paint, Style, count, paragraph, safe, sentence

SHOWN_OUTCOMES = 20  # that did not end verified
_STATUS_WIDTH = max(map(len, STATUSES))
_STYLES: dict[Status, Style] = {"verified": "green", "not-attempted": "yellow"}


def render_report(registry: str, outcomes: Sequence[Outcome], paint: Paint, *, full: bool) -> str:
    """
    The report as text, ending in a newline.

    Args:
        registry: The registry's name.
        outcomes: How each change ended, in the order of the plan.
        paint: Puts text in a style.
        full: Show every outcome, verified ones too.
    """
    told = [outcome for outcome in outcomes if full or outcome.status != "verified"]
    some = told if full else told[:SHOWN_OUTCOMES]
    lines = [_line(outcome, paint) for outcome in some]
    if len(some) < len(told):
        lines.append(paint(f"… and {len(told) - len(some):,} more; --full shows all", "dim"))
    if lines:
        lines.append("")
    lines.append(_summary(registry, outcomes, paint))
    return "\n".join(lines) + "\n"


def _line(outcome: Outcome, paint: Paint) -> str:
    padding = " " * (_STATUS_WIDTH - len(outcome.status))
    line = f"{paint(outcome.status, _STYLES.get(outcome.status, 'red'))}{padding}  {outcome.change.address}"
    return f"{line}\n{paragraph(outcome.message, margin=4)}" if outcome.message else line


def _summary(registry: str, outcomes: Sequence[Outcome], paint: Paint) -> str:
    counts = Counter(outcome.status for outcome in outcomes)
    parts = [f"{counts[status]:,} {status}" for status in STATUSES if counts[status]]
    line = sentence(f"Applied to {safe(registry)}:", parts or ["nothing"])
    unfinished = len(outcomes) - counts["verified"]
    if not unfinished:
        return paint(line, "bold")
    what_now = "Running it again does what is left."
    return f"{paint(line, 'bold')}\n  {count(unfinished, 'change')} did not end verified. {what_now}"
