"""
Metrics in a file, for the textfile collector of Prometheus' node_exporter.

The file is of one job. What a run does not know, such as when the last one succeeded that did, and
what counters had come to, is read in the file that it replaces.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.errors import RefusedError
from reconciler.files.writing import write_atomically
from reconciler.metrics.exposition import exposition, metrics_from
from reconciler.metrics.observing import Metrics

SUFFIX = ".prom"  # the collector reads no others; https://github.com/prometheus/node_exporter#textfile-collector
_MAX_BYTES = 8 * 2**20


def read_textfile(path: str) -> Metrics:
    """
    The metrics of the runs before; none where the file is not there, or empty.

    Raises:
        RefusedError: it is not one that can be replaced.
    """
    place = Path(path)
    if place.suffix != SUFFIX:
        raise RefusedError(f"{path}: the name must end in {SUFFIX}, as node_exporter reads no other file")
    try:
        with place.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        if not place.parent.is_dir():
            raise RefusedError(f"{path}: the folder is not there") from None
        return Metrics()
    except OSError as error:
        raise RefusedError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > _MAX_BYTES:
        raise RefusedError(f"{path}: more than {_MAX_BYTES // 2**20} MiB, so not written by this program")
    try:
        return metrics_from(content)
    except RefusedError as error:
        raise RefusedError(f"{path}: {error}\n  It is not replaced. Is it another program's file?") from None


def write_textfile(path: str, metrics: Metrics) -> None:
    """
    Replace the file by one with these.

    Raises:
        RefusedError: it cannot be written; a file that was there is untouched.
    """
    write_atomically(path, exposition(metrics))
