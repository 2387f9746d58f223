"""What `doctor` found out as JSON, one object, sorted."""

from __future__ import annotations

import orjson

from reconciler import __version__
from reconciler.model.diagnosis import Diagnosis
from reconciler.planning.planfile import FORMAT_VERSION


def diagnosis_to_json(diagnosis: Diagnosis, registry: str) -> bytes:
    """The diagnosis: the checks in the order in which they were made, the repositories by name."""
    document = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "registry": registry,
        "healthy": diagnosis.is_healthy,
        "checks": [
            {"name": check.name, "verdict": check.verdict, "needed": check.is_needed, "message": check.message}
            for check in diagnosis.checks
        ],
        "repositories": [
            {
                "name": examined.name,
                "there": examined.is_there,
                "permissions": [
                    {"action": g.action, "verdict": g.verdict, "needed": g.is_needed, "message": g.message}
                    for g in examined.grants
                ],
            }
            for examined in diagnosis.repositories
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
