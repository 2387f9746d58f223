"""`--stream`: lines that are written while a run goes, whatever becomes of the run and of who reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from select import PIPE_BUF

import pytest

from reconciler.cli.stream import Stream
from reconciler.emulator import Settings
from reconciler.events import RepositoryRead

TAGS = 30


def _events(text: str) -> list[dict]:
    """The events of a stream that is whole so far: each line is one, and none is missing."""
    lines = text.splitlines(keepends=True)
    events = [json.loads(line) for line in lines]
    assert all(line.endswith("\n") for line in lines)
    assert list(range(1, len(events) + 1)) == [event["sequence"] for event in events]
    assert "run-started" == events[0]["type"]
    return events


@pytest.fixture
def slow(start_emulator):
    """A registry that takes its time, with many tags."""
    emulator = start_emulator(Settings(latency_ms=5))
    emulator.push_many("team/app", [f"v{number}" for number in range(TAGS)], content=b"one")
    return emulator


def _apply(emulator, folder: Path, releases: str) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
    arguments = ("--registry", emulator.url, "--auto-approve", "--stream", "--recheck", "each", "--concurrency", "2")
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", releases, *arguments],
        cwd=folder,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_run_tells_what_happens_from_its_start_to_its_end(emulator, reconciler, releases, tmp_path: Path):
    """Planning, then each outcome, then the report; other formats go to their files all the same."""
    emulator.push("team/app:v1", content=b"one")
    arguments = (releases, "--registry", emulator.url, "-q", "--format", "json=answer.json")

    planned = reconciler("plan", *arguments, "--detailed-exitcode", "--stream")
    applied = reconciler("apply", *arguments, "--auto-approve", RECONCILER_STREAM="1")
    emulator.patch("team/app:v1", writeEnabled=True)
    drifted = reconciler("drift", *arguments, "--format", "ndjson=drift.ndjson")

    started, read, planning = ["run-started"], ["repository-read"], ["change-planned", "change-planned", "summary"]
    assert [*started, *read, *planning, "run-ended"] == [event["type"] for event in _events(planned.stdout)]
    told = _events(applied.stdout)
    applying = ["outcome", "outcome", "summary"]
    assert [*started, *read, *planning, *applying, "run-ended"] == [event["type"] for event in told]
    assert ("report", 2) == (told[-2]["about"], told[-2]["counts"]["verified"])
    assert (0, "ok") == (told[-1]["exit_code"], told[-1]["status"])
    seen = _events((tmp_path / "drift.ndjson").read_text())
    assert [*started, *read, "drift-found", "summary", "run-ended"] == [event["type"] for event in seen]
    assert (2, "changes") == (drifted.code, seen[-1]["status"])
    assert "" == drifted.stdout
    assert ["team/app:v1"] == [each["address"] for each in json.loads((tmp_path / "answer.json").read_text())["drift"]]


def test_a_run_that_fails_half_way_says_so_in_its_last_line(emulator, reconciler, releases):
    """With the error; and one that fails before it knows its registry begins and ends in order."""
    emulator.push("team/app:v1", content=b"one")
    emulator.faults.fail_next(100, status=500, method="GET")

    failed = reconciler("plan", releases, "--registry", emulator.url, "--stream", "--timeout", "1")
    unread = reconciler("plan", "none.yaml", "--stream")

    ended = _events(failed.stdout)[-1]
    assert (1, "run-ended", 1, "failed") == (failed.code, ended["type"], ended["exit_code"], ended["status"])
    assert ended["message"]
    assert [("run-started", None), ("run-ended", "none.yaml: no such file or folder")] == [
        (event["type"], event.get("registry", event.get("message"))) for event in _events(unread.stdout)
    ]


def test_a_saved_plan_is_told_as_events_too(emulator, reconciler, releases):
    """Nothing is read for it."""
    emulator.push("team/app:v1", content=b"one")
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json", "-q")

    told = _events(reconciler("show", "plan.json", "--stream").stdout)

    assert ["run-started", "change-planned", "change-planned", "summary", "run-ended"] == [
        each["type"] for each in told
    ]
    assert ("show", emulator.url) == (told[0]["operation"], told[0]["registry"])


def test_a_killed_apply_leaves_whole_lines(slow, releases, tmp_path: Path):
    """kill -9 while changes are under way: what was told before is there, line by line, and the end is not."""
    with _apply(slow, tmp_path, releases) as run:
        lines = []
        while not lines or '"outcome"' not in lines[-1]:
            lines.append(run.stdout.readline())
        run.kill()
        rest = run.stdout.read()

    events = _events("".join(lines) + rest)
    assert events[-1]["type"] in ("outcome", "summary")
    assert sum(event["type"] == "outcome" for event in events) < TAGS + 1


def test_a_reader_that_goes_away_does_not_stop_an_apply(slow, releases, tmp_path: Path):
    """Everything is done, the report goes to stderr, and the exit code says that not all was told."""
    with _apply(slow, tmp_path, releases) as run:
        run.stdout.readline()
        run.stdout.close()
        told = run.stderr.read()

    assert 1 == run.returncode
    assert 1 == told.count("warning: the stream of events ends here: Broken pipe\n")
    assert f"Applied to {slow.url}: {TAGS + 1} verified.\n" in told
    assert not any(slow.tag(f"team/app:v{number}")["writeEnabled"] for number in range(TAGS))


def test_a_descriptor_that_does_not_wait_is_waited_for():
    """Whoever starts a run may share a pipe that refuses instead of waiting; no line is lost."""
    inlet, outlet = os.pipe()
    os.set_blocking(outlet, False)
    with suppress(BlockingIOError):
        while True:
            os.write(outlet, b"\n" * PIPE_BUF)
    read: list[bytes] = []
    # In small steps, so that the pipe is full most of the time.
    reader = threading.Thread(target=lambda: read.extend(iter(lambda: os.read(inlet, 1), b"")))

    reader.start()
    stream = Stream("plan", [outlet])
    stream.all(RepositoryRead("team/app", number) for number in range(700))
    os.close(outlet)
    reader.join()
    os.close(inlet)

    events = [json.loads(line) for line in b"".join(read).split(b"\n") if line]
    assert list(range(700)) == [event["tags"] for event in events]
