"""Desired-state files on disk and in Git, loaded, and what is said about them."""

from __future__ import annotations

import os
import shutil

import pytest
from checkouts import Checkout
from schema_agreement import check_that_the_schema_agrees

from reconciler.errors import DesiredStateError
from reconciler.files import load_desired


@pytest.fixture
def load(tmp_path):
    """Write a text (or bytes) to registry.yaml and load it; the schema takes and refuses the same."""

    def load_text(text):
        path = tmp_path / "registry.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            desired = load_desired([str(path)])
        except DesiredStateError as error:
            check_that_the_schema_agrees(text, error.problems)
            raise
        check_that_the_schema_agrees(text, ())
        return desired

    return load_text


@pytest.fixture
def complaints(load, tmp_path):
    """Load a text that is refused; what is said about it, one text for each problem."""

    def complaints_about(text):
        with pytest.raises(DesiredStateError) as caught:
            load(text)
        return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]

    return complaints_about


@pytest.fixture
def git_of_nobody(monkeypatch):
    """What whoever runs the tests has set for Git, for themselves or for a hook, does not count."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def checkout(git_of_nobody, tmp_path, monkeypatch):
    """A repository, with its folder as the current one."""
    made = Checkout(tmp_path / "files")
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Put a git first in the PATH that notes its arguments and is the real one; returns what it noted."""
    noted, real = tmp_path / "noted", shutil.which("git")
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$1" >> "{noted}"\nexec "{real}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return lambda: noted.read_text().split()
