"""
What a plan says besides its changes: what drifted, is blocked, missing or not read, and what to know.

Each of these has a title and, below it, pairs of what is meant and what is said about
it. Most of a large plan is left out here too, but never what stops it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST
from reconciler.planning.plan import Drift, Plan, Unlock
from reconciler.render.words import Paint, named, paragraph, put_back, safe, shown

SHOWN_NOTES = 10  # blocked, missing and unread resources, each


def plan_notes(plan: Plan, paint: Paint, *, full: bool) -> Iterator[str]:
    """
    The notes, title by title; empty where there is nothing to say under one.

    Args:
        plan: What to tell of.
        paint: Puts text in a style.
        full: Show every note, however many there are, and every digest to its last digit.
    """
    for title, notes, is_whole in all_notes(plan, digests=full):
        yield _notes(title, notes, paint, full=full or is_whole)


def all_notes(plan: Plan, *, digests: bool) -> Iterator[tuple[str, Sequence[tuple[str, str]], bool]]:
    """What else a plan says: titles, what stands below each, and whether all of it is always shown."""
    moved = [(str(drift.address), _drift(drift, whole=digests)) for drift in plan.drift]
    yield "Drift that no change undoes: it was locked, and is remembered as it was", moved, False
    blocked = [
        (f"{named(each.address, whole=digests)}: {safe(each.reason_code)}", each.message) for each in plan.blocked
    ]
    yield "Blocked", blocked, False
    goes = {change.address for change in plan.changes if change.action == "delete"}
    is_lost = [each.address in goes or Address(each.address.repository) in goes for each in plan.unlocks]
    unlocks = [((_unlock(each, whole=digests), ""), lost) for each, lost in zip(plan.unlocks, is_lost, strict=True)]
    lost = [said for said, is_lost in unlocks if is_lost]
    yield "Unlocked, only if the registry refuses without, and deleted", lost, False
    restored = [said for said, is_lost in unlocks if not is_lost]
    yield "Unlocked for a moment, only if the registry refuses without, and locked again", restored, False
    missing = [(named(address, whole=digests), "") for address in plan.missing]
    yield "Missing: the files name it, the registry does not hold it", missing, False
    unread = [(named(unknown.address, whole=digests), unknown.message) for unknown in plan.unknown]
    yield "Not read in full: whether it is in sync is not known", unread, False
    findings = [(each.stops, (safe(each.code), each.message)) for each in plan.findings]
    yield "Findings: apply refuses this plan as it is", [said for stops, said in findings if stops], True
    yield "Worth knowing", [said for stops, said in findings if not stops], False


def _notes(title: str, notes: Sequence[tuple[str, str]], paint: Paint, *, full: bool) -> str:
    """Pairs of what is meant and what is said about it; what is said of several in a row is said once, below them."""
    if not notes:
        return ""
    some = notes if full else notes[:SHOWN_NOTES]
    lines = [paint(title, "bold")]
    for message, group in groupby(some, key=itemgetter(1)):
        lines += [f"  {what}" for what, _ in group]
        if message:
            lines.append(paragraph(message, margin=4))
    if len(some) < len(notes):
        lines.append(paint(f"  … and {len(notes) - len(some):,} more; --full shows all", "dim"))
    return "\n".join(lines) + "\n"


def _drift(drift: Drift, *, whole: bool) -> str:
    locked_at = f"Locked by {', '.join(drift.origins)}. {put_back('ADDRESS')}"
    if drift.after is None:
        return f"It was deleted. {locked_at}"
    before, after = (shown(each[DIGEST], whole=whole) for each in (drift.before, drift.after))
    return f"It moved: {before} → {after}. {locked_at}"


def _unlock(unlock: Unlock, *, whole: bool) -> str:
    return f"{named(unlock.address, whole=whole)}: {' and '.join(sorted(unlock.before))}"
