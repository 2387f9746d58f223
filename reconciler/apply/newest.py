"""
What retention keeps, counted again just before something goes.

A plan says which tags go because newer ones are there. By the time it is carried out
these may be gone, and what was to go is the last that is left. So the newest are looked
up again; a registry tells them first when asked so, and most often on one page.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing

from reconciler.model.desired import Keep, Origin
from reconciler.model.pattern import compile_pattern
from reconciler.model.retention import let_go
from reconciler.planning.plan import Matching, Retention
from reconciler.registry.client import Client
from reconciler.registry.resources import Manifest
from reconciler.registry.timestamps import nanoseconds

_Item = tuple[str, str, str]  # a name, when it was updated, and its media type
_Pages = AsyncGenerator[Sequence[_Item]]


async def newest(client: Client, retention: Sequence[Retention]) -> Mapping[str, str]:
    """
    The names that stay by their place or their age, each with why.

    Args:
        client: Where to look.
        retention: Of one repository, and of one kind; at least one.

    Raises:
        RegistryError: they cannot be read.
    """
    repository, kind = retention[0].address.repository, retention[0].kind
    keeps_of = _Keeps(retention)
    keeps: dict[str, Sequence[Keep]] = {}
    times: list[tuple[str, int | None]] = []
    kept: Mapping[str, str] = {}
    async with aclosing(_tags(client, repository) if kind == "tag" else _manifests(client, repository)) as pages:
        async for page in pages:
            new = {name: found for name, _, media_type in page if (found := keeps_of(name, media_type))}
            keeps |= new
            times += [(name, nanoseconds(updated)) for name, updated, _ in page if name in new]
            kept, is_enough = _kept(keeps, times, retention) if new else (kept, False)
            if is_enough:
                break
    return kept


def _kept(
    keeps: Mapping[str, Sequence[Keep]], times: Sequence[tuple[str, int | None]], retention: Sequence[Retention]
) -> tuple[Mapping[str, str], bool]:
    """What of the newest ones stays, and whether all of these were seen."""
    going = let_go(times, keeps.__getitem__, time.time_ns())
    kept = {name: found for name, found in keeps.items() if name not in going}
    counts = Counter(keep for found in kept.values() for keep in found)
    is_enough = all(counts[keep] >= keep.last for keep in map(_keep, retention) if keep.last is not None)
    return {name: f"{found[0].origin.file} keeps it by now" for name, found in kept.items()}, is_enough


class _Keeps:
    """What keeps a tag or a manifest, by its name and media type; nothing where a rule decides about it."""

    def __init__(self, retention: Sequence[Retention]) -> None:
        self._apart = [_test(matching) for matching in retention[0].apart]
        self._keeps = [(_keep(each), _test(each.of)) for each in retention]

    def __call__(self, name: str, media_type: str) -> Sequence[Keep]:
        if any(test(name, media_type) for test in self._apart):
            return ()
        return [keep for keep, test in self._keeps if test(name, media_type)]


def _keep(retention: Retention) -> Keep:
    return Keep(retention.last, retention.newer_than_s, Origin(retention.origin, 0, 0))


def _test(matching: Matching) -> Callable[[str, str], bool]:
    match, exclude, types = (
        [compile_pattern(text) for text in texts] for texts in (matching.match, matching.exclude, matching.media_type)
    )

    def is_meant(name: str, media_type: str) -> bool:
        return (
            any(pattern.matches(name) for pattern in match)
            and not any(pattern.matches(name) for pattern in exclude)
            and (not types or any(pattern.matches(media_type) for pattern in types))
        )

    return is_meant


async def _tags(client: Client, repository: str) -> _Pages:
    async with aclosing(client.tags(repository, order="timedesc")) as pages:
        async for page, _ in pages:
            yield [(tag.name, tag.updated, "") for tag in page]


async def _manifests(client: Client, repository: str) -> _Pages:
    async with aclosing(client.manifests(repository, order="timedesc")) as pages:
        async for page, _ in pages:
            yield [(each.digest, each.updated, each.media_type) for each in _untagged(page)]


def _untagged(page: Iterable[Manifest]) -> Iterable[Manifest]:
    return (each for each in page if not each.tags)
