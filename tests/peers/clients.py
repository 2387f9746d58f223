"""Run programs that others wrote against emulated registries, signed in the way that a test wants."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs

from reconciler.emulator import Settings

USERNAME, PASSWORD = "somebody", "a secret: of sorts"
REFUSED = "The operation is disallowed on this registry, repository or image"
PROTECTED = (
    "version: 1\n"
    "repositories:\n"
    '  - match: "**"\n'
    "    attributes: {deleteEnabled: false}\n"
    '    tags: [{match: "v*", attributes: {deleteEnabled: false, writeEnabled: false}}]\n'
)


@attrs.frozen
class Way:
    """A way to sign in: what the registry wants, and whether the program has something to give."""

    settings: Settings
    is_known: bool


WAYS = {
    "anonymous": Way(Settings(), is_known=False),
    "token": Way(Settings(auth="token", username=USERNAME, password=PASSWORD), is_known=True),
    "basic": Way(Settings(auth="basic", username=USERNAME, password=PASSWORD), is_known=True),
}


def program(name: str) -> str:
    """Where a program is; what `make test-peers` installed goes before what the machine has."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which(name, path=places)
    assert found, f"{name} is not installed; `make test-peers` installs it, or says what is missing"
    return found


def run(*command: str, folder: Path | None = None, home: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end; what it keeps about registries goes to `home`."""
    kept = {} if home is None else {"HOME": str(home), "DOCKER_CONFIG": str(home), "XDG_RUNTIME_DIR": str(home)}
    environment = os.environ | kept
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False)


def reconciler(folder: Path, *arguments: str, way: Way) -> subprocess.CompletedProcess[bytes]:
    """Run our own command in `folder`."""
    known = {"RECONCILER_USERNAME": USERNAME, "RECONCILER_PASSWORD": PASSWORD} if way.is_known else {}
    command = [sys.executable, "-m", "reconciler", *arguments]
    return subprocess.run(command, cwd=folder, env=os.environ | known, capture_output=True, timeout=60, check=False)
