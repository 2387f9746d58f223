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

from reconciler.files.targets import targets_given
from reconciler.model.attributes import DIGEST, Document
from reconciler.model.desired import (
    Absent,
    Declaration,
    DesiredState,
    Keep,
    ManifestRule,
    Origin,
    Protect,
    RepositoryRule,
    TagRule,
)
from reconciler.model.live import LiveManifest, LiveRepository
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import Pattern, compile_pattern
from reconciler.model.selection import EVERYTHING, Selection
from reconciler.planning.compare import make_plan, plan_repository
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import desired_digest

OPEN = {"deleteEnabled": True, "writeEnabled": True, "listEnabled": True, "readEnabled": True}
LOCKED = {**OPEN, "deleteEnabled": False, "writeEnabled": False}
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_NO_ATTRIBUTES = (
    *("match", "exclude", "tags", "manifests", "protect", "digest", "ensure", "unlock", "keep", "tagged", "mediaType"),
)


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


def manifest(*children: str, **others: Any) -> LiveManifest:
    """A manifest that is open and that nothing is about; with `children`, digests, it is an index."""
    flags = {name: others.pop(name) for name in tuple(others) if name in OPEN}
    known = {"media_type": INDEX if children else IMAGE, "children": children, "subject": "", "referrers": ()}
    return LiveManifest({**OPEN, **flags}, **{**known, **others})


def selection(*targets: str, exclude: Sequence[str] = ()) -> Selection:
    """What `--target` and `--exclude` select."""
    return Selection(targets_given("--target", targets), targets_given("--exclude", exclude))


def plan_of(desired: DesiredState, *live: LiveRepository, now_ns: int = 0, selected: Selection = EVERYTHING) -> Plan:
    """The plan for a registry that holds `live`."""
    rules = DesiredIndex(desired)
    parts = [plan_repository(rules.for_repository(each.name), each, now_ns=now_ns, selection=selected) for each in live]
    return make_plan("contoso.azurecr.io", desired_digest(desired), parts)


def _repository_rule(rule: Mapping[str, Any], file: str, lines: Iterable[int]) -> RepositoryRule:
    origin = _origin(file, lines)
    attributes = _declarations(rule, origin)
    tags = tuple(_tag_rule(entry, file, lines) for entry in rule.get("tags", ()))
    manifests = tuple(_manifest_rule(entry, file, lines) for entry in rule.get("manifests", ()))
    return RepositoryRule(
        _patterns(rule["match"]),
        _patterns(rule.get("exclude", ())),
        attributes,
        tags,
        origin,
        manifests,
        protect=_protect(rule, origin),
        ensure=_ensure(rule, origin),
    )


def _tag_rule(rule: Mapping[str, Any], file: str, lines: Iterable[int]) -> TagRule:
    origin = _origin(file, lines)
    attributes = _declarations(rule, origin)
    return TagRule(
        _patterns(rule["match"]),
        _patterns(rule.get("exclude", ())),
        attributes,
        origin,
        protect=_protect(rule, origin),
        digest=Declaration(DIGEST, rule["digest"], origin) if "digest" in rule else None,
        ensure=_ensure(rule, origin),
        keep=_keep(rule, origin),
    )


def _manifest_rule(rule: Mapping[str, Any], file: str, lines: Iterable[int]) -> ManifestRule:
    origin = _origin(file, lines)
    return ManifestRule(
        _patterns(rule.get("match", "**")),
        _patterns(rule.get("exclude", ())),
        _declarations(rule, origin),
        origin,
        tagged=rule.get("tagged"),
        media_type=_patterns(rule.get("mediaType", ())),
        protect=_protect(rule, origin),
        ensure=_ensure(rule, origin),
        keep=_keep(rule, origin),
    )


def _protect(rule: Mapping[str, Any], origin: Origin) -> Protect | None:
    return Protect(rule["protect"], origin) if "protect" in rule else None


def _ensure(rule: Mapping[str, Any], origin: Origin) -> Absent | None:
    return Absent(rule.get("unlock", False), origin) if "ensure" in rule else None


def _keep(rule: Mapping[str, Any], origin: Origin) -> Keep | None:
    kept = rule.get("keep")
    return Keep(kept.get("last"), kept.get("newerThan"), origin) if kept else None


def _declarations(rule: Mapping[str, Any], origin: Origin) -> tuple[Declaration, ...]:
    named = [(name, value) for name, value in rule.items() if name not in _NO_ATTRIBUTES]
    return tuple(Declaration(name, value, origin) for name, value in named)


def _origin(file: str, lines: Iterable[int]) -> Origin:
    return Origin(file, next(iter(lines)), 5)


def _patterns(texts: str | Sequence[str]) -> tuple[Pattern, ...]:
    return tuple(compile_pattern(text) for text in ([texts] if isinstance(texts, str) else texts))
