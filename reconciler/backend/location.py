"""From the location that the command line names to the store there."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reconciler.backend.store import Store
from reconciler.errors import BackendError

SCHEMES = ("az", "s3", "gs")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
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
    if spelled is None or spelled[1].lower() == "file":
        return _file(location if spelled is None else spelled[2])
    return _objects(spelled[1].lower(), spelled[2])


def _file(path: str) -> Store:
    from reconciler.backend.local import FileStore

    if path.endswith(("/", os.sep)) or Path(path).is_dir():
        raise BackendError(f"{path}: a folder, not a file\n  Name a file in it, such as {path.rstrip('/')}/state.json")
    return FileStore(path)


def _objects(scheme: str, rest: str) -> Store:
    from reconciler.backend.objects import ObjectStore

    if scheme not in SCHEMES:
        raise BackendError(f"--state: {scheme}:// is not known\n{_ALLOWED}")
    bucket, _, path = rest.partition("/")
    if "@" in bucket or "?" in rest or "#" in rest:  # not repeated: it may hold a secret
        raise BackendError(f"--state: a {scheme}:// location holds no @, ? or #: credentials come from the environment")
    if not bucket or not path or path.endswith("/") or {"", ".", ".."} & set(path.split("/")):
        raise BackendError(f"--state: {scheme}://{rest} names no object\n{_ALLOWED}")
    return ObjectStore(scheme, bucket, path)
