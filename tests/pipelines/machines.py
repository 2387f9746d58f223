"""
A machine that a forge runs jobs on: a folder, bash, and a program `reconciler`.

The program is a short one that has the test's own process run the command (`commands.py`), as a
shell script starts many of them and nine tenths of each would be the start of Python.
"""

from __future__ import annotations

import contextlib
import json
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
_PROGRAM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as there:
    there.connect({path!r})
    there.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
    there.shutdown(socket.SHUT_WR)
    with there.makefile("rb") as answer:
        code, out, err = json.load(answer)
sys.stderr.write(err)
sys.stderr.flush()
sys.stdout.write(out)
sys.exit(code)
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
        home = {"HOME": str(self.folder), "PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
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
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(short) / "s")  # the name of a socket has 107 bytes at most
        listener.bind(path)
        listener.listen()
        program = Path(short) / "reconciler"
        program.write_text(_PROGRAM.format(python=sys.executable, path=path))
        program.chmod(0o755)
        thread = threading.Thread(target=_serve, args=(listener,))
        thread.start()
        try:
            yield Machine(folder, program)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_run, args=(connection,)).start()


def _run(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as asked:
        arguments, folder, environment = json.load(asked)
        done = run_reconciler(*arguments, cwd=Path(folder), env=environment)
        connection.sendall(json.dumps([done.returncode, done.stdout.decode(), done.stderr.decode()]).encode())
