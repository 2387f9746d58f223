"""
A place that keeps a few named blobs, and lets only one of two writers win.

What is last applied, the run lock, the journal: each is a blob beside the others,
`state.json`, `state.json.lock` and so on. A write says which version it replaces.
Whoever read an older one is refused, so nothing that somebody else wrote is ever lost
unseen. That one promise is all that the rest of this package needs, so a folder and
an object store serve it alike.
"""

from __future__ import annotations

from typing import Protocol

import attrs

MAX_BLOB_BYTES = 1024**3


@attrs.frozen
class Blob:
    """What stands at a name, and which version of it: a text that says nothing but whether it is still the same."""

    content: bytes
    version: str


class Store(Protocol):
    """
    Blobs at one location, told apart by a suffix; the empty suffix is last applied itself.

    Every method raises `BackendError` where the place cannot be reached, read or written,
    with what to do about it, and never with a credential.
    """

    @property
    def name(self) -> str:
        """The location as messages call it; without a credential."""

    def read(self, suffix: str) -> Blob | None:
        """What stands there; None: nothing."""

    def write(self, suffix: str, content: bytes, *, replaces: str | None) -> str:
        """
        Put `content` there, whole or not at all, and return its version.

        Args:
            suffix: Which blob.
            content: At least one byte.
            replaces: The version that must stand there; None: nothing may.

        Raises:
            ConflictError: something else stands there; it is untouched.
        """

    def delete(self, suffix: str, *, replaces: str) -> None:
        """
        Leave nothing there.

        Raises:
            ConflictError: something else than version `replaces` stands there; it is untouched.
        """
