"""
Plans as JSON: canonical, so that equal input gives equal bytes.

There is no timestamp in it and everything is sorted; reviewers compare plans byte
by byte, and pipelines by their fingerprint. The fingerprint covers what would be
done, to which registry, for which desired state, among how many managed resources
(the limits are a share of them), and nothing else: no line numbers, no version.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from typing import Any, cast

import cattrs
import orjson
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from reconciler import __version__
from reconciler.errors import AddressError, PlanFileError
from reconciler.model.address import Address, parse_address
from reconciler.model.attributes import Value
from reconciler.model.desired import DesiredState
from reconciler.planning.base import MemoryReference, Reference, RevisionReference
from reconciler.planning.honesty import is_drift, is_honest, is_honest_unlock, is_retention
from reconciler.planning.patch import Operation
from reconciler.planning.plan import ACTIONS, Change, Plan, Summary
from reconciler.planning.rulesfile import rules_document

FORMAT_VERSION = "1.0"
# Source: RFC 3339, section 5.6; a date that is none is refused by who compares it with the clock.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_READABLE = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_ABOUT = ("format_version", "tool_version", "fingerprint")
_NOT_READ = ("tool_version",)
_NOT_IN_FINGERPRINT = ("origins", "cause", "causes")


def plan_to_json(plan: Plan) -> bytes:
    """The plan file: canonical JSON, UTF-8, ending in a newline."""
    return orjson.dumps(plan_document(plan), option=_READABLE)


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON values; its shape is `format_version` 1.0."""
    document: dict[str, Any] = _converter().unstructure(plan)
    about = {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "fingerprint": _fingerprint(document),
    }
    return {**about, **document}


def change_document(change: Change) -> dict[str, Any]:
    """One change as plain JSON values, as it stands in the plan file."""
    document: dict[str, Any] = _converter().unstructure(change)
    return document


def reference_document(reference: Reference | None) -> dict[str, Any] | None:
    """What a plan was made on, as plain JSON values."""
    document: dict[str, Any] | None = _converter().unstructure(reference)
    return document


def fingerprint(plan: Plan) -> str:
    """`sha256:…` of what the plan would do."""
    return _fingerprint(_converter().unstructure(plan))


def _fingerprint(document: dict[str, Any]) -> str:
    changes = [
        {name: value for name, value in change.items() if name not in _NOT_IN_FINGERPRINT}
        for change in document["changes"]
    ]
    named = ("registry", "desired_digest", "complete")
    managed = document["summary"]["managed"]  # what the limits are a share of
    deeds = {"format_version": FORMAT_VERSION, "changes": changes, "managed": managed}
    if document["unlocks"]:
        deeds["unlocks"] = [{**unlock, "origins": []} for unlock in document["unlocks"]]
    if document.get("retention"):
        deeds["retention"] = [{**kept, "origin": ""} for kept in document["retention"]]
    if document.get("expires"):
        deeds["expires"] = document["expires"]
    return _digest({**deeds, **{name: document[name] for name in named}})


def plan_from_json(content: bytes, place: str) -> Plan:
    """
    The plan in a plan file.

    Args:
        content: What the file holds.
        place: What to call the file in an error.

    Raises:
        PlanFileError: it is no plan, of another format, damaged, or changed by hand.
    """
    document = _parsed(content, place)
    version = document.get("format_version")
    if not isinstance(version, str):
        raise PlanFileError(f"{place}: not a plan: format_version is missing, or no text")
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise PlanFileError(f'{place}: plan format "{_printable(version)}"; this version reads {FORMAT_VERSION}')
    body = {name: value for name, value in document.items() if name not in _ABOUT}
    try:
        plan: Plan = _converter().structure(body, Plan)
    except (cattrs.BaseValidationError, AddressError, TypeError, ValueError, KeyError) as error:
        raise PlanFileError(f"{place}: not a plan: {_problems(error)}") from None
    if not _is_what_was_written(document, plan) or not _is_consistent(plan):
        raise PlanFileError(
            f"{place}: the plan does not match its fingerprint\n  It was changed or damaged; make a new one."
        )
    return plan


def desired_digest(desired: DesiredState) -> str:
    """`sha256:…` of what the files declare; comments, layout and the order of keys do not count."""
    return _digest(rules_document(desired))


def _digest(value: object) -> str:
    return f"sha256:{hashlib.sha256(_canonical(value)).hexdigest()}"


def _canonical(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _parsed(content: bytes, place: str) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except ValueError as error:
        raise PlanFileError(f"{place}: not JSON: {error}; `reconciler plan --out PLAN` makes a plan") from None
    if not isinstance(document, dict):
        raise PlanFileError(f"{place}: not a plan: expected an object")
    return document


def _is_what_was_written(document: dict[str, Any], plan: Plan) -> bool:
    """Written again, the plan is the document it was read from, fingerprint included, to the type of each value."""
    not_read = {name: document[name] for name in _NOT_READ if name in document}
    try:
        return _canonical({**plan_document(plan), **not_read}) == _canonical(document)
    except TypeError:  # orjson reads deeper nesting than it writes, and a plan has none
        return False


def _is_consistent(plan: Plan) -> bool:
    """The plan adds up, and each change shows what it would do."""
    addresses = [change.address.order for change in plan.changes]
    unlocks = [unlock.address.order for unlock in plan.unlocks]
    actions = Counter(change.action for change in plan.changes)
    touched = {change.address.order for change in plan.changes}
    blocked = {each.address.order for each in plan.blocked}
    return (
        addresses == sorted(set(addresses))
        and unlocks == sorted(set(unlocks))
        and all(actions[action] == getattr(plan.summary, action) for action in ACTIONS)
        and plan.summary.managed >= len(touched | blocked)
        and plan.registry.isprintable()
        and min(plan.summary.unmanaged, plan.summary.unselected) >= 0
        and plan.complete == (not plan.unknown)
        and all(moment is None or _MOMENT.fullmatch(moment) for moment in (plan.now, plan.expires))
        and all(map(is_honest, plan.changes))
        and all(map(is_honest_unlock, plan.unlocks))
        and all(map(is_drift, plan.drift))
        and [each.order for each in plan.retention] == sorted(each.order for each in plan.retention)
        and all(map(is_retention, plan.retention))
    )


def _problems(error: Exception) -> str:
    """The first problems of a document that is no plan; what stands in it reaches no terminal as it is."""
    said = f"{error}"
    if isinstance(error, cattrs.BaseValidationError):
        said = "; ".join(cattrs.transform_error(error, format_exception=_said)[:3])
    return _printable(said)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _said(error: BaseException, wanted: type | None) -> str:
    if isinstance(error, AddressError | TypeError):
        return str(error).partition("\n")[0]
    return cattrs.v.format_exception(error, wanted)


@functools.cache
def _converter() -> cattrs.Converter:
    """
    Between `Plan` and JSON values; strict, so that a damaged plan is never half understood.

    cattrs would read `"no"` as true.
    """
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(Address, str)
    converter.register_structure_hook(Address, lambda text, _: parse_address(_exactly(str, text)))
    converter.register_structure_hook(Value, lambda value, _: _one_of((bool, int, str), value))
    converter.register_structure_hook_func(lambda kind: kind == Operation, lambda value, _: _operation(value))
    for kind in (bool, str, int):
        converter.register_structure_hook(kind, lambda value, wanted: _exactly(wanted, value))
    _register_references(converter)
    _register_changes(converter)
    unless_told = override(omit_if_default=True)
    counts = make_dict_unstructure_fn(Summary, converter, unselected=unless_told)
    converter.register_unstructure_hook(Summary, counts)
    in_plan = make_dict_unstructure_fn(Plan, converter, retention=unless_told, now=unless_told, expires=unless_told)
    converter.register_unstructure_hook(Plan, in_plan)
    return converter


def _register_references(converter: cattrs.Converter) -> None:
    """What a plan was made on is told by its members: a commit, or a memory and its serial."""
    kinds = (RevisionReference, MemoryReference)
    from_members = {kind: make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True) for kind in kinds}

    def structure(value: Any, _: object) -> Reference:
        kind = RevisionReference if isinstance(value, dict) and "commit" in value else MemoryReference
        return cast("Reference", from_members[kind](value, kind))

    converter.register_structure_hook(Reference, structure)


def _register_changes(converter: cattrs.Converter) -> None:
    """The gravest cause of a change is written, and follows from its causes when it is read."""
    unless_told = override(omit_if_default=True)
    members = make_dict_unstructure_fn(Change, converter, rank=unless_told, via=unless_told, tags=unless_told)
    from_members = make_dict_structure_fn(Change, converter, _cattrs_forbid_extra_keys=True)

    def structure(value: Any, kind: type[Change]) -> Change:
        return from_members({name: value[name] for name in value if name != "cause"}, kind)

    converter.register_unstructure_hook(Change, lambda change: {**members(change), "cause": change.cause})
    converter.register_structure_hook(Change, structure)


def _operation(value: object) -> Operation:
    if type(value) is not dict or any(type(member) not in (bool, int, str) for member in value.values()):
        raise TypeError("expected an operation of a patch")
    return value


def _one_of(wanted: tuple[type, ...], value: object) -> Any:
    if type(value) not in wanted:
        raise TypeError(f"expected a flag, a number or a text, not {type(value).__name__}")
    return value


def _exactly(wanted: type, value: object) -> Any:
    if type(value) is not wanted:
        raise TypeError(f"expected {wanted.__name__}, not {type(value).__name__}")
    return value
