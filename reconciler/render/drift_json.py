"""Drift as JSON, one object, sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import orjson

from reconciler import __version__
from reconciler.planning.debts import Debt
from reconciler.planning.drift import Drifted, drift_counts
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import FORMAT_VERSION, reference_document


@attrs.frozen
class Telling:
    """What came of telling one sink."""

    sink: str
    firing: int  # events that it was to be told
    resolved: int
    error: str  # why it was not told; empty: it was


def drift_to_json(
    plan: Plan,
    drifted: Sequence[Drifted],
    first_seen: Mapping[str, str],
    owed: Sequence[Debt] = (),
    tellings: Sequence[Telling] = (),
) -> bytes:
    """
    What drifted.

    Args:
        plan: The plan that heals it.
        drifted: What it heals, and what it cannot.
        first_seen: When each attribute was first seen to drift (RFC 3339), by its key.
        owed: What a run that did not end left unlocked.
        tellings: Who else was told, and with which success.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "registry": plan.registry,
        "alerts": [attrs.asdict(each) for each in tellings],
        "base": reference_document(plan.base),
        "complete": plan.complete,
        "drift": [drift_document(each, first_seen) for each in drifted],
        "owed": [
            {"address": str(debt.address), "locks": dict(debt.locks), "run": debt.run, "since": debt.since}
            for debt in owed
        ],
        "unknown": [{"address": str(each.address), "message": each.message} for each in plan.unknown],
        "summary": drift_counts(drifted),
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def drift_document(each: Drifted, first_seen: Mapping[str, str]) -> dict[str, Any]:
    """One resource that drifted, as plain JSON values."""
    return {
        "address": str(each.address),
        "kind": each.address.kind,
        "cause": each.cause,
        "ways": each.ways,
        "attributes": {
            attribute.name: {
                "last_applied": attribute.last_applied,
                "live": attribute.live,
                "desired": attribute.desired,
                "first_seen": first_seen.get(attribute.key),
            }
            for attribute in each.attributes
        },
        "can_heal": each.can_heal,
        "fingerprint": each.fingerprint,
        "first_seen": each.first_seen(first_seen) or None,
        "origins": each.origins,
    }
