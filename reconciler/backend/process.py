"""Which process this is, so that another one on the same machine can tell whether it still runs."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

_PROC = Path("/proc")
# Fields of /proc/PID/stat, counted behind the name of the program (proc_pid_stat(5)).
_STATE, _THREADS, _STARTED = 0, 17, 19  # one letter; how many run; when it started, in ticks


def user() -> str:
    """Who runs this, as the machine calls them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have it
        return f"user {os.getuid()}"


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def identity(pid: int) -> str:
    """
    What no other process has: this start of the machine, this namespace of processes, when it started.

    Empty where the machine does not tell, or there is no such process.
    """
    try:
        return f"{_here()}/{pid}/{_stat(pid)[_STARTED]}"
    except (OSError, IndexError):
        return ""


def has_ended(identity_then: str) -> bool:
    """The process with this identity ran on this machine, and does not run any more; false where that is not sure."""
    here, _, rest = identity_then.partition("/")
    pid, _, started = rest.partition("/")
    if not (pid.isdecimal() and started.isdecimal()):
        return False
    try:
        return here == _here() and (_is_gone(int(pid)) or _is_another(int(pid), started))
    except (OSError, IndexError, OverflowError, ValueError):
        return False


def _is_gone(pid: int) -> bool:
    # A machine may hide the processes of others in /proc (hidepid), so one that is not there may run all the same.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _is_another(pid: int, started: str) -> bool:
    """That number was given again, or its process is dead and only waits for its parent to ask how it ended."""
    stat = _stat(pid)
    return stat[_STARTED] != started or (stat[_STATE] in "ZX" and int(stat[_THREADS]) <= 1)


def _stat(pid: int) -> list[str]:
    return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _here() -> str:
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    namespace = str((_PROC / "self/ns/pid").readlink())
    return f"{boot}-{namespace.strip('pid:[]')}"
