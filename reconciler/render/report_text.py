"""
The report of an apply for people: what did not end well first and in full, the rest counted.

One change that is stale may leave a thousand others untried for the same reason. These
are told last, as a number, so that the one stands out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.events import STATUSES, Outcome, Status
from reconciler.render.words import Paint, Style, count, named, paragraph, safe, sentence

SHOWN_OUTCOMES = 20  # that were tried and did not end verified
_FEW = 3  # changes that were not tried for one reason and are named
_STATUS_WIDTH = max(map(len, STATUSES))
_WHAT_NOW: tuple[tuple[tuple[Status, ...], str], ...] = (
    (("failed", "unconfirmed", "not-attempted"), "Running it again does what is left."),
    (("stale",), "What is stale needs a new plan."),
    (("blocked",), "What is blocked stays so until the registry permits it, see above."),
)
_STYLES: dict[Status, Style] = {"verified": "green", "not-attempted": "yellow"}


def render_report(registry: str, outcomes: Sequence[Outcome], paint: Paint, *, full: bool) -> str:
    """
    The report as text, ending in a newline.

    Args:
        registry: The registry's name.
        outcomes: How each change ended, in the order of the plan.
        paint: Puts text in a style.
        full: Show every outcome, verified ones too, and every digest to its last digit.
    """
    lines = [_line(each, paint, whole=True) for each in outcomes] if full else list(_in_short(outcomes, paint))
    if lines:
        lines.append("")
    lines.append(_summary(registry, outcomes, paint))
    return "\n".join(lines) + "\n"


def _in_short(outcomes: Sequence[Outcome], paint: Paint) -> Iterator[str]:
    """What was tried and did not end verified, in the order of the plan; then what was not tried, by its reason."""
    tried = [outcome for outcome in outcomes if outcome.status not in ("verified", "not-attempted")]
    yield from (_line(outcome, paint) for outcome in tried[:SHOWN_OUTCOMES])
    if len(tried) > SHOWN_OUTCOMES:
        yield paint(f"… and {len(tried) - SHOWN_OUTCOMES:,} more; --full shows all", "dim")
    by_reason: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.status == "not-attempted":
            by_reason.setdefault(outcome.message, []).append(outcome)
    for group in by_reason.values():
        if len(group) <= _FEW:
            yield from (_line(outcome, paint) for outcome in group)
        else:
            yield _told(group[0], f"{len(group):,} changes; --full names them", paint)


def _line(outcome: Outcome, paint: Paint, *, whole: bool = False) -> str:
    return _told(outcome, named(outcome.change.address, whole=whole), paint)


def _told(outcome: Outcome, what: str, paint: Paint) -> str:
    padding = " " * (_STATUS_WIDTH - len(outcome.status))
    line = f"{paint(outcome.status, _STYLES.get(outcome.status, 'red'))}{padding}  {what}"
    return f"{line}\n{paragraph(outcome.message, margin=4)}" if outcome.message else line


def _summary(registry: str, outcomes: Sequence[Outcome], paint: Paint) -> str:
    counts = Counter(outcome.status for outcome in outcomes)
    parts = [f"{counts[status]:,} {status}" for status in STATUSES if counts[status]]
    line = sentence(f"Applied to {safe(registry)}:", parts or ["nothing"])
    unfinished = len(outcomes) - counts["verified"]
    if not unfinished:
        return paint(line, "bold")
    if counts["stale"] and not (counts["failed"] or counts["unconfirmed"]):
        counts["not-attempted"] = 0  # it was left because of what is stale, and would be again
    what_now = [advice for statuses, advice in _WHAT_NOW if any(counts[status] for status in statuses)]
    told = [f"{count(unfinished, 'change')} did not end verified.", *what_now]
    return "\n".join([paint(line, "bold"), *(f"  {each}" for each in told)])
