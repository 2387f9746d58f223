"""
The schema of drift events, `reconciler.drift.v1`: the `data` of a CloudEvent.

The class of `alerts.event` says which members there are. In JSON the attributes stand by
name, and the kind of the resource beside its address.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.alerts.event import AttributeEvent, DriftEvent
from reconciler.model.address import Address, Kind
from reconciler.schema import patterns
from reconciler.schema.generate import Book, Member, Schema, Told, document_schema

_COMMENT = "Made from the models by `make generated`; `reconciler schema event` prints it."
_TAG = "prod/api:v1.2.0"
_AT = "2026-11-26T20:10:03Z"
_FINGERPRINT = "sha256:9f2c4e6a8b0d1f3e5c7a9b8d6f4e2c0a1b3d5f7e9c8a6b4d2f0e1c3a5b7d9f8e"
_MOMENT = {"format": "date-time"}


def _moment(title: str, description: str) -> Member:
    return Member(title, description, (_AT,), _MOMENT)


_VALUES = {
    "before": Member("Before", "As last applied; null: not known, or it was not there.", (False,)),
    "live": Member("Live", "As the registry has it; null: the resource is gone.", (True,)),
    "desired": Member("Desired", "As the files declare it; null: no apply undoes the drift.", (False,)),
}
_MEMBERS = {
    "format_version": Member(
        "Version of the format",
        "A new member raises the second number; a changed meaning is another type of event.",
        ("1.0",),
        {"pattern": r"^1\.[0-9]+$"},
        kind=str,
    ),
    "registry": Member("Registry", "The registry that was read.", ("contoso.azurecr.io",)),
    "address": Member("Address", "Which resource: repository, repository:tag or repository@digest.", (_TAG,)),
    "kind": Member("Kind", "What the address names.", ("tag",), kind=Kind),
    "status": Member("Status", "`firing`: it drifts; `resolved`: it does not any more.", ("firing",)),
    "severity": Member("Severity", "`critical` where something can be lost, or is; else `warning`.", ("critical",)),
    "ways": Member("Ways", "What became of the resource, the gravest first.", (["loosened"],), {"minItems": 1}),
    "cause": Member(
        "Cause",
        "`drift`: somebody changed what was last applied; `conflict`: the files changed too; `unknown`: nothing is"
        " remembered to tell that by.",
        ("drift",),
    ),
    "attributes": Member(
        "Attributes",
        "What drifted, by name.",
        ({"deleteEnabled": {"before": False, "live": True, "desired": False}},),
        {"minProperties": 1},
        kind=Mapping[str, AttributeEvent],
    ),
    "fingerprint": Member(
        "Fingerprint",
        "The same as long as it is the same drift, in each run and for `firing` and `resolved`.",
        (_FINGERPRINT,),
        {"pattern": patterns.DIGEST},
    ),
    "first_seen": _moment("First seen", "When it began to be seen."),
    "last_seen": _moment("Last seen", "When it was last seen to drift."),
    "at": _moment("At", "When the run was that tells it."),
    "origins": Member("Origins", "The rules that it breaks: file:line:column.", (["registry.yaml:9:18"],)),
    "meaning": Member("Meaning", "One sentence for people.", ("prod/api:v1.2.0: whoever may push can overwrite it.",)),
    "heal": Member(
        "Heal",
        "The command that undoes it; where none does, the one by which a person accepts it.",
        ("reconciler drift registry.yaml --heal --target prod/api:v1.2.0",),
    ),
    "can_heal": Member("Can be healed", "False: no change of an attribute undoes it, a person has to decide.", (True,)),
    "pattern": Member(
        "Pattern",
        "That it comes back again and again, in words; empty: it does not.",
        ("", "healed and broken again 3 times since 2026-11-26T20:10:03Z"),
        is_required=True,
    ),
    "replaced_by": Member(
        "Replaced by",
        "Of what is resolved: the fingerprint under which the resource drifts otherwise now; empty: it does not.",
        ("",),
        is_required=True,
    ),
}
_TOLD = {
    DriftEvent: Told("Drift event, format 1.0", "That a resource drifts, or does so no more.", _MEMBERS),
    AttributeEvent: Told("Attribute", "One attribute that drifted.", {"name": Member("Name", ""), **_VALUES}),
}
_BOOK = Book(_TOLD, ((Address, {"type": "string", "pattern": patterns.ADDRESS}),))


def event_schema() -> Schema:
    """The schema of the data of a drift event, draft 2020-12."""
    schema = document_schema(DriftEvent, _BOOK)
    attribute = schema["$defs"][AttributeEvent.__name__]
    del attribute["properties"]["name"]  # it is the key
    attribute["required"].remove("name")
    return {"$schema": schema["$schema"], "$comment": _COMMENT, **schema}
