"""
Load one desired-state file, or only parse it, and print the CPU seconds it took.

The time of the call alone, without imports: how long a file of 100,000 tags takes
is a question about the loader, and starting Python is measured elsewhere.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path


def parse_only(path: Path) -> float:
    """CPU seconds that PyYAML's C parser takes to emit all its events."""
    import yaml

    text = path.read_text(encoding="utf-8")
    start_s = time.process_time()
    for _event in yaml.parse(text, Loader=yaml.CSafeLoader):
        pass
    return time.process_time() - start_s


def load(path: Path) -> float:
    """CPU seconds that the reconciler takes to turn the file into a desired state."""
    from reconciler.files import load_desired

    start_s = time.process_time()
    load_desired([str(path)])
    return time.process_time() - start_s


def main() -> None:
    """Read the command line, measure once, print seconds."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--parse-only", action="store_true")
    wanted = parser.parse_args()
    print(parse_only(wanted.path) if wanted.parse_only else load(wanted.path))


if __name__ == "__main__":
    main()
