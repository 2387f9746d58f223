"""A run that touched many repositories is undone in a time that grows as they do."""

from __future__ import annotations

import time

from builders import OPEN, digest, manifest, repository, tag

from reconciler.model.address import Address
from reconciler.planning.base import NoBase
from reconciler.planning.journal import Done
from reconciler.planning.plan import Via
from reconciler.planning.undo import Found, undo

LOCKED = {"deleteEnabled": False, "writeEnabled": False}
SHUT = {**OPEN, **LOCKED}
A, B = digest("a"), digest("b")


def _run_over(names):
    """A run that moved a tag in each and locked the manifest below it; and what each holds now."""
    done, live, repositories = [], {}, {}
    for name in names:
        on, below, before = Address(name, tag="v1"), Address(name, digest=B), Address(name, digest=A)
        moved, kept = {**SHUT, "digest": B}, {**SHUT, "digest": A}
        done.append(Done(on, "move", "verified", is_ours=True, before=kept, after=moved))
        opened = dict.fromkeys(LOCKED, True)
        done.append(Done(below, "update", "verified", is_ours=True, before=opened, after=LOCKED, via=Via(on, B)))
        live |= {on: {**tag("b"), **moved}, below: SHUT, before: OPEN}
        manifests = {A: manifest(), B: manifest(**LOCKED)}
        repositories[name] = repository(name, OPEN, {"v1": live[on]}, manifests=manifests)
    return done, Found(live, repositories)


def _cpu_s(count: int) -> float:
    done, found = _run_over([f"team/app-{number}" for number in range(count)])
    started_s = time.process_time()
    undone = undo("x", "contoso.azurecr.io", done, found, memory=NoBase(), managed=count)
    took_s = time.process_time() - started_s
    assert 2 * count == len(undone.plan.changes)
    return took_s


def test_ten_times_as_many_repositories_take_about_ten_times_as_long():
    """Where each went through all others it would be a hundred times; a machine's moods are worth a factor of three."""
    few_s = min(_cpu_s(300) for _ in range(3))

    many_s = _cpu_s(3000)

    assert many_s < 30 * few_s
