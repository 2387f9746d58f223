"""Which process this is, so that another one on the same machine can tell whether it still runs."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

_PROC = Path("/proc")
_STARTED = 19  # the field of /proc/PID/stat, counted behind the name of the program: when it started, in ticks


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
        here = _here()
        started = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[_STARTED]
    except (OSError, IndexError):
        return ""
    return f"{here}/{pid}/{started}"


def has_ended(identity_then: str) -> bool:
    """The process with this identity ran on this machine, and does not run any more; false where that is not sure."""
    here, _, rest = identity_then.partition("/")
    pid = rest.partition("/")[0]
    try:
        is_here = bool(here) and here == _here() and pid.isdecimal()
    except OSError:
        return False
    return is_here and identity(int(pid)) != identity_then


def _here() -> str:
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    namespace = str((_PROC / "self/ns/pid").readlink())
    return f"{boot}-{namespace.strip('pid:[]')}"
