"""
Markdown for comments on pull requests: what plans, reports and drift have in common.

Texts that come from elsewhere stand in code spans and nowhere else. There neither
Markdown nor HTML means anything, and GitHub makes no link of a name, a number or an
address: a mention would send mail. Sources: CommonMark 0.31, section 6.1 (code spans);
https://github.com/gjtorikian/html-pipeline, which leaves `code` alone.

A comment on GitHub holds 65,536 characters (the API refuses more with "body is too
long (maximum is 65536 characters)"). Rows that do not fit are left out from the least grave on.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from reconciler.model.address import Address
from reconciler.render.words import count, few, named, safe, short_name

MAX_UNITS = 65_000  # of UTF-16, a line break counted twice as some send two characters; so 195,000 bytes at most
MAX_TEXT = 500  # characters of one text from elsewhere
_MAX_LINES = 8
_MAX_NAME = 200  # characters of a registry in a marker
_SHOWN_GRAVE = 20  # rows that are not folded away
_NOTES_UNITS = 4_000  # below one title
_FOLD_UNITS = 200  # around the rows of a repository, its name left out
_NOT_IN_MARKER = re.compile(r"[^A-Za-z0-9._:/\[\]-]|-(?=-)")


@attrs.frozen(eq=False)
class Row:
    """One row of a table."""

    gravity: int  # 0 is the gravest
    is_grave: bool  # to be seen without unfolding anything
    kind: str  # the first column, and the word to count it by where it is left out
    address: Address  # the second one
    cells: Callable[[], tuple[str, ...]]  # the others, as Markdown; of most rows of a large plan nobody asks for them

    def line(self) -> str:
        """The row in the table of its repository."""
        return self._line(short_name(self.address))

    def whole_line(self) -> str:
        """The row where other repositories are too."""
        return self._line(named(self.address, whole=False))

    def _line(self, name: str) -> str:
        return f"| {' | '.join((self.kind, code(name), *self.cells()))} |\n"


def code(text: str, most: int = MAX_TEXT) -> str:
    """`text`, safe, as a code span; a pipe stands between two spans, as it would end the cell of a table."""
    text = safe(text if len(text) <= most else f"{text[:most]}…")
    return "&#124;".join(_span(part) if part else "" for part in text.split("|"))


def code_lines(text: str) -> str:
    """A message of several lines, each a code span."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    more = ["…"] if len(lines) > _MAX_LINES else []
    return "<br>".join([*map(code, lines[:_MAX_LINES]), *more])


def codes(texts: Sequence[str], most: int = 3) -> str:
    """The first of them, one below the other, and how many more there are."""
    more = [f"and {len(texts) - most:,} more"] if len(texts) > most else []
    return "<br>".join([*(code(text) for text in texts[:most]), *more])


def comment_marker(kind: str, registry: str) -> str:
    """The first line, which nobody sees: the same for each run, so that one comment can be kept up to date."""
    name = _NOT_IN_MARKER.sub(_in_percent, registry)
    if len(name) > _MAX_NAME:
        name = f"{name[:_MAX_NAME]}-{hashlib.sha256(name.encode()).hexdigest()}"
    return f"<!-- reconciler:{kind} {name} -->"


def _in_percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode(errors="replace"))


def notes(title: str, said: Sequence[tuple[str, str]], see_all: str) -> str:
    """
    A title and a list: what is meant, and what is said about it.

    Args:
        title: Ours.
        said: Texts from elsewhere.
        see_all: Markdown that tells how to see all.
    """
    if not said:
        return ""
    lines = (f"- {': '.join(filter(None, (code(what), code_lines(message))))}\n" for what, message in said)
    shown = list(_fitting(lines, _NOTES_UNITS))
    more = f"- … and {len(said) - len(shown):,} more; {see_all}\n" if len(shown) < len(said) else ""
    return f"**{title}** ({len(said):,})\n\n{''.join(shown)}{more}"


def document(
    blocks: Iterable[str], rows: Sequence[Row], columns: Sequence[str], end: Iterable[str], see_all: str
) -> str:
    """
    A whole comment that is not too long, whatever stands in it.

    Args:
        blocks: What comes first; empty ones are left out.
        rows: Of the tables, in the order of addresses.
        columns: The headings of a row.
        end: What comes last.
        see_all: Markdown that tells how to see all.
    """
    before, after = ("".join(f"{block.rstrip()}\n\n" for block in part if block) for part in (blocks, end))
    gravest_first = sorted(rows, key=lambda row: row.gravity)
    room = MAX_UNITS - units(before) - units(after) - 2 * _FOLD_UNITS - units(see_all)
    grave = _grave(gravest_first, columns)
    tables = _folded(gravest_first, columns, room - units(grave))
    left_out = gravest_first[sum(len(some) for _, some in tables) :]
    folds = "".join(_fold(name, some, columns) for name, some in tables)
    return f"{before}{grave}{_left_out(left_out, len(rows), see_all)}{folds}{after}".rstrip() + "\n"


def units(text: str) -> int:
    """How long `text` is: in UTF-16, with a line break counted twice."""
    return len(text.encode("utf-16-le")) // 2 + text.count("\n")


def _span(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    # A space at both ends is taken away, so one is added where the text would join the fence, or lose its own.
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text.strip(" ") else "&#32;" * len(text)


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= units(line)
        if room < 0:
            return
        yield line


def _grave(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """The gravest, where everybody sees them."""
    grave = [row for row in rows if row.is_grave]
    lines = list(_fitting((row.whole_line() for row in grave[:_SHOWN_GRAVE]), MAX_UNITS // 4))
    if not lines:
        return ""
    more = f"\n… and {count(len(grave) - len(lines), 'more')} of these below.\n" if len(lines) < len(grave) else ""
    return f"**Look at these first** ({len(grave):,})\n\n{_head(columns)}{''.join(lines)}{more}\n"


def _folded(rows: Sequence[Row], columns: Sequence[str], room: int) -> list[tuple[str, list[Row]]]:
    """As many rows as fit, by repository; the one with the gravest first."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        room -= units(row.line())
        if row.address.repository not in tables:
            room -= units(_title(row.address.repository)) + units(_head(columns)) + _FOLD_UNITS
        if room < 0:
            break
        tables.setdefault(row.address.repository, []).append(row)
    return list(tables.items())


def _fold(repository: str, rows: Sequence[Row], columns: Sequence[str]) -> str:
    lines = "".join(row.line() for row in rows)
    summary = f"<summary>{_title(repository)}: {_kinds(rows)}</summary>"
    return f"<details>\n{summary}\n\n{_head(columns)}{lines}\n</details>\n\n"


def _title(repository: str) -> str:
    return f"<code>{html.escape(safe(repository))}</code>"


def _head(columns: Sequence[str]) -> str:
    return f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"


def _kinds(rows: Sequence[Row]) -> str:
    """How many of which kind, the gravest first."""
    counts = Counter(row.kind.strip("*") for row in rows)
    return few([f"{number:,} {kind}" for kind, number in counts.items()])


def _left_out(rows: Sequence[Row], number: int, see_all: str) -> str:
    if not rows:
        return ""
    return f"**{len(rows):,} of {number:,} rows are left out below**, the least grave: {_kinds(rows)}. {see_all}\n\n"
