"""
What patterns of each sort look like: of repositories, tags, digests and media types.

A pattern that no name can match protects nothing; under `exclude` it even lets
be changed what was to be left alone. So what is foreign to names (a comma between
two patterns, the signs of a regular expression, a tag in front of which its
repository stands) is refused where it is written, with what was probably meant.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterator

import attrs

from reconciler.errors import PatternError
from reconciler.files.possible import (
    DIGEST_LETTERS,
    MEDIA_TYPE,
    REPOSITORY,
    TAG,
    is_possible,
    is_possible_digest,
)
from reconciler.files.values import Refused
from reconciler.files.wording import printable, quote
from reconciler.model.address import is_digest, is_repository_name, is_tag_name
from reconciler.model.pattern import REGEX_PREFIX, Pattern, alternatives, compile_pattern

_MAX_REASON_LENGTH = 200
_REPOSITORY_HINT = "repository names are lower-case letters and digits, with . - _ and / between them"
_TAG_HINT = "tag names are letters, digits, . - and _, at most 128, and start with none of . and -"
_DIGEST_HINT = 'digests look like sha256:9f2c… in lower case; some of them are "sha256:9f*"'
_MEDIA_TYPE_HINT = "such as application/vnd.oci.image.index.v1+json, or application/vnd.oci.**; not more than * and **"
_MEDIA_TYPE_LETTERS = frozenset("*" + "".join(MEDIA_TYPE.letters))
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
REGISTRY_HOSTS = (".azurecr.io", ".azurecr.cn", ".azurecr.us")


@functools.lru_cache(maxsize=1024)
def repository_pattern(text: str) -> Pattern:
    """The pattern for repositories that `text` spells."""
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
def tag_pattern(text: str) -> Pattern:
    """The pattern for tags that `text` spells."""
    return Pattern(text) if is_tag_name(text) else _possible(text, _TAG)


@functools.lru_cache(maxsize=1024)
def digest_pattern(text: str) -> Pattern:
    """The pattern for the digests of manifests that `text` spells."""
    return Pattern(text) if is_digest(text) else _possible(text, _DIGEST)


@functools.lru_cache(maxsize=1024)
def media_type_pattern(text: str) -> Pattern:
    """The pattern for media types that `text` spells; its only wildcards are `*` and `**`."""
    if text and not _MEDIA_TYPE_LETTERS.issuperset(text):
        raise Refused(f"{quote(text)} matches no media type", _MEDIA_TYPE_HINT)
    pattern = _compile(text)
    if pattern.is_exact and is_possible(text, MEDIA_TYPE):
        return pattern
    _refuse_impossible(text, pattern, _MEDIA_TYPE)
    return pattern


@attrs.frozen
class _Sort:
    """What is said about names of one sort."""

    word: str
    name: str  # what it is that a pattern matches
    letters: Container[str]
    is_possible: Callable[[str], bool]
    advice: tuple[tuple[str, str], ...]
    hint: str


def _is_repository_possible(glob: str) -> bool:
    return is_possible(glob, REPOSITORY)


def _is_tag_possible(glob: str) -> bool:
    return is_possible(glob, TAG)


def _is_media_type_possible(glob: str) -> bool:
    return is_possible(glob, MEDIA_TYPE)


_TAGS_ADVICE = (*_ADVICE[:1], *_TAG_ADVICE, *_ADVICE[1:])
_REPOSITORY = _Sort("repository", "name", REPOSITORY.letters, _is_repository_possible, _ADVICE, _REPOSITORY_HINT)
_TAG = _Sort("tag", "name", TAG.letters, _is_tag_possible, _TAGS_ADVICE, _TAG_HINT)
_DIGEST = _Sort("manifest", "digest", DIGEST_LETTERS, is_possible_digest, _ADVICE[:-1], _DIGEST_HINT)
_MEDIA_TYPE = _Sort("manifest", "media type", MEDIA_TYPE.letters, _is_media_type_possible, (), _MEDIA_TYPE_HINT)


def _possible(text: str, sort: _Sort) -> Pattern:
    """The pattern that `text` spells, which some name of that sort can match."""
    pattern = _compile(text)
    if not text.startswith(REGEX_PREFIX):
        _refuse_impossible(text, pattern, sort)
    return pattern


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
    if ".azurecr." in text and text.partition("/")[0].lower().endswith(REGISTRY_HOSTS):
        hint = "write the name alone; registry: at the top of the file says which registry"
        raise Refused(f"{quote(text)}: names do not begin with the registry", hint)


def _refuse_impossible(text: str, pattern: Pattern, sort: _Sort) -> None:
    """Refuse `text` if no name of this sort, or none for one of its alternatives, can match it."""
    foreign = "".join(letter for letter in _letters(text) if letter not in sort.letters)
    hint = next((hint for letters, hint in sort.advice if set(letters) & set(foreign)), sort.hint)
    if pattern.is_exact:
        raise Refused(f"{quote(text)} cannot be the {sort.name} of a {sort.word}", hint)
    if foreign:
        raise Refused(f"{quote(text)} matches no {sort.word}: {quote(foreign[0])} stands in no {sort.name}", hint)
    for alternative in alternatives(text):
        if not sort.is_possible(alternative):
            which = "" if alternative == text else f": none matches its alternative {quote(alternative)}"
            raise Refused(f"{quote(text)} matches no {sort.word}{which}", hint)


def _letters(text: str) -> Iterator[str]:
    """The characters of `text` that stand for themselves, in braces and brackets too."""
    depth = 0
    for letter in _CLASS_START.sub("", _CLASS_NAME.sub("", text)):
        depth += (letter == "{") - (letter == "}")
        if letter not in "*?]{}" and not (letter == "," and depth):
            yield letter
