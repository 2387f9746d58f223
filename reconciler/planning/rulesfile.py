"""
What files declare, as plain JSON values and back.

Two things are made of it: the digest that tells whether files still say the same, and
the rules of then, which a memory keeps to tell a new rule about an old tag from an old
rule about a new one. Comments, layout and places do not count. What an entry does not
say is not in it, so that an entry of few words has the digest that it always had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from reconciler.model.desired import (
    Absent,
    Declaration,
    DesiredState,
    ExceptionRule,
    Keep,
    ManifestRule,
    Origin,
    Protect,
    RepositoryRule,
    TagRule,
    Target,
)
from reconciler.model.pattern import Pattern, compile_pattern

_THEN = Origin("last applied", 1, 1)


def rules_document(desired: DesiredState) -> Any:
    """What the files declare as plain JSON values: a list of entries, or with exceptions both lists by name."""
    repositories = [_repository_document(rule) for rule in desired.repositories]
    if not desired.exceptions:
        return repositories
    return {"repositories": repositories, "exceptions": [_exception_document(each) for each in desired.exceptions]}


def rules_to_bytes(desired: DesiredState) -> bytes:
    """What is in force, without exceptions, as the line of a state file."""
    return orjson.dumps(rules_document(desired), option=orjson.OPT_SORT_KEYS)


def rules_from_bytes(rules: bytes) -> DesiredState:
    """The desired state that `rules_to_bytes` was given, without its places."""
    return DesiredState(None, tuple(map(_repository_rule, orjson.loads(rules))))


def _repository_document(rule: RepositoryRule) -> dict[str, Any]:
    more = {"manifests": [_manifest_document(each) for each in rule.manifests]} if rule.manifests else {}
    return {**_entry(rule), "tags": [_tag_document(each) for each in rule.tags], **more}


def _tag_document(rule: TagRule) -> dict[str, Any]:
    more = {} if rule.digest is None else {"digest": rule.digest.value}
    return {**_entry(rule), **_kept(rule.keep), **more}


def _manifest_document(rule: ManifestRule) -> dict[str, Any]:
    more: dict[str, Any] = {} if rule.tagged is None else {"tagged": rule.tagged}
    if rule.media_type:
        more["mediaType"] = _texts(rule.media_type)
    if rule.is_exception:
        more["exception"] = True
    return {**_entry(rule), **_kept(rule.keep), **more}


def _entry(rule: RepositoryRule | TagRule | ManifestRule) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "match": _texts(rule.match),
        "exclude": _texts(rule.exclude),
        "attributes": {said.attribute: said.value for said in rule.attributes},
    }
    if rule.protect is not None:
        entry["protect"] = rule.protect.level
    if rule.ensure is not None:
        entry["ensure"] = {"unlock": rule.ensure.unlock}
    return entry


def _kept(keep: Keep | None) -> dict[str, Any]:
    return {} if keep is None else {"keep": {"last": keep.last, "newerThan": keep.newer_than_s}}


def _exception_document(rule: ExceptionRule) -> dict[str, Any]:
    return {
        "match": [_target(each) for each in rule.match],
        "attributes": {said.attribute: said.value for said in rule.attributes},
        "until": str(rule.until_ns),  # a number of JSON ends in 2554
        "reason": rule.reason,
    }


def _target(target: Target) -> list[str]:
    return [part.text if part else "" for part in (target.repository, target.tag, target.digest)]


def _texts(patterns: Iterable[Pattern]) -> list[str]:
    return [pattern.text for pattern in patterns]


def _repository_rule(rule: Mapping[str, Any]) -> RepositoryRule:
    return RepositoryRule(
        *_named(rule),
        tags=tuple(map(_tag_rule, rule["tags"])),
        origin=_THEN,
        manifests=tuple(map(_manifest_rule, rule.get("manifests", ()))),
        protect=_protect(rule),
        ensure=_ensure(rule),
    )


def _tag_rule(rule: Mapping[str, Any]) -> TagRule:
    return TagRule(
        *_named(rule),
        origin=_THEN,
        protect=_protect(rule),
        digest=Declaration("digest", rule["digest"], _THEN) if "digest" in rule else None,
        ensure=_ensure(rule),
        keep=_keep(rule),
    )


def _manifest_rule(rule: Mapping[str, Any]) -> ManifestRule:
    return ManifestRule(
        *_named(rule),
        origin=_THEN,
        tagged=rule.get("tagged"),
        media_type=_patterns(rule.get("mediaType", ())),
        protect=_protect(rule),
        ensure=_ensure(rule),
        keep=_keep(rule),
        is_exception=rule.get("exception", False),
    )


def _named(rule: Mapping[str, Any]) -> tuple[tuple[Pattern, ...], tuple[Pattern, ...], tuple[Declaration, ...]]:
    declared = tuple(Declaration(name, value, _THEN) for name, value in rule["attributes"].items())
    return _patterns(rule["match"]), _patterns(rule["exclude"]), declared


def _patterns(texts: Iterable[str]) -> tuple[Pattern, ...]:
    return tuple(compile_pattern(text) for text in texts)


def _protect(rule: Mapping[str, Any]) -> Protect | None:
    return Protect(rule["protect"], _THEN) if "protect" in rule else None


def _ensure(rule: Mapping[str, Any]) -> Absent | None:
    return Absent(rule["ensure"]["unlock"], _THEN) if "ensure" in rule else None


def _keep(rule: Mapping[str, Any]) -> Keep | None:
    return Keep(rule["keep"]["last"], rule["keep"]["newerThan"], _THEN) if "keep" in rule else None
