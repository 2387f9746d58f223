"""
Findings that stop nothing: what the files say and the registry will not quite do.

Each kind is told once for the whole plan, with a few examples; a registry may have
thousands of the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from reconciler.model.desired import DesiredState, ExceptionRule, RepositoryRule, TagRule
from reconciler.model.pattern import EVERYTHING
from reconciler.planning.plan import Finding, Plan
from reconciler.planning.repository_plan import Remark

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


def exception_findings(desired: DesiredState, now_ns: int, plan: Plan) -> tuple[Finding, ...]:
    """What is to be said about exceptions that have ended, that end within a day, and that changes were made for."""
    asked = Counter(origin for change in plan.changes for origin in set(change.origins)) if desired.exceptions else {}
    return tuple(finding for each in desired.exceptions for finding in _about(each, now_ns, asked))


def selection_findings(unmatched: Iterable[str]) -> tuple[Finding, ...]:
    """What is to be said about `--target` and `--exclude` that selected nothing."""
    said = "nothing that the files speak of, and that the registry holds, matches it"
    return tuple(Finding("unmatched-selection", f"{option}: {said}") for option in unmatched)


def rule_findings(desired: DesiredState, spoken: Collection[RepositoryRule | TagRule]) -> tuple[Finding, ...]:
    """
    What is to be said about entries that declare something and match nothing: there may be a typing error in them.

    Args:
        desired: The entries, exceptions among them as such.
        spoken: Those that match something.
    """
    silent: list[RepositoryRule | TagRule] = []
    for rule in desired.repositories:
        if rule not in spoken:
            silent += [rule] if rule.ensure is None else []
        else:
            silent += [tag for tag in rule.tags if tag not in spoken and tag.declared]
    silent = [rule for rule in silent if not any(pattern.text == EVERYTHING for pattern in rule.match)]  # no typo
    if not silent:
        return ()
    one_or_many = "1 entry matches" if len(silent) == 1 else f"{len(silent):,} entries match"
    named = _few([f"{rule.match[0].text} at {rule.origin}" for rule in silent])
    return (Finding("unmatched-entry", f"{one_or_many} nothing that the registry holds: {named}"),)


def unlock_findings(plan: Plan) -> tuple[Finding, ...]:
    """What is to be said about locks that would have to come off where there is no place to record that."""
    if not plan.unlocks:
        return ()
    named = _few([str(each.address) for each in plan.unlocks])
    return (
        Finding(
            "unlock-without-memory",
            f"what is locked is unlocked only where that can be recorded, and there is no memory: {named} may"
            " stay as they are, and what needs them open ends as blocked. --state LOCATION names a memory.",
        ),
    )


def _about(exception: ExceptionRule, now_ns: int, asked: Mapping[str, int]) -> Iterator[Finding]:
    number = max((asked.get(str(said.origin), 0) for said in exception.attributes), default=0)
    what = f"the exception at {exception.origin} ({exception.reason})"
    if exception.until_ns <= now_ns:
        yield Finding("exception-ended", f"{what} ended at {exception.until} and does nothing any more; it can go")
    elif exception.until_ns - now_ns <= ENDS_SOON_NS:
        yield Finding("exception-ends-soon", f"{what} ends at {exception.until}; from then on the other rules hold")
    if number and exception.until_ns > now_ns:
        changes = "1 change is" if number == 1 else f"{number:,} changes are"
        yield Finding("exception-in-force", f"{changes} made for {what}, which ends at {exception.until}")


def _message(code: str, addresses: list[str]) -> str:
    one, many = _NOUNS[code]
    number = f"{len(addresses):,} {one if len(addresses) == 1 else many}"
    return _SAID[code].format(number=number, examples=_few(addresses))


def _few(named: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(named) - _EXAMPLES:,} more" if len(named) > _EXAMPLES else ""
    return f"{', '.join(named[:_EXAMPLES])}{more}"
