"""
A machine that a forge runs jobs on: a folder, bash, and a program `reconciler`.

The program is a short one that has the test's own process run the command (`commands.py`), as a
shell script starts many of them and nine tenths of each would be the start of Python.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
from commands import run_reconciler

ROOT = Path(__file__).parents[2]
PATH = f"/usr/local/bin:/usr/bin:/bin:{Path(sys.executable).parent}"  # the last for python3, where there is no other
# It tells its folder, its arguments and its environment, each text with a NUL behind it, and an empty text at the end.
_PROGRAM = """#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port}
{{ printf '%s\\0' "$PWD" "$#" "$@"; env -0; printf '\\0'; }} >&3
read -r code folder <&3
cat "$folder/err" >&2
cat "$folder/out"
exit "$code"
"""
# What Python reads when it starts is as it is for the tests (`commands.py`).
_KEPT = ("PYTHON", "COVERAGE_", "LC_", "LANG", "LD_", "DYLD_", "MALLOC_", "OPENSSL_")


@attrs.frozen
class Done:
    """How a script ended, and what it wrote, stderr included."""

    code: int
    text: str


@attrs.frozen
class Machine:
    """Where jobs run; `folder` is theirs."""

    folder: Path
    program: Path

    def bash(self, script: str, *, cwd: Path, env: Mapping[str, str], options: tuple[str, ...]) -> Done:
        """Run a script with bash, with nothing in the environment but what is given, and what every machine has."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
        home = {"HOME": str(self.folder), "PATH": PATH, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *options, "-c", script],
            cwd=cwd,
            env={**kept, **home, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode())

    def install(self, folder: Path) -> Path:
        """Have the program in the folder where the pipelines install it; `bin` there."""
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (folder / "bin" / "reconciler").symlink_to(self.program)
        return folder / "bin"


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine for as long as the body runs."""
    program = folder.parent / "program"
    program.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (program / "reconciler").write_text(_PROGRAM.format(port=listener.getsockname()[1]))
        (program / "reconciler").chmod(0o755)
        thread = threading.Thread(target=_serve, args=(listener, program))
        thread.start()
        try:
            yield Machine(folder, program / "reconciler")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, program: Path) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            answers = Path(tempfile.mkdtemp(dir=program))
            threading.Thread(target=_run, args=(connection, answers)).start()


def _run(connection: socket.socket, answers: Path) -> None:
    with connection:
        folder, arguments, environment = _asked(connection)
        done = run_reconciler(*arguments, cwd=Path(folder), env=environment)
        (answers / "out").write_bytes(done.stdout)
        (answers / "err").write_bytes(done.stderr)
        connection.sendall(f"{done.returncode} {answers}\n".encode())


def _asked(connection: socket.socket) -> tuple[str, list[str], dict[str, str]]:
    """What the program tells, once all of it is there."""
    told = b""
    while True:
        told += connection.recv(65_536)
        texts = told.decode(errors="surrogateescape").split("\0")[:-1]
        arguments_end = 2 + int(texts[1]) if len(texts) > 1 else 0
        variables = texts[arguments_end:]
        if arguments_end and variables and variables[-1] == "":
            return texts[0], texts[2:arguments_end], dict(variable.split("=", 1) for variable in variables[:-1])
