"""
Many tags of one repository, a page at a time.

A page of 1,000 tags costs the registry one request, as much as one tag. It is a list
and lacks what lists lack, so whatever it does not show is left to be read one by one;
and where it shows next to nothing that is wanted, so is what comes next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import attrs

from reconciler.errors import RegistryError
from reconciler.registry.client import Client
from reconciler.registry.looks import Look, TagPage

FEW = 16  # names that are read one by one
WORTH_IT = 4  # a page that shows fewer is not worth another one at once


@attrs.frozen(eq=False)
class Part:
    """Some of the names: those on a page, and those to read one by one."""

    shown: Mapping[str, Look]
    others: Sequence[str]


class TagPages:
    """Goes through names in their order; each comes once."""

    def __init__(self, client: Client, repository: str, names: Iterable[str]) -> None:
        self._client = client
        self._repository = repository
        self._left = sorted(names)
        self._skips_page = False
        self._is_damaged = False

    def put_back(self, names: Iterable[str]) -> None:
        """Let these come once more."""
        self._left = sorted([*self._left, *names])

    async def next(self) -> Part | None:
        """The next of them; None: all have come."""
        if not self._left:
            return None
        if len(self._left) > FEW and not self._skips_page and not self._is_damaged:
            page = await self._page(self._left[0][:-1])
            if page is not None:
                return self._taken(page)
        self._skips_page = False
        some, self._left = self._left[:FEW], self._left[FEW:]
        return Part({}, some)

    async def _page(self, after: str) -> TagPage | None:
        """The page after a text; None where it cannot be had: reading one by one tells why."""
        try:
            return await self._client.tag_page(self._repository, after)
        except RegistryError:
            self._is_damaged = True
            return None

    def _taken(self, page: TagPage) -> Part:
        end = bisect_right(self._left, page.tags[-1][0]) if page.tags and page.has_next else len(self._left)
        passed, self._left = self._left[:end], self._left[end:]
        wanted = set(passed)
        shown = {name: look for name, look in page.tags if name in wanted}
        others = [name for name in passed if name not in shown]
        self._skips_page = len(shown) < WORTH_IT
        return Part(shown, others)
