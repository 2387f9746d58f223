"""From the location that the command line names to the store there."""

from __future__ import annotations

import os
import re

from reconciler.backend.store import Store
from reconciler.errors import BackendError

DEFAULT_PLACE = ".reconciler/state.json"  # where none is named
SCHEMES = ("az", "s3", "gs")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"\$?[A-Za-z0-9][A-Za-z0-9._-]*")
_ALLOWED = "  A location is a file, az://CONTAINER/PATH, s3://BUCKET/PATH or gs://BUCKET/PATH; or none."


def open_store(location: str) -> Store:
    """
    The store at a location; nothing is read yet.

    Raises:
        BackendError: the text is no location.
    """
    if not location:
        raise BackendError(f"--state: the location is empty\n  Is a variable not set?\n{_ALLOWED}")
    if not location.isprintable():
        raise BackendError(f"--state: a character that does not print cannot stand in a location\n{_ALLOWED}")
    spelled = _URL.fullmatch(location)
    if spelled is None:
        return _file(location)
    if spelled[1].lower() == "file":
        return _file_url(spelled[2])
    return _objects(spelled[1].lower(), spelled[2])


def _file_url(path: str) -> Store:
    if not path.startswith("/") or "?" in path or "#" in path:  # not repeated: it may hold a secret
        raise BackendError(
            f"--state: a file:// location is file:///PATH, on this machine and without ? or #\n{_ALLOWED}"
        )
    return _file(path)


def _file(path: str) -> Store:
    from reconciler.backend.local import FileStore

    if path.endswith(("/", os.sep)) or os.path.isdir(path):  # noqa: PTH112 - Path's raises where it may not look
        raise BackendError(f"{path}: a folder, not a file\n  Name a file in it, such as {path.rstrip('/')}/state.json")
    return FileStore(path)


def _objects(scheme: str, rest: str) -> Store:
    from reconciler.backend.objects import ObjectStore

    if scheme not in SCHEMES:
        raise BackendError(f"--state: {scheme}:// is not known\n{_ALLOWED}")
    bucket, _, path = rest.partition("/")
    if "@" in bucket or "?" in rest or "#" in rest:  # not repeated: it may hold a secret
        raise BackendError(f"--state: a {scheme}:// location holds no @, ? or #: credentials come from the environment")
    if bucket and not _BUCKET.fullmatch(bucket):  # not repeated either
        raise BackendError(
            f"--state: what stands after {scheme}:// is no name of a container or bucket\n"
            f"  They consist of letters, digits, '-', '.' and '_'.\n{_ALLOWED}"
        )
    if not bucket or not path or path.endswith("/") or {"", ".", ".."} & set(path.split("/")):
        raise BackendError(f"--state: {scheme}://{rest} names no object\n{_ALLOWED}")
    return ObjectStore(scheme, bucket, path)
