"""Files that are made from the program are as it would make them now."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # beside the package, and not installed

from generating import GENERATED, stale  # noqa: E402


def test_no_generated_file_is_stale():
    """Whoever changes a model, a command or an option renews them with the same commit."""
    assert [] == stale(), "run: make generated"


def test_what_is_generated_says_so():
    """Nobody mends such a file by hand, as the next `make generated` would undo it."""
    silent = [path for path in GENERATED if "make generated" not in (ROOT / path).read_text()]

    assert [] == silent
