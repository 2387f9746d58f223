"""What tests of pipelines share: a machine, and a checkout with desired state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from git_commands import git
from machines import Machine, machine

RELEASES = """\
version: 1
registry: contoso.azurecr.io
repositories:
  - match: "**"
    protect: undeletable
    tags:
      - match: "v*"
        protect: immutable
"""


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Machine]:
    """A machine of a forge."""
    folder = tmp_path / "machine"
    folder.mkdir()
    with machine(folder) as started:
        yield started


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Git checkout with a desired-state file that protects releases."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "registry.yaml").write_text(RELEASES)
    (folder / "alerts.yaml").write_text("version: 1\nsinks:\n  - jsonlines: {path: told.jsonl}\n")
    git(folder, "init -q\nadd -A\ncommit -q -m first")
    return folder
