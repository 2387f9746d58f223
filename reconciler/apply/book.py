"""Where it is written down that a lock was taken off and has to come back."""

from __future__ import annotations

from typing import Protocol

from reconciler.errors import BackendError
from reconciler.model.address import Address
from reconciler.planning.plan import Unlock
from reconciler.registry.looks import Look


class Book(Protocol):
    """
    The record of what is owed; it outlives this process.

    Both return when the entry is durable, and raise `BackendError` where it cannot be made so.
    """

    async def owe(self, unlock: Unlock, seen: Look | None = None) -> None:
        """Write down that the locks in `unlock` are about to be taken off what was `seen`."""

    async def paid(self, address: Address) -> None:
        """Strike out what is owed at `address`: it is locked again, or gone."""


class NoBook:
    """There is no place to write anything down, so nothing is ever unlocked for a moment."""

    async def owe(self, unlock: Unlock, seen: Look | None = None) -> None:  # noqa: ARG002 - as others have it
        """Refuse."""
        raise BackendError(
            f"no place is named to record that {unlock.address} is owed\n"
            "  --state LOCATION names one; --state none and --base have none."
        )

    async def paid(self, address: Address) -> None:
        """Nothing is owed."""
