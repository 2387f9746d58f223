"""
Desired state as the YAML of a file, the way people write it.

A file reads every scalar as text, so `1.10` would be that tag without quotes. Other programs
do not: they would see a number, a date, a boolean. So what any YAML could take for something
else stands in quotes here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.desired import Declaration, ManifestRule, RepositoryRule, TagRule
from reconciler.model.pattern import Pattern
from reconciler.render.words import safe

_WIDTH = 100  # columns that a list may take on one line
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
# Source: YAML 1.1, the types bool and null (https://yaml.org/type/).
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def file_yaml(registry: str, comments: Iterable[str], entries: Sequence[str]) -> Iterator[str]:
    """
    The text of a file, piece by piece.

    Args:
        registry: As plans name it.
        comments: Lines at the top; what does not print in them is replaced.
        entries: As `entry_yaml` makes them.
    """
    yield from (f"# {safe(line)}".rstrip() + "\n" for line in comments)
    yield f"version: 1\nregistry: {_text(registry)}\n\n"
    if not entries:
        yield "repositories: []\n"
        return
    yield "repositories:\n"
    for at, entry in enumerate(entries):
        yield f"\n{entry}" if at else entry


def entry_yaml(rule: RepositoryRule) -> str:
    """One entry under `repositories`, with all that is in it."""
    lines = list(_head(rule, "  "))
    for member, entries in (("tags", rule.tags), ("manifests", rule.manifests)):
        if entries:
            lines.append(f"    {member}:")
        for entry in entries:
            lines += _head(entry, "      ")
    return "\n".join(lines) + "\n"


def _head(rule: RepositoryRule | TagRule | ManifestRule, margin: str) -> Iterator[str]:
    yield from _names("match", rule.match, f"{margin}- ")
    if rule.exclude:
        yield from _names("exclude", rule.exclude, f"{margin}  ")
    if rule.attributes:
        yield f"{margin}  attributes: {{{', '.join(map(_flag, rule.attributes))}}}"
    if isinstance(rule, TagRule) and rule.digest is not None:
        yield f"{margin}  digest: {rule.digest.value}"


def _names(member: str, patterns: Sequence[Pattern], start: str) -> Iterator[str]:
    texts = [_text(pattern.text) for pattern in patterns]
    line = f"{start}{member}: {texts[0]}" if len(texts) == 1 else f"{start}{member}: [{', '.join(texts)}]"
    if len(texts) == 1 or len(line) <= _WIDTH:
        yield line
        return
    yield f"{start}{member}:"
    yield from (f"{' ' * len(start)}  - {text}" for text in texts)


def _flag(said: Declaration) -> str:
    return f"{said.attribute}: {'true' if said.value else 'false'}"


def _text(text: str) -> str:
    """`text` as it is where no YAML could take it for anything else, and in quotes otherwise."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text)
