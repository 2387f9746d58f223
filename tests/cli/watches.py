"""A `reconciler watch` under way, as a process of its own: it is signalled, and asked over HTTP."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE_S = 60.0


class Watching:
    """The process, and what it said so far."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    @property
    def stderr(self) -> str:
        """Its notes."""
        return (self.folder / "stderr").read_text()

    @property
    def stdout(self) -> str:
        """Its answers."""
        return (self.folder / "stdout").read_text()

    def until(self, what: Callable[[], object]) -> None:
        """Wait until `what` is true."""
        until_s = time.monotonic() + PATIENCE_S
        while not what():
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() < until_s, self.stderr
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def watching(folder: Path, registry: str, *arguments: str, stdout: str = "stdout") -> Iterator[Watching]:
    """A watch in `folder`, with its answers in a file there; killed in the end where it still runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
    program = [sys.executable, "-m", "reconciler", "watch", "registry.yaml", "--interval", "1s", *arguments]
    # A shell may have started the suite with interrupts ignored, and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with (folder / stdout).open("wb") as answers, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            program,
            cwd=folder,
            env={**kept, "RECONCILER_REGISTRY": registry},
            stdout=answers,
            stderr=stderr,
        )
    signal.signal(signal.SIGINT, before)
    try:
        yield Watching(folder, process)
    finally:
        process.kill()
        process.wait()
