"""
Patterns of addresses: `prod/api`, `prod/api:v1.*`, `prod/**@sha256:9f*`.

Exceptions in files have them, and `--target` and `--exclude` on the command line. Each
part is a pattern of its own sort and is checked as such: a part that nothing can match
would make an exception from nothing, or a run about nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.errors import RefusedError
from reconciler.files.sorts import digest_pattern, repository_pattern, tag_pattern
from reconciler.files.values import Refused
from reconciler.files.wording import quote
from reconciler.model.desired import Target
from reconciler.model.pattern import REGEX_PREFIX

_REGEX_HINT = "write a pattern of addresses, such as prod/*:v1.*"


def target_of(text: str) -> Target:
    """
    What a pattern of addresses stands for.

    Raises:
        Refused: it is none, or nothing can match it.
    """
    if text.startswith(REGEX_PREFIX):
        raise Refused(f"{quote(text)}: a regular expression cannot stand for an address", _REGEX_HINT)
    repository, mark, rest = parted(text)
    if rest.startswith(REGEX_PREFIX):
        raise Refused(f"{quote(text)}: a regular expression cannot stand in an address", _REGEX_HINT)
    if mark == ":" and "@" in rest:
        raise Refused(f"{quote(text)} names a tag and a manifest", "write one of the two")
    if not repository or (mark and not rest):
        raise Refused(f"{quote(text)} is no address", "such as prod/api, prod/api:v1.* or prod/api@sha256:9f*")
    where = repository_pattern(repository)
    if mark == ":":
        return Target(where, tag=tag_pattern(rest))
    return Target(where, digest=digest_pattern(rest)) if mark else Target(where)


def targets_given(option: str, texts: Iterable[str]) -> tuple[Target, ...]:
    """
    What patterns on the command line stand for.

    Raises:
        RefusedError: one of them is none, or nothing can match it.
    """
    try:
        return tuple(target_of(text) for text in texts)
    except Refused as refused:
        raise RefusedError("\n  ".join(filter(None, [f"{option} {refused.message}", refused.hint]))) from None


def parted(text: str) -> tuple[str, str, str]:
    """`text` before and after its first `@` or `:` that stands in no bracket or brace, and which of them it is."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter in "[{") - (letter in "]}")
        if letter in ":@" and depth <= 0:
            return text[:at], letter, text[at + 1 :]
    return text, "", ""
