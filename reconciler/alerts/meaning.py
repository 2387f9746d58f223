"""
What drift means, in one sentence for somebody who was just woken.

It says what can happen now that could not before, or what does not work any more; not
which attribute has which value, for that stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.address import Address, Kind
from reconciler.model.attributes import DELETE, DIGEST, LIST, READ, WRITE, Value
from reconciler.planning.drift import Attribute

_DIGEST_WIDTH = 13  # sha256: and what tells one from another

# By attribute and what is live: what that means for a repository, a tag, a manifest. In the order of gravity.
_CLAUSES: Mapping[tuple[str, Value], Mapping[Kind, str]] = {
    (READ, False): {
        "repository": "nobody can pull from it any more",
        "tag": "nobody can pull it any more",
        "manifest": "nobody can pull it any more",
    },
    (WRITE, True): {
        "repository": "whoever may push can push to it",
        "tag": "whoever may push can overwrite it",
        "manifest": "whoever may push can change it",
    },
    (DELETE, True): {
        "repository": "whoever may delete can delete it with all that is in it",
        "tag": "whoever may delete can delete it",
        "manifest": "whoever may delete can delete it, and the tags that point at it go along",
    },
    (LIST, False): dict.fromkeys(("repository", "tag", "manifest"), "lists do not show it any more"),
    (WRITE, False): {
        "repository": "nobody can push to it any more",
        "tag": "nobody can overwrite it any more",
        "manifest": "nobody can change it any more",
    },
    (DELETE, False): dict.fromkeys(("repository", "tag", "manifest"), "nobody can delete it any more"),
    (READ, True): {
        "repository": "whoever may pull can pull from it again",
        "tag": "whoever may pull can pull it again",
        "manifest": "whoever may pull can pull it again",
    },
    (LIST, True): dict.fromkeys(("repository", "tag", "manifest"), "lists show it again"),
}
_ORDER = {what: place for place, what in enumerate(_CLAUSES)}


def meaning(address: Address, attributes: Iterable[Attribute]) -> str:
    """One sentence on what it means that a resource drifted."""
    attributes = tuple(attributes)
    if all(each.live is None for each in attributes):
        return f"{address} is gone."
    moved = [_moved(each) for each in attributes if each.name == DIGEST]
    known = sorted(
        (_ORDER[each.name, each.live], _CLAUSES[each.name, each.live][address.kind])
        for each in attributes
        if each.live is not None and (each.name, each.live) in _CLAUSES
    )
    others = [
        f"{each.name} is {_shown(each.live)}"
        for each in attributes
        if each.name != DIGEST and (each.name, each.live) not in _CLAUSES
    ]
    return f"{address}: {', and '.join([*moved, *(clause for _, clause in known), *others])}."


def _moved(digest: Attribute) -> str:
    before = f", not at {_shown(digest.last_applied)}" if digest.last_applied else ""
    return f"it points at {_shown(digest.live)} now{before}"


def _shown(value: Value | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:_DIGEST_WIDTH] if str(value).startswith("sha256:") else str(value)
