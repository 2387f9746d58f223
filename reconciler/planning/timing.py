"""Which plans depend on when they were made, and until when they stand."""

from __future__ import annotations

from reconciler.model.desired import DesiredState, RepositoryRule
from reconciler.planning.plan import Plan


def goes_by_time(desired: DesiredState) -> bool:
    """Another moment may give another plan: something ends, or is kept for a while."""
    return bool(desired.exceptions) or any(map(_keeps_by_age, desired.repositories))


def _keeps_by_age(rule: RepositoryRule) -> bool:
    keeps = (*(tag.keep for tag in rule.tags), *(manifest.keep for manifest in rule.manifests))
    return any(keep is not None and keep.newer_than_s is not None for keep in keeps)


def expiry(plan: Plan, desired: DesiredState, now_ns: int) -> str | None:
    """When the first of the exceptions ends that changes of the plan were made for; None: there are none."""
    asked = {origin for change in plan.changes for origin in change.origins} if desired.exceptions else set()
    ends = [
        (exception.until_ns, exception.until)
        for exception in desired.exceptions
        if exception.until_ns > now_ns and any(str(said.origin) in asked for said in exception.attributes)
    ]
    return min(ends)[1] if ends else None
