"""
What has happened but does not show yet, and what shows but will be undone.

Real registries answer from replicas: a change may show late, and a lock may go back
to what it was. All of this is kept beside the stored data, by repository and tag or
digest. What is undone is undone by a change of attributes like any other.
"""

from __future__ import annotations

import threading
import time
from typing import Any, TypeAlias

import attrs

from reconciler.emulator.store import Tag

Document: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str]  # repository, and its tag or digest or nothing

_ATTRIBUTES = "changeableAttributes"
_SINGLE = ("tag", "manifest")  # members that hold the object in the answer about one


class UnseenPatches:
    """Attributes that are still shown although a PATCH has changed them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unseen: dict[Key, tuple[Document, int]] = {}  # attributes, and for how many reads

    def add(self, key: Key, before: Document, reads: int) -> None:
        """So many reads of the resource miss the PATCH; those that already miss one go on with what they show."""
        with self._lock:
            self._unseen.setdefault(key, (_attributes(before), reads))

    def read(self, key: Key, document: Document) -> Document:
        """The document as a read of this one resource shows it."""
        with self._lock:
            attributes, reads_left = self._unseen.pop(key, (None, 0))
            if attributes is None:
                return document
            if reads_left > 1:
                self._unseen[key] = (attributes, reads_left - 1)
        return {**document, _ATTRIBUTES: attributes}

    def listed(self, key: Key, document: Document) -> Document:
        """The document as a list shows it, which does not count as a read."""
        attributes, _ = self._unseen.get(key, (None, 0)) if self._unseen else (None, 0)
        return document if attributes is None else {**document, _ATTRIBUTES: attributes}

    def clear(self) -> None:
        """Show everything."""
        with self._lock:
            self._unseen.clear()


@attrs.frozen
class UnseenPush:
    """A tag that is shown as it was before a push."""

    before: Tag | None  # None: it was not there
    reads_left: int


class UnseenPushes:
    """Tags that do not show their last push yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unseen: dict[Key, UnseenPush] = {}

    def __bool__(self) -> bool:
        return bool(self._unseen)

    def add(self, key: Key, before: Tag | None, reads: int) -> None:
        """So many reads of the tag miss the push; those that already miss one go on with what they show."""
        with self._lock:
            self._unseen.setdefault(key, UnseenPush(before, reads))

    def read(self, key: Key) -> UnseenPush | None:
        """What a read of this tag misses."""
        with self._lock:
            unseen = self._unseen.pop(key, None)
            if unseen is not None and unseen.reads_left > 1:
                self._unseen[key] = attrs.evolve(unseen, reads_left=unseen.reads_left - 1)
        return unseen

    def listed(self, key: Key) -> UnseenPush | None:
        """What a list misses, which does not count as a read."""
        return self._unseen.get(key)

    def forget(self, repository: str) -> None:
        """Something in the repository was deleted: a tag that is put there later has no earlier state."""
        with self._lock:
            self._unseen = {key: unseen for key, unseen in self._unseen.items() if key[0] != repository}

    def clear(self) -> None:
        """Show everything."""
        with self._lock:
            self._unseen.clear()


@attrs.frozen
class _Revert:
    """Attributes that come back, after so many reads or at a time."""

    permissions: int
    reads_left: int | None
    at: float | None

    def is_due(self, now: float) -> bool:
        """They come back now."""
        return self.reads_left == 0 or (self.at is not None and self.at <= now)


class Reverts:
    """Attributes that will go back to those before a PATCH."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: dict[Key, _Revert] = {}

    def __bool__(self) -> bool:
        return bool(self._coming)

    def add(self, key: Key, permissions: int, *, reads: int, seconds: float) -> None:
        """Go back to `permissions` after so many reads, or seconds; 0 is never."""
        at = time.monotonic() + seconds if seconds else None
        with self._lock:
            self._coming[key] = _Revert(permissions, reads or None, at)

    def read(self, key: Key) -> None:
        """Count a read of this one resource."""
        with self._lock:
            coming = self._coming.get(key)
            if coming is not None and coming.reads_left:
                self._coming[key] = attrs.evolve(coming, reads_left=coming.reads_left - 1)

    def due(self) -> list[tuple[Key, int]]:
        """What goes back now, and to which permissions; told once."""
        now = time.monotonic()
        with self._lock:
            due = [(key, coming.permissions) for key, coming in self._coming.items() if coming.is_due(now)]
            for key, _ in due:
                del self._coming[key]
        return due

    def forget(self, repository: str) -> None:
        """Something in the repository was deleted: what is put there later has nothing to go back to."""
        with self._lock:
            self._coming = {key: coming for key, coming in self._coming.items() if key[0] != repository}

    def clear(self) -> None:
        """Let everything be as it is."""
        with self._lock:
            self._coming.clear()


def _attributes(answer: Document) -> Document:
    """The attributes in the answer about one resource."""
    document = next((answer[member] for member in _SINGLE if member in answer), answer)
    found: Document = document[_ATTRIBUTES]
    return found
