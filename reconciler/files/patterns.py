"""
Read the patterns of a file, within a budget.

A file may be hostile, and every pattern that is not a plain name costs time for
every name of the registry. So all patterns of a load together are limited, however
many files they stand in.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TypeVar

from reconciler.errors import PatternError
from reconciler.files.nodes import Node, Sequence, describe
from reconciler.files.sorts import digest_pattern, media_type_pattern, repository_pattern, tag_pattern
from reconciler.files.targets import target_of
from reconciler.files.values import ABSENT, Refused, text_of
from reconciler.model.address import is_repository_name, is_tag_name
from reconciler.model.desired import Target
from reconciler.model.pattern import EVERYTHING, REGEX_PREFIX, Pattern, alternatives

# Of all patterns of a load: together they keep what it takes to compile them below about 2 s.
MAX_ALTERNATIVES = 10_000
MAX_CHARACTERS = 400_000

Read = TypeVar("Read", Pattern, Target)


class PatternReader:
    """Reads the patterns of one load, of however many files, within one budget."""

    def __init__(self) -> None:
        self._alternatives = 0
        self._characters = 0
        self._is_spent = False

    def repositories(self, node: Node, _: object = None) -> tuple[Pattern, ...]:
        """One pattern for repositories, or a list of them."""
        if isinstance(node, str) and is_repository_name(node) and ".azurecr." not in node:
            return (Pattern(str(node)),)
        return self._all(node, repository_pattern)

    def tags(self, node: Node, _: object = None) -> tuple[Pattern, ...]:
        """One pattern for tags, or a list of them."""
        if isinstance(node, str) and is_tag_name(node):
            return (Pattern(str(node)),)
        return self._all(node, tag_pattern)

    def digests(self, node: Node, _: object = None) -> tuple[Pattern, ...]:
        """One pattern for the digests of manifests, or a list of them."""
        return self._all(node, digest_pattern)

    def digests_or_all(self, node: Node, _: object = None) -> tuple[Pattern, ...]:
        """The same, and every digest where nothing is said."""
        return (digest_pattern(EVERYTHING),) if node is ABSENT else self._all(node, digest_pattern)

    def media_types(self, node: Node, _: object = None) -> tuple[Pattern, ...]:
        """One pattern for media types, or a list of them."""
        return self._all(node, media_type_pattern)

    def targets(self, node: Node, _: object = None) -> tuple[Target, ...]:
        """One pattern for addresses, or a list of them."""
        return self._all(node, target_of)

    def _all(self, node: Node, read: Callable[[str], Read]) -> tuple[Read, ...]:
        if isinstance(node, str):
            return self._one(str(node), read)
        if node is ABSENT:
            return ()
        if not isinstance(node, Sequence):
            hint = "a pattern that starts with { or * stands in quotes" if node is not None else ""
            found = f"must be a pattern or a list of patterns, not {describe(node)}"
            raise Refused("needs a value" if node is None else found, hint)
        if not node:
            raise Refused("an empty list of patterns matches nothing")
        patterns: list[Read] = []
        refused: list[Refused] = []
        for index, item in enumerate(node):
            try:
                patterns += self._one(text_of(item), read)
            except Refused as error:
                error.steps = (index,)
                refused.append(error)
        if refused:
            raise ExceptionGroup("patterns", refused)
        return tuple(patterns)

    def _one(self, text: str, read: Callable[[str], Read]) -> tuple[Read, ...]:
        if self._is_spent:
            return ()  # that is told already, and no more time goes into this load
        number, characters = _cost(text)
        self._alternatives += number
        self._characters += characters
        if self._alternatives > MAX_ALTERNATIVES:
            raise self._refusal(f"{MAX_ALTERNATIVES:,} alternatives")
        if self._characters > MAX_CHARACTERS:
            raise self._refusal(f"{MAX_CHARACTERS:,} characters in the alternatives")
        return (read(text),)

    def _refusal(self, what: str) -> Refused:
        self._is_spent = True
        hint = "write fewer patterns with wildcards, or without braces; plain names are not counted"
        return Refused(f"more than {what} of all patterns together", hint)


@functools.lru_cache(maxsize=1024)
def _cost(text: str) -> tuple[int, int]:
    """How many alternatives `text` stands for, and their characters; nothing for a plain name."""
    if text.startswith(REGEX_PREFIX):
        return 1, len(text)
    if not re.search(r"[*?\[{]", text):
        return 0, 0
    try:
        globs = alternatives(text)
    except PatternError:
        return 1, 0  # it is refused when it is read
    return len(globs), sum(map(len, globs))
