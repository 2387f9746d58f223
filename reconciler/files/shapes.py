"""
Which keys a mapping of a file may have, and which of them cannot stand together.

Whoever writes `ensure: absent` and `protect: immutable` in one entry means one of
the two, and nobody can tell which. So what contradicts itself is refused; and what is
only safe with exact names is refused where patterns stand around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping as AnyMapping
from typing import Any, TypeAlias

import attrs

from reconciler.files.intents import ABSENCE, item_of
from reconciler.files.nodes import Mapping, Node, Sequence, describe
from reconciler.files.targets import parted
from reconciler.files.values import ABSENT, FLAGS, MERGE_HINT, Refused, repeated_keys
from reconciler.files.wording import listing, quote, suggestion
from reconciler.model.address import Kind
from reconciler.model.attributes import LOCKS, TELEPORT
from reconciler.model.pattern import REGEX_PREFIX
from reconciler.model.protection import LEVELS

Said: TypeAlias = AnyMapping[Any, Node]  # the keys and values of a mapping

_MINIMAL = "the least that a file holds:\n    version: 1\n    repositories: []"
_ENTRY = "each entry starts with - match:"
_MANIFEST_ENTRY = "each entry says which manifests: match, tagged, mediaType"
_EXCEPTION_ENTRY = "an exception has match, attributes, until and reason"
_WHICH = ("match", "tagged", "mediaType")
_UNLIKE_ABSENT = ("protect", "attributes", "digest", "keep", "tags", "manifests")
_ABSENT_HINT = "what must not be there has nothing else; write another entry for what is to stay"
_EXACT_HINT = "name each tag and its repository without wildcards"
_WORDS = {"retention": "keep"}  # what other tools call it
_MISPLACED = {
    "keep": "keep stands in entries under tags: or manifests:",
    "digest": "digest stands in entries under tags:",
    "until": "until stands in entries under exceptions:",
}
_WILDCARD = re.compile(r"[*?\[{]")


@attrs.frozen
class Shape:
    """The keys that a mapping may have."""

    known: tuple[str, ...]
    required: frozenset[str]
    absent: AnyMapping[str, Any]  # what stands for the keys that are left out
    advice: str  # what it looks like
    plain: frozenset[str] = frozenset()  # keys that need no check whatever stands beside them
    check: Callable[[Mapping, Said], Iterator[Refused]] | None = None

    def problems(self, node: Mapping, said: Said) -> Iterator[Refused]:
        """What is wrong with the keys of `node`, which says `said`."""
        yield from repeated_keys(node)
        for item in range(0, len(node), 2):
            if node[item] not in self.known:
                yield self._unknown_key(str(node[item]), item)
        for key in self.known:
            if key in self.required and key not in said:
                yield Refused(f"{key} is required", self.advice)
        if self.check is not None:
            yield from self.check(node, said)

    def _unknown_key(self, key: str, item: int) -> Refused:
        if key == "<<":
            return Refused("merge keys are not supported", MERGE_HINT, item=item)
        meant = _WORDS.get(key, key)
        hint = f"known keys: {listing(self.known)}"
        if meant in _MISPLACED and meant not in self.known:
            hint = f"{_MISPLACED[meant]}\n  {hint}"
        near = f'; did you mean "{meant}"?' if meant != key and meant in self.known else suggestion(key, self.known)
        return Refused(f"unknown key {quote(key)}{near}", hint, item=item)


def _check_tag(node: Mapping, said: Said) -> Iterator[Refused]:
    yield from _contradictions("tag", node, said)
    if "digest" in said and not _is_exact(said.get("match")):
        yield Refused("digest needs exact names under match", _EXACT_HINT, item=item_of(node, "digest"))


def _check_manifest(node: Mapping, said: Said) -> Iterator[Refused]:
    yield from _contradictions("manifest", node, said)
    if said.keys().isdisjoint(_WHICH):
        yield Refused("match, tagged or mediaType is required", 'all of them are match: "**"')


def _check_repository(node: Mapping, said: Said) -> Iterator[Refused]:
    yield from _contradictions("repository", node, said)
    if _is_exact(said.get("match")):
        return
    if "ensure" in said:
        hint = "name each repository that is to go without wildcards"
        yield Refused("ensure needs exact names under match", hint, item=item_of(node, "ensure"))
    tags = said.get("tags")
    for index, tag in enumerate(tags if isinstance(tags, Sequence) else ()):
        if isinstance(tag, Mapping) and "digest" in tag[::2]:
            item = item_of(tag, "digest")
            refused = Refused("digest needs an exact name of the repository around it", _EXACT_HINT, item=item)
            refused.steps = ("tags", index)
            yield refused


def _check_exception(_: Mapping, said: Said) -> Iterator[Refused]:
    attributes = said.get("attributes")
    if not isinstance(attributes, Mapping) or TELEPORT not in attributes[::2]:
        return
    if any(parted(text)[1] for text in _texts(said.get("match"))):
        hint = "write an exception of its own for the repository"
        refused = Refused(f"{TELEPORT} exists on repositories only", hint, item=item_of(attributes, TELEPORT))
        refused.steps = ("attributes",)
        yield refused


def _contradictions(kind: Kind, node: Mapping, said: Said) -> Iterator[Refused]:
    """What an entry of any sort cannot say at once."""
    is_absent = said.get("ensure") == ABSENCE
    for key in _UNLIKE_ABSENT:
        if is_absent and key in said and key in SHAPES[kind].known:
            yield Refused(f"{key} contradicts ensure: {ABSENCE}", _ABSENT_HINT, item=item_of(node, key))
    if "unlock" in said:
        yield from _unlock_problems(node, said)
    if "keep" in said and not is_absent and kind != "repository":
        yield from _keep_problems(kind, node, said)


def _unlock_problems(node: Mapping, said: Said) -> Iterator[Refused]:
    item = item_of(node, "unlock")
    if said["unlock"] is None:
        yield Refused("unlock needs a value", "true or false", item=item + 1)
    elif said["unlock"] not in FLAGS:
        yield Refused(f"unlock must be true or false, not {describe(said['unlock'])}", item=item + 1)
    if "ensure" not in said:
        hint = "keep never deletes what is locked" if "keep" in said else "by itself it unlocks nothing"
        yield Refused(f"unlock needs ensure: {ABSENCE} beside it", hint, item=item)


def _keep_problems(kind: Kind, node: Mapping, said: Said) -> Iterator[Refused]:
    item = item_of(node, "keep")
    if "digest" in said:
        yield Refused("keep contradicts digest", "a tag that must point somewhere stays", item=item)
    if _locks(kind, said):
        hint = "keep never deletes what is locked; leave out one of the two"
        yield Refused("keep contradicts what the same entry locks", hint, item=item)


def _locks(kind: Kind, said: Said) -> bool:
    """Something in the entry locks what it matches; `attributes` win over `protect`."""
    protect, attributes = said.get("protect"), said.get("attributes")
    level: AnyMapping[Any, AnyMapping[str, bool]] = LEVELS[kind]
    flags: dict[Any, Any] = dict(level.get(protect, {})) if isinstance(protect, str) else {}
    if isinstance(attributes, Mapping):
        flags.update(zip(attributes[::2], attributes[1::2], strict=True))
    return any(flags.get(lock) in (False, "false") for lock in LOCKS)


def _is_exact(match: Node) -> bool:
    """No pattern in `match` has wildcards; what is no pattern is told elsewhere."""
    return not any(_WILDCARD.search(text) or text.startswith(REGEX_PREFIX) for text in _texts(match))


def _texts(match: Node) -> Iterator[str]:
    yield from (text for text in ([match] if isinstance(match, str) else match or ()) if isinstance(text, str))


_ATTRIBUTES = frozenset({"match", "exclude", "attributes"})
FILE = Shape(
    known=("version", "registry", "repositories", "exceptions"),
    required=frozenset({"version", "repositories"}),
    absent={},
    advice=_MINIMAL,
    plain=frozenset({"version", "registry", "repositories", "exceptions"}),
)
REPOSITORY = Shape(
    known=("match", "exclude", "attributes", "protect", "ensure", "unlock", "tags", "manifests"),
    required=frozenset({"match"}),
    absent=dict.fromkeys(("match", "exclude", "attributes", "tags", "manifests"), ABSENT),
    advice=_ENTRY,
    plain=_ATTRIBUTES | {"protect", "manifests"},
    check=_check_repository,
)
TAG = Shape(
    known=("match", "exclude", "attributes", "protect", "digest", "ensure", "unlock", "keep"),
    required=frozenset({"match"}),
    absent=dict.fromkeys(("match", "exclude", "attributes"), ABSENT),
    advice=_ENTRY,
    plain=_ATTRIBUTES | {"protect"},
    check=_check_tag,
)
MANIFEST = Shape(
    known=("match", "exclude", "tagged", "mediaType", "attributes", "protect", "ensure", "unlock", "keep"),
    required=frozenset(),
    absent=dict.fromkeys(("match", "exclude", "attributes"), ABSENT),
    advice=_MANIFEST_ENTRY,
    check=_check_manifest,
)
EXCEPTION = Shape(
    known=("match", "attributes", "until", "reason"),
    required=frozenset({"match", "attributes", "until", "reason"}),
    absent=dict.fromkeys(("match", "attributes", "until", "reason"), ABSENT),
    advice=_EXCEPTION_ENTRY,
    check=_check_exception,
)
SHAPES: AnyMapping[Kind, Shape] = {"repository": REPOSITORY, "tag": TAG, "manifest": MANIFEST}
