"""
What can be made to go wrong, so that a test of a client needs no mock.

Each fault is something that the real registry, or the way to it, does: refusing for
a moment, dropping a connection, answering a PATCH with the values from before it
(Azure/acr#212), and showing a change only after a while.
"""

from __future__ import annotations

import threading
from typing import Any, Literal, TypeAlias

import attrs

Document: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str]  # repository, and its tag or digest or nothing

_ATTRIBUTES = "changeableAttributes"
_SINGLE = ("tag", "manifest")  # members that hold the object in the answer about one


@attrs.frozen
class Fault:
    """What happens to a request instead of an answer."""

    kind: Literal["refuse", "drop"]
    status: int = 0
    retry_after_s: int | None = None
    method: str | None = None  # None: any
    path_prefix: str = "/"

    def concerns(self, method: str, path: str) -> bool:
        """It happens to this request."""
        return self.method in (None, method) and path.startswith(self.path_prefix)


class Faults:
    """The faults of one emulator; a test sets them at any time."""

    def __init__(self, latency_ms: float = 0.0) -> None:
        self.latency_ms = latency_ms  # how long each answer is held back
        self.stale_patch_answers = False  # a PATCH is answered with the attributes from before it
        self.visible_after_reads = 0  # how many reads of a resource miss a PATCH that came before them
        self._lock = threading.Lock()
        self._coming: list[Fault] = []
        self._unseen: dict[Key, tuple[Document, int]] = {}  # attributes still shown, and for how many reads

    def fail_next(
        self,
        times: int,
        status: int = 503,
        *,
        retry_after_s: int | None = None,
        method: str | None = None,
        path_prefix: str = "/",
    ) -> None:
        """Refuse the next requests that match, before anything else looks at them."""
        fault = Fault("refuse", status, retry_after_s=retry_after_s, method=method, path_prefix=path_prefix)
        self._add(fault, times)

    def drop_next(self, times: int, *, method: str | None = None, path_prefix: str = "/") -> None:
        """Carry out the next requests that match, and close the connection in the middle of the answer."""
        self._add(Fault("drop", method=method, path_prefix=path_prefix), times)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that happens to this request, which happens once."""
        with self._lock:
            for fault in self._coming:
                if fault.concerns(method, path):
                    self._coming.remove(fault)
                    return fault
        return None

    def patched(self, key: Key, before: Document, after: Document) -> Document:
        """The answer to a PATCH that turned `before` into `after`."""
        with self._lock:
            if self.visible_after_reads > 0:
                self._unseen.setdefault(key, (_attributes(before), self.visible_after_reads))
        return before if self.stale_patch_answers else after

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

    def _add(self, fault: Fault, times: int) -> None:
        with self._lock:
            self._coming += [fault] * times


def _attributes(answer: Document) -> Document:
    """The attributes in the answer about one resource."""
    document = next((answer[member] for member in _SINGLE if member in answer), answer)
    found: Document = document[_ATTRIBUTES]
    return found
