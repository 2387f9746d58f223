"""
Pages of lists as a registry, or something on the way to it, gets them wrong.

They are made of the right page: names are left out or put in, their order is changed,
and the `Link` to the next page leads somewhere else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from typing import Any

from starlette.requests import Request
from starlette.types import Scope

from reconciler.emulator.faults import Faults
from reconciler.emulator.paging import Page, requested_page
from reconciler.emulator.shapes import tag_document
from reconciler.emulator.store import BY_NAME, Position, Store, Tag

_EVERYTHING = 1 << 40  # more rows than there are
_LINK = re.compile('<(?P<target>[^>]*)>; rel="next"')
_AGAIN = "again=1"


class BentPage:
    """One page of a list on its way out: its items, and the header that leads on."""

    def __init__(self, scope: Scope, items: Sequence[Any], link: str) -> None:
        """Take the items as the list has them, names or objects, and the value of `Link`, which may be empty."""
        self._scope = scope
        self.items = list(items)
        self.link = link

    def add_ghosts(self, faults: Faults, store: Store) -> None:
        """Put the names of ghosts where they belong; a page that grows too long ends earlier."""
        page = requested_page(Request(self._scope))
        last = self.items[-1] if self.link else None
        after = page.after.key
        ghosts = [name for name in living_ghosts(faults, store) if name > after and (last is None or name <= last)]
        found = sorted({*self.items, *ghosts})
        self.items = found[: page.size]
        if len(found) > page.size:
            self.link = page.link(self.items[-1])["link"]

    def leave_out(self, hidden: Collection[str], every_name: Sequence[str], last: int) -> None:
        """Leave out these names, and so many at the end of the whole list, which ends where only they follow."""
        kept = every_name[: max(0, len(every_name) - last)]
        is_complete = last > 0 and (not kept or not self.items or _name(self.items[-1]) >= kept[-1])
        if is_complete and self._page().order == BY_NAME:
            self.link = ""
        missing = {*hidden, *every_name[len(kept) :]}
        self.items = [item for item in self.items if _name(item) not in missing]

    def hide_pushes(self, faults: Faults, repository: str) -> None:
        """Show tags as they were before a push that does not show yet."""
        shown = []
        for item in self.items:
            unseen = faults.pushes.listed((repository, _name(item)))
            if unseen is None:
                shown.append(item)
            elif unseen.before is not None:
                shown.append(item if isinstance(item, str) else before_push(item, unseen.before))
        self.items = shown

    def disorder(self, faults: Faults) -> None:
        """Change the order of the items, each time in the same way."""
        if faults.list_order == "reversed":
            self.items.reverse()
        elif faults.list_order == "shuffled":
            random.Random(f"{faults.seed} {self._own_target()}").shuffle(self.items)  # noqa: S311 - to be repeated

    def mislead(self, faults: Faults) -> None:
        """Let `Link` lead to the same page, once or for ever, or to another host."""
        query = self._scope["query_string"].decode("ascii", "replace")
        if faults.links == "loop" and self.items:
            self.link = f'<{self._own_target()}>; rel="next"'
        elif faults.links == "repeat" and self.link and _AGAIN not in query.split("&"):
            again = f"{query}&{_AGAIN}" if query else _AGAIN
            self.link = f'<{self._path()}?{again}>; rel="next"'
        if faults.link_origin:
            self.link = _LINK.sub(lambda match: f'<{faults.link_origin}{match["target"]}>; rel="next"', self.link)

    def _page(self) -> Page:
        return requested_page(Request(self._scope), may_be_by_time=True)

    def _path(self) -> str:
        raw_path: bytes = self._scope["raw_path"]
        return raw_path.decode("ascii", "replace")

    def _own_target(self) -> str:
        query = self._scope["query_string"].decode("ascii", "replace")
        return f"{self._path()}?{query}" if query else self._path()


def living_ghosts(faults: Faults, store: Store) -> list[str]:
    """Ghosts that have not become repositories since, by a push."""
    return [name for name in faults.ghosts if store.repository(name) is None]


def catalog_names(faults: Faults, store: Store) -> list[str]:
    """All names that a catalog shows, in order."""
    return sorted({*store.repository_names("", _EVERYTHING), *living_ghosts(faults, store)})


def tag_names(store: Store, repository: str) -> list[str]:
    """All tags that a list shows, by name."""
    return [tag.name for tag in store.tags(repository, BY_NAME, Position(""), limit=_EVERYTHING)]


def before_push(document: dict[str, Any], before: Tag) -> dict[str, Any]:
    """A tag's document with what a push has changed set back."""
    earlier = tag_document(before)
    return {**document, **{member: earlier[member] for member in ("digest", "lastUpdateTime")}}


def _name(item: Any) -> str:
    return str(item if isinstance(item, str) else item["name"])
