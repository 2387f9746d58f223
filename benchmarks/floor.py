"""
The floor: the same requests, with nothing done to the answers but parsing them.

What the reconciler takes longer than this is its own; what this takes is HTTP,
JSON and Python. Same client library, same transport, same concurrency, and a
process of its own, so that starting Python and importing counts on both sides.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

Tag = dict[str, Any]

PROTECT = b'{"deleteEnabled":false}'


def _client(origin: str) -> httpx.AsyncClient:
    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())

    return httpx.AsyncClient(transport=AiohttpTransport(client=session), base_url=origin, trust_env=False)


async def _each(work: Callable[[str], Awaitable[None]], items: Iterable[str], concurrency: int) -> None:
    """Do `work` on every item, `concurrency` at a time."""
    rest = iter(items)

    async def worker() -> None:
        for item in rest:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())


async def _catalog(client: httpx.AsyncClient) -> AsyncIterator[str]:
    target = "/acr/v1/_catalog?n=1000"
    while target:
        response = await client.get(target)
        for name in orjson.loads(response.content)["repositories"]:
            yield name
        target = response.links.get("next", {}).get("url", "")


async def _read(client: httpx.AsyncClient, concurrency: int, see: Callable[[str, list[Tag]], None]) -> None:
    """Show `see` the path and the tags of every repository; nothing else is kept."""

    async def repository(name: str) -> None:
        path = f"/acr/v1/{quote(name, safe='')}"
        orjson.loads((await client.get(path)).content)
        see(path, orjson.loads((await client.get(f"{path}/_tags?n=1000")).content)["tags"])

    await _each(repository, [name async for name in _catalog(client)], concurrency)


async def _protect(client: httpx.AsyncClient, path: str) -> None:
    """Look, change, look again: the least that a careful change takes."""
    orjson.loads((await client.get(path)).content)
    orjson.loads((await client.patch(path, content=PROTECT, headers={"content-type": "application/json"})).content)
    orjson.loads((await client.get(path)).content)


async def plan(origin: str, *, concurrency: int) -> None:
    """Read everything."""
    async with _client(origin) as client:
        await _read(client, concurrency, lambda _path, _tags: None)


async def apply(origin: str, *, concurrency: int) -> None:
    """Read everything, then protect each tag that can be deleted."""
    paths: list[str] = []

    def see(path: str, tags: list[Tag]) -> None:
        differing = (tag["name"] for tag in tags if tag["changeableAttributes"]["deleteEnabled"])
        paths.extend(f"{path}/_tags/{name}" for name in differing)

    async with _client(origin) as client:
        await _read(client, concurrency, see)
        await _each(lambda path: _protect(client, path), paths, concurrency)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("origin")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--apply", action="store_true")
    wanted = parser.parse_args()
    work = apply if wanted.apply else plan
    asyncio.run(work(wanted.origin, concurrency=wanted.concurrency))


if __name__ == "__main__":
    main()
