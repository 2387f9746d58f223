"""
The run lock: one `apply` at a time for a registry and a memory.

It is a blob beside the memory that only one can create. Its holder renews it every few
seconds. A lock that is not renewed any more was left behind, and the next run takes it
over: at once where the holder's process is known to have ended on this machine, and
otherwise after watching it for a while. Watching goes by our own steady clock; the
times in the blob are for people, because clocks of two machines differ, and jump.

Whoever was cut off so long that others had to think it dead (a machine that was asleep,
a network that was down) finds that out before its next change: `RunLock.lost` says so.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import attrs
import orjson

from reconciler import __version__
from reconciler.backend.process import has_ended, host, identity, user
from reconciler.backend.store import Blob, Store
from reconciler.errors import BackendError, ConflictError, LockedError
from reconciler.model.holder import Holder

LOCK = ".lock"
DAMAGED = "damaged"  # stands for the id of a lock that cannot be read
_FORMAT_VERSION = "1.0"
Tell = Callable[[str], None]


@attrs.frozen
class Timing:
    """How often, and how long, in seconds."""

    renew_s: float = 5.0
    abandoned_s: float = 20.0  # without a renewal; a multiple of `renew_s`
    trusted_s: float = 15.0  # so long after its last renewal a holder goes on; less than `abandoned_s`
    poll_s: float = 1.0


def acquire(
    store: Store,
    *,
    registry: str,
    operation: str,
    timeout_s: float,
    tell: Tell,
    timing: Timing = Timing(),
) -> RunLock:
    """
    Take the run lock.

    Args:
        store: Where it is.
        registry: What is going to be changed.
        operation: What for, such as apply.
        timeout_s: How long to wait for another run to end.
        tell: Is given what a person should know meanwhile.
        timing: How often to renew, and when to think another run dead.

    Raises:
        LockedError: another run holds it.
        BackendError: the place cannot be read or written.
    """
    ours = _new_holder(registry, operation)
    waiting = _Waiting(store, timeout_s, tell, timing)
    while True:
        blob = store.read(LOCK)
        if blob is None or waiting.may_be_taken_over(blob):
            lock = _taken(store, ours, None if blob is None else blob.version, tell, timing)
            if lock:
                return lock
            continue  # somebody was faster
        waiting.pause(blob)


def read_holder(store: Store) -> Holder | None:
    """
    Who holds the run lock; None: nobody.

    Raises:
        LockedError: what stands there is no lock.
    """
    blob = store.read(LOCK)
    return None if blob is None else _holder(blob, store)


def unlock(store: Store, lock_id: str) -> Holder | None:
    """
    Take the lock away from whoever holds it by this id; who that was, or None of a damaged one.

    Raises:
        LockedError: nobody holds it, or somebody with another id does.
    """
    blob = store.read(LOCK)
    if blob is None:
        raise LockedError(f"{store.name}: nobody holds the run lock")
    holder = None
    try:
        holder = _holder(blob, store)
    except LockedError:
        if lock_id != DAMAGED:
            raise
    if holder is not None and holder.id != lock_id:
        raise LockedError(f"{store.name}: the run lock is held by {holder} with the id {holder.id}, not {lock_id}")
    store.delete(LOCK, replaces=blob.version)
    return holder


class RunLock:
    """The run lock, held and renewed until it is released. A context manager."""

    def __init__(self, store: Store, holder: Holder, version: str, tell: Tell, timing: Timing) -> None:
        self.holder = holder
        self._store = store
        self._version = version
        self._tell = tell
        self._timing = timing
        self._renewed_s = _steady_s()
        self._taken_by = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="run lock", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    @property
    def lost(self) -> str:
        """Why nothing more may be changed under this lock; empty: it may."""
        if self._taken_by:
            return f"the run lock was taken away by {self._taken_by}"
        since_s = _steady_s() - self._renewed_s
        if since_s > self._timing.trusted_s:
            return f"the run lock could not be renewed for {since_s:.0f} s, so another run may have taken it over"
        return ""

    def release(self) -> None:
        """Let go; what cannot be done is told, for the run is over all the same."""
        self._stop.set()
        self._thread.join()
        if self._taken_by:
            self._tell(f"warning: the run lock at {self._store.name} was taken away by {self._taken_by} meanwhile")
            return
        try:
            self._store.delete(LOCK, replaces=self._version)
        except ConflictError:
            self._tell(f"warning: the run lock at {self._store.name} was taken away meanwhile")
        except BackendError as error:
            self._tell(f"warning: the run lock could not be released; the next run takes it over: {error}")

    def _renew(self) -> None:
        pause_s = self._timing.renew_s
        while not self._stop.wait(pause_s):
            started_s = _steady_s()
            renewed = attrs.evolve(self.holder, renewed=_now())
            try:
                self._version = self._store.write(LOCK, _content(renewed), replaces=self._version)
            except ConflictError:
                self._taken_by = _named(self._store)
                return
            except BackendError:
                pause_s = min(self._timing.poll_s, self._timing.renew_s)  # `lost` says so once it has lasted
            else:
                self._renewed_s, pause_s = started_s, self._timing.renew_s


class _Waiting:
    """Waits for another run to end, and finds out whether it still lives."""

    def __init__(self, store: Store, timeout_s: float, tell: Tell, timing: Timing) -> None:
        self._store = store
        self._deadline_s = time.monotonic() + timeout_s
        self._tell = tell
        self._timing = timing
        self._version = ""
        self._seen_s = 0.0  # when the blob was first seen as it is
        self._is_alive = False  # it was seen to be renewed
        self._has_told = False

    def may_be_taken_over(self, blob: Blob) -> bool:
        """Its holder has ended, or has not renewed it for so long that it must have."""
        holder = _holder(blob, self._store)
        if has_ended(holder.process):
            self._tell(f"The run lock was left behind by {holder}, which has ended; it is taken over.")
            return True
        now_s = time.monotonic()
        if blob.version != self._version:
            self._is_alive = bool(self._version)
            self._version, self._seen_s = blob.version, now_s
        if now_s - self._seen_s < self._timing.abandoned_s:
            return False
        self._tell(f"The run lock of {holder} was not renewed for {now_s - self._seen_s:.0f} s; it is taken over.")
        return True

    def pause(self, blob: Blob) -> None:
        """
        Wait a moment.

        Raises:
            LockedError: there is no more time.
        """
        holder = _holder(blob, self._store)
        until_s = self._deadline_s
        if not self._is_alive and not _is_recent(holder, self._timing):
            until_s = max(until_s, self._seen_s + self._timing.abandoned_s + self._timing.poll_s)
            self._tell_once(f"The run lock of {holder} seems to be left behind; watching it for a while.")
        if time.monotonic() >= until_s:
            raise LockedError(_refusal(holder, self._store))
        self._tell_once(f"Waiting for {holder}, which holds the run lock since {holder.since}.")
        time.sleep(self._timing.poll_s * (0.75 + random.random() / 2))  # noqa: S311 - so that not all look at once

    def _tell_once(self, text: str) -> None:
        if not self._has_told:
            self._has_told = True
            self._tell(text)


def _taken(store: Store, ours: Holder, replaces: str | None, tell: Tell, timing: Timing) -> RunLock | None:
    """The lock, held; None: somebody else was faster."""
    now = _now()
    ours = attrs.evolve(ours, since=now, renewed=now)
    try:
        version = store.write(LOCK, _content(ours), replaces=replaces)
    except ConflictError:
        return None
    return RunLock(store, ours, version, tell, timing)


def _refusal(holder: Holder, store: Store) -> str:
    return (
        f"the run lock of {holder.registry} at {store.name} is held by {holder}\n"
        f"  since {holder.since}, renewed {holder.renewed}. --lock-timeout SECONDS waits for it.\n"
        "  If you are sure that it will never end:\n"
        f"    reconciler state unlock {holder.id}"
    )


def _new_holder(registry: str, operation: str) -> Holder:
    return Holder(
        id=str(uuid.uuid4()),
        who=user(),
        host=host(),
        pid=os.getpid(),
        process=identity(os.getpid()),
        operation=operation,
        registry=registry,
        since=_now(),
        renewed=_now(),
        tool_version=__version__,
    )


def _content(holder: Holder) -> bytes:
    document = {"format_version": _FORMAT_VERSION, **attrs.asdict(holder)}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _holder(blob: Blob, store: Store) -> Holder:
    try:
        document = orjson.loads(blob.content)
        texts = {field.name: _text(document[field.name]) for field in attrs.fields(Holder) if field.name != "pid"}
        return Holder(pid=int(document["pid"]), **texts)
    except (ValueError, KeyError, TypeError):
        raise LockedError(
            f"{store.name}{LOCK}: not a run lock of this program, or damaged; it is left as it is\n"
            f"  Nobody can apply until it is gone. If you are sure: reconciler state unlock {DAMAGED}"
        ) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)


def _named(store: Store) -> str:
    """Who holds the lock that was ours, as far as that can be told."""
    try:
        holder = read_holder(store)
    except BackendError:
        holder = None
    return str(holder) if holder else "somebody who removed it"


def _is_recent(holder: Holder, timing: Timing) -> bool:
    """By the clocks of two machines, it was renewed not long ago."""
    try:
        renewed = datetime.fromisoformat(holder.renewed)
        return abs((datetime.now(UTC) - renewed).total_seconds()) < timing.abandoned_s
    except (ValueError, TypeError):
        return False


def _steady_s() -> float:
    """Seconds that pass also while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _now() -> str:
    return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
