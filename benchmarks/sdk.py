"""
The peer: the same read with Microsoft's own client, azure-containerregistry.

It is what one would write instead of the reconciler, and lists repositories, their
properties and their tags. Sign-in is left out, as it is for everyone here: the
server never asks for it. Retries and logging stay the way the SDK has them.
"""

from __future__ import annotations

import argparse
import asyncio

from azure.containerregistry import ContainerRegistryClient
from azure.containerregistry.aio import ContainerRegistryClient as AsyncContainerRegistryClient

PAGE = 1000
PLAIN_HTTP = {"enforce_https": False}  # of azure.core; without it a server on this machine is refused


def read(origin: str) -> None:
    """One call after another, the way the SDK's samples do it."""
    with ContainerRegistryClient(origin, None) as client:
        for name in client.list_repository_names(results_per_page=PAGE, **PLAIN_HTTP):
            client.get_repository_properties(name, **PLAIN_HTTP)
            list(client.list_tag_properties(name, results_per_page=PAGE, **PLAIN_HTTP))


async def read_async(origin: str, *, concurrency: int) -> None:
    """`concurrency` repositories at a time, over the SDK's own aiohttp transport."""
    async with AsyncContainerRegistryClient(origin, None) as client:
        slots = asyncio.Semaphore(concurrency)

        async def repository(name: str) -> None:
            async with slots:
                await client.get_repository_properties(name, **PLAIN_HTTP)
                _ = [tag async for tag in client.list_tag_properties(name, results_per_page=PAGE, **PLAIN_HTTP)]

        async with asyncio.TaskGroup() as group:
            async for name in client.list_repository_names(results_per_page=PAGE, **PLAIN_HTTP):
                group.create_task(repository(name))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.strip().partition("\n")[0])
    parser.add_argument("origin")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--async", dest="is_async", action="store_true")
    wanted = parser.parse_args()
    if wanted.is_async:
        asyncio.run(read_async(wanted.origin, concurrency=wanted.concurrency))
    else:
        read(wanted.origin)


if __name__ == "__main__":
    main()
