"""The run lock: one holder, told from a dead one, and never taken away unseen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import attrs
import orjson
import pytest
from store_contract import UNMEASURED

from reconciler.backend.holder import Holder
from reconciler.backend.local import FileStore
from reconciler.backend.lock import DAMAGED, LOCK, Timing, acquire, read_holder, unlock
from reconciler.backend.process import has_ended, identity
from reconciler.errors import LockedError

RACES = int(os.environ.get("RACES", "8"))  # `make soak` has more
FAST = Timing(renew_s=0.1, abandoned_s=2.5, trusted_s=1.5, poll_s=0.05)
HOLDER = """
import sys, time
from reconciler.backend.local import FileStore
from reconciler.backend.lock import Timing, acquire
timing = Timing(renew_s=0.1, abandoned_s=2.5, trusted_s=1.5, poll_s=0.05)
with acquire(FileStore(sys.argv[1]), registry="r", operation="apply", timeout_s=0, tell=print, timing=timing) as lock:
    print(lock.holder.id, flush=True)
    for line in sys.stdin:
        print(lock.lost or "held", flush=True)
print("released", flush=True)
"""
RACER = """
import sys
from reconciler.backend.local import FileStore
from reconciler.backend.lock import acquire
from reconciler.errors import LockedError
store = FileStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    with acquire(store, registry="r", operation="apply", timeout_s=0, tell=print) as lock:
        print("won", lock.holder.id, flush=True)
        sys.stdin.readline()
except LockedError as error:
    print("lost", str(error).split()[-3], flush=True)
    sys.stdin.readline()
"""


class Holding:
    """Another process that holds the lock."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=UNMEASURED,
        )
        self.id = self.process.stdout.readline().strip()

    def ask(self) -> str:
        """Why it may go on no longer; `held`: it may."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> str:
        """Let it release the lock; what it said since."""
        self.process.stdin.close()
        said = self.process.stdout.read()
        self.process.wait(20)
        return said

    def kill(self) -> None:
        """Whatever it does."""
        self.process.kill()
        self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def store(tmp_path):
    """A place for a lock."""
    return FileStore(str(tmp_path / "state.json"))


@pytest.fixture
def holding(tmp_path):
    """Another process that holds it."""
    other = Holding(tmp_path / "state.json")
    yield other
    other.kill()


def _but_for_time(holder: Holder) -> Holder:
    """A lock that is held is renewed, so that two looks at it may differ in when."""
    return attrs.evolve(holder, renewed="")


def _take(store, *, timeout_s: float = 0, told: list[str] | None = None, timing: Timing = FAST):
    tell = (told if told is not None else []).append
    return acquire(store, registry="r", operation="apply", timeout_s=timeout_s, tell=tell, timing=timing)


def _of_another_machine(store, **others: str) -> str:
    """Leave a lock there as another machine would have; its version."""
    with _take(store) as lock:
        holder = attrs.evolve(lock.holder, host="runner-9", who="ci", process="another-boot-1/1/1", **others)
    return store.write(LOCK, orjson.dumps({"format_version": "1.0", **attrs.asdict(holder)}), replaces=None)


def test_nobody_else_gets_it_while_it_is_held(store, holding):
    """The message names who holds it, since when, its id, and what now."""
    with pytest.raises(LockedError) as raised:
        _take(store)

    said = str(raised.value)
    assert f"(apply, process {holding.process.pid})" in said
    assert "--lock-timeout SECONDS waits for it" in said
    assert said.endswith(f"    reconciler state unlock {holding.id} --state {store.name}")


def test_it_is_free_again_when_it_was_released(store, holding):
    """Nothing is left there."""
    holding.end()

    assert read_holder(store) is None
    with _take(store) as lock:
        assert _but_for_time(lock.holder) == _but_for_time(read_holder(store))


def test_whoever_waits_gets_it_when_it_is_released(store, holding):
    """And is told once for whom they wait."""
    told: list[str] = []
    threading.Timer(0.5, holding.process.stdin.close).start()

    with _take(store, timeout_s=20, told=told) as lock:
        assert lock.holder.pid == os.getpid()

    assert 1 == len(told)
    assert told[0].startswith("Waiting for ")


def test_a_killed_holder_on_this_machine_is_known_to_have_ended(store, holding):
    """So its lock is taken over at once, and that is told."""
    holding.process.send_signal(signal.SIGKILL)
    holding.process.wait()
    told: list[str] = []
    started_s = time.monotonic()

    with _take(store, told=told, timing=Timing()) as lock:
        assert _but_for_time(lock.holder) == _but_for_time(read_holder(store))

    assert time.monotonic() - started_s < Timing().renew_s
    assert [True] == ["which has ended; it is taken over" in line for line in told]


def test_a_holder_that_does_not_renew_is_taken_for_dead_and_finds_that_out(store, holding):
    """It was only stopped; when it goes on it changes nothing more, and leaves the new lock alone."""
    holding.process.send_signal(signal.SIGSTOP)
    told: list[str] = []

    with _take(store, timeout_s=20, told=told) as lock:
        holding.process.send_signal(signal.SIGCONT)
        answers = [holding.ask()]
        while answers[-1].startswith("the run lock could not be renewed"):
            time.sleep(0.05)
            answers.append(holding.ask())
        said = holding.end()
        assert _but_for_time(lock.holder) == _but_for_time(read_holder(store))
        assert "" == lock.lost

    assert "was not renewed for" in told[-1]
    assert answers[-1].startswith("the run lock was taken away by")
    assert "was taken away by" in said


def test_a_lock_of_another_machine_that_is_renewed_is_alive(store):
    """However wrong the clock of that machine is, in either direction."""
    for renewed in ("2001-01-01T00:00:00Z", "2101-01-01T00:00:00Z"):
        version, stop = _of_another_machine(store, renewed=renewed), threading.Event()

        def renew(renewed=renewed, version=version, stop=stop):
            content, turn = store.read(LOCK).content, 0
            while not stop.wait(0.1):
                turn += 1
                version = store.write(LOCK, content + b" " * turn, replaces=version)
            store.delete(LOCK, replaces=version)

        renewing = threading.Thread(target=renew)
        renewing.start()
        with pytest.raises(LockedError, match="held by ci@runner-9"):
            _take(store)
        stop.set()
        renewing.join()


def test_a_lock_of_another_machine_that_is_not_renewed_is_watched_first(store):
    """Even without a timeout: its time says that it was left behind, and times may be wrong."""
    _of_another_machine(store, renewed="2001-01-01T00:00:00Z")
    told: list[str] = []
    started_s = time.monotonic()

    with _take(store, told=told):
        took_s = time.monotonic() - started_s

    assert took_s >= FAST.abandoned_s
    assert ["seems to be left behind; watching it", "was not renewed for"] == [
        part
        for part, line in zip(("seems to be left behind; watching it", "was not renewed for"), told, strict=True)
        if part in line
    ]


def test_a_lock_that_was_renewed_just_now_is_refused_at_once(store):
    """Its holder may be alive; the next attempt will see."""
    with _take(store) as lock:
        now = lock.holder.renewed
    _of_another_machine(store, renewed=now)

    with pytest.raises(LockedError):
        _take(store, timing=Timing())


def test_exactly_one_of_many_gets_it(tmp_path):
    """In races of four processes; every loser names the winner."""
    command = [sys.executable, "-c", RACER, str(tmp_path / "state.json")]
    for _ in range(RACES):
        racers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=UNMEASURED)
            for _ in range(4)
        ]
        for racer in racers:
            racer.stdout.readline()
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        ends = [racer.stdout.readline().split() for racer in racers]
        for racer in racers:
            racer.communicate()

        assert ["lost", "lost", "lost", "won"] == sorted(end[0] for end in ends)
        assert 1 == len({end[1] for end in ends})


def test_unlocking_needs_the_id(store):
    """So that nobody takes away the lock of a run that began meanwhile."""
    _of_another_machine(store)
    holder = read_holder(store)

    with pytest.raises(LockedError, match=f"with the id {holder.id}, not 0b7e"):
        unlock(store, "0b7e")
    assert holder == unlock(store, holder.id)
    with pytest.raises(LockedError, match="nobody holds the run lock"):
        unlock(store, holder.id)


@pytest.mark.parametrize("content", [b"{}", b"\0", b'{"id": 1}', b"[]"])
def test_what_is_no_lock_keeps_everybody_out_until_it_is_removed(store, content):
    """Nobody can know whether somebody applies; the message has the way on."""
    store.write(LOCK, content, replaces=None)

    for work in (lambda: _take(store), lambda: read_holder(store), lambda: unlock(store, "0b7e")):
        with pytest.raises(LockedError, match=f"state unlock {DAMAGED}"):
            work()
    assert content == store.read(LOCK).content
    assert unlock(store, DAMAGED) is None
    assert store.read(LOCK) is None


def test_a_lock_that_was_taken_away_is_not_released(store):
    """Its new holder keeps it, and the old one is told."""
    told: list[str] = []
    lock = _take(store, told=told, timing=Timing())
    unlock(store, lock.holder.id)
    with _take(store, timing=Timing()) as other:
        lock.release()

        assert _but_for_time(other.holder) == _but_for_time(read_holder(store))
    assert [True] == ["was taken away meanwhile" in line for line in told]


def test_no_thread_is_left_after_the_release(store):
    """It would keep the process from ending."""
    with _take(store):
        names = [thread.name for thread in threading.enumerate()]

    assert "run lock" in names
    assert "run lock" not in [thread.name for thread in threading.enumerate()]


def test_a_process_is_known_by_more_than_its_number():
    """Numbers are given again; when it started, and in which start of the machine, is not."""
    mine = identity(os.getpid())
    here, pid, started = mine.split("/")

    assert not has_ended(mine)
    assert has_ended(f"{here}/{pid}/{int(started) - 1}")
    assert has_ended(f"{here}/999999999/1")
    assert not has_ended(f"another-{here}/999999999/1")
    assert not has_ended("")
