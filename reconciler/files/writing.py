"""
Write a file so that it is there whole or not at all.

A plan that a crash cut in half would be refused, but somebody would have to find
out why; and the one that it replaces would be gone.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reconciler.errors import RefusedError


def write_atomically(path: str, content: bytes) -> None:
    """
    Replace the file at `path` by one that holds `content`; the old one stays until the new one is safe on disk.

    Raises:
        RefusedError: it cannot be written; whatever was there is untouched.
    """
    target = Path(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RefusedError(f"{path}: cannot be written: {error.strerror}") from None
