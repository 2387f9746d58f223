"""Run the command line the way a shell does: as a process of its own, in an empty folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from commands import run_reconciler


@attrs.frozen
class Run:
    """What a finished command left."""

    code: int
    stdout: str
    stderr: str


Reconciler = Callable[..., Run]


@pytest.fixture
def reconciler(tmp_path: Path) -> Reconciler:
    """A function that runs `reconciler` with the given arguments in a folder of the test's own."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> Run:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
        done = run_reconciler(*arguments, cwd=tmp_path, env={**kept, **environment}, given=stdin.encode())
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def releases(tmp_path: Path) -> str:
    """A desired-state file that protects repositories and released tags."""
    (tmp_path / "registry.yaml").write_text(
        "version: 1\n"
        "repositories:\n"
        '  - match: "**"\n'
        "    attributes: {deleteEnabled: false}\n"
        "    tags:\n"
        '      - match: "v*"\n'
        "        attributes: {deleteEnabled: false, writeEnabled: false}\n"
    )
    return "registry.yaml"
