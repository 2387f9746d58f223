"""What the README says, compared with what the program does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from servers import free_port

from reconciler.cli import COMMANDS

ROOT = Path(__file__).parent.parent


def _session(page: str) -> tuple[list[str], str]:
    """The commands of the first console block that prints something, and what it prints."""
    blocks = re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL)
    lines = next(block for block in blocks if "READY" in block).splitlines(keepends=True)
    commands = [line.removeprefix("$ ").rstrip("\n") for line in lines if line.startswith("$ ")]
    return commands, "".join(line for line in lines if not line.startswith("$ "))


def test_the_session_prints_what_the_readme_shows(tmp_path: Path):
    """Pasted into a shell, the session does what it says, to the letter."""
    port = str(free_port())
    page = (ROOT / "README.md").read_text().replace("5000", port)
    commands, expected = _session(page)
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    ready = "until (exec 3<>/dev/tcp/127.0.0.1/" + port + ") 2>/dev/null; do sleep 0.05; done"
    script = "\n".join(["set -m", commands[0], ready, *commands[1:], "wait"])

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert expected == done.stdout.decode(), done.stderr.decode()


def test_the_example_of_the_memory_prints_what_its_page_shows(tmp_path: Path):
    """On a registry with the demo's images, after what the example applies."""
    port = str(free_port())
    page = (ROOT / "docs" / "memory.md").read_text().partition("A test runs this")[2].replace("5000", port)
    lines = re.search(r"```console\n(.*?)```", page, flags=re.DOTALL)[1].splitlines(keepends=True)
    (tmp_path / "registry.yaml").symlink_to(ROOT / "specs/demo/registry.yaml")
    script = "\n".join(
        [
            "set -m",
            f"reconciler emulator --port {port} --seed {ROOT}/specs/demo/images.json > /dev/null &",
            f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done",
            *(line.removeprefix("$ ") for line in lines if line.startswith("$ ")),
            "kill %1; wait",
        ]
    )

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "RECONCILER_REGISTRY": f"http://127.0.0.1:{port}",
        },
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert "".join(line for line in lines if not line.startswith("$ ")) == done.stdout.decode(), done.stderr.decode()


def test_the_readme_names_every_command():
    """No command is undocumented, and none is made up."""
    page = (ROOT / "README.md").read_text()

    assert list(COMMANDS) == list(dict.fromkeys(re.findall(r"\| `reconciler (\w+)", page)))


def test_every_dependency_is_explained():
    """docs/dependencies.md has a line for each package that setup.cfg installs."""
    listed = re.findall(
        r"^(?:install_requires|apprise|azure|metrics|s3) =\n((?:    .*\n)+)",
        (ROOT / "setup.cfg").read_text(),
        re.MULTILINE,
    )
    packages = {line.split()[0] for block in listed for line in block.splitlines()}
    explained = set(
        re.findall(r"^\| ([a-z0-9-]+|PyYAML) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    )

    assert packages == explained - {"package"}
