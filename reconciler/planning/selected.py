"""
Of what is to be said about a repository, only what somebody selected.

Counts and memory stay as they are: what is left out was looked at all the same. A
manifest that is changed for a tag goes with that tag.
"""

from __future__ import annotations

import attrs

from reconciler.model.address import Address
from reconciler.model.selection import Selection
from reconciler.planning.found import RepositoryPlan
from reconciler.planning.plan import Change


def selected(part: RepositoryPlan, selection: Selection) -> RepositoryPlan:
    """What of `part` is meant."""
    if selection.is_everything:
        return part
    changes = tuple(change for change in part.changes if _is_selected(change, selection))
    touched = {change.address for change in changes} | {Address(change.address.repository) for change in changes}
    deleted = {each.address.repository for each in changes if each.action == "delete" and each.kind == "repository"}
    return attrs.evolve(
        part,
        changes=changes,
        unlocks=tuple(each for each in part.unlocks if each.address in touched or each.address.repository in deleted),
        drift=tuple(each for each in part.drift if selection.selects(each.address)),
        blocked=tuple(each for each in part.blocked if selection.selects(each.address)),
        missing=tuple(each for each in part.missing if selection.selects(each)),
        remarks=tuple(each for each in part.remarks if selection.selects(each.address)),
    )


def _is_selected(change: Change, selection: Selection) -> bool:
    return selection.selects(change.address) or (change.via is not None and selection.selects(change.via.address))
