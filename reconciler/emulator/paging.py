"""
Pages of a list: which one is asked for, and the `Link` to the next.

`Link` repeats the path as the client encoded it, always has `orderby` and never the
`digest` filter, as recorded (test_list_tag_properties_by_page and others). In a list
by time `last` is a cursor that only the registry can make.
"""

from __future__ import annotations

from urllib.parse import quote

import attrs
from starlette.requests import Request

from reconciler.emulator.errors import Refusal, bad_request
from reconciler.emulator.store import BY_NAME, BY_TIME, BY_TIME_DESCENDING, Manifest, Position, Tag

_DEFAULT_SIZE = 100  # Source: az acr repository list, DEFAULT_PAGINATION
_MAX_SIZE = 1000  # a larger n is cut without a word. Source: Azure/acr#749
_AFTER_EVERYTHING = Position("\U0010ffff", 2**62)
_MAX_DIGITS = 18  # of a number that SQLite can hold


@attrs.frozen
class Page:
    """The page of a list that a request asks for."""

    path: str  # as the client encoded it
    size: int
    orderby: str  # as it was given
    order: str  # what that means: one of the orders of the store
    after: Position

    def link(self, last: str) -> dict[str, str]:
        """The header that leads to the page after `last`."""
        query = f"last={quote(last, safe='')}&n={self.size}&orderby={quote(self.orderby, safe='')}"
        return {"link": f'<{self.path}?{query}>; rel="next"'}


def requested_page(request: Request, *, may_be_by_time: bool = False) -> Page:
    """
    The page that `request` asks for.

    Raises:
        Refusal: `n` or `last` cannot be understood.
    """
    query = request.query_params
    orderby = query.get("orderby", "")
    order = orderby if may_be_by_time and orderby in (BY_TIME, BY_TIME_DESCENDING) else BY_NAME
    raw_path: bytes = request.scope["raw_path"]
    return Page(
        raw_path.decode("ascii", "replace"),
        _size(query.get("n", "")),
        orderby,
        order,
        _after(query.get("last", ""), order),
    )


def cursor(order: str, item: Tag | Manifest) -> str:
    """What `last` says to go on after `item`."""
    key = item.name if isinstance(item, Tag) else item.digest
    return key if order == BY_NAME else f"{item.updated}&{key}"


def _size(given: str) -> int:
    if not given:
        return _DEFAULT_SIZE
    if not given.isascii() or not given.isdigit() or len(given) > _MAX_DIGITS or int(given) == 0:
        # Source: distribution, registry/api/v2/errors.go; not recorded of ACR.
        raise Refusal(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested", detail={"n": given})
    return min(int(given), _MAX_SIZE)


def _after(last: str, order: str) -> Position:
    if order == BY_NAME:
        return Position(last)
    if not last:
        return _AFTER_EVERYTHING if order == BY_TIME_DESCENDING else Position("")
    time, separator, key = last.partition("&")
    if not separator or not time.isascii() or not time.isdigit() or len(time) > _MAX_DIGITS:
        raise bad_request("last is not what a Link header said")
    return Position(key, int(time))
