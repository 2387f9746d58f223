"""
Run a command as a process of its own, and know what it cost.

The kernel is asked, not the command: wall time from start to exit, CPU time in user
and system mode, and the largest resident set. Starting Python and importing are
part of every figure, because users pay for them too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

HERE = Path(__file__).parent
PYTHON = sys.executable
RECONCILER = str(Path(sys.executable).with_name("reconciler"))


class FailedRunError(Exception):
    """A command did not run, or did not do what the others did."""


@attrs.frozen
class Cost:
    """What one process took, as the kernel counted it."""

    wall_s: float
    cpu_s: float  # user and system
    peak_kib: int
    output: str = attrs.field(repr=False)


Commands = dict[str, list[str]]
Round = dict[str, Cost]


def run(command: Sequence[str]) -> Cost:
    """
    Run `command` to its end, in an empty folder.

    Raises:
        FailedRunError: it ended with anything but 0.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as notes:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=notes, cwd=folder, env=_environment()
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start_s
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            notes.seek(0)
            said = notes.read().decode(errors="replace").strip()[-2000:]
            raise FailedRunError(f"{' '.join(command)}: exit code {process.returncode}\n{said}")
        out.seek(0)
        # Linux carries the peak of the process that forked over to the child, so this one has to stay small.
        return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, out.read().decode())


def _environment() -> dict[str, str]:
    """Ours, without what would set an option of the reconciler or colour its output."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "FORCE_COLOR"))}


@attrs.frozen
class Server:
    """A running static server."""

    origin: str

    def take_counts(self) -> dict[str, int]:
        """Requests since the last call, by method and kind; every change is undone."""
        request = urllib.request.Request(f"{self.origin}/benchmark", method="DELETE")
        with urllib.request.urlopen(request) as answer:
            counts: dict[str, int] = json.load(answer)
            return counts


@contextmanager
def static_server(*, repositories: int, tags: int, differing: int, latency_ms: int = 0) -> Iterator[Server]:
    """A static server with this content, ended afterwards."""
    options = {"repositories": repositories, "tags": tags, "differing": differing, "latency-ms": latency_ms}
    command = [PYTHON, str(HERE / "static_server.py"), *(f"--{name}={value}" for name, value in options.items())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready, _, origin = process.stdout.readline().strip().partition(" ")
            if ready != "READY":
                raise FailedRunError(f"{' '.join(command)}: did not start")
            yield Server(origin)
        finally:
            process.terminate()


def interleaved(rounds: int, commands: Commands, *, server: Server | None) -> list[Round]:
    """
    Run all of `commands` in each round, so that a noisy minute hits all of them.

    Every second round runs backwards, so that none is always first. One round
    before is thrown away: it compiles modules and warms the file cache.

    Args:
        rounds: How many to keep; at least 1.
        commands: What to run, by the name that its cost is returned under.
        server: Whose counts tell whether all sent the same requests; None where nothing is sent.

    Raises:
        FailedRunError: a command failed, or two did not send the same requests.
    """
    _round(commands, server)
    backwards = dict(reversed(commands.items()))
    return [_round(backwards if number % 2 else commands, server) for number in range(rounds)]


def _round(commands: Commands, server: Server | None) -> Round:
    costs, counts = {}, {}
    for name, command in commands.items():
        costs[name] = run(command)
        counts[name] = server.take_counts() if server else {}
    _require_equal(counts)
    return costs


def _require_equal(counts: Mapping[str, Mapping[str, int]]) -> None:
    if any(count != next(iter(counts.values())) for count in counts.values()):
        lines = [f"  {name}: {json.dumps(count)}" for name, count in counts.items()]
        raise FailedRunError("\n".join(["the requests differ, so the figures cannot be compared", *lines]))
