"""
What can be made to go wrong, so that a test of a client needs no mock.

Each fault is something that the real registry, or the way to it, does: refusing for
a moment, dropping a connection, answering a PATCH with the values from before it
(Azure/acr#212), and showing a change only after a while. None of them touches what
is stored: they change answers, keep requests away, or do what a request could do.
"""

from __future__ import annotations

import threading
from typing import Any, Literal

import attrs

from reconciler.emulator.fault_settings import Document, FaultDocument, FaultSettings, Rule, merged, parse_faults
from reconciler.emulator.limits import Limits
from reconciler.emulator.request_faults import RequestFaults
from reconciler.emulator.visibility import Key, Reverts, UnseenPatches, UnseenPushes

_SETTINGS = tuple(field.name for field in attrs.fields(FaultSettings))


class Faults(FaultSettings):
    """The faults of one emulator; a test sets them at any time, by attribute, method or document."""

    def __init__(self, latency_ms: float = 0.0, document: object = None) -> None:
        """
        Begin with the faults of `document`, or with a latency at most.

        Raises:
            BadFaultsError: the document is none.
        """
        super().__init__(latency_ms=latency_ms)
        self.limits = Limits()
        self.requests = RequestFaults()
        self.pushes = UnseenPushes()
        self.reverts = Reverts()
        self._patches = UnseenPatches()
        self._lock = threading.RLock()
        if document:
            self.merge(document)

    def document(self) -> Document:
        """All faults as they are now, in the form that `load` takes."""
        live = {
            "throttled_s": self.limits.throttled_s(),
            "budgets": self.limits.budgets(),
            "requests": [attrs.asdict(rule) for rule in self.requests.rules()],
        }
        return {name: getattr(self, name) for name in _SETTINGS} | live

    def load(self, document: object) -> None:
        """
        Have the faults of the document, and no others.

        Raises:
            BadFaultsError: it is none; nothing has changed.
        """
        found = parse_faults(document)
        with self._lock:
            self._take_over(found, {"throttled_s", "budgets", "requests"})

    def merge(self, patch: object) -> None:
        """
        Have the faults that `patch` names as it says, and the others as they are.

        Raises:
            BadFaultsError: it is none; nothing has changed.
        """
        with self._lock:
            found = parse_faults(merged(self.document(), patch))
            self._take_over(found, set(patch) if isinstance(patch, dict) else set())

    def clear(self) -> None:
        """Have no fault; what hangs goes on, and everything shows as it is."""
        self.load({})
        for waiting in (self.pushes, self.reverts, self._patches):
            waiting.clear()

    def add(self, rule: Rule) -> None:
        """Let one more rule happen to requests, after those that are there."""
        self.requests.add(rule, self.seed)

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
        self.add(
            Rule("refuse", times=times, status=status, retry_after_s=retry_after_s, method=method, path=path_prefix)
        )

    def drop_next(
        self,
        times: int,
        *,
        method: str | None = None,
        path_prefix: str = "/",
        at: Literal["before", "after", "middle"] = "middle",
    ) -> None:
        """Close the connection of the next requests that match: before, after or in the middle of the answer."""
        self.add(Rule("drop", at, times=times, method=method, path=path_prefix))

    def hang_next(
        self,
        times: int,
        *,
        method: str | None = None,
        path_prefix: str = "/",
        at: Literal["before", "after", "middle"] = "before",
    ) -> None:
        """Leave the next requests that match without an answer until `release`."""
        self.add(Rule("hang", at, times=times, method=method, path=path_prefix))

    def release(self) -> None:
        """Let go what hangs."""
        self.requests.release()

    def throttle(self, **seconds: float) -> None:
        """Take no call of these classes, such as `read` or `sign_in`, for so long; of the others, every one."""
        self.limits.throttle(parse_faults({"throttled_s": seconds}).throttled_s)

    def bends(self) -> bool:
        """Some answers may have to be changed, or what happened be remembered."""
        return bool(self.pushes or self.reverts) or any(getattr(self, name) != none for name, none in _BENDING)

    def patched(self, key: Key, before: Document, after: Document) -> Document:
        """The answer to a PATCH that turned `before` into `after`."""
        if self.visible_after_reads > 0:
            self._patches.add(key, before, self.visible_after_reads)
        return before if self.stale_patch_answers else after

    def read(self, key: Key, document: Document) -> Document:
        """The document as a read of this one resource shows it."""
        return self._patches.read(key, document)

    def listed(self, key: Key, document: Document) -> Document:
        """The document as a list shows it, which does not count as a read."""
        return self._patches.listed(key, document)

    def _take_over(self, found: FaultDocument, live: set[str]) -> None:
        for name in _SETTINGS:
            setattr(self, name, getattr(found, name))
        for is_on, waiting in (
            (self.visible_after_reads, self._patches),
            (self.pushes_visible_after_reads, self.pushes),
            (self.reverts_after_reads or self.reverts_after_s, self.reverts),
        ):
            if not is_on:  # what it began ends with it
                waiting.clear()
        if "throttled_s" in live:
            self.limits.throttle(found.throttled_s)
        if "budgets" in live:
            self.limits.set_budgets(found.budgets)
        if "requests" in live:
            self.requests.replace(found.requests, found.seed)


def _bending() -> tuple[tuple[str, Any], ...]:
    """The settings that concern neither the request as a whole nor the hooks below, with what turns them off."""
    elsewhere = ("latency_ms", "seed", "firewall", "stale_patch_answers", "visible_after_reads")
    none = FaultSettings()
    return tuple((name, getattr(none, name)) for name in _SETTINGS if name not in elsewhere)


_BENDING = _bending()
