"""Who holds the run lock."""

from __future__ import annotations

import attrs


@attrs.frozen
class Holder:
    """One run that applies, or did and left its lock behind."""

    id: str  # nobody else has it; whoever takes the lock away must name it
    who: str
    host: str
    pid: int
    process: str  # tells whether that process still runs, on the machine that it runs on; empty: cannot be told
    operation: str
    registry: str
    since: str  # RFC 3339, by the holder's clock
    renewed: str
    tool_version: str

    def __str__(self) -> str:
        return f"{self.who}@{self.host} ({self.operation}, process {self.pid})"
