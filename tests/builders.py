"""
Desired and live state in as few words as a test can bear.

Rules are plain mappings, attributes beside what they are for:
`{"match": "team/*", "deleteEnabled": False, "tags": [{"match": "v*", "writeEnabled": False}]}`.
Each entry gets a line of its own, so that origins tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from reconciler.model.attributes import DIGEST, Document
from reconciler.model.desired import Declaration, DesiredState, Origin, RepositoryRule, TagRule
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import Pattern, compile_pattern
from reconciler.planning.compare import make_plan, plan_repository
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import desired_digest

OPEN = {"deleteEnabled": True, "writeEnabled": True, "listEnabled": True, "readEnabled": True}
LOCKED = {**OPEN, "deleteEnabled": False, "writeEnabled": False}
_NO_ATTRIBUTES = ("match", "exclude", "tags")


def digest(letter: str) -> str:
    """A digest that a person can tell from another: one hexadecimal letter, 64 times."""
    return f"sha256:{letter * 64}"


def tag(letter: str = "a", **attributes: bool) -> Document:
    """The document of a tag that is open but for `attributes`."""
    return {DIGEST: digest(letter), **OPEN, **attributes}


def desired_state(*rules: Mapping[str, Any], file: str = "registry.yaml") -> DesiredState:
    """The desired state that the rules say, in their order."""
    lines = count(1)
    return DesiredState("contoso.azurecr.io", tuple(_repository_rule(rule, file, lines) for rule in rules))


def index(*rules: Mapping[str, Any]) -> DesiredIndex:
    """The same, arranged to be asked."""
    return DesiredIndex(desired_state(*rules))


def repository(
    name: str, document: Document | None = None, tags: Mapping[str, Document] | None = None, **others: Any
) -> LiveRepository:
    """What a read of one repository showed."""
    return LiveRepository(name, document, tags or {}, **others)


def plan_of(desired: DesiredState, *live: LiveRepository) -> Plan:
    """The plan for a registry that holds `live`."""
    rules = DesiredIndex(desired)
    parts = [plan_repository(rules.for_repository(each.name), each) for each in live]
    return make_plan("contoso.azurecr.io", desired_digest(desired), parts)


def _repository_rule(rule: Mapping[str, Any], file: str, lines: Iterable[int]) -> RepositoryRule:
    origin = _origin(file, lines)
    attributes = _declarations(rule, origin)
    tags = tuple(_tag_rule(entry, file, lines) for entry in rule.get("tags", ()))
    return RepositoryRule(_patterns(rule["match"]), _patterns(rule.get("exclude", ())), attributes, tags, origin)


def _tag_rule(rule: Mapping[str, Any], file: str, lines: Iterable[int]) -> TagRule:
    origin = _origin(file, lines)
    attributes = _declarations(rule, origin)
    return TagRule(_patterns(rule["match"]), _patterns(rule.get("exclude", ())), attributes, origin)


def _declarations(rule: Mapping[str, Any], origin: Origin) -> tuple[Declaration, ...]:
    named = [(name, value) for name, value in rule.items() if name not in _NO_ATTRIBUTES]
    return tuple(Declaration(name, value, origin) for name, value in named)


def _origin(file: str, lines: Iterable[int]) -> Origin:
    return Origin(file, next(iter(lines)), 5)


def _patterns(texts: str | Sequence[str]) -> tuple[Pattern, ...]:
    return tuple(compile_pattern(text) for text in ([texts] if isinstance(texts, str) else texts))
