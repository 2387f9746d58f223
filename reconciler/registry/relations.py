"""
What manifests are about, and what is about them: signatures, bills of materials.

Only the bytes of a manifest tell its subject, and only a call of its own who has it as
theirs. That is two requests for each manifest, so it is asked of few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import orjson

from reconciler.errors import ApiError, ProtocolError, UnauthorizedError
from reconciler.model.address import Address, is_digest
from reconciler.registry.client import Client
from reconciler.registry.manifests_known import FEW, hides_everything


@attrs.frozen
class Relations:
    """Those of one manifest."""

    subject: str | None = None  # a digest; empty: it is about nothing; None: not readable
    referrers: tuple[str, ...] | None = None  # digests; None: not readable


async def relations(client: Client, name: str, digests: Sequence[str]) -> Mapping[str, Relations]:
    """The relations of each of `digests` in repository `name`, as far as they can be read."""
    found: dict[str, Relations] = {}
    for start in range(0, len(digests), FEW):
        some = digests[start : start + FEW]
        try:
            found.update(zip(some, await asyncio.gather(*(_of_one(client, name, each) for each in some)), strict=True))
        except UnauthorizedError as error:  # whoever may not pull this one may pull none of them
            if hides_everything(error):
                raise
            break
    return found


async def _of_one(client: Client, name: str, digest: str) -> Relations:
    subject, referrers = await asyncio.gather(
        subject_of(client, name, digest), _referrers(client, Address(name, digest=digest))
    )
    return Relations(subject, referrers)


async def subject_of(client: Client, name: str, digest: str) -> str | None:
    """
    What one manifest is about: a digest; empty: nothing; None: not readable.

    Source: OCI image specification 1.1, "Image Manifest Property Descriptions", `subject`.
    """
    try:
        content = await client.content(name, digest)
        return _subject_in(orjson.loads(content.body))
    except (ApiError, ProtocolError, ValueError) as error:
        _check_alone(error)
        return None


async def _referrers(client: Client, address: Address) -> tuple[str, ...] | None:
    try:
        return tuple(each.digest for each in await client.referrers(address))
    except (ApiError, ProtocolError) as error:
        _check_alone(error)
        return None


def _subject_in(document: Any) -> str | None:
    if not isinstance(document, dict):
        return None
    subject = document.get("subject")
    if subject is None:
        return ""
    digest = subject.get("digest") if isinstance(subject, dict) else None
    return digest if isinstance(digest, str) and is_digest(digest) else None


def _check_alone(error: Exception) -> None:
    """Go on only where other manifests may be readable."""
    if isinstance(error, UnauthorizedError) or (
        isinstance(error, ApiError | ProtocolError) and hides_everything(error)
    ):
        raise error
