"""A run that is killed at any moment leaves nothing unlocked that is not recorded; the next one finishes the job."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from making import LOCKED, applied, book_at, change, client_of, owed_at, plan_of, unlock

from reconciler.apply import pay_debts
from reconciler.backend.local import FileStore
from reconciler.cli.debts import read_debts
from reconciler.emulator import Settings

KILLS = int(os.environ.get("KILLS", "7"))  # `make soak` has more
CHILD = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import test_killed as t
from making import applied, book_at, client_of

class Emulator:
    url = sys.argv[2]

async def main():
    async with client_of(Emulator) as client:
        plan = t.plan(sys.argv[4], sys.argv[5], sys.argv[6].split(","))
        print("begun", flush=True)
        await applied(plan, client, book=book_at(sys.argv[3]))
        print("ended", flush=True)

asyncio.run(main())
"""
MOVED = [f"m{number}" for number in range(4)]
DELETED = [f"d{number}" for number in range(4)]


def plan(first, second, there):
    """Move some locked tags and delete others, in a locked repository; and lock one for good."""
    changes = [change(f"web/api:{name}", {"digest": first}, {"digest": second}) for name in MOVED if name in there]
    changes += [change(f"web/api:{name}", {"digest": first}, {}) for name in DELETED if name in there]
    kept = {"digest": second, "deleteEnabled": True}
    changes += [change("web/api:kept", kept, {**kept, "deleteEnabled": False})] if "kept" in there else []
    unlocks = [unlock(f"web/api:{name}") for name in (*MOVED, *DELETED) if name in there]
    return plan_of(*changes, unlocks=[unlock("web/api"), *unlocks])


def _left(emulator, first):
    """What of the plan is not done yet."""
    left = [name for name in MOVED if emulator.tag(f"web/api:{name}")["digest"] == first]
    left += [name for name in DELETED if emulator.tag(f"web/api:{name}")]
    return left + (["kept"] if emulator.tag("web/api:kept")["deleteEnabled"] else [])


def _unlocked(emulator):
    """What was locked and is not, and still exists."""
    found = {"web/api": emulator.repository("web/api")}
    found |= {f"web/api:{name}": emulator.tag(f"web/api:{name}") for name in (*MOVED, *DELETED)}
    return {address for address, now in found.items() if now and not LOCKED.items() <= now.items()}


def _killed(emulator, place, first, second, after_s):
    arguments = [
        str(Path(__file__).parent),
        emulator.url,
        str(place),
        first,
        second,
        ",".join((*MOVED, *DELETED, "kept")),
    ]
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert "begun\n" == child.stdout.readline()
        time.sleep(after_s)
        child.kill()
        return child.stdout.read()


@pytest.mark.parametrize("number", range(KILLS))
async def test_nothing_is_open_that_is_not_owed_and_the_next_run_finishes(start_emulator, tmp_path, number):
    """kill -9 at a random moment; then what is owed is paid, and what is left is done."""
    emulator, place = start_emulator(Settings(latency_ms=5)), tmp_path / "state.json"
    first = emulator.push_many("web/api", [*MOVED, *DELETED], content=b"one")
    second = emulator.push("web/api:kept", content=b"two")
    for name in ("web/api:" + each for each in (*MOVED, *DELETED)):
        emulator.patch(name, **LOCKED)
    emulator.patch("web/api", **LOCKED)
    after_s = random.Random(number).uniform(0, 0.5)

    _killed(emulator, place, first, second, after_s)
    await asyncio.sleep(0.05)  # what was under way arrives
    unlocked, owed = _unlocked(emulator), owed_at(place)
    async with client_of(emulator) as client:
        book = book_at(place)
        await pay_debts(client, read_debts(FileStore(str(place)), "emulator"), book, concurrency=4)
        paid = _unlocked(emulator)
        report = await applied(plan(first, second, _left(emulator, first)), client, book=book)

    assert unlocked <= owed.keys()
    assert set() == paid
    assert report.is_success
    assert set() == _unlocked(emulator)
    assert [] == _left(emulator, first)
    assert {} == owed_at(place)
