"""
An apply that dies, or whose registry does its worst: the next one finishes the job, and nothing was let go.

One run unlocks for a moment, moves, creates, deletes and protects. It is killed at a random
moment, or the network is cut, or the registry throttles, or somebody else locks. After that
one more apply has to end with everything verified and nothing owed; and of all that was ever
loosened nothing may be missing from the plan that people saw.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reconciler.backend.local import FileStore
from reconciler.cli.debts import read_debts
from reconciler.emulator import Settings

KILLS = int(os.environ.get("KILLS", "6"))  # `make soak` has more
LOCKED = {"deleteEnabled": False, "writeEnabled": False}
RELEASES = [f"v{number}" for number in range(6)]
OLD = [f"pr-{number}" for number in range(4)]


def _filled(emulator, tmp_path: Path) -> str:
    """A frozen repository with a locked tag that must move, locked ones that must go, and a file that says so."""
    wanted = emulator.push("web/api:next", content=b"two")
    emulator.push_many("web/api", ["stable", *OLD], content=b"one")
    emulator.push_many("web/api", RELEASES[1:], content=b"three")
    emulator.push_index("web/api:v0", ["web/api:v1", "web/api:next"])
    for name in ("stable", *OLD):
        emulator.patch(f"web/api:{name}", **LOCKED)
    emulator.patch("web/api", **LOCKED)
    entry = {
        "match": "web/api",
        "protect": "frozen",
        "tags": [
            {"match": "v*", "protect": "immutable"},
            {"match": ["stable", "candidate"], "digest": wanted, "protect": "immutable"},
            {"match": "pr-*", "ensure": "absent", "unlock": True},
        ],
    }
    (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [entry]}))
    return wanted


def _apply(emulator, tmp_path: Path) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "reconciler", "apply", "registry.json", "--registry", emulator.url),
            *("--auto-approve", "-q", "--max-delete", "100%", "--timeout", "5"),
        ],
        cwd=tmp_path,
        env=kept,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _writes(emulator) -> int:
    return sum(request.method != "GET" for request in emulator.requests())


def _announced(reconciler, emulator) -> set[tuple[str, str]]:
    """What the plan says it may loosen: address and attribute."""
    done = reconciler("plan", "registry.json", "--registry", emulator.url, "--format", "json", "-q")
    plan = json.loads(done.stdout)
    granted = {
        (change["address"], name)
        for change in plan["changes"]
        for name, value in change["after"].items()
        if value is True and change["before"].get(name) is False
    }
    return granted | {(unlock["address"], name) for unlock in plan["unlocks"] for name in unlock["before"]}


def _loosened(emulator) -> set[tuple[str, str]]:
    """What PATCHes have granted: address and attribute."""
    found = set()
    for request in emulator.requests("PATCH"):
        path = request.path.removeprefix("/acr/v1/").replace("/_tags/", ":").replace("/_manifests/", "@")
        found |= {(path, name) for name, value in json.loads(request.body or b"{}").items() if value is True}
    return found


def _check_finished(emulator, tmp_path: Path, wanted: str) -> None:
    """Everything is as the file says, nothing is owed, nothing is open."""
    assert () == read_debts(FileStore(str(tmp_path / ".reconciler" / "state.json")), emulator.url)
    assert LOCKED == {name: emulator.repository("web/api")[name] for name in LOCKED}
    assert [None] * len(OLD) == [emulator.tag(f"web/api:{name}") for name in OLD]
    for name in ("stable", "candidate", *RELEASES):
        tag = emulator.tag(f"web/api:{name}")
        assert LOCKED == {flag: tag[flag] for flag in LOCKED}, name
        assert emulator.manifest(f"web/api@{tag['digest']}")["deleteEnabled"] is False, name
    assert [wanted, wanted] == [emulator.tag(f"web/api:{name}")["digest"] for name in ("stable", "candidate")]


@pytest.mark.parametrize("number", range(KILLS))
def test_after_a_kill_the_next_apply_ends_verified_and_owes_nothing(start_emulator, reconciler, tmp_path, number):
    """kill -9 after a random number of writes, and a random moment more."""
    emulator = start_emulator(Settings(latency_ms=3))
    wanted, chance = _filled(emulator, tmp_path), random.Random(number)
    announced = _announced(reconciler, emulator)
    until = chance.randint(0, 40)

    with _apply(emulator, tmp_path) as run:
        while run.poll() is None and _writes(emulator) < until:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        run.kill()
    done = reconciler("apply", "registry.json", "--registry", emulator.url, "--auto-approve", "--max-delete", "100%")

    assert 0 == done.code, done.stdout + done.stderr
    _check_finished(emulator, tmp_path, wanted)
    assert _loosened(emulator) <= announced


def _cut(emulator) -> None:
    for at in ("before", "after", "middle"):
        emulator.faults.drop_next(2, at=at, method="PATCH")
        emulator.faults.drop_next(1, at=at, method="PUT")


def _storm(emulator) -> None:
    for method in ("PATCH", "PUT", "DELETE", "GET"):
        emulator.faults.fail_next(4, status=429, retry_after_s=1, method=method)


def _broken(emulator) -> None:
    for method in ("PATCH", "PUT", "DELETE"):
        emulator.faults.fail_next(4, status=503, method=method)


@pytest.mark.parametrize("trouble", [_cut, _storm, _broken])
def test_after_trouble_the_next_apply_ends_verified_and_owes_nothing(start_emulator, reconciler, tmp_path, trouble):
    """Answers that are lost, a storm of 429, a registry that fails: whatever the first run made of it."""
    emulator = start_emulator()
    wanted = _filled(emulator, tmp_path)
    announced = _announced(reconciler, emulator)
    trouble(emulator)

    with _apply(emulator, tmp_path) as run:
        run.wait(120)
    emulator.faults.clear()
    done = reconciler("apply", "registry.json", "--registry", emulator.url, "--auto-approve", "--max-delete", "100%")

    assert 0 == done.code, done.stdout + done.stderr
    _check_finished(emulator, tmp_path, wanted)
    assert _loosened(emulator) <= announced


def test_somebody_else_who_locks_meanwhile_does_not_lose_and_neither_do_we(start_emulator, reconciler, tmp_path):
    """Locks come back on again and again while the run takes them off; the end is the same."""
    emulator = start_emulator(Settings(latency_ms=3))
    wanted = _filled(emulator, tmp_path)
    announced, ended = _announced(reconciler, emulator), threading.Event()

    def lock() -> None:
        while not ended.wait(0.05):
            emulator.patch("web/api", **LOCKED)
            emulator.patch("web/api:stable", **LOCKED)

    other = threading.Thread(target=lock)
    other.start()
    with _apply(emulator, tmp_path) as run:
        run.wait(120)
    ended.set()
    other.join()
    done = reconciler("apply", "registry.json", "--registry", emulator.url, "--auto-approve", "--max-delete", "100%")

    assert 0 == done.code, done.stdout + done.stderr
    _check_finished(emulator, tmp_path, wanted)
    assert _loosened(emulator) <= announced
