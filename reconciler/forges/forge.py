"""What every forge has: a pull request, comments on it, and somebody whose token we use."""

from __future__ import annotations

from typing import Protocol

import attrs

from reconciler.registry.exchange import printable
from reconciler.registry.location import Location


@attrs.frozen
class Pull:
    """One pull request (GitLab: merge request), and how to reach it."""

    forge: str  # as people write it: GitHub
    name: str  # of the pull request, for people: contoso/app#7
    location: Location  # the one place that gets the token
    root: str  # path of the API; without a slash at the end
    path: str  # of what its comments are below, percent-encoded
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)  # the token is in them
    token: str = attrs.field(repr=False)
    advice: dict[int, str] = attrs.field(factory=dict, repr=False)  # what to do about a status

    def __str__(self) -> str:
        return printable(f"{self.forge} {self.name}")


@attrs.frozen
class Comment:
    """A comment that is there."""

    key: tuple[int, ...]  # how the forge names it; of two comments, the later one's is greater
    text: str
    author: str  # in the words of `Forge.myself`; empty where the forge does not say


class Forge(Protocol):
    """The comments of one pull request. Each method raises `ForgeError`."""

    async def comments(self) -> list[Comment]:
        """All that are there."""
        ...

    async def myself(self) -> str:
        """Who writes with this token."""
        ...

    async def create(self, text: str) -> None:
        """Write a new one."""
        ...

    async def update(self, comment: Comment, text: str) -> None:
        """Replace the text of one that is there."""
        ...
