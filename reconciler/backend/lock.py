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

import contextlib
import threading
import time
from types import TracebackType
from typing import Self

import attrs

from reconciler.backend.holder import (
    DAMAGED,
    LOCK,
    holder_from_bytes,
    holder_to_bytes,
    new_holder,
    timestamp,
)
from reconciler.backend.store import Blob, Store
from reconciler.backend.waiting import Tell, Timing, Waiting
from reconciler.errors import BackendError, ConflictError, LockedError
from reconciler.model.holder import Holder

__all__ = ["DAMAGED", "LOCK", "RunLock", "Timing", "acquire", "read_holder", "unlock"]

_NORMAL = Timing()


def acquire(
    store: Store,
    *,
    registry: str,
    operation: str,
    timeout_s: float,
    tell: Tell,
    timing: Timing = _NORMAL,
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
    ours = new_holder(registry, operation)
    waiting = Waiting(store.name, timeout_s, tell, timing)
    while True:
        blob = store.read(LOCK)
        why = "" if blob is None else waiting.why_taken_over(blob)
        if blob is not None and not why:
            waiting.pause(blob)
            continue
        lock = _taken(store, ours, None if blob is None else blob.version, tell, timing)
        if lock is None:
            continue  # somebody was faster
        if why:
            tell(why)
        return lock


def read_holder(store: Store) -> Holder | None:
    """
    Who holds the run lock; None: nobody.

    Raises:
        LockedError: what stands there is no lock.
    """
    blob = store.read(LOCK)
    return None if blob is None else holder_from_bytes(blob.content, store.name)


def unlock(store: Store, lock_id: str) -> Holder | None:
    """
    Take the lock away from whoever holds it by this id; who that was, or None of a damaged one.

    Raises:
        LockedError: nobody holds it, or somebody with another id does.
    """
    while True:
        blob = store.read(LOCK)
        if blob is None:
            raise LockedError(f"{store.name}: nobody holds the run lock")
        holder = _named_by(lock_id, blob, store)
        try:
            store.delete(LOCK, replaces=blob.version)
        except ConflictError:
            continue  # it was renewed meanwhile, or is another one now
        return holder


class RunLock:
    """The run lock, held and renewed until it is released. A context manager."""

    def __init__(
        self, store: Store, holder: Holder, version: str, *, tell: Tell, timing: Timing, renewed_s: float
    ) -> None:
        self.holder = holder
        self._store = store
        self._version = version
        self._tell = tell
        self._timing = timing
        self._renewed_s = renewed_s  # by the steady clock, before it was written
        self._turn = 0
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
        taken_by = self._taken_by
        if taken_by:
            return f"the run lock was taken away by {taken_by}"
        since_s = _steady_s() - self._renewed_s
        if since_s > self._timing.trusted_s:
            return f"the run lock could not be renewed for {since_s:.0f} s, so another run may have taken it over"
        return ""

    def release(self) -> None:
        """Let go; what cannot be done is told, for the run is over all the same."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join(self._timing.trusted_s)
        try:
            warning = self._let_go()
        except BackendError as error:
            warning = f"the run lock could not be released; the next run takes it over: {error}"
        if warning:
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                self._tell(f"warning: {warning}")

    def _let_go(self) -> str:
        """Take away our own lock, and never another's; what a person should know about that."""
        if self._thread.is_alive():
            return "the run lock could not be released, for its renewal hangs; the next run takes it over"
        blob = self._store.read(LOCK)
        if blob is None or not self._is_ours(blob):
            by = f"by {self._taken_by} " if self._taken_by else ""
            return f"the run lock at {self._store.name} was taken away {by}meanwhile"
        try:
            self._store.delete(LOCK, replaces=blob.version)
        except ConflictError:
            return f"the run lock at {self._store.name} was taken away meanwhile"
        return ""

    def _renew(self) -> None:
        failures, pause_s = 0, self._timing.renew_s
        while not self._stop.wait(pause_s):
            try:
                if not self._renew_once():
                    return
            except BackendError:  # `lost` says so once it has lasted
                failures += 1
                pause_s = 0.0 if failures == 1 else self._timing.poll_s
            else:
                failures, pause_s = 0, self._timing.renew_s

    def _renew_once(self) -> bool:
        """Whether the lock is still ours; a store that cannot be reached leaves that open."""
        self._turn += 1
        started_s = _steady_s()
        content = holder_to_bytes(attrs.evolve(self.holder, renewed=timestamp()), self._turn)
        try:
            self._version = self._store.write(LOCK, content, replaces=self._version)
        except ConflictError:
            return self._is_ours_after_all()
        self._renewed_s, self._taken_by = started_s, ""
        return True

    def _is_ours_after_all(self) -> bool:
        """Something else stands there: another's lock, or a renewal of ours whose answer was lost."""
        self._taken_by = "another run"  # until it is known, nothing may be changed
        blob = self._store.read(LOCK)
        if blob is not None and self._is_ours(blob):
            self._version = blob.version
            return self._renew_once()
        self._taken_by = _named(blob, self._store)
        return False

    def _is_ours(self, blob: Blob) -> bool:
        try:
            return holder_from_bytes(blob.content, self._store.name).id == self.holder.id
        except LockedError:
            return False


def _taken(store: Store, ours: Holder, replaces: str | None, tell: Tell, timing: Timing) -> RunLock | None:
    """The lock, held; None: somebody else was faster."""
    try:
        now, started_s = timestamp(), _steady_s()
        ours = attrs.evolve(ours, since=now, renewed=now)
        version = store.write(LOCK, holder_to_bytes(ours, 0), replaces=replaces)
        return RunLock(store, ours, version, tell=tell, timing=timing, renewed_s=started_s)
    except ConflictError:
        return None
    except BaseException:  # an interrupt, or no answer: it may stand there all the same
        with contextlib.suppress(BackendError):
            unlock(store, ours.id)
        raise


def _named_by(lock_id: str, blob: Blob, store: Store) -> Holder | None:
    """The holder with that id; None: what stands there is damaged, and that was said."""
    try:
        holder = holder_from_bytes(blob.content, store.name)
    except LockedError:
        if lock_id != DAMAGED:
            raise
        return None
    if holder.id != lock_id:
        raise LockedError(f"{store.name}: the run lock is held by {holder} with the id {holder.id}, not {lock_id}")
    return holder


def _named(blob: Blob | None, store: Store) -> str:
    """Who holds the lock that was ours, as far as that can be told."""
    if blob is None:
        return "somebody who removed it"
    try:
        return str(holder_from_bytes(blob.content, store.name))
    except LockedError:
        return "something that is no run lock"


def _steady_s() -> float:
    """Seconds that pass also while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
