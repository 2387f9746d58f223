"""The report of an apply as a comment on a pull request: what did not end well first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.events import STATUSES, Outcome, Status, Unlocked
from reconciler.planning.plan import Change, Plan
from reconciler.planning.planfile import fingerprint
from reconciler.render.change_rows import rows
from reconciler.render.markdown import Row, code, code_lines, comment_marker, document, notes
from reconciler.render.words import count, named

_GRAVEST_FIRST: tuple[Status, ...] = ("failed", "unconfirmed", "stale", "blocked", "not-attempted", "verified")
_COLUMNS = ("", "Resource", "Change", "What came of it")
_SEE_ALL = "`--format json=FILE` holds all."


def render_report_markdown(
    plan: Plan, outcomes: Sequence[Outcome], *, interrupted: bool, unlocked: Sequence[Unlocked] = ()
) -> str:
    """
    The report as Markdown, ending in a newline; less than 65,536 characters, whatever it holds.

    Args:
        plan: That was applied.
        outcomes: How each change ended, in the order of the plan.
        interrupted: Somebody wished it to stop.
        unlocked: What was unlocked for a moment.
    """
    counts = Counter(outcome.status for outcome in outcomes)
    parts = [f"{counts[status]:,} {status}" for status in STATUSES if counts[status]] or ["nothing"]
    head = f"### Applied to {code(plan.registry, 200)}: {', '.join(parts)}"
    marker = comment_marker("apply", plan.registry)
    blocks = [marker, head, _verdict(plan, outcomes, interrupted=interrupted), *_notes(plan, unlocked)]
    end = [f"Fingerprint of the plan: `{fingerprint(plan)}`"]
    return document(blocks, [_row(outcome) for outcome in outcomes], _COLUMNS, end, _SEE_ALL)


def _verdict(plan: Plan, outcomes: Sequence[Outcome], *, interrupted: bool) -> str:
    unfinished = sum(outcome.status != "verified" for outcome in outcomes)
    said = ["**It was interrupted.**"] if interrupted else []
    if unfinished:
        said.append(f"**{count(unfinished, 'change')} did not end verified.**")
    else:
        said.append("**Every change ended verified.**" if outcomes else "**Nothing was to be changed.**")
    if plan.blocked:
        said.append(
            f"**{count(len({each.address for each in plan.blocked}), 'resource is', 'resources are')} blocked.**"
        )
    return " ".join(said)


def _notes(plan: Plan, unlocked: Sequence[Unlocked]) -> Iterator[str]:
    left_open = [each for each in unlocked if each.status == "open"]
    told = [(f"{each.address}: {' and '.join(each.attributes)}", each.message) for each in left_open]
    yield notes("Not locked again as it was", told, _SEE_ALL)
    refused = [(f"{named(each.address, whole=False)}: {each.reason_code}", each.message) for each in plan.blocked]
    yield notes("Blocked", refused, _SEE_ALL)


def _row(outcome: Outcome) -> Row:
    change, is_grave = outcome.change, outcome.status != "verified"
    return Row(
        gravity=_GRAVEST_FIRST.index(outcome.status),
        is_grave=is_grave,
        address=change.address,
        kind=f"**{outcome.status}**" if is_grave else outcome.status,
        cells=lambda: ("<br>".join(_does(change)) or change.action, code_lines(outcome.message)),
    )


def _does(change: Change) -> Iterator[str]:
    """What it changes, attribute by attribute."""
    return (code(" ".join(text.split())) for _, text in rows(change, 0))
