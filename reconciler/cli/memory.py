"""Where last applied is kept, as the command line says it; read by all commands, and locked by those that write."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from reconciler.backend.location import DEFAULT_PLACE
from reconciler.cli.clock import now, parsed, shown_time
from reconciler.cli.output import note
from reconciler.cli.registry import Registry, Traffic, tell
from reconciler.errors import ConflictError, RefusedError, StateError

if TYPE_CHECKING:
    from reconciler.backend.lock import RunLock
    from reconciler.backend.store import Store
    from reconciler.model.last_applied import LastApplied
    from reconciler.planning.base import BaseState
    from reconciler.planning.remember import Made

NONE = "none"
JOURNAL, DRIFT, ALERTS = ".journal", ".drift", ".alerts"
_ATTEMPTS = 5
_CLOCK_TOLERANCE = timedelta(minutes=1)


@attrs.frozen
class Where:
    """Where the memory is."""

    state: str | None  # a location; None: nowhere
    revision: str | None  # whose files say what was last applied, instead of a memory
    is_default: bool = False
    lock_timeout_s: float = 0.0
    overlays: tuple[str, ...] = ()  # of the files at that revision


@attrs.frozen(eq=False)
class Memory:
    """What was last applied, and where that is kept."""

    base: BaseState
    store: Store | None = None
    last: LastApplied | None = None
    version: str | None = None  # of what was read; None: nothing stands there
    lock: RunLock | None = None

    @property
    def is_known(self) -> bool:
        """There is something to tell by who moved: of every resource, not only of those that saved plans touched."""
        return self.base.reference is not None and (self.last is None or bool(self.last.rules))

    def why_not(self) -> str:
        """Why nothing may be changed now; empty: it may."""
        return self.lock.lost if self.lock else ""


def where_from(options: dict[str, Any]) -> Where:
    """
    Where the memory is, from the command line; takes its options out of `options`.

    Raises:
        RefusedError: two places are named.
    """
    state, revision = options.pop("state"), options.pop("base", None)
    timeout_s = float(options.pop("lock_timeout", 0.0))
    if revision is not None:
        if state not in (None, NONE):
            raise RefusedError(
                "--base takes what was last applied from Git, and --state from a memory; say one of them\n"
                "  RECONCILER_STATE and RECONCILER_BASE count too."
            )
        return Where(None, revision, overlays=options.get("overlay", ()))
    if state == NONE:
        return Where(None, None)
    return Where(DEFAULT_PLACE if state is None else state, None, state is None, timeout_s)


def read_memory(where: Where, registry: Registry, traffic: Traffic, files: tuple[str, ...]) -> Memory:
    """
    What was last applied; reading it needs no lock.

    Raises:
        BackendError: it cannot be read, or is not to be trusted.
        RevisionError: Git has no such revision.
    """
    from reconciler.planning.base import NoBase

    if where.revision is not None:
        return _from_revision(where, registry, traffic, files)
    store = open_place(where)
    if store is None:
        tell("Memory    none: who moved is not known", traffic)
        return Memory(NoBase())
    memory = _read(store, registry)
    tell(f"Memory    {_described(memory, store)}", traffic)
    _check_clock(memory.last)
    return memory


@contextlib.contextmanager
def locked_memory(
    where: Where, registry: Registry, traffic: Traffic, files: tuple[str, ...], operation: str
) -> Iterator[Memory]:
    """
    The same, with the run lock held: nobody else applies to this registry from this memory meanwhile.

    Raises:
        LockedError: somebody else does.
    """
    store = open_place(where)
    if store is None:
        yield read_memory(where, registry, traffic, files)
        return
    from reconciler.backend.lock import acquire

    with acquire(store, registry=registry.name, operation=operation, timeout_s=where.lock_timeout_s, tell=note) as lock:
        yield attrs.evolve(read_memory(where, registry, traffic, files), store=store, lock=lock)


def open_place(where: Where) -> Store | None:
    """The place of the memory, not yet looked into; None: there is none."""
    if where.state is None:
        return None
    from reconciler.backend.location import open_store

    return open_store(where.state)


def read_last(store: Store) -> tuple[LastApplied | None, str | None]:
    """The memory in a place and its version, whatever registry it is about."""
    from reconciler.planning.statefile import state_from_bytes

    blob = store.read("")
    return (None, None) if blob is None else (state_from_bytes(blob.content, store.name), blob.version)


def write_last(store: Store, version: str | None, wanted: LastApplied, made: Made) -> LastApplied:
    """
    Write what is to be remembered; where somebody else wrote meanwhile, onto what they wrote.

    Args:
        store: Where to.
        version: Of what was read there; None: nothing.
        wanted: What to remember.
        made: What the changes of the run came to.

    Raises:
        BackendError: it cannot be written.
    """
    from reconciler.planning.remember import lines_with, restated
    from reconciler.planning.statefile import state_to_bytes

    for attempt in range(_ATTEMPTS):
        try:
            store.write("", state_to_bytes(wanted), replaces=version)
        except ConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
            note(f"{store.name}: somebody else wrote it meanwhile; adding to what they wrote")
            theirs, version = read_last(store)
            _check_registry(theirs, wanted.registry, store)
            wanted = restated(wanted, theirs, lines_with(theirs, made))
        else:
            break
    return wanted


def update_blob(store: Store, suffix: str, change: Callable[[bytes], bytes]) -> None:
    """Replace a blob by what `change` makes of its bytes, also where others write at the same time."""
    for attempt in range(_ATTEMPTS):
        blob = store.read(suffix)
        old = b"" if blob is None else blob.content
        new = change(old)
        if new == old:
            return
        try:
            store.write(suffix, new, replaces=None if blob is None else blob.version)
        except ConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _read(store: Store, registry: Registry) -> Memory:
    from reconciler.planning.base import MemoryBase, NoBase

    last, version = read_last(store)
    _check_registry(last, registry.name, store)
    return Memory(MemoryBase(last) if last else NoBase(), store, last, version)


def _check_registry(last: LastApplied | None, registry: str, store: Store) -> None:
    if last is not None and last.registry != registry:
        raise StateError(
            f"{store.name}: what is remembered there is about {last.registry}, not {registry}; it is left as it is\n"
            f"  Each registry needs a memory of its own: --state LOCATION names one, such as"
            f" .reconciler/{registry.rpartition('/')[2].replace(':', '-')}.json"
        )


def _described(memory: Memory, store: Store) -> str:
    last = memory.last
    if last is None:
        return f"none yet at {store.name}: who moved is not known"
    return f"{store.name}, serial {last.serial:,} of {shown_time(last.written)}"


def _check_clock(last: LastApplied | None) -> None:
    written = parsed(last.written) if last else None
    if last is not None and written is not None and written > now() + _CLOCK_TOLERANCE:
        note(
            f"warning: the memory is dated {shown_time(last.written)}, and the clock here says"
            f" {shown_time(_text(now()))}\n  One clock is wrong. Runs are ordered by their serial, so nothing is lost."
        )


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _from_revision(where: Where, registry: Registry, traffic: Traffic, files: tuple[str, ...]) -> Memory:
    from reconciler.files.revision import load_desired_at
    from reconciler.planning.base import RevisionBase

    revision = where.revision or ""
    then = load_desired_at(revision, files, where.overlays)
    named = then.desired.registry
    if named is not None and registry.written is not None and named != registry.written:
        raise RefusedError(
            f"--base {revision}: the files were about {named} then, and are about {registry.written} now\n"
            "  What was last applied there says nothing about this registry."
        )
    tell(f"Memory    the files at {revision}, commit {then.commit[:12]}", traffic)
    return Memory(RevisionBase(then.commit, then.desired))
