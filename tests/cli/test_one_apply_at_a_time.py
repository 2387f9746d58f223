"""Two applies at the same time, and one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import attrs
import pytest

from reconciler.backend.holder import holder_to_bytes, new_holder
from reconciler.emulator import Settings


@pytest.fixture
def slow(start_emulator, releases, tmp_path):
    """A registry that takes its time, with 40 releases."""
    emulator = start_emulator(Settings(latency_ms=150))
    for number in range(40):
        emulator.push(f"shop/api:v{number}", content=b"%d" % number)
    return emulator


def _start(folder, emulator, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "reconciler", *arguments]
    environment = {**os.environ, "RECONCILER_REGISTRY": emulator.url}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _until_patching(emulator) -> None:
    until_s = time.monotonic() + 30
    while not emulator.requests("PATCH"):
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_a_second_apply_is_refused_and_plan_is_not(slow, reconciler, tmp_path):
    """It names the first one, and how to wait; reading needs no lock."""
    for number in range(200):
        slow.push(f"shop/web:v{number}", content=b"%d" % number)
    first = _start(tmp_path, slow, "apply", "registry.yaml", "--auto-approve", "--concurrency", "1")
    _until_patching(slow)

    second = reconciler("apply", "registry.yaml", "--auto-approve", RECONCILER_REGISTRY=slow.url)
    looking = reconciler("plan", "registry.yaml", RECONCILER_REGISTRY=slow.url)
    shown = reconciler("state", "show")
    first.send_signal(signal.SIGINT)  # there is enough of it for a slow machine
    first.communicate(timeout=60)

    assert (1, 0, 0) == (second.code, looking.code, shown.code)
    assert f"(apply, process {first.pid})" in second.stderr
    assert "held by " in shown.stdout
    assert f"(apply, process {first.pid})\n" in shown.stdout


def test_whoever_waits_comes_after(slow, tmp_path):
    """Both end well, and each run is in the journal."""
    both = [
        _start(tmp_path, slow, "apply", "registry.yaml", "--auto-approve", "--lock-timeout", "60") for _ in range(2)
    ]

    ends = [run.communicate(timeout=90) for run in both]

    assert [0, 0] == [run.returncode for run in both], ends
    lines = (tmp_path / ".reconciler/state.json.journal").read_text().splitlines()
    assert [{"verified": 41}, {}] == [json.loads(line)["summary"] for line in lines]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_next_run_finishes_what_an_interrupted_one_began(slow, reconciler, tmp_path, number):
    """Killed, it leaves its lock behind, which is taken over; otherwise it releases it."""
    first = _start(tmp_path, slow, "apply", "registry.yaml", "--auto-approve", "--concurrency", "2")
    _until_patching(slow)
    first.send_signal(number)
    first.communicate(timeout=60)

    second = reconciler("apply", "registry.yaml", "--auto-approve", RECONCILER_REGISTRY=slow.url)
    third = reconciler("plan", "registry.yaml", RECONCILER_REGISTRY=slow.url)

    assert 0 == second.code, second.stderr
    assert ("which has ended; it is taken over" in second.stderr) == (number == signal.SIGKILL)
    assert "no changes" in third.stdout
    assert not (tmp_path / ".reconciler/state.json.lock").exists()


def test_rollback_latest_says_that_a_killed_run_is_not_in_the_journal(slow, reconciler, tmp_path):
    """What is the latest there is an older run; once the next apply has taken the lock over, no trace is left."""
    environment = {"RECONCILER_REGISTRY": slow.url}
    assert 0 == reconciler("apply", "registry.yaml", "--auto-approve", "--target", "shop/api:v0", **environment).code
    slow.clear_requests()
    killed = _start(tmp_path, slow, "apply", "registry.yaml", "--auto-approve", "--concurrency", "2")
    _until_patching(slow)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)

    latest = reconciler("rollback", "latest", **environment)
    by_id = reconciler("rollback", "2", **environment)

    ended = f"(apply, process {killed.pid}) did not end and is not in the journal; latest is an older run\n"
    assert (0, 0) == (latest.code, by_id.code)
    assert ended in latest.stderr
    assert "is not in the journal" not in by_id.stderr


def test_rollback_latest_says_that_a_run_is_under_way(slow, reconciler, tmp_path):
    """It is not in the journal before it ends; nor is one of which only its own machine knows whether it still runs."""
    environment = {"RECONCILER_REGISTRY": slow.url}
    assert 0 == reconciler("apply", "registry.yaml", "--auto-approve", "--target", "shop/api:v0", **environment).code
    elsewhere = attrs.evolve(new_holder(slow.url, "apply"), host="runner-3", process="", pid=4711)
    (tmp_path / ".reconciler/state.json.lock").write_bytes(holder_to_bytes(elsewhere, 0))

    latest = reconciler("rollback", "latest", **environment)

    under_way = "@runner-3 (apply, process 4711) is not known to have ended and is not in the journal; latest is"
    assert 0 == latest.code
    assert under_way in latest.stderr


@pytest.mark.parametrize(("since", "is_told"), [("2000-01-01T00:00:00Z", False), ("ended", True)])
def test_a_lock_that_could_not_be_released_is_no_later_run(slow, reconciler, tmp_path, since, is_told):
    """That run is in the journal; one whose lock was taken in the second in which it ended is another."""
    environment = {"RECONCILER_REGISTRY": slow.url}
    assert 0 == reconciler("apply", "registry.yaml", "--auto-approve", "--target", "shop/api:v0", **environment).code
    run = json.loads((tmp_path / ".reconciler/state.json.journal").read_text())
    holder = attrs.evolve(new_holder(slow.url, "apply"), since=run.get(since, since))
    (tmp_path / ".reconciler/state.json.lock").write_bytes(holder_to_bytes(holder, 0))

    latest = reconciler("rollback", "latest", **environment)

    assert is_told == ("is not in the journal; latest is an older run" in latest.stderr)


def test_a_saved_plan_that_was_interrupted_does_what_is_left(slow, reconciler, tmp_path):
    """Its memory is of its own making, so it is not stale; then it is applied, and said to be."""
    assert 0 == reconciler("plan", "registry.yaml", "--out", "plan.json", RECONCILER_REGISTRY=slow.url).code
    first = _start(tmp_path, slow, "apply", "plan.json", "--auto-approve", "--concurrency", "2")
    _until_patching(slow)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)

    second = reconciler("apply", "plan.json", "--auto-approve", RECONCILER_REGISTRY=slow.url)
    third = reconciler("apply", "plan.json", "--auto-approve", RECONCILER_REGISTRY=slow.url)

    assert (1, 0, 0) == (first.returncode, second.code, third.code)
    assert "did not finish; this one does what is left" in second.stderr
    assert "This plan was applied before" in third.stderr


def test_interrupted_before_it_changes_anything_it_releases_the_lock(slow, tmp_path):
    """SIGTERM while it reads: a pipeline that is cancelled must not keep the next one out."""
    run = _start(tmp_path, slow, "apply", "registry.yaml", "--auto-approve")
    lock = tmp_path / ".reconciler/state.json.lock"
    until_s = time.monotonic() + 30
    while not lock.exists():
        assert time.monotonic() < until_s
        time.sleep(0.01)

    run.send_signal(signal.SIGTERM)
    _, said = run.communicate(timeout=60)

    assert run.returncode == 1
    assert "interrupted; nothing was changed" in said
    assert not lock.exists()


def test_without_the_right_to_write_nothing_is_begun(slow, reconciler, tmp_path):
    """What could not be remembered is not done, unless that is said to be fine."""
    (tmp_path / ".reconciler").write_text("a file where a folder should be")

    refused = reconciler("apply", "registry.yaml", "--auto-approve", RECONCILER_REGISTRY=slow.url)

    assert 1 == refused.code
    assert "cannot be written" in refused.stderr
    assert "--state none works without a memory" in refused.stderr
    assert [] == slow.requests("PATCH")
