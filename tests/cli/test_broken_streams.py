"""Standard streams that are closed, full or gone: a run ends with its work done and one clear error at most."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Shell = Callable[..., subprocess.CompletedProcess[str]]
OFFLINE = "explain team/app registry.yaml --offline"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A function that runs `reconciler ARGUMENTS REDIRECTIONS` in bash, in a folder of the test's own."""

    def run(arguments: str, redirections: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = f'"{sys.executable}" -m reconciler {arguments} {redirections}'
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
        return subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={**kept, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def saved(emulator, reconciler, releases):
    """A registry with one tag, and a plan about it in plan.json."""
    emulator.push("team/app:v1", content=b"one")
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json")
    return emulator


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [(">/dev/full", "No space left on device"), (">&-", "standard output is closed")],
)
def test_an_answer_that_cannot_be_written_is_one_error(shell, saved, redirection, reason, unbuffered):
    """Exit code 1, and neither a stack trace nor a second complaint when Python exits."""
    commands = ("show plan.json", "validate registry.yaml", OFFLINE, f"plan registry.yaml -q --registry {saved.url}")

    runs = [shell(command, redirection, PYTHONUNBUFFERED=unbuffered) for command in commands]

    assert [(1, f"error: the answer cannot be written: {reason}\n")] * 4 == [
        (done.returncode, done.stderr) for done in runs
    ]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_help_that_cannot_be_written_is_one_error(shell, unbuffered):
    """Not only answers go to stdout."""
    done = shell("--help", ">/dev/full", PYTHONUNBUFFERED=unbuffered)

    assert (1, "error: the answer cannot be written: No space left on device\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2> >(exec true)"], ids=["full", "closed", "gone"])
def test_notes_that_nobody_can_read_do_not_stop_a_run(shell, emulator, releases, redirection):
    """What was asked for is done, and the exit code says so."""
    emulator.push("team/app:v1", content=b"one")

    done = shell(f"apply {releases} --auto-approve -v --registry {emulator.url}", redirection)

    assert 0 == done.returncode
    assert done.stdout.endswith("2 verified.\n")
    assert not emulator.tag("team/app:v1")["writeEnabled"]


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"], ids=["full", "closed"])
def test_an_error_that_nobody_can_read_is_still_an_exit_code(shell, redirection):
    """And it does not go where answers go."""
    done = shell("validate no-such.yaml", redirection)

    assert (1, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("redirection", ["<&-", "<&- 2>&-"])
def test_files_are_read_without_standard_input(shell, emulator, releases, redirection):
    """A service manager may start a program with no standard input at all."""
    validated = shell(f"validate {releases}", redirection)
    explained = shell(OFFLINE, redirection)
    planned = shell(f"plan {releases} --registry {emulator.url}", redirection)

    assert [0, 0, 0] == [validated.returncode, explained.returncode, planned.returncode]


@pytest.mark.parametrize("command", ["validate -", "plan -", "explain team/app - --offline", "show -"])
def test_closed_standard_input_cannot_be_read(shell, command):
    """One clear error."""
    done = shell(command, "<&-")

    assert (1, "error: -: cannot be read: standard input is closed\n") == (done.returncode, done.stderr)


def test_a_report_that_stdout_does_not_take_goes_to_stderr(tmp_path: Path):
    """What was changed must be told somewhere; nothing more is tried on that stdout."""
    code = "from reconciler.cli.output import answer_or_note as a; import sys; sys.exit(10 + 2 * a('one') + a('two'))"

    full = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{code}" >/dev/full'], capture_output=True, check=False
    )
    closed = subprocess.run(["bash", "-c", f'"{sys.executable}" -c "{code}" >&-'], capture_output=True, check=False)
    open_ = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert (10, b"one\ntwo\n") == (full.returncode, full.stderr)
    assert (10, b"one\ntwo\n") == (closed.returncode, closed.stderr)
    assert (13, b"onetwo", b"") == (open_.returncode, open_.stdout, open_.stderr)
