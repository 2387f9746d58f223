"""Git, as people and forges use it, with no settings of whoever runs the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from machines import PATH


def git(folder: Path, script: str) -> str:
    """Git commands, one a line, in a folder; what they print."""
    who = "-c user.name=a -c user.email=a@b.c -c init.defaultBranch=main -c commit.gpgSign=false"
    lines = "\n".join(f"git {who} {line}" for line in script.strip().splitlines())
    environment = {"PATH": PATH, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["bash", "-euc", lines]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()
