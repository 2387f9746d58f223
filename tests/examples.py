"""How many examples a property is held to: few and the same in the suite, more and others where somebody explores."""

from __future__ import annotations

import os

_TIMES = int(os.environ.get("EXAMPLES", "1"))  # `make explore` says 4


def some(number: int) -> int:
    """So many in the suite; some times that where it was asked for."""
    return number * _TIMES
