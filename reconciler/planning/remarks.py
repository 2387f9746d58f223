"""
Findings that stop nothing: what the files say and the registry will not quite do.

Each kind is told once for the whole plan, with a few examples; a registry may have
thousands of the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.desired import DesiredState, ExceptionRule
from reconciler.planning.found import Remark
from reconciler.planning.plan import Finding, Plan

ENDS_SOON_NS = 24 * 3600 * 1_000_000_000
_EXAMPLES = 3
_SAID = {
    "unread-child": (
        "{number} that the files protect through a tag could not be read, so the image may be less protected than the"
        " files say: {examples}"
    ),
    "missing-child": (
        "{number} that a protected tag or index names are not in the repository, so that part of the image cannot be"
        " pulled: {examples}"
    ),
    "locked-repository": (
        "{number} with changes in them take no writes (writeEnabled is false, which no rule declares), so the registry"
        " may refuse these changes: {examples}. Declare it, true or false."
    ),
    "open-repository": (
        "{number} with immutable tags may be deleted as a whole (deleteEnabled is true); only the locks in it keep"
        " the registry from doing so: {examples}. protect: undeletable on the repository says it."
    ),
}
_NOUNS = {
    "unread-child": ("manifest", "manifests"),
    "missing-child": ("manifest", "manifests"),
    "locked-repository": ("repository", "repositories"),
    "open-repository": ("repository", "repositories"),
}


def findings_from(remarks: Iterable[Remark]) -> tuple[Finding, ...]:
    """One finding for each kind of remark, sorted by code."""
    by_code: dict[str, set[str]] = {}
    for remark in remarks:
        by_code.setdefault(remark.code, set()).add(str(remark.address))
    return tuple(Finding(code, _message(code, sorted(by_code[code]))) for code in sorted(by_code))


def exception_findings(desired: DesiredState, now_ns: int) -> tuple[Finding, ...]:
    """What is to be said about exceptions that have ended, and about those that end within a day."""
    return tuple(finding for each in desired.exceptions for finding in _about(each, now_ns))


def selection_findings(unmatched: Iterable[str]) -> tuple[Finding, ...]:
    """What is to be said about `--target` and `--exclude` that selected nothing."""
    said = "nothing that the files speak of, and that the registry holds, matches it"
    return tuple(Finding("unmatched-selection", f"{option}: {said}") for option in unmatched)


def unlock_findings(plan: Plan) -> tuple[Finding, ...]:
    """What is to be said about locks that would have to come off where there is no place to record that."""
    if not plan.unlocks:
        return ()
    number, examples = len(plan.unlocks), ", ".join(str(each.address) for each in plan.unlocks[:_EXAMPLES])
    more = f" and {number - _EXAMPLES:,} more" if number > _EXAMPLES else ""
    return (
        Finding(
            "unlock-without-memory",
            f"what is locked is unlocked only where that can be recorded, and there is no memory: {examples}{more} may"
            " stay as they are, and what needs them open ends as blocked. --state LOCATION names a memory.",
        ),
    )


def _about(exception: ExceptionRule, now_ns: int) -> Iterator[Finding]:
    what = f"the exception at {exception.origin} ({exception.reason})"
    if exception.until_ns <= now_ns:
        yield Finding("exception-ended", f"{what} ended at {exception.until} and does nothing any more; it can go")
    elif exception.until_ns - now_ns <= ENDS_SOON_NS:
        yield Finding("exception-ends-soon", f"{what} ends at {exception.until}; from then on the other rules hold")


def _message(code: str, addresses: list[str]) -> str:
    one, many = _NOUNS[code]
    number = f"{len(addresses):,} {one if len(addresses) == 1 else many}"
    examples = ", ".join(addresses[:_EXAMPLES])
    more = f" and {len(addresses) - _EXAMPLES:,} more" if len(addresses) > _EXAMPLES else ""
    return _SAID[code].format(number=number, examples=f"{examples}{more}")
