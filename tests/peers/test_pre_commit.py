"""pre-commit itself takes the definition of the hook, and the hook stops a commit of what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEFINITION = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.peer


@pytest.fixture
def run(tmp_path):
    """Run a program in a folder, with Git's own settings and pre-commit's caches left out."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def run_in(folder, *command):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run_in


def commit(run, folder):
    """Make a repository of a folder; the commit's name."""
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        assert (0, "") == run(folder, "git", *command)
    return run(folder, "git", "rev-parse", "HEAD")[1].strip()


def test_the_hook_tells_what_is_wrong_in_a_file(run, tmp_path):
    """A file that is wrong fails with its place, and passes once it is mended; other files are left alone."""
    hooks, project = tmp_path / "hooks", tmp_path / "project"
    hooks.mkdir()
    project.mkdir()
    shutil.copy(DEFINITION, hooks)
    # The program of this checkout runs: installing it would take a package index.
    (project / ".pre-commit-config.yaml").write_text(
        f"repos: [{{repo: {hooks}, rev: {commit(run, hooks)}, hooks: [{{id: reconciler-validate, language: system}}]}}]"
    )
    (project / "registry.yaml").write_text("version: 2\nrepositories: []\n")
    (project / "values.yaml").write_text("a: b\n")
    commit(run, project)

    wrong = run(project, "pre-commit", "run", "--all-files")
    (project / "registry.yaml").write_text("version: 1\nrepositories: []\n")
    right = run(project, "pre-commit", "run", "--all-files")

    assert 1 == wrong[0], wrong[1]
    assert 'registry.yaml:1:10: version: must be 1, not "2"' in wrong[1]
    assert 0 == right[0], right[1]


def test_the_definition_is_one(run):
    """In the words of pre-commit."""
    assert (0, "") == run(DEFINITION.parent, "pre-commit", "validate-manifest", str(DEFINITION))
