"""
GitHub Actions: the summary of the job, and annotations at the lines of the files.

Annotations are commands in the output of the step. GitHub reads stdout and stderr alike, and
ours go to stderr, as stdout is the answer. A job has a summary of its own, so each run writes
all that fires.

Sources: docs.github.com/actions/reference/workflows-and-actions/workflow-commands (commands;
a summary of at most 1 MiB for a step), github.com/actions/toolkit, packages/core/src/command.ts
(escaping), github.com/orgs/community/discussions/26680 (10 errors and 10 warnings for a step).
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from reconciler.alerts.appending import append
from reconciler.alerts.event import DriftEvent
from reconciler.alerts.sink import Batch
from reconciler.alerts.sinks.in_thread import in_thread
from reconciler.alerts.text import shortened
from reconciler.alerts.wording import counted, news_for_people, values
from reconciler.errors import AlertError
from reconciler.planning.drift import Severity
from reconciler.render.markdown import code, codes
from reconciler.render.words import moment

VARIABLE = "GITHUB_STEP_SUMMARY"

_MOST_BYTES = 1024 * 1024
_ROWS = 1_000  # more makes the page slow
_LONGEST = 700  # characters
_ANNOTATIONS = 10  # of each kind
_MESSAGE = 2_000  # characters
_ORIGIN = re.compile(r"(?P<file>.+):(?P<line>[0-9]+):(?P<column>[0-9]+)", re.DOTALL | re.ASCII)
_COMMANDS: tuple[tuple[str, Severity], ...] = (("error", "critical"), ("warning", "warning"))
_HEAD = "| | resource | what it means | before → live | since | heal |\n|---|---|---|---|---|---|\n"


@attrs.frozen
class GitHub:
    """Writes into the job that runs us."""

    name: str
    key: str
    summary: str  # the file's path; empty: this is not GitHub
    wants_each_run: bool = True

    async def __call__(self, batch: Batch) -> None:
        """
        Append to the summary, and annotate.

        Raises:
            AlertError: this does not run on GitHub, or the summary cannot be written or is full.
        """
        if not self.summary:
            raise AlertError(f"{VARIABLE} is not set\n  GitHub Actions sets it; this sink works nowhere else.")
        if sys.stderr is not None:  # it may be closed; the summary tells the same
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write("".join(f"{line}\n" for line in commands(batch.firing)))
                sys.stderr.flush()
        await in_thread(lambda: _add_summary(self.summary, batch))


def summary(batch: Batch, most_bytes: int) -> bytes:
    """
    All that fires as Markdown, the gravest first, within a number of bytes; empty where not even the heading fits.

    Every text from elsewhere is a code span: there it is neither Markdown nor HTML, links nowhere and calls nobody.
    """
    events = (*batch.firing, *(event for event in news_for_people(batch) if event.status == "resolved"))
    parts = [f"### {code(batch.registry)}: {counted(events, batch.at) if events else 'no drift'}\n\n"]
    if not batch.is_complete:
        parts.append("Not everything could be read, so there may be more.\n\n")
    left = most_bytes - len("".join(parts).encode())
    if left < 0:
        return b""
    parts += _table(batch, left)
    return "".join(parts).encode()


def _table(batch: Batch, most_bytes: int) -> Iterator[str]:
    """The table of what fires, row after row while there is room for one more and the line below."""
    if not batch.firing:
        return
    left = most_bytes - len(_HEAD.encode()) - len(_more(batch, len(batch.firing)).encode())
    if left < 0:
        return
    yield _HEAD
    number = 0
    for event in batch.firing[:_ROWS]:
        row = _row(event)
        left -= len(row.encode())
        if left < 0:
            break
        yield row
        number += 1
    yield _more(batch, len(batch.firing) - number)


def _more(batch: Batch, number: int) -> str:
    return f"\nand {number:,} more: {code(batch.command)}\n\n" if number else "\n"


def _row(event: DriftEvent) -> str:
    attributes = (f"{each.name}: {values(each)}" for each in event.attributes)
    said = (event.meaning.removeprefix(f"{event.address}: "), event.pattern)
    cells = [
        event.severity,
        code(str(event.address)),
        "<br>".join(code(each) for each in said if each),
        codes(tuple(attributes)),
        code(moment(event.first_seen)),
        code(event.heal, _LONGEST) if len(event.heal) <= _LONGEST else "",
    ]
    return f"| {' | '.join(cells)} |\n"


def commands(firing: Sequence[DriftEvent]) -> Iterator[str]:
    """Workflow commands, one line each: the gravest first, as many as GitHub shows."""
    for command, severity in _COMMANDS:
        for event in [event for event in firing if event.severity == severity][:_ANNOTATIONS]:
            yield _annotation(command, event)


def _annotation(command: str, event: DriftEvent) -> str:
    found = _ORIGIN.fullmatch(event.origins[0]) if event.origins else None
    place = {"file": found["file"], "line": found["line"], "col": found["column"]} if found else {}
    properties = {**place, "title": f"drift: {event.address}"}
    told = ",".join(f"{name}={_property(shortened(value, _LONGEST))}" for name, value in properties.items())
    heal = f"\nheal: {shortened(event.heal, _LONGEST)}" if 0 < len(event.heal) <= _LONGEST else ""
    return f"::{command} {told}::{_data(shortened(event.meaning, _MESSAGE) + heal)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _add_summary(path: str, batch: Batch) -> None:
    try:
        there = Path(path).stat().st_size
    except (OSError, ValueError):
        there = 0
    written = summary(batch, _MOST_BYTES - there - 1)
    if not written:
        raise AlertError("the summary of this step is full: GitHub takes 1 MiB")
    append(path, [written])
