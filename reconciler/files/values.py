"""
The values at the ends of a file: version, registry, patterns and flags.

Each function takes a node and gives the value of the model, or refuses it with
words for the person who wrote it. A name that cannot exist is refused even though
it would be a valid pattern: it would match nothing and so protect nothing, in
silence.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from reconciler.errors import PatternError
from reconciler.files.nodes import Mapping, Node, Sequence, describe
from reconciler.files.wording import listing, printable, quote, suggestion
from reconciler.model.address import is_repository_name, is_tag_name
from reconciler.model.attributes import REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES
from reconciler.model.desired import Declaration
from reconciler.model.pattern import REGEX_PREFIX, Pattern, compile_pattern

VERSION = "1"
# What stands for a key that was left out, in place of a node; it is the value that its field then has.
ABSENT: Any = ()

MERGE_HINT = "give the whole mapping an anchor (&name), and use its alias (*name) in its place"
_FLAGS = ("true", "false")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(
    rf"emulator|{_LABEL}(?:\.{_LABEL})+|https?://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?"
)
_MAX_PORT = 65_535
_MAX_REGISTRY_LENGTH = 300
_MAX_REASON_LENGTH = 200
_REGISTRY_HINT = "allowed: a host name such as contoso.azurecr.io, emulator, or http(s)://host:port without a path"
_REPOSITORY_HINT = "repository names are lower-case letters and digits, with . - _ and / between them"
_TAG_HINT = "tag names are letters, digits, . - and _, at most 128, and start with none of . and -"


Steps: TypeAlias = tuple[str | int, ...]  # the way to a node: keys, and indexes in lists


class Refused(Exception):  # noqa: N818  # it is a value on its way to a Problem
    """A node that cannot become what the model asks for."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        item: int | None = None,
        first: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.steps: Steps = ()
        self.item = item  # the key or value in a mapping whose place is meant
        self.first = first  # the key that stood there first


def text_of(node: Node) -> str:
    """
    `node`, which is a text.

    Raises:
        Refused: it is something else, or nothing.
    """
    if isinstance(node, str):
        return node
    raise Refused("needs a value" if node is None else f"must be a text, not {describe(node)}")


def version(node: Node, _: object = None) -> int:
    """The version of the format, which is 1."""
    text = text_of(node)
    if text != VERSION:
        raise Refused(f"must be {VERSION}, not {quote(text)}", f"this tool reads version {VERSION}")
    return int(text)


def registry(node: Node, _: object = None) -> str:
    """The registry that a file is about, as it is written."""
    text = text_of(node)
    found = _REGISTRY.fullmatch(text) if len(text) <= _MAX_REGISTRY_LENGTH else None
    if found is None or int(found[1] or 1) not in range(1, _MAX_PORT + 1):
        raise Refused(f"{quote(text)} does not name a registry", _REGISTRY_HINT)
    return text


def repository_patterns(node: Node, _: object = None) -> tuple[Pattern, ...]:
    """One pattern for repositories, or a list of them."""
    if isinstance(node, str) and is_repository_name(node):
        return (Pattern(node),)
    return _patterns(node, _repository_pattern)


def tag_patterns(node: Node, _: object = None) -> tuple[Pattern, ...]:
    """One pattern for tags, or a list of them."""
    if isinstance(node, str) and is_tag_name(node):
        return (Pattern(node),)
    return _patterns(node, _tag_pattern)


def repository_declarations(node: Node, _: object = None) -> tuple[Declaration, ...]:
    """What a mapping of a repository's attributes to flags declares; all of it has the place of the mapping."""
    return _declarations(node, REPOSITORY_ATTRIBUTES)


def tag_declarations(node: Node, _: object = None) -> tuple[Declaration, ...]:
    """What a mapping of a tag's attributes to flags declares; all of it has the place of the mapping."""
    return _declarations(node, TAG_ATTRIBUTES)


def _declarations(node: Node, allowed: tuple[str, ...]) -> tuple[Declaration, ...]:
    if node is ABSENT:
        return ()
    if not isinstance(node, Mapping):
        raise Refused("needs a value" if node is None else f"must be a mapping, not {describe(node)}")
    items = iter(node)
    flags = {name: v == "true" for name, v in zip(items, items, strict=False) if name in allowed and v in _FLAGS}
    if len(flags) * 2 < len(node):
        raise ExceptionGroup("attributes", list(_attribute_problems(node, allowed)))
    return tuple([Declaration(name, value, node.origin) for name, value in flags.items()])


def repeated_keys(node: Mapping) -> Iterator[Refused]:
    """A refusal for each key that stands in `node` already."""
    seen: dict[Node, int] = {}
    for item in range(0, len(node), 2):
        first = seen.setdefault(node[item], item)
        if first != item:
            yield Refused(f"{quote(str(node[item]))} stands here twice", item=item, first=first)


def _patterns(node: Node, compile_one: Callable[[str], Pattern]) -> tuple[Pattern, ...]:
    if isinstance(node, str):
        return (compile_one(node),)
    if node is ABSENT:
        return ()
    if not isinstance(node, Sequence):
        hint = "a pattern that starts with { or * stands in quotes" if node is not None else ""
        found = f"must be a pattern or a list of patterns, not {describe(node)}"
        raise Refused("needs a value" if node is None else found, hint)
    if not node:
        raise Refused("an empty list of patterns matches nothing")
    patterns: list[Pattern] = []
    refused: list[Refused] = []
    for index, item in enumerate(node):
        try:
            patterns.append(compile_one(text_of(item)))
        except Refused as error:
            error.steps = (index,)
            refused.append(error)
    if refused:
        raise ExceptionGroup("patterns", refused)
    return tuple(patterns)


def _repository_pattern(text: str) -> Pattern:
    if is_repository_name(text):
        return Pattern(text)
    pattern = _compile(text)
    if text.startswith(REGEX_PREFIX):
        return pattern
    name = text.lower()
    if ":" in text or "@" in text:
        raise Refused(f"{quote(text)} names a tag or a manifest, not a repository", "tags have entries under tags:")
    if name != text and (is_repository_name(name) or not pattern.is_exact):
        raise Refused(f"{quote(text)} matches no repository", f"repository names are lower case: {quote(name)}")
    if pattern.is_exact:
        raise Refused(f"{quote(text)} cannot be the name of a repository", _REPOSITORY_HINT)
    return pattern


def _tag_pattern(text: str) -> Pattern:
    if is_tag_name(text):
        return Pattern(text)
    pattern = _compile(text)
    if pattern.is_exact:
        raise Refused(f"{quote(text)} cannot be the name of a tag", _TAG_HINT)
    return pattern


@functools.lru_cache(maxsize=1024)
def _compile(text: str) -> Pattern:
    try:
        return compile_pattern(text)
    except PatternError as error:
        raise Refused(f"{quote(text)}: {printable(str(error)[:_MAX_REASON_LENGTH])}") from None


def _attribute_problems(node: Mapping, allowed: tuple[str, ...]) -> Iterator[Refused]:
    yield from repeated_keys(node)
    for item in range(0, len(node), 2):
        name, value = str(node[item]), node[item + 1]
        if name not in allowed:
            yield _unknown_attribute(name, allowed, item)
        elif value is None:
            yield Refused(f"{name} needs a value", "true or false", item=item + 1)
        elif value not in _FLAGS:
            yield Refused(f"{name} must be true or false, not {describe(value)}", item=item + 1)


def _unknown_attribute(name: str, allowed: tuple[str, ...], item: int) -> Refused:
    known = f"known attributes: {listing(allowed)}"
    if name in REPOSITORY_ATTRIBUTES:
        return Refused(f"{name} exists on repositories only", known, item=item)
    if name == "<<":
        return Refused("merge keys are not supported", MERGE_HINT, item=item)
    return Refused(f"unknown attribute {quote(name)}{suggestion(name, allowed)}", known, item=item)
