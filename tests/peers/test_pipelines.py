"""The pipelines, held to programs that look for what is dangerous in them, and to Kubernetes' own schemas."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "specs" / "pipelines" / "kubernetes"

pytestmark = pytest.mark.peer


def run(*command):
    """The exit code of a program, and what it says."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_zizmor_finds_nothing_dangerous_in_the_workflows():
    """Neither in them nor in the action, by all of its audits that need no network."""
    code, said = run("zizmor", "--offline", "--pedantic", ROOT / "specs" / "pipelines" / "github", ROOT / "action.yml")

    assert 0 == code, said
    assert "No findings to report" in said


def test_kubernetes_takes_its_files():
    """Each resource, with no member that there is not."""
    files = [KUBERNETES / name for name in ("identity.yaml", "network-policy.yaml", "watch.yaml", "cronjob.yaml")]

    code, said = run("kubernetes-validate", "--strict", *files)

    assert 0 == code, said
    assert 5 == said.count("passed for resource")
