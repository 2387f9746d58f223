"""
One comment on a pull request, kept up to date.

It is known by its first line and by its author, for anybody can write that line. A text that
is there already is not written again: it would send mail. Nobody's comment is ever deleted.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Literal

import attrs

from reconciler.errors import ForgeError
from reconciler.forges.forge import Comment, Forge

_ATTEMPTS = 3  # to write a new one; with a look in between whether it is there


@attrs.frozen
class Kept:
    """What became of the comment."""

    what: Literal["created", "updated", "unchanged", "not needed"]
    older: int = 0  # further ones of ours that are there; two runs at the same time wrote them


async def keep_comment(forge: Forge, text: str, *, create: bool = True, pause_s: float = 1.0) -> Kept:
    """
    Have `text` stand on the pull request, once.

    Args:
        forge: With the comments that are there.
        text: Its first line is the marker that ours are found by.
        create: Write a new one where there is none.
        pause_s: How long to wait before it is looked whether a new one arrived of which nobody knows.

    Raises:
        ForgeError: the forge does not take it, or does not answer.
    """
    for attempt in itertools.count(1):
        ours = await _ours(forge, text.partition("\n")[0])
        if ours:
            kept = await _update(forge, ours, text)
            is_from_here = attempt > 1 and kept.what == "unchanged"
            return attrs.evolve(kept, what="created") if is_from_here else kept
        if not create:
            break
        try:
            await forge.create(text)
            return Kept("created")
        except ForgeError as error:
            if not error.may_have_arrived or attempt == _ATTEMPTS:
                raise
        await asyncio.sleep(pause_s)
    return Kept("not needed")


async def _ours(forge: Forge, marker: str) -> list[Comment]:
    """Our comments with this marker, the newest last."""
    marked = [each for each in await forge.comments() if _first_line(each.text) == marker]
    if not marked:
        return []
    myself = await forge.myself()
    return sorted((each for each in marked if each.author == myself), key=lambda each: each.key)


async def _update(forge: Forge, ours: list[Comment], text: str) -> Kept:
    *older, newest = ours
    if _bare(newest.text) == _bare(text):
        return Kept("unchanged", len(older))
    await forge.update(newest, text)
    return Kept("updated", len(older))


def _first_line(text: str) -> str:
    return text.partition("\n")[0].strip()


def _bare(text: str) -> str:
    """A text without what forges change by themselves: line ends, and spaces around it."""
    return text.replace("\r\n", "\n").strip()
