"""
Lists come in pages, and a chain of pages is only as good as its links.

`Link` is the registry's to compute and ours to check: it stays on the registry, never
leads back, and the names go on where they stopped. A list that breaks one of these
is not the whole list, however successful each page looks, and is refused.

ACR sorts names and digests (recordings test_list_repository_names_by_page,
test_list_tag_properties). Which letters come first where capitals are among them is
not recorded, so either order is taken, by code or without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import urljoin

from reconciler.errors import ProtocolError
from reconciler.registry.exchange import Answer, printable
from reconciler.registry.location import Location

_MAX_PAGES = 10_000
_LINK = re.compile(r"<([^>]*)>([^<]*)")  # Source: RFC 8288, section 3
_NEXT = 'rel="next"'  # as ACR writes it


class Chain:
    """The pages of one list, as they come."""

    def __init__(self, location: Location, target: str, *, is_sorted: bool = True) -> None:
        """
        Begin a list.

        Args:
            location: The registry that it is a list of.
            target: Path and query of the first page.
            is_sorted: It goes by name; otherwise by time.
        """
        self._location = location
        self._targets = {target}
        self._last_body = b""
        self._last_name = ""
        self._is_sorted = is_sorted
        self._seen: set[str] = set()  # only where the order does not tell
        self._ignores_case = False
        self._is_folded = True  # so far it goes up without regard to case as well
        self._alike = {""}  # the last name of each page, and those before it that differ from it in case alone

    def next_target(self, answer: Answer) -> str:
        """
        Path and query of the page after `answer`; empty where that was the last one.

        Raises:
            ProtocolError: the chain leads elsewhere, or has no end.
        """
        target = self._linked(answer)
        if target in self._targets or (target and answer.body == self._last_body):
            raise ProtocolError(
                f"GET {answer.url}: the list leads back to a page that was read; it has no end\n"
                "  What it lacks cannot be known. Is a proxy in between?"
            )
        self._targets.add(target)
        if len(self._targets) > _MAX_PAGES:
            raise ProtocolError(f"GET {answer.url}: more than {_MAX_PAGES:,} pages; no list of ACR is that long")
        self._last_body = answer.body
        return target

    def check_names(self, answer: Answer, names: Sequence[str]) -> None:
        """
        Refuse a page that repeats a name, or goes back in the order.

        Raises:
            ProtocolError: it does.
        """
        if not self._is_sorted:
            self._check_unseen(answer, names)
        elif names:
            self._check_order(answer, names)
            self._last_name = names[-1]

    def _check_unseen(self, answer: Answer, names: Sequence[str]) -> None:
        for name in names:
            if name in self._seen:
                raise _broken(answer, f"{printable(name)} is in it twice")
            self._seen.add(name)

    def _check_order(self, answer: Answer, names: Sequence[str]) -> None:
        if not self._ignores_case and sorted(names) == names and self._last_name < names[0]:
            if len(set(names)) != len(names):
                raise _broken(answer, "a name is in it twice")
            self._note_case(names)
            return
        # By code it is not in order, so it must be without regard to case, all of it. Then the order does not tell
        # that a name comes again, as in A, a, A.
        if not self._ignores_case:
            self._seen, self._ignores_case = self._alike, True
        self._check_unseen(answer, names)
        for before, after in pairwise([self._last_name, *names]):
            if before.casefold() > after.casefold() or (before > after and not self._is_folded):
                raise _broken(answer, f"{printable(after)} comes after {printable(before)}")

    def _note_case(self, names: Sequence[str]) -> None:
        """Remember of names that go up by code what decides whether they could go up without regard to case."""
        chain = [self._last_name, *names]
        folded = [name.casefold() for name in chain]
        self._is_folded = self._is_folded and sorted(folded) == folded
        self._alike |= {name for name, each in zip(chain, folded, strict=True) if each == folded[-1]}

    def _linked(self, answer: Answer) -> str:
        link: str = answer.headers.get("link", "")
        if not link:
            return ""
        found = next((reference for reference, rest in _LINK.findall(link) if _NEXT in rest), None)
        reference = found or ""
        try:
            url = urljoin(answer.url, reference)
        except ValueError:
            found = None
        if not found:
            raise ProtocolError(
                f"GET {answer.url}: the Link header cannot be understood\n"
                "  The rest of the list cannot be read without it. Is a proxy in between?"
            )
        target = self._location.target_of(url)
        if not target:
            raise ProtocolError(
                f"GET {answer.url}: the next page is said to be on another host\n"
                "  It was not asked for, because credentials would go along."
            )
        return target


def _broken(answer: Answer, how: str) -> ProtocolError:
    return ProtocolError(
        f"GET {answer.url}: the list is not in order: {answer.secrets.masked(how)}\n"
        "  What it lacks cannot be known. Is a proxy in between?"
    )
