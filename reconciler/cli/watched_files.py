"""
Desired-state files that are read again when they change.

A checkout is half written for a moment, and a mistake may be merged. Then what the files said
before counts, and that they cannot be read is told: a watch that ends over a comma
watches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import DesiredStateError

if TYPE_CHECKING:
    from reconciler.model.desired import DesiredState


class WatchedFiles:
    """The files of a watch, and what they declare."""

    def __init__(self, files: Sequence[str], overlays: Sequence[str], others: Sequence[str]) -> None:
        self._files = tuple(files)
        self._overlays = tuple(overlays)
        self._others = tuple(others)  # not read here; that they change counts all the same
        self._read_at: object = None
        self._desired: DesiredState | None = None
        self.problem = ""  # why what they say now is not taken; empty: it is

    def desired(self) -> DesiredState:
        """
        What they declare, or declared before they went wrong.

        Raises:
            DesiredStateError: something is wrong with them, and they were never read before.
        """
        from reconciler.files import load_desired

        stamps = self.stamps()
        if self._desired is None or self.problem or stamps != self._read_at:
            try:
                self._desired, self.problem = load_desired(self._files, stdin=None, overlays=self._overlays), ""
            except DesiredStateError as error:
                if self._desired is None:
                    raise
                self.problem = str(error)
            self._read_at = stamps
        return self._desired

    def stamps(self) -> object:
        """The same as long as none of them is written."""
        from reconciler.files.sources import Source, find_sources

        found = (source.path for source in find_sources(self._files) if isinstance(source, Source))
        named = map(Path, (*self._overlays, *self._others))
        return tuple(_stamp(path) for path in (*found, *named) if path is not None)

    def have_changed(self) -> bool:
        """They are not as they were read."""
        return self.stamps() != self._read_at


def _stamp(path: Path) -> tuple[object, ...]:
    try:
        found = path.stat()
    except OSError:
        return (str(path),)
    return str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
