"""The hook that other repositories run before a commit."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from reconciler.cli import COMMANDS

(HOOK,) = yaml.safe_load((Path(__file__).parent.parent / ".pre-commit-hooks.yaml").read_text())


def test_the_hook_runs_a_command_that_there_is():
    """It is installed from this repository, which has that program."""
    program, command = shlex.split(HOOK["entry"])

    assert ("reconciler-validate", "python") == (HOOK["id"], HOOK["language"])
    assert ("reconciler", True) == (program, command in COMMANDS)


@pytest.mark.parametrize(
    ("path", "is_checked"),
    [
        ("registry.yaml", True),
        ("deploy/registry.yml", True),
        ("registries/contoso/base.json", True),
        ("deploy/registries/contoso.yaml", True),
        ("docker-registry.yaml", False),
        ("registry.yaml.md", False),
        ("values.yaml", False),
    ],
)
def test_the_hook_looks_at_files_of_registries(path, is_checked):
    """What else is called so, a repository excludes by itself."""
    assert is_checked == bool(re.search(HOOK["files"], path))
