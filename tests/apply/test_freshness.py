"""Nothing is sent on the strength of a read that is older than five seconds, however long its turn takes to come."""

from __future__ import annotations

import asyncio

import pytest
from making import applied, change, client_of, plan_of, told

from reconciler.errors import TooLateError
from reconciler.model.address import Address
from reconciler.registry.exchange import steady_s
from reconciler.registry.resources import Content

TAG = Address("web/api", tag="v1")


@pytest.mark.parametrize(
    "call",
    [
        lambda client, limit: client.update(TAG, {"deleteEnabled": False}, not_after_s=limit),
        lambda client, limit: client.put_content("web/api", "v1", Content("d", "text/plain", b"x"), not_after_s=limit),
        lambda client, limit: client.delete_tag(TAG, not_after_s=limit),
        lambda client, limit: client.delete_manifest(Address("web/api", digest="sha256:a"), not_after_s=limit),
        lambda client, limit: client.delete_repository("web/api", not_after_s=limit),
    ],
    ids=["PATCH", "PUT", "DELETE tag", "DELETE manifest", "DELETE repository"],
)
async def test_what_is_too_late_is_not_sent(emulator, call):
    """It is told from other failures, and no request left."""
    emulator.push("web/api:v1")

    async with client_of(emulator) as client:
        with pytest.raises(TooLateError, match="not sent, because what it goes by was read too long ago"):
            await call(client, steady_s() - 0.001)

    assert [] == emulator.requests()


async def test_a_pause_that_outlasts_the_read_is_followed_by_another_look(emulator):
    """429 for six seconds: the tag is read again before it is changed."""
    digest = emulator.push("web/api:v1")
    emulator.faults.fail_next(1, status=429, retry_after_s=6, method="PATCH")
    lock = change("web/api:v1", {"digest": digest, "deleteEnabled": True}, {"digest": digest, "deleteEnabled": False})

    async with client_of(emulator) as client:
        report = await applied(plan_of(lock), client)

    assert {"web/api:v1": "verified"} == told(report)
    assert ["GET", "PATCH", "GET", "PATCH", "GET"] == [each.method for each in emulator.requests()]


async def test_a_tag_that_moves_during_a_pause_is_left_alone(emulator):
    """The look after the pause finds that it is not the one that was reviewed."""
    digest = emulator.push("web/api:v1")
    emulator.faults.fail_next(1, status=429, retry_after_s=6, method="DELETE")

    async with client_of(emulator) as client:
        running = asyncio.create_task(applied(plan_of(change("web/api:v1", {"digest": digest}, {})), client))
        while not emulator.requests("DELETE"):
            await asyncio.sleep(0.001)
        emulator.push("web/api:v1", content=b"other")
        report = await running

    assert {"web/api:v1": "stale"} == told(report)
    assert [429] == [each.status for each in emulator.requests("DELETE")]


async def test_a_page_that_got_old_is_read_again(emulator):
    """Of thirty tags most have their turn after the pause: a new page shows them first."""
    names = [f"v{number:02}" for number in range(40)]
    digest = emulator.push_many("web/api", names)
    emulator.faults.fail_next(8, status=429, retry_after_s=6, method="PATCH")
    changes = [
        change(f"web/api:{name}", {"digest": digest, "deleteEnabled": True}, {"digest": digest, "deleteEnabled": False})
        for name in names
    ]

    async with client_of(emulator) as client:
        report = await applied(plan_of(*changes), client)

    assert report.is_success
    assert 40 == sum(each.status == 200 for each in emulator.requests("PATCH"))
    assert sum(each.path == "/acr/v1/web/api/_tags" for each in emulator.requests()) in (3, 4)
