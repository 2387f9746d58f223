"""
Write or read the memory of a registry in a folder, or its documents as plain JSON, and print one figure.

Seconds of wall time for the call alone, synced to disk; or the size of the file in bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import orjson

FLAGS = {"deleteEnabled": False, "writeEnabled": False}


def main() -> None:
    """Read the command line, measure once, print the figure."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("what", choices=["write", "read", "size"])
    parser.add_argument("--repositories", type=int, default=1000)
    parser.add_argument("--tags", type=int, default=100, help="of each repository")
    parser.add_argument(
        "--plain", action="store_true", help="the same documents, each by its address, as one JSON object"
    )
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure = _plain if wanted.plain else _memory
        print(measure(wanted.what, Path(folder, "state.json"), wanted.repositories, wanted.tags))


def _memory(what: str, path: Path, repositories: int, tags: int) -> float:
    """The memory, from what a run found to the file, and from the file to documents."""
    from reconciler.backend.local import FileStore
    from reconciler.model.last_applied import RememberedRepository
    from reconciler.planning.remember import NOTHING_MADE, Alike, Observed, Written, line_after, next_memory
    from reconciler.planning.statefile import repository_from_line, state_from_bytes, state_to_bytes

    found = [
        Observed(name, [Alike(FLAGS, list(digests), list(digests.values()))], FLAGS)
        for name, digests in _registry(repositories, tags)
    ]
    store = FileStore(str(path))
    start_s = time.perf_counter()
    nothing = RememberedRepository()
    lines = {each.name: line_after(each, nothing, NOTHING_MADE, lambda _: False) for each in found}
    written = Written("2026-11-26T20:10:03Z", "0", "lineage")
    last = next_memory(None, "contoso.azurecr.io", lines, desired=("", b"[]"), run=None, written=written)
    store.write("", state_to_bytes(last), replaces=None)
    if what == "write":
        return time.perf_counter() - start_s
    if what == "size":
        return path.stat().st_size
    start_s = time.perf_counter()
    read = state_from_bytes(store.read("").content, "state.json")
    documents = [repository_from_line(line) for line in read.repositories.values()]
    took_s = time.perf_counter() - start_s
    assert repositories * tags == sum(len(each.tags) for each in documents)
    return took_s


def _plain(what: str, path: Path, repositories: int, tags: int) -> float:
    """Each document by its address."""
    found = list(_registry(repositories, tags))
    start_s = time.perf_counter()
    documents = {
        f"{name}:{tag}": {**FLAGS, "digest": digest} for name, digests in found for tag, digest in digests.items()
    }
    with path.open("wb") as file:
        file.write(orjson.dumps(documents))
        file.flush()
        os.fsync(file.fileno())
    if what == "write":
        return time.perf_counter() - start_s
    if what == "size":
        return path.stat().st_size
    start_s = time.perf_counter()
    read = orjson.loads(path.read_bytes())
    took_s = time.perf_counter() - start_s
    assert repositories * tags == len(read)
    return took_s


def _registry(repositories: int, tags: int) -> Iterable[tuple[str, dict[str, str]]]:
    for number in range(repositories):
        name = f"team{number // 100:03}/service{number:05}"
        yield name, {f"v1.0.{tag:05}": _digest(f"{name}:{tag}") for tag in range(tags)}


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


if __name__ == "__main__":
    main()
