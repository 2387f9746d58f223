"""Live state: what the registry holds, one repository at a time."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from reconciler.model.attributes import Document


@attrs.frozen(eq=False)
class LiveRepository:
    """
    What a read of one repository showed; only what the rules talk about was read.

    A tag that is in neither `tags` nor `missing_tags` was not seen, which says
    nothing about whether it exists: lists hide and truncate.
    """

    name: str
    document: Document | None  # None: not asked for
    tags: Mapping[str, Document]
    missing: bool = False  # a direct GET said that there is no such repository
    missing_tags: tuple[str, ...] = ()  # exact names for which a direct GET said the same
    gone_tags: tuple[str, ...] = ()  # remembered names for which it did, and of which rules speak
    unread: str = ""  # why it could not be read; empty: it was
    incomplete: str = ""  # why there may be tags that were not seen; empty: what a list can show was seen
