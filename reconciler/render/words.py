"""
Small pieces of text that every human-readable format shares.

Names of files, messages of a registry and plan files come from elsewhere and end up
on a terminal; what could move the cursor or forge a line is replaced.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from reconciler.model.address import Address
from reconciler.model.attributes import Value

Style = Literal["bold", "dim", "red", "green", "yellow"]
Paint: TypeAlias = Callable[[str, Style], str]

WIDTH = 80  # columns
_BELOW = 6  # columns
_DIGEST_WIDTH = 13  # sha256: and what tells one from another
_CODES: dict[Style, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def painter(*, color: bool) -> Paint:
    """A function that puts text in a style, or leaves it as it is."""
    if color:
        return lambda text, style: f"\x1b[{_CODES[style]}m{text}\x1b[0m"
    return lambda text, _style: text


def safe(text: str) -> str:
    """`text` on one line, with every character that does not print as itself replaced, so that it stays text."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def paragraph(text: str, *, margin: int) -> str:
    """
    A message, safe, moved right by `margin` and wrapped at 80 columns.

    Its own lines stay apart and keep their own margin, so none of them can pass for
    a line of ours. A word is never broken: names and addresses can be copied.
    """
    return "\n".join(_wrapped(safe(line), margin) for line in text.rstrip("\n").split("\n"))


def columns(line: str) -> list[str]:
    """A line of columns, safe, and its last one below it where 80 columns are not enough; a word is never broken."""
    line = safe(line)
    if len(line) <= WIDTH:
        return [line]
    head, _, last = line.rpartition("  ")
    return [head, f"{' ' * _BELOW}{last}"] if head.strip() else paragraph(line, margin=0).split("\n")


def sentence(head: str, parts: Sequence[str], remark: str = "") -> str:
    """`head part, part remark.`, broken between these where 80 columns are not enough."""
    phrases = [head, *(f"{part}," for part in parts[:-1]), *parts[-1:], *([remark] if remark else [])]
    phrases[-1] += "."
    lines = [phrases[0]]
    for phrase in phrases[1:]:
        if len(lines[-1]) + 1 + len(phrase) <= WIDTH:
            lines[-1] += f" {phrase}"
        else:
            lines.append(f"  {phrase}")
    return "\n".join(lines)


def _wrapped(line: str, margin: int) -> str:
    start = " " * (margin + len(line) - len(line.lstrip(" ")))
    return textwrap.fill(
        line.strip(" "),
        WIDTH,
        initial_indent=start,
        subsequent_indent=start,
        break_long_words=False,
        break_on_hyphens=False,
    )


def shown(value: Value, *, whole: bool = False) -> str:
    """A value of a document: `true`, `false`, a number, or a digest; of that the first digits, unless `whole`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    return safe(value[:_DIGEST_WIDTH]) if value.startswith("sha256:") and not whole else safe(value)


def whole_digests(before: Value | None, after: Value | None, *, margin: int) -> list[str]:
    """Lines with what was and what will be, to the last digit; where a table has room for the first ones only."""
    lines = [safe(str(before))] if before else []
    if after and after != before:
        lines.append(f"→ {safe(str(after))}" if before else safe(str(after)))
    return [f"{' ' * margin}{line}" for line in lines]


def short_name(address: Address) -> str:
    """What distinguishes a resource within its repository."""
    if address.tag:
        return f":{address.tag}"
    return f"@{address.digest[:_DIGEST_WIDTH]}" if address.digest else "(repository)"


def moment(text: str) -> str:
    """A time of RFC 3339 as people read it: 2026-11-26 20:10:03 UTC."""
    return f"{text[:10]} {text[11:-1]} UTC" if text[10:11] == "T" and text.endswith("Z") else text


def named(address: Address, *, whole: bool) -> str:
    """A resource with its repository; of a digest the first digits, unless `whole`."""
    return str(address) if whole or not address.digest else f"{address.repository}{short_name(address)}"


def put_back(address: str) -> str:
    """What to do about what moved or went though locked."""
    return f"Put the image back, or let apply --accept {address} remember it as it is."


def few(named: Sequence[str], most: int = 3) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(named) - most:,} more" if len(named) > most else ""
    return f"{', '.join(named[:most])}{more}"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 change`, `1,000 changes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
