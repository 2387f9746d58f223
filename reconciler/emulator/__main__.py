"""Run the emulator on its own: `python -m reconciler.emulator --port 0`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.server import run
from reconciler.emulator.settings import Settings


def main() -> int:
    """Serve until a signal says stop; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reconciler.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000, help="0 takes any free port")
    parser.add_argument("--data", type=Path, help="file that keeps the content; without it, nothing is kept")
    parser.add_argument("--seed", type=Path, help="JSON file to fill an empty emulator from")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of each answer")
    given = parser.parse_args()
    settings = Settings(latency_ms=given.latency_ms)
    try:
        run(given.host, given.port, data=given.data, seed=given.seed, settings=settings)
    except EmulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
