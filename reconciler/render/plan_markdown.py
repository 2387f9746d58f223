"""A plan as a comment on a pull request: what it would do, the gravest first, and the command that does just that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from reconciler.planning.cause import Cause
from reconciler.planning.plan import Change, Plan
from reconciler.planning.planfile import fingerprint
from reconciler.render.change_rows import rows
from reconciler.render.markdown import Row, code, codes, comment_marker, document, notes
from reconciler.render.plan_notes import all_notes
from reconciler.render.plan_summary import (
    GRAVE,
    claims,
    effects,
    gravity,
    has_cause,
    summary_lines,
    told_causes,
)
from reconciler.render.words import count, few, short_name

_KINDS = ("**delete**", "**hide**", "**loosen**", "move")  # by gravity
_COLUMNS = ("", "Resource", "Change", "Cause", "Asked for at")
_SEE_ALL = "`reconciler plan FILE... --full` shows all."


def marker(registry: str) -> str:
    """The first line of the comment about this registry, by which it is found again."""
    return comment_marker("plan", registry)


def render_plan_markdown(plan: Plan) -> str:
    """The plan as Markdown, ending in a newline; less than 65,536 characters, whatever it holds."""
    causes = told_causes(plan)
    head = f"### Plan for {code(plan.registry, 200)}: {', '.join(claims(plan))} {effects(plan.changes)}".rstrip()
    blocks = [marker(plan.registry), head, _verdict(plan), "<br>\n".join(summary_lines(plan)), *_notes(plan)]
    changes = [_row(change, causes) for change in plan.changes]
    return document(blocks, changes, _COLUMNS, _end(plan), _SEE_ALL)


def says_nothing(plan: Plan) -> bool:
    """A reviewer learns nothing from it but that all is in sync."""
    is_stopped = any(finding.stops for finding in plan.findings)
    return plan.complete and not (plan.has_changes or plan.blocked or plan.drift or is_stopped)


def _verdict(plan: Plan) -> str:
    """What a reviewer needs to know first."""
    stops = [code(finding.code) for finding in plan.findings if finding.stops]
    unread = f"{count(len(plan.unknown), 'resource')} could not be read in full, so there may be more to change."
    said = [f"**It may not be applied as it is**: {few(stops)}."] if stops else []
    said += [] if plan.complete else [f"**It is not complete**: {unread}"]
    if plan.has_changes:
        said.append(f"**{count(len(plan.changes), 'change')}.**")
    elif plan.complete and not (plan.blocked or plan.drift):
        said.append("**In sync.**")
    if plan.blocked:
        said.append(
            f"**{count(len({each.address for each in plan.blocked}), 'resource is', 'resources are')} blocked.**"
        )
    if plan.drift:
        said.append(f"**{len(plan.drift):,} moved or went though locked.**")
    return " ".join(said)


def _notes(plan: Plan) -> Iterator[str]:
    """What the plan says besides its changes, what stops it first."""
    titled = [(title, said) for title, said, _ in all_notes(plan, digests=False)]
    for title, said in sorted(titled, key=lambda each: not each[0].startswith("Findings")):
        yield notes(title, said, _SEE_ALL)


def _row(change: Change, causes: set[Cause]) -> Row:
    rank = gravity(change)
    is_known = rank < len(_KINDS)
    return Row(
        gravity=rank if is_known else rank + (change.action != "create"),
        is_grave=rank <= len(GRAVE),
        address=change.address,
        kind=_kind(change, rank) if is_known else _harmless(change),
        cells=partial(_cells, change, causes),
    )


def _kind(change: Change, rank: int) -> str:
    """What it does that is grave; of attributes all of that, as one may be hidden and another loosened."""
    effects = [f"**{effect}**" for effect in ("hide", "loosen") if effect in change.effects]
    return ", ".join(effects) if change.action == "update" and effects else _KINDS[rank]


def _cells(change: Change, causes: set[Cause]) -> tuple[str, ...]:
    does = [code(" ".join(text.split())) for _, text in rows(change, 0)]
    on_behalf = [f"for {code(short_name(change.via.address))}"] if change.via else []
    is_told = change.cause in causes and has_cause(change)
    return "<br>".join(filter(None, (*does, *on_behalf))), change.cause if is_told else "", codes(change.origins)


def _harmless(change: Change) -> str:
    if change.action == "create":
        return "create"
    return "tighten" if "tighten" in change.effects else "change"


def _end(plan: Plan) -> Iterator[str]:
    said = fingerprint(plan)
    yield f"Fingerprint: `{said}`"
    if plan.has_changes and not any(finding.stops for finding in plan.findings):
        yield f"This applies just this plan, or nothing:\n\n```sh\nreconciler apply FILE... --expect {said}\n```"
