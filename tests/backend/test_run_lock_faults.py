"""The run lock where the store, a clock or a process misbehaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import attrs
import orjson
import pytest

from reconciler.backend.holder import how_to_unlock
from reconciler.backend.local import FileStore
from reconciler.backend.lock import DAMAGED, LOCK, Timing, acquire, read_holder, unlock
from reconciler.backend.process import has_ended, identity
from reconciler.backend.store import Blob
from reconciler.errors import BackendError, LockedError

FAST = Timing(renew_s=0.05, abandoned_s=1.0, trusted_s=0.6, poll_s=0.05)
IDLE = Timing(renew_s=60.0, abandoned_s=120.0, trusted_s=90.0, poll_s=0.05)  # renews nothing within a test


class FaultyStore:
    """A store in a folder that does what it is told to before or after each work."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._store = FileStore(path)
        self.before_write: Callable[[], object] = _nothing
        self.after_write: Callable[[], object] = _nothing
        self.before_read: Callable[[], object] = _nothing
        self.before_delete: Callable[[], object] = _nothing
        self.versions: list[str] = []

    def read(self, suffix: str) -> Blob | None:
        """What stands there."""
        self.before_read()
        return self._store.read(suffix)

    def write(self, suffix: str, content: bytes, *, replaces: str | None) -> str:
        """Put it there, and remember which version it was."""
        self.before_write()
        version = self._store.write(suffix, content, replaces=replaces)
        self.versions.append(version)
        self.after_write()
        return version

    def delete(self, suffix: str, *, replaces: str) -> None:
        """Leave nothing there."""
        self.before_delete()
        self._store.delete(suffix, replaces=replaces)


def _nothing() -> None:
    pass


def _unreachable() -> None:
    raise BackendError("nobody answers")


def _times(count: int, work: Callable[[], object]) -> Callable[[], object]:
    """Does it so many times, and then nothing."""
    left = [work] * count
    return lambda: left.pop()() if left else None


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for it, and fail where it never comes."""
    deadline_s = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


@pytest.fixture
def store(tmp_path):
    """A place for a lock."""
    return FaultyStore(str(tmp_path / "state.json"))


@pytest.fixture
def elsewhere(tmp_path):
    """The same place, as others see it."""
    return FileStore(str(tmp_path / "state.json"))


def _take(store, told: list[str] | None = None, timing: Timing = FAST, timeout_s: float = 0.0):
    tell = (told if told is not None else []).append
    return acquire(store, registry="prod", operation="apply", timeout_s=timeout_s, tell=tell, timing=timing)


def _leave(store, **changed: object) -> bytes:
    """A lock of another machine, left there."""
    with _take(store, timing=IDLE) as lock:
        document = {"format_version": "1.0", **attrs.asdict(lock.holder)}
    content = orjson.dumps({**document, "host": "runner-9", "who": "ci", "process": "", **changed})
    store.write(LOCK, content, replaces=None)
    return content


def test_a_renewal_whose_answer_was_lost_was_ours(store):
    """What stands there has our own id, so nobody took it: it goes on, and is released at the end."""
    told: list[str] = []

    with _take(store, told) as lock:
        store.after_write = _times(1, _unreachable)
        count = len(store.versions)
        _until(lambda: len(store.versions) > count + 3)
        lost = lock.lost

    assert "" == lost
    assert [] == told
    assert read_holder(store) is None


def test_a_release_after_a_renewal_whose_answer_was_lost(store):
    """Takes away our own lock all the same."""
    told: list[str] = []
    lock = _take(store, told, Timing(renew_s=0.05, abandoned_s=30.0, trusted_s=20.0, poll_s=10.0))
    store.after_write = _unreachable
    _until(lambda: len(store.versions) >= 2)
    lock.release()

    assert [] == told
    assert read_holder(store) is None


def test_a_slow_store_takes_its_time_from_our_trust(store):
    """Others count from when the lock stood there, which may be long before the answer came."""
    store.after_write = lambda: time.sleep(0.5)

    with _take(store, timing=attrs.evolve(IDLE, trusted_s=0.4)) as lock:
        assert lock.lost.startswith("the run lock could not be renewed for")


def test_whoever_loses_a_takeover_does_not_claim_it(store, elsewhere):
    """It is told only once it is true; the loser names the winner."""
    told: list[str] = []
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        process = identity(ended.pid)
    _leave(elsewhere, process=process or "x")
    winners = []
    store.before_write = _times(1, lambda: winners.append(_take(elsewhere, timing=IDLE)))

    with pytest.raises(LockedError) as raised:
        _take(store, told)

    assert [] == [line for line in told if "taken over" in line]
    assert winners[0].holder.id in str(raised.value)
    winners[0].release()


def test_every_renewal_is_another_version(store):
    """Also where the clock stands still or is set back, for others watch nothing but that."""
    with _take(store, timing=attrs.evolve(FAST, renew_s=0.01)):
        _until(lambda: len(store.versions) >= 12)

    assert len(store.versions) == len(set(store.versions))


def test_a_holder_that_renews_while_it_is_unlocked_is_unlocked(store, elsewhere):
    """Its id is what was named, whichever renewal it was read in."""
    with _take(elsewhere) as lock:
        version = elsewhere.read(LOCK).version
        store.before_delete = _times(1, lambda: _until(lambda: elsewhere.read(LOCK).version != version))

        unlock(store, lock.holder.id)

        _until(lambda: bool(lock.lost))
    assert read_holder(elsewhere) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"format_version": "2.0"},
        {"format_version": None},
        {"pid": "12"},
        {"pid": True},
        {"pid": 1.5},
        {"pid": -1},
        {"id": ""},
        {"id": "a\nb"},
        {"since": "yesterday"},
        {"renewed": "2026-11-26T20:10:03"},
        {"host": 7},
    ],
)
def test_what_is_not_quite_a_lock_is_none(store, changed):
    """It is left as it is, and the message has the way on."""
    content = _leave(store, **changed)

    for work in (lambda: _take(store), lambda: read_holder(store), lambda: unlock(store, "0b7e")):
        with pytest.raises(LockedError, match=f"state unlock {DAMAGED}"):
            work()
    assert content == store.read(LOCK).content


def test_damaged_is_not_the_id_of_a_sound_lock(store):
    """The word removes only what cannot be read."""
    _leave(store)

    with pytest.raises(LockedError, match=f"not {DAMAGED}"):
        unlock(store, DAMAGED)


def test_a_killed_holder_that_nobody_has_buried_has_ended(store):
    """As in a container whose first process does not wait for others."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        process = identity(other.pid)
        assert not has_ended(process)
        other.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)

        assert has_ended(process)


def test_a_renewal_that_failed_is_tried_again_at_once(store):
    """One hiccup costs none of the time that the holder has."""
    with _take(store, timing=Timing(renew_s=0.3, abandoned_s=60.0, trusted_s=30.0, poll_s=30.0)):
        store.before_write = _times(1, _unreachable)
        started_s = time.monotonic()
        _until(lambda: len(store.versions) >= 2)

    assert time.monotonic() - started_s < 3


def test_a_store_that_is_gone_for_long_forbids_changes_until_it_is_back(store):
    """Others may think the holder dead by then; when nobody did, it goes on."""
    with _take(store) as lock:
        store.before_write = _unreachable
        _until(lambda: lock.lost.startswith("the run lock could not be renewed for"))
        store.before_write = _nothing
        _until(lambda: not lock.lost)


def test_a_lock_that_was_taken_is_lost_before_it_is_known_by_whom(store, elsewhere):
    """Reading who it was may take long."""
    lock = _take(store)
    has_come = threading.Event()
    store.before_read = lambda: has_come.wait(20)
    unlock(elsewhere, lock.holder.id)
    _until(lambda: bool(lock.lost) or not lock._thread.is_alive())

    said = lock.lost
    has_come.set()
    lock.release()

    assert said.startswith("the run lock was taken away by")


def test_a_store_that_cannot_be_read_lets_nobody_apply(store):
    """Nobody can know whether somebody else does."""
    store.before_read = _unreachable

    with pytest.raises(BackendError, match="nobody answers"):
        _take(store)


def test_a_second_release_does_nothing(store):
    """It warns of nothing, and touches nobody else's lock."""
    told: list[str] = []
    lock = _take(store, told)
    lock.release()
    with _take(store) as other:
        lock.release()

        assert other.holder.id == read_holder(store).id
    assert [] == told


def test_what_went_wrong_is_not_hidden_by_the_release(store):
    """Not by a store that is gone, and not by an output that is closed."""

    def closed(_: str) -> None:
        raise BrokenPipeError

    lock = acquire(store, registry="prod", operation="apply", timeout_s=0, tell=closed, timing=IDLE)
    store.before_delete = _unreachable

    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError


def test_a_renewal_that_hangs_does_not_keep_the_run_from_ending(store):
    """The next run takes the lock over."""
    told: list[str] = []
    lock = _take(store, told)
    goes_on, hangs = threading.Event(), threading.Event()
    store.before_write = lambda: (hangs.set(), goes_on.wait(20))
    hangs.wait(20)
    started_s = time.monotonic()
    lock.release()
    took_s = time.monotonic() - started_s
    goes_on.set()

    assert took_s < 5
    assert [True] == ["the next run takes it over" in line for line in told]
    lock._thread.join(20)


def test_the_refusal_says_who_and_what_now(store):
    """In whole sentences, with times that people read."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 7))
    _leave(store, id="0b7e", pid=4711, host="runner-3", since="2026-11-26T20:10:03Z", renewed=now)

    with pytest.raises(LockedError) as raised:
        _take(store, timing=Timing())

    held, renewed, *now_what = str(raised.value).splitlines()
    assert f"the run lock of prod at {store.name} is held by" in held
    assert held.endswith("ci@runner-3 (apply, process 4711) since 2026-11-26 20:10:03 UTC")
    assert re.fullmatch(r"  It was renewed [78] s ago; its id is 0b7e\. --lock-timeout SECONDS waits for it\.", renewed)
    assert ["  If you are sure that it is gone:", f"    reconciler state unlock 0b7e --state {store.name}"] == now_what


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (".reconciler/state.json", "reconciler state unlock 0b7e"),
        ("az://state/prod.json", "reconciler state unlock 0b7e --state az://state/prod.json"),
        ("our state/prod.json", "reconciler state unlock 0b7e --state 'our state/prod.json'"),
    ],
)
def test_the_command_that_is_told_can_be_pasted(place, expected):
    """It names the place where it is not the one that is meant without a name."""
    assert expected == how_to_unlock("0b7e", place)


class _InterruptedAfterwards(FileStore):
    """A folder in which whoever takes the lock is interrupted before they know that they have it."""

    def write(self, suffix: str, content: bytes, *, replaces: str | None) -> str:
        super().write(suffix, content, replaces=replaces)
        raise KeyboardInterrupt


def test_whoever_is_interrupted_while_taking_the_lock_leaves_none_behind(tmp_path):
    """A pipeline that is cancelled in that very moment must not keep the next one out."""
    path = str(tmp_path / "state.json")

    with pytest.raises(KeyboardInterrupt):
        acquire(_InterruptedAfterwards(path), registry="r", operation="apply", timeout_s=0, tell=print)

    assert FileStore(path).read(".lock") is None
