"""
What retention keeps by its place, counted again just before something goes.

A plan says which tags go because newer ones are there. By the time it is carried out
these may be gone, and what was to go is the last that is left. So the newest are looked
up again; a registry tells them first when asked so, and most often on one page.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing

from reconciler.model.pattern import compile_pattern
from reconciler.planning.plan import Retention
from reconciler.registry.client import Client
from reconciler.registry.resources import Manifest
from reconciler.registry.timestamps import nanoseconds

_Pages = AsyncGenerator[Sequence[tuple[str, str, str]]]  # of each a name, when it was updated, and its media type


async def newest(client: Client, retention: Sequence[Retention]) -> Mapping[str, str]:
    """
    The names that stay by their place, each with why.

    Args:
        client: Where to look.
        retention: Of one repository, and of one kind; at least one.

    Raises:
        RegistryError: they cannot be read.
    """
    repository, kind = retention[0].address.repository, retention[0].kind
    counted: list[list[tuple[int, str]]] = [[] for _ in retention]
    counts = list(map(_counts, retention))
    async with aclosing(_tags(client, repository) if kind == "tag" else _manifests(client, repository)) as pages:
        async for page in pages:
            for name, updated, media_type in page:
                at_ns = nanoseconds(updated)
                for some, is_counted in zip(counted, counts, strict=True):
                    if at_ns is not None and is_counted(name, media_type):
                        some.append((at_ns, name))
            if all(len(some) >= each.last for some, each in zip(counted, retention, strict=True)):
                break
    return {
        name: f"it is among the newest {each.last:,} by now, which {each.origin} keeps"
        for some, each in zip(counted, retention, strict=True)
        for _, name in sorted(some, reverse=True)[: each.last]
    }


def _counts(retention: Retention) -> Callable[[str, str], bool]:
    """Whether something with this name and media type takes a place."""
    match, exclude, types = (
        [compile_pattern(text) for text in texts]
        for texts in (retention.match, retention.exclude, retention.media_type)
    )
    apart = frozenset(retention.apart)

    def is_counted(name: str, media_type: str) -> bool:
        return (
            name not in apart
            and any(pattern.matches(name) for pattern in match)
            and not any(pattern.matches(name) for pattern in exclude)
            and (not types or any(pattern.matches(media_type) for pattern in types))
        )

    return is_counted


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
