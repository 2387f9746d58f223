"""
A watch, a registry that fails at random, people who break and mend: no drift is missed, no alert doubled.

It takes as many seconds as SOAK_S says; `make soak` says 300, and holds memory to what it was at the end of
the first minute.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import threading
import time
from pathlib import Path

import pytest
from servers import Received, Reply, refusal, reply, scripted
from watches import Watching, watching

SOAK_S = float(os.environ.get("SOAK_S", "6"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
SETTLED_S = 60.0  # until which growth is that of starting
TAGS = [f"shop/app{number % 5}:v{number}" for number in range(max(10, int(SOAK_S)))]
FAULTS = [
    {"latency_ms": 20},
    {"firewall": True},
    {"tag_count_off": 1},
    {"tags_without_last": 1},
    {"throttled_s": {"read": 1}},
    {"requests": [{"do": "refuse", "probability": 0.3, "times": None}]},
    {"requests": [{"do": "drop", "at": "after", "probability": 0.2, "times": None}]},
    {"requests": [{"do": "drop", "at": "middle", "probability": 0.2, "times": None}]},
    {"requests": [{"do": "hang", "every": 7, "times": 2}]},
]


class Receiver:
    """Takes alerts, but not each time."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self.told: list[tuple[str, str]] = []

    def __call__(self, request: Received) -> Reply:
        """Take what was sent, or say that it was not taken."""
        with self._lock:
            if self._chance.random() < 0.3:
                return refusal(503, "BUSY")
            events = json.loads(request.body)
            self.told += [(each["subject"], each["data"]["status"]) for each in events]
        return reply(202)


@pytest.fixture
def released(emulator, reconciler, releases, tmp_path):
    """A registry with many releases that were protected by an apply; a folder with its memory."""
    for tag in TAGS:
        emulator.push(tag, content=tag.encode())
    assert 0 == reconciler("apply", releases, "--auto-approve", RECONCILER_REGISTRY=emulator.url).code
    return tmp_path


def _rss_kib(watch: Watching) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{watch.process.pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _broken_and_mended(emulator, watch: Watching, receiver: Receiver, tags: list[str], chance: random.Random) -> None:
    """Break some tags and mend them, each while the registry fails; wait until both are known."""
    for is_broken, status in ((True, "firing"), (False, "resolved")):
        emulator.faults.load(chance.choice(FAULTS))
        for tag in tags:
            emulator.patch(tag, deleteEnabled=is_broken)
        time.sleep(chance.uniform(0, 2))
        emulator.faults.clear()
        watch.until(lambda told=status: all((tag, told) in receiver.told for tag in tags))


def test_nothing_is_missed_and_nothing_doubled(released, emulator):
    """Each break is told once, each end once; the memory of a long run does not grow."""
    chance = random.Random(SEED)
    receiver, left, sizes_kib = Receiver(chance), list(TAGS), {}
    with scripted() as server:
        server.on("*", receiver)
        with watching(released, emulator.url, "--alert", f"webhook+{server.url}", "--timeout", "2") as watch:
            watch.until(lambda: " no drift; " in watch.stderr)
            began_s = time.monotonic()
            while (took_s := time.monotonic() - began_s) < SOAK_S and left:
                tags = [left.pop() for _ in range(min(len(left), chance.randint(1, 3)))]
                _broken_and_mended(emulator, watch, receiver, tags, chance)
                sizes_kib[took_s] = _rss_kib(watch)
            code = watch.stop()

    done = [tag for tag in TAGS if tag not in left]
    assert 0 == code
    assert sorted((tag, status) for tag in done for status in ("firing", "resolved")) == sorted(receiver.told)
    settled = [size for at_s, size in sizes_kib.items() if at_s >= SETTLED_S]
    if SOAK_S > 2 * SETTLED_S:
        first, last = settled[0], settled[-1]
        sys.stdout.write(f"\n{len(done)} drifts; {first:,} KiB after a minute, {last:,} KiB in the end\n")
        assert last <= 1.1 * first
