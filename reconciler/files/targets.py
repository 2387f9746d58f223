"""
Patterns of addresses, as exceptions have them: `prod/api`, `prod/api:v1.*`, `prod/**@sha256:9f*`.

Each part is a pattern of its own sort and is checked as such: a part that nothing can
match would make an exception from nothing.
"""

from __future__ import annotations

from reconciler.files.sorts import digest_pattern, repository_pattern, tag_pattern
from reconciler.files.values import Refused
from reconciler.files.wording import quote
from reconciler.model.desired import Target
from reconciler.model.pattern import REGEX_PREFIX
from reconciler.model.selection import parted

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
