"""Ask the person who applies whether they mean it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.output import is_terminal, note

if TYPE_CHECKING:
    from reconciler.planning.plan import Plan


def is_approved(plan: Plan, others: Mapping[str, Any], *, is_more: bool = False) -> bool:
    """A person says yes, where there is something to do: changes, or what is more than them."""
    if others["auto_approve"] or not (plan.has_changes or is_more):
        return True
    try:
        said: str = click.prompt(
            f"\nType yes to apply this to {plan.registry}", default="no", show_default=False, err=True
        )
    except click.Abort:
        note("")  # the error begins on a line of its own
        raise
    if said != "yes":
        note("Not applied; nothing was changed.")
    return said == "yes"


def has_terminal() -> bool:
    """There is a person who can be asked."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)
