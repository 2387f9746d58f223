"""
Read the patterns of a file, and refuse those that would not do what they seem to.

A pattern that no name can match protects nothing; under `exclude` it even lets
be changed what was to be left alone. So what is foreign to names (a comma between
two patterns, the signs of a regular expression, a tag in front of which its
repository stands) is refused where it is written, with what was probably meant.

What patterns may cost is limited too. A file may be hostile, and every pattern
that is not a plain name costs time for every name of the registry.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

import attrs

from reconciler.errors import PatternError
from reconciler.files.nodes import Node, Sequence, describe
from reconciler.files.possible import REPOSITORY, TAG, Grammar, is_possible
from reconciler.files.values import ABSENT, Refused, text_of
from reconciler.files.wording import printable, quote
from reconciler.model.address import is_repository_name, is_tag_name
from reconciler.model.pattern import REGEX_PREFIX, Pattern, alternatives, compile_pattern

# Of all patterns of a load: together they keep what it takes to compile them below about 2 s.
MAX_ALTERNATIVES = 10_000
MAX_CHARACTERS = 400_000
_MAX_REASON_LENGTH = 200
_REPOSITORY_HINT = "repository names are lower-case letters and digits, with . - _ and / between them"
_TAG_HINT = "tag names are letters, digits, . - and _, at most 128, and start with none of . and -"
_LIST_HINT = 'several patterns are a list: ["v*", "r*"]'
_REGEX_HINT = f"a regular expression needs {REGEX_PREFIX} in front"
# What stands in a pattern by mistake, and what was probably meant; the first that is there is told.
_ADVICE = (
    ("+()^$", _REGEX_HINT),
    (",", _LIST_HINT),
    ("|", f"{_LIST_HINT}; {_REGEX_HINT}"),
    ("!", "what is not meant stands under exclude:, without !"),
    (" ", "no name holds a space"),
)
_TAG_ADVICE = (
    (":@", "the entry around tags: says which repository; here stands the tag alone"),
    ("/", "tags have no /; the entry around tags: says which repository"),
)
_CLASS_NAME = re.compile(r"\[:\w+:\]")
_CLASS_START = re.compile(r"\[[!^]?")
_MISSPELT_PREFIX = re.compile(r"\s*regexp?\s*:", re.IGNORECASE)
# Source: login servers in the public cloud, in China and in the US government's cloud.
_REGISTRY_HOSTS = (".azurecr.io", ".azurecr.cn", ".azurecr.us")


class PatternReader:
    """Reads the patterns of one load, of however many files, within one budget."""

    def __init__(self) -> None:
        self._alternatives = 0
        self._characters = 0
        self._is_spent = False

    def repositories(self, node: Node, _: object = None) -> tuple[Pattern, ...]:
        """One pattern for repositories, or a list of them."""
        if isinstance(node, str) and is_repository_name(node) and ".azurecr." not in node:
            return (Pattern(node),)
        return self._all(node, _repository_pattern)

    def tags(self, node: Node, _: object = None) -> tuple[Pattern, ...]:
        """One pattern for tags, or a list of them."""
        if isinstance(node, str) and is_tag_name(node):
            return (Pattern(node),)
        return self._all(node, _tag_pattern)

    def _all(self, node: Node, read: Callable[[str], Pattern]) -> tuple[Pattern, ...]:
        if isinstance(node, str):
            return (self._one(node, read),)
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
                patterns.append(self._one(text_of(item), read))
            except Refused as error:
                error.steps = (index,)
                refused.append(error)
        if refused:
            raise ExceptionGroup("patterns", refused)
        return tuple(patterns)

    def _one(self, text: str, read: Callable[[str], Pattern]) -> Pattern:
        if self._is_spent:
            return Pattern(text)  # that is told already, and no more time goes into this load
        number, characters = _cost(text)
        self._alternatives += number
        self._characters += characters
        if self._alternatives > MAX_ALTERNATIVES:
            raise self._refusal(f"{MAX_ALTERNATIVES:,} alternatives")
        if self._characters > MAX_CHARACTERS:
            raise self._refusal(f"{MAX_CHARACTERS:,} characters in the alternatives")
        return read(text)

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


@functools.lru_cache(maxsize=1024)
def _repository_pattern(text: str) -> Pattern:
    if not text.startswith(REGEX_PREFIX):
        _refuse_registry(text)
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
    _refuse_impossible(text, pattern, _REPOSITORY)
    return pattern


@functools.lru_cache(maxsize=1024)
def _tag_pattern(text: str) -> Pattern:
    if is_tag_name(text):
        return Pattern(text)
    pattern = _compile(text)
    if not text.startswith(REGEX_PREFIX):
        _refuse_impossible(text, pattern, _TAG)
    return pattern


@attrs.frozen
class _Sort:
    """What is said about names of one sort."""

    word: str
    grammar: Grammar
    advice: tuple[tuple[str, str], ...]
    hint: str


_REPOSITORY = _Sort("repository", REPOSITORY, _ADVICE, _REPOSITORY_HINT)
_TAG = _Sort("tag", TAG, (*_ADVICE[:1], *_TAG_ADVICE, *_ADVICE[1:]), _TAG_HINT)


def _compile(text: str) -> Pattern:
    if text.startswith(REGEX_PREFIX):
        expression = text.removeprefix(REGEX_PREFIX)
        if expression != expression.strip():
            raise Refused(f"{quote(text)}: no name begins or ends with white space", f"write {REGEX_PREFIX}v[0-9]+")
    elif _MISSPELT_PREFIX.match(text):
        raise Refused(f"{quote(text)} is no regular expression, and no name", f"write {REGEX_PREFIX}")
    try:
        return compile_pattern(text)
    except PatternError as error:
        raise Refused(f"{quote(text)}: {printable(str(error)[:_MAX_REASON_LENGTH])}") from None


def _refuse_registry(text: str) -> None:
    if ".azurecr." in text and text.partition("/")[0].lower().endswith(_REGISTRY_HOSTS):
        hint = "write the name alone; registry: at the top of the file says which registry"
        raise Refused(f"{quote(text)}: names do not begin with the registry", hint)


def _refuse_impossible(text: str, pattern: Pattern, sort: _Sort) -> None:
    """Refuse `text` if no name of this sort, or none for one of its alternatives, can match it."""
    foreign = "".join(letter for letter in _letters(text) if letter not in sort.grammar.letters)
    hint = next((hint for letters, hint in sort.advice if set(letters) & set(foreign)), sort.hint)
    if pattern.is_exact:
        raise Refused(f"{quote(text)} cannot be the name of a {sort.word}", hint)
    if foreign:
        raise Refused(f"{quote(text)} matches no {sort.word}: {quote(foreign[0])} stands in no name", hint)
    for alternative in alternatives(text):
        if not is_possible(alternative, sort.grammar):
            which = "" if alternative == text else f": none matches its alternative {quote(alternative)}"
            raise Refused(f"{quote(text)} matches no {sort.word}{which}", hint)


def _letters(text: str) -> Iterator[str]:
    """The characters of `text` that stand for themselves, in braces and brackets too."""
    depth = 0
    for letter in _CLASS_START.sub("", _CLASS_NAME.sub("", text)):
        depth += (letter == "{") - (letter == "}")
        if letter not in "*?]{}" and not (letter == "," and depth):
            yield letter
