"""Plans that several tests look at: a typical one, one of a thousand changes, one whose texts mean harm."""

from __future__ import annotations

import attrs
from builders import LOCKED, OPEN, desired_state, plan_of, repository, tag

from reconciler.model.address import Address
from reconciler.planning.limits import Limit, Limits, check_limits
from reconciler.planning.plan import Blocked, Finding, Plan, Unknown

UNREAD = (
    "GET https://contoso.azurecr.io/acr/v1/web%2Ffront: 401 UNAUTHORIZED: authentication required, visit "
    "https://aka.ms/acr/authorization for more information.\n"
    "  The identity needs the data action repositories/metadata/read on web/front."
)
# Clears the screen, forges a line, runs text backwards, hides characters, rings, returns to the margin.
HOSTILE = (
    "a\x1b[2J\x1b]0;title\x07b\nPlan for contoso: no changes.\r\u202eevil\u202c\u200bz\u2028\x9b1mq\ufeff\t\x00\x7f"
)


def typical_plan() -> Plan:
    """Several repositories, with everything that a plan can say."""
    desired = desired_state(
        {
            "match": "**",
            "deleteEnabled": False,
            "tags": [{"match": "v*", "exclude": "*-rc*", "deleteEnabled": False, "writeEnabled": False}],
        },
        {
            "match": "prod/*",
            "writeEnabled": False,
            "teleportEnabled": False,
            "tags": [
                {"match": "v2*", "writeEnabled": True},
                {"match": "old", "listEnabled": False, "readEnabled": False},
            ],
        },
        {"match": "legacy/app", "deleteEnabled": True, "writeEnabled": True},
        {"match": "prod/api", "tags": [{"match": "stable", "deleteEnabled": False}]},
        {"match": "prod/web", "deleteEnabled": False},
    )
    tags = {
        "v1.0": tag("a"),
        "v1.1": tag("b", deleteEnabled=False),
        "v1.2": tag("c", deleteEnabled=False, writeEnabled=False),
        "v1.2-rc1": tag("c"),
        "v1-with-a-name-that-is-longer-than-its-column": tag("d"),
        "v2.0": tag("e", writeEnabled=False),
        "old": tag("f"),
    }
    plan = plan_of(
        desired,
        repository("legacy/app", LOCKED),
        repository("prod/api", OPEN, tags, missing_tags=("stable",)),
        repository("prod/web", missing=True),
        repository("team/tool", {**OPEN, "deleteEnabled": False}, {"v1": tag(deleteEnabled=False, writeEnabled=False)}),
        repository("web/front", unread=UNREAD),
    )
    limits = Limits(loosen=Limit(count=1, percent=None))
    return attrs.evolve(plan, findings=check_limits(plan, limits, desired_is_empty=False))


def large_plan() -> Plan:
    """A thousand changes in twenty repositories; few of them are grave, and those have names that sort late."""
    desired = desired_state(
        {"match": "**", "deleteEnabled": False, "tags": [{"match": "v*", "deleteEnabled": False}]},
        {"match": "team17/*", "tags": [{"match": "v48", "readEnabled": False}]},
        {"match": "team1[89]/*", "tags": [{"match": "v4*", "writeEnabled": True}]},
    )
    live = []
    for number in range(20):
        tags = {f"v{tag_number:02}": tag(writeEnabled=number != 19) for tag_number in range(49)}
        live.append(repository(f"team{number:02}/app", OPEN, tags))
    return plan_of(desired, *live)


def hostile_plan() -> Plan:
    """Every text that comes from elsewhere tries to be more than text."""
    desired = desired_state({"match": "app", "deleteEnabled": False, "listEnabled": True}, file=HOSTILE)
    plan = plan_of(desired, repository("app", {**OPEN, "listEnabled": False}))
    return attrs.evolve(
        plan,
        registry=HOSTILE,
        blocked=(Blocked(Address("app"), HOSTILE, HOSTILE),),
        unknown=(Unknown(Address("web"), HOSTILE),),
        findings=(Finding(HOSTILE, HOSTILE),),
        complete=False,
    )
