"""On a terminal: apply asks, colour appears, and Ctrl-C leaves a correct report."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.emulator import Settings

LIMIT_S = 30.0


class Terminal:
    """A command that runs on a pseudo-terminal."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self._control, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=folder,
            env={**os.environ, "TERM": "xterm", **environment},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self.text = ""

    def read_until(self, expected: str) -> None:
        """Read until `expected` was printed."""
        deadline_s = time.monotonic() + LIMIT_S
        while expected not in self.text:
            assert time.monotonic() < deadline_s, self.text
            self.text += self._block()

    def type(self, text: str) -> None:
        """Type `text`."""
        os.write(self._control, text.encode())

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C until something happens: Python loses one that comes as it begins to wait for a key."""
        os.killpg(self.process.pid, signal.SIGINT)
        while not select.select([self._control], [], [], 1.0)[0]:
            os.killpg(self.process.pid, signal.SIGINT)

    def finish(self) -> int:
        """Read to the end; the exit code."""
        try:
            while block := self._block():
                self.text += block
        except OSError:  # how Linux says that the other side of a terminal was closed
            os.close(self._control)
        return self.process.wait(LIMIT_S)

    def _block(self) -> str:
        ready, _, _ = select.select([self._control], [], [], LIMIT_S)
        assert ready, f"nothing more after {LIMIT_S} s: {self.text}"
        return os.read(self._control, 65536).decode(errors="replace")


@pytest.fixture(autouse=True)
def _can_be_interrupted():
    """A shell that starts the suite in the background has it ignore Ctrl-C, and with it whatever it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def one_release(emulator):
    """A registry with one tag that nothing protects."""
    emulator.push("team/app:v1", content=b"one")
    return emulator


def _unlocked(emulator) -> bool:
    return emulator.tag("team/app:v1")["writeEnabled"]


@pytest.mark.parametrize("answer", ["no", "y", "YES", ""])
def test_only_yes_is_taken_for_yes(one_release, releases, tmp_path: Path, answer):
    """Anything else applies nothing, and says so."""
    terminal = Terminal(tmp_path, "apply", releases, "--registry", one_release.url)
    terminal.read_until("Type yes to apply this")
    terminal.type(f"{answer}\n")

    code = terminal.finish()

    assert 1 == code
    assert "Not applied; nothing was changed." in terminal.text
    assert _unlocked(one_release)


def test_yes_applies_what_was_shown(one_release, releases, tmp_path: Path):
    """The plan stands above the question, the report below the answer."""
    terminal = Terminal(tmp_path, "apply", releases, "--registry", one_release.url)
    terminal.read_until("Type yes to apply this")
    terminal.type("yes\n")

    code = terminal.finish()

    assert 0 == code
    assert "2 verified" in terminal.text
    assert not _unlocked(one_release)


def test_ctrl_c_at_the_question_changes_nothing(one_release, releases, tmp_path: Path):
    """No stack trace either."""
    terminal = Terminal(tmp_path, "apply", releases, "--registry", one_release.url)
    terminal.read_until(f"apply this to {one_release.url}: ")
    terminal.press_ctrl_c()

    code = terminal.finish()

    assert 1 == code
    assert "interrupted; nothing was changed" in terminal.text
    assert "Traceback" not in terminal.text
    assert _unlocked(one_release)


def test_ctrl_c_during_apply_leaves_a_correct_report(start_emulator, releases, tmp_path: Path):
    """What the report calls verified is locked, what it calls not attempted is not, and nothing is left out."""
    emulator = start_emulator(Settings(latency_ms=60))
    emulator.push_many("team/app", [f"v{number:02}" for number in range(40)])
    terminal = Terminal(
        tmp_path, "apply", releases, "--registry", emulator.url, "--auto-approve", "--concurrency", "2", "--full"
    )
    while not emulator.requests("PATCH"):
        assert terminal.process.poll() is None
        time.sleep(0.01)
    os.killpg(terminal.process.pid, signal.SIGINT)

    code = terminal.finish()

    told = {tag: status for status, tag in re.findall(r"(verified|not-attempted)\S*\s+team/app:(v\d\d)", terminal.text)}
    locked = {f"v{n:02}" for n in range(40) if not emulator.tag(f"team/app:v{n:02}")["writeEnabled"]}
    assert 1 == code
    assert 40 == len(told)
    assert locked == {tag for tag, status in told.items() if status == "verified"}
    assert 0 < len(locked) < 40
    assert "Traceback" not in terminal.text


def test_ctrl_c_during_a_plan_ends_it(start_emulator, releases, tmp_path: Path):
    """Quickly, without a stack trace."""
    emulator = start_emulator(Settings(latency_ms=5000))
    terminal = Terminal(tmp_path, "plan", releases, "--registry", emulator.url)
    terminal.read_until("Registry")
    time.sleep(0.3)
    os.killpg(terminal.process.pid, signal.SIGINT)

    code = terminal.finish()

    assert 1 == code
    assert "interrupted; nothing was changed" in terminal.text
    assert "Traceback" not in terminal.text


def test_colour_is_for_terminals_and_can_be_turned_off(one_release, releases, tmp_path: Path):
    """On a terminal there are escapes; --no-color and NO_COLOR leave the same text without them."""
    colourful = Terminal(tmp_path, "plan", releases, "-q", "--registry", one_release.url)
    flag = Terminal(tmp_path, "plan", releases, "-q", "--registry", one_release.url, "--no-color")
    variable = Terminal(tmp_path, "plan", releases, "-q", "--registry", one_release.url, NO_COLOR="1")

    codes = [terminal.finish() for terminal in (colourful, flag, variable)]

    assert [0, 0, 0] == codes
    assert "\x1b[" in colourful.text
    assert "\x1b[" not in flag.text
    assert flag.text == variable.text == re.sub(r"\x1b\[\d*m", "", colourful.text)
