"""
Waiting for another run to end, and finding out whether it still lives.

Only our own steady clock is asked: the clocks of two machines differ, and jump. A lock
whose time says that it was left behind is watched before that is believed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import attrs

from reconciler.backend.holder import holder_from_bytes, how_to_unlock, moment
from reconciler.backend.process import has_ended
from reconciler.backend.store import Blob
from reconciler.errors import LockedError
from reconciler.model.holder import Holder

Tell = Callable[[str], None]


@attrs.frozen
class Timing:
    """How often, and how long, in seconds."""

    renew_s: float = 5.0
    abandoned_s: float = 20.0  # without a renewal; a multiple of `renew_s`
    trusted_s: float = 15.0  # so long after its last renewal a holder goes on; less than `abandoned_s`
    poll_s: float = 1.0


class Waiting:
    """What is known about the lock of another run."""

    def __init__(self, place: str, timeout_s: float, tell: Tell, timing: Timing) -> None:
        self._place = place
        self._deadline_s = time.monotonic() + timeout_s
        self._tell = tell
        self._timing = timing
        self._version = ""
        self._seen_s = 0.0  # when the blob was first seen as it is
        self._is_alive = False  # it was seen to be renewed
        self._has_told: set[str] = set()

    def why_taken_over(self, blob: Blob) -> str:
        """
        The lock was left behind, in a sentence; empty: its holder may live.

        Raises:
            LockedError: that is no lock.
        """
        holder = holder_from_bytes(blob.content, self._place)
        if has_ended(holder.process):
            return f"The run lock was left behind by {holder}, which has ended; it is taken over."
        now_s = time.monotonic()
        if blob.version != self._version:
            self._is_alive = bool(self._version)
            self._version, self._seen_s = blob.version, now_s
        if now_s - self._seen_s < self._timing.abandoned_s:
            return ""
        return f"The run lock of {holder} was not renewed for {now_s - self._seen_s:.0f} s; it is taken over."

    def pause(self, blob: Blob) -> None:
        """
        Wait a moment.

        Raises:
            LockedError: there is no more time.
        """
        holder = holder_from_bytes(blob.content, self._place)
        now_s, until_s = time.monotonic(), self._deadline_s
        if not self._is_alive and not self._is_recent(holder):
            until_s = max(until_s, self._seen_s + self._timing.abandoned_s + self._timing.poll_s)
            self._tell_once("watch", f"The run lock of {holder} seems to be left behind; watching it for a while.")
        elif now_s < until_s:
            self._tell_once("wait", f"Waiting for {holder}, which holds the run lock since {_shown(holder.since)}.")
        if now_s >= until_s:
            raise LockedError(self._refusal(holder))
        jittered_s = self._timing.poll_s * (0.75 + random.random() / 2)  # noqa: S311 - so that not all look at once
        time.sleep(min(jittered_s, until_s - now_s))

    def _tell_once(self, what: str, text: str) -> None:
        if what not in self._has_told:
            self._has_told.add(what)
            self._tell(text)

    def _is_recent(self, holder: Holder) -> bool:
        """By the clocks of two machines, it was renewed not long ago."""
        return abs(_age_s(holder)) < self._timing.abandoned_s

    def _refusal(self, holder: Holder) -> str:
        renewed = f"renewed {max(0.0, _age_s(holder)):.0f} s ago"
        if not self._is_recent(holder):
            renewed = f"renewed just now, though its clock says {_shown(holder.renewed)}"
        return (
            f"the run lock of {holder.registry} at {self._place} is held by {holder} since {_shown(holder.since)}\n"
            f"  It was {renewed}; its id is {holder.id}. --lock-timeout SECONDS waits for it.\n"
            "  If you are sure that it is gone:\n"
            f"    {how_to_unlock(holder.id, self._place)}"
        )


def _age_s(holder: Holder) -> float:
    return (datetime.now(UTC) - moment(holder.renewed)).total_seconds()


def _shown(time_text: str) -> str:
    return f"{moment(time_text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
