"""What a reader should know of each member of a plan file; `generate` holds it to the classes."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.planning.base import MemoryReference, RevisionReference
from reconciler.planning.cause import Cause
from reconciler.planning.plan import (
    Blocked,
    Change,
    Drift,
    Finding,
    Matching,
    Plan,
    Retention,
    Summary,
    Unknown,
    Unlock,
    Via,
)
from reconciler.schema import patterns
from reconciler.schema.generate import Member, Told

_DIGEST = "sha256:9f2c4e6a8b0d1f3e5c7a9b8d6f4e2c0a1b3d5f7e9c8a6b4d2f0e1c3a5b7d9f8e"
_TAG = "prod/api:v1.2.0"
_COUNT = {"minimum": 0}
_SOME = {"minimum": 1}
_A_DIGEST = {"pattern": patterns.DIGEST}
_ADDRESS = Member("Address", "Which resource: repository, repository:tag or repository@digest.", (_TAG,))
_BEFORE = Member("Before", "What must hold: the attributes that change, and what the change rests on.")
_AFTER = Member("After", "The same once it is done; empty: the resource is gone.")
_PATCH = Member("Patch", "RFC 6902: from the one document to the other, tests first, each sorted by path.")
_ORIGINS = Member("Origins", "Who asked for it: file:line:column, in the order of the files.", (["registry.yaml:9:9"],))
_MESSAGE = Member("Message", "For people; it may change with any version.")


def _of_the_file(title: str, description: str, *examples: str, **also: str) -> Member:
    return Member(title, description, examples, also, kind=str)


TOLD: Mapping[type, Told] = {
    Plan: Told(
        "Plan file, format 1.0",
        "What `apply` would do to one registry. Canonical: equal input gives equal bytes.",
        {
            "format_version": _of_the_file(
                "Version of the format",
                "A new member raises the second number, a changed meaning the first.",
                "1.0",
                pattern=r"^1\.[0-9]+$",
            ),
            "tool_version": _of_the_file("Version of the program", "The version that made the plan."),
            "fingerprint": _of_the_file(
                "Fingerprint",
                "Of what the plan would do; not of origins, causes, drift, base and versions.",
                _DIGEST,
                pattern=patterns.DIGEST,
            ),
            "registry": Member("Registry", "The registry that was read.", ("contoso.azurecr.io",)),
            "desired_digest": Member(
                "Digest of the desired state",
                "Of what the files declare; comments, layout and the order of keys do not count.",
                (_DIGEST,),
                _A_DIGEST,
            ),
            "base": Member("Base", "What was last applied when the plan was made; null: not known."),
            "complete": Member("Complete", "false: something could not be read in full, see `unknown`.", (True,)),
            "changes": Member("Changes", "What would be done, sorted by address."),
            "unlocks": Member("Unlocks", "Locks that may have to come off for a moment, sorted by address."),
            "drift": Member("Drift", "What was moved or deleted though locked, and no change undoes."),
            "blocked": Member("Blocked", "What was asked for and cannot be done as things are."),
            "missing": Member("Missing", "Named exactly in the files, and not in the registry.", (["prod/web:v9"],)),
            "unknown": Member("Unknown", "What could not be read in full."),
            "findings": Member("Findings", "Remarks about the plan as a whole; some of them stop `apply`."),
            "summary": Member("Summary", "Resources, counted."),
            "retention": Member("Retention", "What `keep` keeps where something goes by it; it is counted again."),
            "now": Member(
                "Now",
                "The moment that it was made for; only where a rule depends on one.",
                ("2026-12-01T18:00:00Z",),
                {"pattern": patterns.MOMENT},
            ),
            "expires": Member(
                "Expires",
                "When the first exception ends that changes depend on; only where one does.",
                ("2026-12-01T18:00:00Z",),
                {"pattern": patterns.MOMENT},
            ),
        },
    ),
    Change: Told(
        "Change",
        "What the plan does to one resource.",
        {
            "address": _ADDRESS,
            "kind": Member("Kind", "What the address names.", ("tag",)),
            "action": Member("Action", "What is done.", ("update",)),
            "causes": Member(
                "Causes", "Who moved, for each attribute that changes.", ({"deleteEnabled": "drift"},), {}
            ),
            "cause": Member("Cause", "The gravest of the causes.", ("drift",), kind=Cause),
            "effects": Member("Effects", "What it means for those who use the resource, sorted.", (["tighten"],)),
            "before": _BEFORE,
            "after": _AFTER,
            "patch": _PATCH,
            "origins": _ORIGINS,
            "stage": Member(
                "Stage", "1 to 5; one begins when the one before has ended.", (3,), {"minimum": 1, "maximum": 5}
            ),
            "rank": Member("Rank", "The order within stage 4; left out where it is 0.", (1,), _COUNT),
            "via": Member("Via", "Of a manifest: the tag on whose behalf it is changed."),
            "tags": Member("Tags", "Of a manifest that is opened: the tags that were seen at it.", (["v1.2.0"],)),
        },
    ),
    Via: Told(
        "Via",
        "A tag, and where it points; where it points elsewhere by then, the change is stale.",
        {"address": _ADDRESS, "digest": Member("Digest", "Where the tag points.", (_DIGEST,), _A_DIGEST)},
    ),
    Unlock: Told(
        "Unlock",
        "Locks that come off only where the registry refuses a change without, and go back on.",
        {"address": _ADDRESS, "before": _BEFORE, "after": _AFTER, "patch": _PATCH, "origins": _ORIGINS},
    ),
    Drift: Told(
        "Drift that no change undoes",
        "A locked resource that was moved or deleted all the same.",
        {
            "address": _ADDRESS,
            "before": Member("Before", "As last applied."),
            "after": Member("After", "What is live instead; null: it is gone."),
            "origins": _ORIGINS,
        },
    ),
    Blocked: Told(
        "Blocked",
        "Something that was asked for and cannot be done as things are.",
        {
            "address": _ADDRESS,
            "reason_code": Member("Reason", "An open set: readers tolerate codes they do not know.", ("locked",)),
            "message": _MESSAGE,
        },
    ),
    Unknown: Told("Unknown", "Something that could not be read in full.", {"address": _ADDRESS, "message": _MESSAGE}),
    Finding: Told(
        "Finding",
        "A remark about the plan as a whole.",
        {
            "code": Member("Code", "An open set: readers tolerate codes they do not know.", ("loosen-limit",)),
            "message": _MESSAGE,
        },
    ),
    Summary: Told(
        "Summary",
        "Resources, counted.",
        {
            "update": Member("Updates", "Changes that change attributes.", (1,), _COUNT),
            "move": Member("Moves", "Tags that are pointed elsewhere.", (0,), _COUNT),
            "create": Member("Creates", "Tags that are made.", (0,), _COUNT),
            "delete": Member("Deletes", "Resources that go.", (0,), _COUNT),
            "managed": Member("Managed", "Resources that some rule declares, and that exist.", (214,), _COUNT),
            "unmanaged": Member("Unmanaged", "Resources that were seen and that no rule declares.", (31,), _COUNT),
            "unselected": Member("Unselected", "Managed ones that the run leaves out; only where some.", (3,), _COUNT),
        },
    ),
    Retention: Told(
        "Retention",
        "What one `keep` keeps in one repository. At least one of `last` and `newer_than_s` is a number.",
        {
            "address": Member("Address", "The repository.", ("prod/api",)),
            "kind": Member("Kind", "What is counted.", ("tag",)),
            "last": Member("Last", "So many of the newest stay; null: that keeps nothing.", (10,), _SOME),
            "newer_than_s": Member("Newer than", "What is younger stays, in seconds; null: nothing.", (86400,), _SOME),
            "of": Member("Of", "What is counted."),
            "apart": Member("Apart", "What takes no place, because a rule decides about it."),
            "origin": Member("Origin", "Who asked for it: file:line:column.", ("registry.yaml:9:9",)),
        },
    ),
    Matching: Told(
        "Patterns of an entry",
        "As they stand in the files.",
        {
            "match": Member("Match", "Which names, or digests.", (["v*"],)),
            "exclude": Member("Exclude", "Which of these not.", (["*-rc*"],)),
            "media_type": Member("Media types", "Of manifests; empty: every type.", (["application/**"],)),
        },
    ),
    MemoryReference: Told(
        "A memory",
        "What was last applied, as it was when the plan was made.",
        {
            "lineage": Member("Lineage", "Which memory it is."),
            "serial": Member("Serial", "How often it was written by then.", (7,), _COUNT),
        },
    ),
    RevisionReference: Told(
        "A commit",
        "The commit whose files say what was last applied.",
        {"commit": Member("Commit", "Its full name.", ("0123456789abcdef0123456789abcdef01234567",))},
    ),
}
