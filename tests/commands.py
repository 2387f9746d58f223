"""
Run a `reconciler` command to its end, as `subprocess.run` would, in a tenth of the time.

The process is forked from one that has imported everything (`fork_server.py`). What Python
reads before it runs anything cannot be changed there: a command whose environment differs in
that is started afresh. The hash seed is such a thing. Of two commands in a row each has
another one all the same, as they are forked from two servers in turn: what hangs on the order
of a set still comes out differently.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import pickle
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Self, TypeAlias

from fork_server import Command

Done: TypeAlias = subprocess.CompletedProcess[bytes]

_SERVER = Path(__file__).with_name("fork_server.py")
_SEEDS = 2  # servers that take turns
_READ_AT_START = ("PYTHON", "COVERAGE_", "LC_", "LANG", "LD_", "DYLD_", "MALLOC_", "OPENSSL_")
_BLOCK = 65_536
_STARTING = threading.Lock()


def run_reconciler(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    given: bytes = b"",
    python: tuple[str, ...] = (),
    timeout_s: float = 60.0,
) -> Done:
    """
    Run `reconciler` with these arguments.

    Args:
        arguments: As they stand behind its name.
        cwd: Where it runs.
        env: All of its environment.
        given: What it finds on standard input.
        python: Options of Python's own, such as `-W error`.
        timeout_s: How long it may take.

    Returns:
        Its exit code, and what it wrote.

    Raises:
        subprocess.TimeoutExpired: It took longer, and was killed.
    """
    fixed = _fixed_at_start(env)
    if hasattr(os, "fork") and fixed == _fixed_at_start(os.environ):
        command = (list(arguments), str(cwd), dict(env))
        return _next_server(python, fixed).run(command, given, timeout_s)
    program = [sys.executable, *python, "-m", "reconciler", *arguments]
    return subprocess.run(program, cwd=cwd, env=env, input=given, capture_output=True, timeout=timeout_s, check=False)


def _fixed_at_start(environment: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """The part of an environment that means nothing any more once Python and its libraries run."""
    return frozenset((name, value) for name, value in environment.items() if name.startswith(_READ_AT_START))


def _next_server(python: tuple[str, ...], fixed: frozenset[tuple[str, str]]) -> _Server:
    with _STARTING:
        return next(_servers(python, fixed))


@functools.cache
def _servers(python: tuple[str, ...], fixed: frozenset[tuple[str, str]]) -> Iterator[_Server]:
    servers = [_Server(python) for _ in range(_SEEDS)]
    for server in servers:
        atexit.register(server.close)
    return itertools.cycle(servers)


class _Server:
    """A process that forks, for whoever asks it to; several threads may."""

    def __init__(self, python: tuple[str, ...]) -> None:
        self._socket, inside = socket.socketpair()
        self._answers = self._socket.makefile("rb")
        self._one_at_a_time = threading.Lock()
        # Its streams are pipes as those of its children are, so that what Python made of them suits them too.
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with inside:
            number = inside.fileno()
            program = [sys.executable, *python, str(_SERVER), str(number)]
            self._process = subprocess.Popen(program, pass_fds=[number], **pipes)

    def run(self, command: Command, given: bytes, timeout_s: float) -> Done:
        """Have a child run `command`."""
        with _Streams(given) as streams:
            pid = self._begin(command, streams)
            until_s = time.monotonic() + timeout_s
            output = streams.talk(until_s)
        code = self._end(pid, until_s)
        if time.monotonic() > until_s:
            raise subprocess.TimeoutExpired(command[0], timeout_s, *output)
        return subprocess.CompletedProcess(command[0], code, *output)

    def close(self) -> None:
        """Let it end, with all that it has to write."""
        self._answers.close()
        self._socket.close()
        self._process.communicate()

    def _begin(self, command: Command, streams: _Streams) -> int:
        with self._one_at_a_time:
            self._ask(command, streams.inside)
            streams.close_inside()
            return self._answer()

    def _end(self, pid: int, until_s: float) -> int:
        with self._one_at_a_time:
            self._ask(pid, [])
            if not select.select([self._socket], [], [], max(0.0, until_s - time.monotonic()))[0]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return self._answer()

    def _ask(self, question: Command | int, streams: list[FileIO]) -> None:
        socket.send_fds(self._socket, [b"?"], [stream.fileno() for stream in streams])
        self._socket.sendall(pickle.dumps(question))

    def _answer(self) -> int:
        answer = self._answers.readline()
        if not answer:
            raise RuntimeError(f"the fork server ended\n{self._process.communicate()[1].decode()}")
        return int(answer)


class _Streams:
    """Pipes to a process, used all at the same time, as it could wait for any of them."""

    def __init__(self, given: bytes) -> None:
        stdin, self._stdin = _pipe()
        self._stdout, stdout = _pipe()
        self._stderr, stderr = _pipe()
        self.inside = [stdin, stdout, stderr]
        self._given = given
        self._said = {self._stdout: b"", self._stderr: b""}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for stream in [*self.inside, self._stdin, *self._said]:
            stream.close()

    def close_inside(self) -> None:
        """Close what the process has now."""
        for stream in self.inside:
            stream.close()

    def talk(self, until_s: float) -> tuple[bytes, bytes]:
        """Give what there is to give, and take what comes, to the end or until it is late."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._stdin, selectors.EVENT_WRITE, self._give)
            for stream in self._said:
                waiting.register(stream, selectors.EVENT_READ, self._take)
            while waiting.get_map() and (left_s := until_s - time.monotonic()) > 0:
                for key, _ in waiting.select(left_s):
                    if not key.data(key.fileobj):
                        waiting.unregister(key.fileobj)
                        key.fileobj.close()
        return self._said[self._stdout], self._said[self._stderr]

    def _give(self, stream: FileIO) -> bool:
        """Whether there is more to give."""
        with suppress(BrokenPipeError):
            written = stream.write(self._given[: select.PIPE_BUF])
            self._given = self._given[written:]
            return bool(self._given)
        return False

    def _take(self, stream: FileIO) -> bool:
        """Whether there is more to take."""
        block = stream.read(_BLOCK)
        self._said[stream] += block
        return bool(block)


def _pipe() -> tuple[FileIO, FileIO]:
    outlet, inlet = os.pipe()
    return FileIO(outlet, "r"), FileIO(inlet, "w")
