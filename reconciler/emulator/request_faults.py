"""
What happens to single requests: which rule is due, and what hangs until it is let go.

Chance is seeded for each rule, so that a run can be repeated whatever else happens.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterable

import attrs

from reconciler.emulator.fault_settings import Rule

_TURN_S = 0.005


@attrs.frozen
class Happening:
    """A rule that happens to one request."""

    rule: Rule
    _gate: threading.Event  # taken with the rule, so that a release between that and the hanging is not missed

    async def hang(self) -> None:
        """Wait until the request is let go, by any thread."""
        while not self._gate.is_set():  # noqa: ASYNC110 - it is set by other threads
            await asyncio.sleep(_TURN_S)


class RequestFaults:
    """The rules of one emulator, each with what it has done so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[_Running] = []
        self._gate = threading.Event()

    def add(self, rule: Rule, seed: int) -> None:
        """Follow one more rule, after those that are there."""
        with self._lock:
            self._running.append(_Running(rule, random.Random(seed), rule.times))  # noqa: S311 - to be repeated

    def replace(self, rules: Iterable[Rule], seed: int) -> None:
        """Follow these rules only, from their beginning, and let go what hangs."""
        with self._lock:
            self._running.clear()
        for rule in rules:
            self.add(rule, seed)
        self.release()

    def release(self) -> None:
        """Let go what hangs; it is answered then, and what hangs from now on waits for the next time."""
        with self._lock:
            gate, self._gate = self._gate, threading.Event()
        gate.set()

    def rules(self) -> tuple[Rule, ...]:
        """The rules, each with the times that are left of it."""
        with self._lock:
            return tuple(attrs.evolve(running.rule, times=running.left) for running in self._running)

    def take(self, method: str, path: str) -> Happening | None:
        """What the first rule that is due does to this request; it counts as followed."""
        if not self._running:
            return None
        with self._lock:
            for running in self._running:
                if running.rule.concerns(method, path) and running.is_due():
                    self._running = [other for other in self._running if other.left != 0]
                    return Happening(running.rule, self._gate)
        return None


@attrs.define(eq=False)
class _Running:
    """A rule, how many requests it has seen, and how often it will happen yet."""

    rule: Rule
    chance: random.Random
    left: int | None
    seen: int = 0

    def is_due(self) -> bool:
        """It happens to the request that has just come."""
        self.seen += 1
        is_due = self.seen % self.rule.every == 0 and self.chance.random() < self.rule.probability
        if is_due and self.left is not None:
            self.left -= 1
        return is_due
