"""
Import everything once, and then be `python -m reconciler` as often as somebody asks.

Nine tenths of what a short command costs are the start of Python and imports, and the suite
runs a thousand of them. So this process imports, and forks for each command. What is forked
is what a shell would have started: a process with a folder, an environment, standard streams
and an exit code of its own, which runs `reconciler/__main__.py` and ends as Python ends.
`commands.py` is whoever asks.

It is a program: its argument is the number of a socket. A question there is either a command,
which comes with three descriptors and is answered by the number of a process, or the number of
a process, which is answered by its exit code once it has ended. Until somebody asks for that,
the number belongs to no other process, and can be killed without a doubt.

One question is answered after the other, without threads and without a loop of events, as
neither survives a fork.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import pkgutil
import runpy
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TypeAlias

Command: TypeAlias = tuple[list[str], str, dict[str, str]]  # the arguments, the folder, the environment

# What modules of ours import only when they need it.
_LATER = ["asyncio.subprocess", "bracex", "re2", "wcmatch.glob"]


def main() -> None:
    """Serve; in a child, run its command."""
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        _import_everything()
        forked = _serve(asked)
    if forked is not None:
        _become(*forked)
        runpy.run_module("reconciler", run_name="__main__", alter_sys=True)


def _import_everything() -> None:
    del sys.path[0]  # the folder of this file, which no command knows
    ours = pkgutil.walk_packages(importlib.import_module("reconciler").__path__, "reconciler.")
    for name in [*_LATER, *(module.name for module in ours if not module.name.endswith("__main__"))]:
        importlib.import_module(name)
    if _threads() > 1:
        raise RuntimeError("something that was imported runs a thread, and a process with threads must not fork")
    gc.collect()
    gc.freeze()  # children share what is there instead of copying it as they look for garbage


def _threads() -> int:
    """How many threads there are, those of libraries too where the system tells."""
    told = Path("/proc/self/task")
    return len(list(told.iterdir())) if told.exists() else threading.active_count()


def _serve(asked: socket.socket) -> tuple[Command, list[int]] | None:
    """Answer until nobody asks any more; in a child, what it is to be."""
    with asked.makefile("rwb") as talk:
        while True:
            begun, streams, *_ = socket.recv_fds(asked, 1, 3)
            if not begun:
                return None
            question = pickle.load(talk)
            answer = _exit_code(question) if isinstance(question, int) else os.fork()
            if not (answer or isinstance(question, int)):
                return question, streams
            for stream in streams:
                os.close(stream)
            talk.write(b"%d\n" % answer)
            talk.flush()


def _exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _become(command: Command, streams: list[int]) -> None:
    """Take over what makes one process differ from another."""
    arguments, folder, environment = command
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
    sys.argv[1:] = arguments


if __name__ == "__main__":
    main()
