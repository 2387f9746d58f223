"""
What is measured, against what, and which ratio is good enough.

A scenario runs the reconciler and something to compare it with in the same rounds,
and gives one ratio per round. Targets are upper bounds; "four times less than the
peer" is a ratio of at most 0.25.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from operator import attrgetter
from pathlib import Path

import attrs

from benchmarks.harness import HERE, PYTHON, RECONCILER, Cost, FailedRunError, Round, Server, interleaved, static_server

Figure = tuple[str, Callable[[Cost], float]]  # its unit, and how to get it from a cost

WORKERS = ("--concurrency", "32")
FORGETFUL = ("--state", "none")  # rounds must not learn from each other; what a memory costs is measured on its own
RULES = """\
version: 1
repositories:
  - match: "**"
    attributes: {deleteEnabled: true}
    tags:
      - match: "v*"
        attributes: {deleteEnabled: false}
"""


WALL: Figure = ("s", attrgetter("wall_s"))
CPU: Figure = ("s", attrgetter("cpu_s"))
PEAK: Figure = ("KiB", attrgetter("peak_kib"))
PRINTED: Figure = ("s", lambda cost: float(cost.output))
PRINTED_BYTES: Figure = ("bytes", PRINTED[1])


@attrs.frozen
class Result:
    """One row: what both sides took in each round, and the most that their ratio may be."""

    title: str
    target: float
    unit: str
    ours: tuple[float, ...]
    other: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """Ours to the other, round by round."""
        return [ours / other for ours, other in zip(self.ours, self.other, strict=True)]

    @property
    def median(self) -> float:
        """The ratio that is judged."""
        return statistics.median(self.ratios)

    @property
    def is_met(self) -> bool:
        """The median is no more than the target."""
        return self.median <= self.target


@attrs.frozen
class Size:
    """How large and how often; a quick run is only to see that everything works."""

    rounds: int
    repositories: int = 1000
    larger: int = 10_000  # repositories in the large registry of the memory scenario
    tags: int = 100

    @property
    def changes(self) -> int:
        """One tag in a hundred."""
        return self.repositories * self.tags // 100


def plan(size: Size) -> Iterator[Result]:
    """Plan against the bare client, and against Microsoft's."""
    with _server(size) as server, _rules_file() as rules:
        ours = [RECONCILER, "plan", rules, "--registry", server.origin, *WORKERS, *FORGETFUL]
        floor = [PYTHON, str(HERE / "floor.py"), server.origin, *WORKERS]
        peer = [PYTHON, str(HERE / "sdk.py"), server.origin, *WORKERS]
        rounds = interleaved(size.rounds, {"ours": ours, "other": floor}, server=server)
        yield _result("plan, wall / bare client", 1.5, rounds, WALL)
        yield _result("plan, CPU / bare client", 1.5, rounds, CPU)
        fewer = max(1, size.rounds // 2)
        for name, options in (("SDK", []), ("async SDK", ["--async"])):
            rounds = interleaved(fewer, {"ours": ours, "other": [*peer, *options]}, server=server)
            yield _result(f"plan, wall / {name}", 0.25, rounds, WALL)
            yield _result(f"plan, CPU / {name}", 0.25, rounds, CPU)


def memory(size: Size) -> Iterator[Result]:
    """Ten times the registry, the same number of changes: how much more memory."""
    with _server(size) as small, _server(size, repositories=size.larger) as large, _rules_file() as rules:
        options = [*WORKERS, *FORGETFUL, "--format", "json"]
        commands = {
            "ours": [RECONCILER, "plan", rules, "--registry", large.origin, *options],
            "other": [RECONCILER, "plan", rules, "--registry", small.origin, *options],
        }
        rounds = interleaved(max(1, size.rounds // 2), commands, server=None)
    for cost in (cost for found in rounds for cost in found.values()):
        _require_changes(cost, size.changes)
    yield _result("plan, memory, 10 × the tags", 1.25, rounds, PEAK)


def apply(size: Size) -> Iterator[Result]:
    """Apply against the bare client doing the same requests, each answered after 20 ms."""
    with _server(size, latency_ms=20) as server, _rules_file() as rules:
        ours = [RECONCILER, "apply", rules, "--registry", server.origin, "--auto-approve", *WORKERS, *FORGETFUL]
        floor = [PYTHON, str(HERE / "floor.py"), server.origin, "--apply", *WORKERS]
        rounds = interleaved(size.rounds, {"ours": ours, "other": floor}, server=server)
    yield _result("apply, wall / bare client", 1.3, rounds, WALL)


def load(size: Size) -> Iterator[Result]:
    """A file that names every tag one by one, against parsing it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tags.yaml")
        path.write_text(_tags_one_by_one(size), encoding="utf-8")
        command = [PYTHON, str(HERE / "loading.py"), str(path)]
        rounds = interleaved(size.rounds, {"ours": command, "other": [*command, "--parse-only"]}, server=None)
    yield _result("load a file, CPU / YAML parser", 3.0, rounds, PRINTED)


def state(size: Size) -> Iterator[Result]:
    """What was last applied, written and read whole, against its documents as plain JSON."""
    command = [PYTHON, str(HERE / "remembering.py")]
    options = ["--repositories", str(size.repositories), "--tags", str(size.tags)]
    for what, title, target in (
        ("write", "state, write", 2.0),
        ("read", "state, read", 2.0),
        ("size", "state, size", 0.7),
    ):
        commands = {"ours": [*command, what, *options], "other": [*command, what, *options, "--plain"]}
        rounds = interleaved(size.rounds, commands, server=None)
        yield _result(f"{title} / plain JSON", target, rounds, PRINTED_BYTES if what == "size" else PRINTED)


def version(size: Size) -> Iterator[Result]:
    """Starting up, against starting Python and importing click."""
    commands = {"ours": [RECONCILER, "--version"], "other": [PYTHON, "-c", "import click"]}
    rounds = interleaved(4 * size.rounds, commands, server=None)
    yield _result("--version, wall / import click", 2.0, rounds, WALL)


SCENARIOS: dict[str, Callable[[Size], Iterator[Result]]] = {
    "plan": plan,
    "memory": memory,
    "apply": apply,
    "load": load,
    "state": state,
    "version": version,
}


def _server(size: Size, *, repositories: int = 0, latency_ms: int = 0) -> AbstractContextManager[Server]:
    """A registry of this size, or with more repositories and no more tags that differ."""
    return static_server(
        repositories=repositories or size.repositories,
        tags=size.tags,
        differing=size.changes,
        latency_ms=latency_ms,
    )


@contextmanager
def _rules_file() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.yaml")
        path.write_text(RULES, encoding="utf-8")
        yield str(path)


def _tags_one_by_one(size: Size) -> str:
    lines = ["version: 1", "repositories:"]
    for repository in range(size.repositories):
        lines += [f"  - match: team{repository // 100:03}/service{repository:05}", "    tags:"]
        for tag in range(size.tags):
            lines += [f"      - match: v1.0.{tag:05}", "        attributes: {deleteEnabled: false}"]
    return "\n".join(lines) + "\n"


def _require_changes(cost: Cost, changes: int) -> None:
    found = json.loads(cost.output)["summary"]["update"]
    if found != changes:
        raise FailedRunError(f"the plan holds {found} changes instead of {changes}")


def _result(title: str, target: float, rounds: list[Round], figure: Figure) -> Result:
    unit, of = figure
    ours, other = (tuple(of(found[side]) for found in rounds) for side in ("ours", "other"))
    return Result(title, target, unit, ours, other)
