"""
Take a lock off for a moment, and put it back.

It is written down as owed before it comes off, and struck out only when a read has
shown it again: whatever happens in between, the next run finds the debt. Putting back
never relies on a read that says it is locked, because reads lag: it is sent all the
same, and does nothing where that was true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import attrs

from reconciler.apply.book import Book
from reconciler.apply.retrying import FRESH_S, READ_BACK_DELAYS_S, may_have_happened, pause_s
from reconciler.apply.steps import differences, holds
from reconciler.errors import (
    ApiError,
    BackendError,
    DisallowedError,
    RegistryError,
    TooLateError,
    UnauthorizedError,
    UnreachableError,
)
from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST, Document
from reconciler.planning.debts import Debt
from reconciler.planning.patch import failed_tests, request_body
from reconciler.planning.plan import Unlock
from reconciler.registry.client import Client
from reconciler.registry.exchange import steady_s
from reconciler.registry.looks import Look
from reconciler.registry.patience import MAX_PAUSE_S, MAX_WAIT_S

_MAX_ATTEMPTS = 6


@attrs.frozen
class Restored:
    """How it went to put locks back."""

    # remade: it is another one than was unlocked; refused: open, and the registry disallows to lock it
    status: Literal["locked", "gone", "remade", "open", "refused"]
    message: str = ""


class Locksmith:
    """Takes locks off, and knows which of them are still to be put back."""

    def __init__(self, client: Client, book: Book, forbidden: Callable[[], str]) -> None:
        self.open: dict[Address, Document] = {}  # the locks that came off, as they were
        self._client = client
        self._book = book
        self._forbidden = forbidden

    async def take_off(self, unlock: Unlock) -> str:
        """
        Take off the locks in `unlock`, which is then owed.

        Returns:
            Why it could not be; empty: they are off, by us or by somebody else already.

        Raises:
            RegistryError: the registry, or the way to it, failed.
        """
        look = await self._client.look(unlock.address)
        why = _why_not(unlock, look.document)
        if why is not None:
            return why
        if why := self._forbidden():
            return why
        try:
            await self._book.owe(unlock, look)
        except BackendError as error:
            return f"{unlock.address} is not unlocked for a moment, because that cannot be recorded: {error}"
        try:
            return await self._taken_off(unlock, look)
        finally:
            if unlock.address not in self.open:
                await self._strike_out(unlock.address)

    async def put_back(
        self, address: Address, locks: Document, *, trusts_reads: bool = False, debt: Debt | None = None
    ) -> Restored:
        """
        Lock `address` again, and strike out the debt.

        Args:
            address: What to lock.
            locks: How it was.
            trusts_reads: Take it for locked where a read says so and the registry takes no PATCH.
            debt: What an earlier run wrote down about it, which is void for a resource that was made since.
        """
        why, attempt, began_s = "", 0, steady_s()
        while attempt < _MAX_ATTEMPTS:
            attempt += 1
            if forbidden := self._forbidden():
                return Restored("open", forbidden)
            try:
                restored = await self._put_back_once(address, locks, trusts_reads=trusts_reads, debt=debt)
            except TooLateError as error:
                why = str(error)
                attempt -= steady_s() - began_s < MAX_WAIT_S  # its turn will come
            except UnauthorizedError as error:
                return Restored("open", str(error))
            except (UnreachableError, ApiError) as error:
                why, delay_s = str(error), pause_s(error, attempt)
                if delay_s > MAX_PAUSE_S:
                    break
                await asyncio.sleep(delay_s)
            except RegistryError as error:
                why = str(error)
                await asyncio.sleep(READ_BACK_DELAYS_S[min(attempt, len(READ_BACK_DELAYS_S)) - 1])
            else:
                if restored.status != "open":
                    return restored
                why = restored.message
        return Restored("open", why)

    async def void(self, address: Address) -> Restored:
        """Strike out the debt of something that is gone."""
        return await self._settled(address, "gone")

    async def _taken_off(self, unlock: Unlock, look: Look) -> str:
        """Send the PATCH; `open` tells whether it may have been carried out."""
        address = unlock.address
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            if (why := _why_not(unlock, look.document)) is not None:
                return why
            was_open = address in self.open
            self.open[address] = {**self.open.get(address, {}), **unlock.before}
            try:
                await self._client.update(address, request_body(unlock.patch), not_after_s=look.at_s + FRESH_S)
            except TooLateError:
                self._close_unless(address, is_open=was_open)
            except (UnreachableError, ApiError) as error:
                is_unclear = was_open or may_have_happened(error, "PATCH")
                self._close_unless(address, is_open=is_unclear)
                if isinstance(error, DisallowedError) and not is_unclear:
                    return f"{address} could not be unlocked: {error}"
                if not may_have_happened(error, "PATCH") or attempt == _MAX_ATTEMPTS:
                    raise
                await asyncio.sleep(pause_s(error, attempt))
            else:
                await self._shows(address, unlock.after)
                return ""
            look = await self._client.look(address)
        return f"{address} could not be unlocked in time"

    def _close_unless(self, address: Address, *, is_open: bool) -> None:
        if not is_open:
            self.open.pop(address, None)

    async def _put_back_once(
        self, address: Address, locks: Document, *, trusts_reads: bool, debt: Debt | None
    ) -> Restored:
        look = await self._client.look(address)
        is_remade = debt is not None and debt.is_void_for(look.created)
        if is_remade or look.document is None:
            return await self._settled(address, "remade" if is_remade else "gone")
        try:
            await self._client.update(address, locks, not_after_s=look.at_s + FRESH_S)
        except (DisallowedError, UnauthorizedError) as error:
            if trusts_reads and holds(locks, look.document):
                return await self._settled(address, "locked")
            if isinstance(error, DisallowedError):
                return Restored("refused", str(error))
            raise
        shown = await self._shows(address, locks)
        if shown is None:
            return await self._settled(address, "gone")
        if holds(locks, shown):
            return await self._settled(address, "locked", _moved(debt, shown))
        how = ", ".join(differences(locks, shown))
        return Restored("open", f"it was locked again, but {sum(READ_BACK_DELAYS_S):.0f} s later shows {how}")

    async def _shows(self, address: Address, wanted: Document) -> Document | None:
        """What the registry shows, once that is as `wanted`, or time is up."""
        for delay_s in (*READ_BACK_DELAYS_S, 0.0):
            document = (await self._client.look(address)).document
            if document is None or holds(wanted, document):
                return document
            await asyncio.sleep(delay_s)
        return document

    async def _settled(
        self, address: Address, status: Literal["locked", "gone", "remade"], message: str = ""
    ) -> Restored:
        self.open.pop(address, None)
        return Restored(status, "\n".join(filter(None, [message, await self._strike_out(address)])))

    async def _strike_out(self, address: Address) -> str:
        """What a person should know about that; empty: nothing."""
        try:
            await self._book.paid(address)
        except BackendError as error:
            return f"it is still recorded as owed, and the next apply strikes that out: {error}"
        return ""


def _moved(debt: Debt | None, shown: Document) -> str:
    """That a tag was moved since it was unlocked; it is locked where it is."""
    if debt is None or not debt.digest or shown.get(DIGEST) == debt.digest:
        return ""
    return f"it pointed at {debt.digest} when it was unlocked, and points at {shown.get(DIGEST)} now"


def _why_not(unlock: Unlock, live: Document | None) -> str | None:
    """Why nothing is to be taken off, empty where that is because it is off; None: it is to be."""
    if live is None:
        return f"{unlock.address} is not there any more"
    if holds(unlock.after, live):
        return ""
    mismatches = failed_tests(unlock.patch, live)
    return f"{unlock.address}: {'; '.join(map(str, mismatches))}, so it is not unlocked" if mismatches else None
