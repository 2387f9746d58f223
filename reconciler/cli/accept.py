"""`--accept`: what moved or went though locked, and is remembered as it is from now on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.cli.output import note
from reconciler.model.attributes import DIGEST

if TYPE_CHECKING:
    from reconciler.model.address import Address
    from reconciler.planning.plan import Drift, Plan


def accepting(patterns: tuple[str, ...]) -> Callable[[Address], bool]:
    """
    Whether an address is one that may be remembered as it is now.

    Raises:
        PatternError: one of them is no pattern.
    """
    from reconciler.model.pattern import compile_pattern

    compiled = [compile_pattern(text) for text in patterns]
    return lambda address: any(pattern.matches(str(address)) for pattern in compiled)


def accepted_by(plan: Plan, patterns: tuple[str, ...]) -> tuple[Drift, ...]:
    """What is going to be remembered as it is, told; a pattern that accepts nothing may be a typing error."""
    accepts = accepting(patterns)
    accepted = tuple(drift for drift in plan.drift if accepts(drift.address))
    for drift in accepted:
        became = "it is gone" if drift.after is None else f"{drift.before[DIGEST]}\n          → {drift.after[DIGEST]}"
        note(f"Accepts   {drift.address}:\n          {became}")
    for text in patterns:
        accepts = accepting((text,))
        if not any(accepts(drift.address) for drift in plan.drift):
            note(f"note: --accept {text}: nothing that moved or went though locked matches it")
    return accepted
