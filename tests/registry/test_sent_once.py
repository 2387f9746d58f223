"""What is sent once and no more: a wrong password for all who wait, a write whose connection breaks."""

from __future__ import annotations

import asyncio

import pytest
from servers import challenge, raw, refusal, repository

from reconciler.errors import UnauthorizedError, UnreachableError
from reconciler.model.address import Address
from reconciler.registry.resources import Content

DIGEST = "sha256:" + "a" * 64


async def test_a_wrong_password_is_tried_for_all_and_for_one_and_then_by_nobody(registry, connect):
    """Thirty-two calls want it; whether it is the wildcard or the password that is refused takes two requests."""
    registry.on("*", challenge(f"{registry.url}/oauth2/token", "s"))
    registry.on("/oauth2/token", refusal(401, "UNAUTHORIZED"))

    async with connect(password="wr0ng-word") as client:
        calls = (client.read(Address(f"team/app{number}")) for number in range(32))
        results = await asyncio.gather(*calls, return_exceptions=True)

    assert 2 == registry.count("POST")
    assert all(isinstance(result, UnauthorizedError) for result in results)
    assert not any("wr0ng-word" in f"{result!r}{result}" for result in results)


@pytest.mark.parametrize(
    "write",
    [
        lambda client: client.update(Address("team/app"), {"deleteEnabled": False}),
        lambda client: client.delete_tag(Address("team/app", tag="v1")),
        lambda client: client.delete_manifest(Address("team/app", digest=DIGEST)),
        lambda client: client.delete_repository("team/app"),
        lambda client: client.put_content("team/app", "v1", Content(DIGEST, "text/plain", b"x")),
    ],
    ids=["update", "delete a tag", "delete a manifest", "delete a repository", "put"],
)
async def test_a_write_whose_kept_connection_breaks_goes_out_once(registry, connect, write):
    """Nobody can know whether it was carried out, so nothing repeats it behind our back."""
    registry.on("*", raw())
    registry.on("GET /acr/v1/team%2Fapp", repository("team/app"))

    async with connect() as client:
        await client.read(Address("team/app"))
        with pytest.raises(UnreachableError) as raised:
            await write(client)

    assert raised.value.was_sent
    assert 2 == registry.count()
