"""
How much one plan may loosen, hide, move or delete before a person has to say so.

A glob typo (`v*` for `v0.*`) turns into thousands of unlocked releases, into an
outage or into a registry without images, and looks like any other change. The limits
are findings in `plan`, which stays useful, and stop `apply`. Each direction is counted
for itself.
"""

from __future__ import annotations

import re

import attrs

from reconciler.errors import RefusedError
from reconciler.model.attributes import MANIFEST_COUNT, TAG_COUNT
from reconciler.planning.plan import Change, Finding, Plan

EMPTY, INCOMPLETE = "empty-desired-state", "incomplete"
_LIMIT = re.compile(r"(\d{1,9})(%?)")
_PERCENT = 100
_WAYS = {
    "loosen": "would be loosened",
    "hide": "would be hidden from listing or reading",
    "move": "would be moved",
    "delete": "would be deleted, or go with what is",
}


@attrs.frozen
class Limit:
    """More than `count` resources and more than `percent` of the managed ones; None leaves that part out."""

    count: int | None
    percent: int | None

    def is_exceeded(self, affected: int, managed: int) -> bool:
        """`affected` resources of `managed` are too many."""
        over_count = self.count is None or affected > self.count
        over_percent = self.percent is None or affected * _PERCENT > self.percent * managed
        return affected > 0 and over_count and over_percent

    def __str__(self) -> str:
        parts = (self.count is not None and f"{self.count:,}", self.percent is not None and f"{self.percent} %")
        return " and ".join(part for part in parts if part)


DEFAULT_LIMIT = Limit(count=10, percent=30)


@attrs.frozen
class Limits:
    """What `apply` lets pass, one field for each way to do harm."""

    loosen: Limit = DEFAULT_LIMIT
    hide: Limit = DEFAULT_LIMIT
    move: Limit = DEFAULT_LIMIT
    delete: Limit = DEFAULT_LIMIT
    allow_empty: bool = False
    allow_incomplete: bool = False


def parse_limit(text: str, where: str) -> Limit:
    """
    The limit that `text` spells: `50` resources, or `50%` of the managed ones.

    Args:
        text: As a person wrote it.
        where: The option or variable that it was written for.

    Raises:
        RefusedError: it is neither.
    """
    spelled = _LIMIT.fullmatch(text.strip())
    if spelled is None:
        raise RefusedError(
            f'{where}: "{text}" is not a limit; say a number of resources, such as 50, or a share, such as 50%'
        )
    number = int(spelled[1])
    return Limit(count=None, percent=number) if spelled[2] else Limit(count=number, percent=None)


def check_limits(plan: Plan, limits: Limits, *, desired_is_empty: bool) -> tuple[Finding, ...]:
    """The limits that `plan` exceeds, each with the flag that lets it pass."""
    changes, managed = plan.changes, plan.summary.managed
    affected = {
        "loosen": sum("loosen" in change.effects for change in changes),
        "hide": sum("hide" in change.effects for change in changes),
        "move": sum(change.action == "move" for change in changes),
        "delete": sum(_deleted_by(change) for change in changes),
    }
    findings = [_too_many(way, affected[way], managed, getattr(limits, way)) for way in _WAYS]
    if desired_is_empty and not limits.allow_empty:
        findings.append(Finding(EMPTY, "the files declare nothing at all. If that is meant: --allow-empty"))
    if not plan.complete and not limits.allow_incomplete:
        message = (
            f"{len(plan.unknown):,} could not be read in full, so this plan may lack changes."
            " To apply the rest all the same: --allow-incomplete"
        )
        findings.append(Finding(INCOMPLETE, message))
    return tuple(finding for finding in findings if finding)


def _deleted_by(change: Change) -> int:
    """How many resources go with a change: of a repository all that are in it."""
    if change.action != "delete":
        return 0
    return 1 + sum(int(change.before.get(name, 0)) for name in (TAG_COUNT, MANIFEST_COUNT))


def _too_many(way: str, affected: int, managed: int, limit: Limit) -> Finding | None:
    if not limit.is_exceeded(affected, managed):
        return None
    managed_ones = "1 managed resource" if managed == 1 else f"{managed:,} managed resources"
    many = f"{affected:,} of {managed_ones}" if affected <= managed else f"{affected:,} resources ({managed:,} managed)"
    message = f"{many} {_WAYS[way]}; the limit is {limit}. If that is meant: --max-{way} {affected}"
    return Finding(f"{way}-limit", message)
