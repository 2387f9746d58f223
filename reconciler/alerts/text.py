"""
Text from elsewhere, made fit for a message: it stays text, calls nobody, and ends somewhere.

Names of tags and the words of a registry are chosen by whoever may push. They go to a
channel that a hundred people read.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from reconciler.render.words import safe

# @here, @channel, @everyone, a person, a role: chats wake people for these. A digest behind its @ stays as it is.
_MENTION = re.compile(r"@(?!sha(?:256|512):)")
# What apart from them has a meaning in some card or template; nothing that ACR allows in a name holds it.
_BRACES = re.compile(r"(?<=[{$])(?=\{)")
_JOINER = "\N{WORD JOINER}"  # has no width, and no line breaks at it


def shortened(text: str, longest: int) -> str:
    """`text` on one line, at most that many characters of it, with nothing in it that a terminal would obey."""
    return _cut(safe(text[: longest + 1]), longest)


def harmless(text: str, longest: int) -> str:
    """The same, and nobody is mentioned in it: an `@` is parted from what follows by a character without width."""
    return _cut(_BRACES.sub(_JOINER, _MENTION.sub(f"@{_JOINER}", safe(text[: longest + 1]))), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def escaped(text: str, escape: Callable[[str], str], longest: int) -> str:
    """
    `text` with each character escaped, at most `longest` characters of that; no escape is cut in two.

    Args:
        text: What is escaped.
        escape: From one character to what stands for it.
        longest: Characters of what comes of it.
    """
    parts: list[str] = []
    length = 0
    for character in text:
        part = escape(character)
        length += len(part)
        if length > longest - 1:
            return "".join(parts) + "…" if len(text) > len(parts) else "".join(parts)
        parts.append(part)
    return "".join(parts)
