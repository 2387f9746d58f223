"""
Whether tags still point at the manifests that are changed on their behalf.

Many manifests are changed for the same tag, an index and all its children, so one read
serves all that come within a moment.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from reconciler.apply.retrying import FRESH_S
from reconciler.model.address import Address
from reconciler.model.attributes import DIGEST
from reconciler.planning.plan import Via
from reconciler.registry.client import Client
from reconciler.registry.exchange import steady_s
from reconciler.registry.looks import Look

_SHARED_S = FRESH_S / 2  # whoever shares a read needs time to send something that goes by it


class Vias:
    """Reads of such tags, each shared for a moment."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._looks: dict[Address, Look] = {}
        self._locks: defaultdict[Address, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def look(self, address: Address) -> Look:
        """A fresh look at the tag."""
        async with self._locks[address]:
            known = self._looks.get(address)
            if known is None or steady_s() - known.at_s > _SHARED_S:
                known = self._looks[address] = await self._client.look(address)
            return known


def points_elsewhere(via: Via, look: Look) -> str:
    """How the tag is not as the plan expects; empty: it points at what it should."""
    if look.document is None:
        return f"{via.address} is not there any more: {look.said}"
    if look.document.get(DIGEST) != via.digest:
        return f"{via.address} points elsewhere now"
    return ""
