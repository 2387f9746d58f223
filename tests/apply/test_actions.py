"""Moving, creating and deleting, and what keeps each of them from being done to the wrong thing."""

from __future__ import annotations

import asyncio

import pytest
from making import LOCKED, OPEN, applied, change, client_of, plan_of, told

TAG = "/acr/v1/web/api/_tags/stable"
PUT = "/v2/web/api/manifests/stable"


def _sent(client, kind):
    """How many requests of a kind left, repeats included."""
    return sum(number for (each, _), number in client._transport.requests.items() if each == kind)


@pytest.fixture
def images(emulator):
    """Two images, and a tag on the first one."""
    first = emulator.push("web/api:stable", content=b"one")
    second = emulator.push("web/api:v2", content=b"two")
    return first, second


def _methods(emulator):
    return [(each.method, each.path) for each in emulator.requests()]


async def test_a_tag_is_moved_with_the_exact_bytes_of_the_manifest(emulator, images):
    """Look, fetch by digest, put under the tag, read back: the tag points there, with its attributes."""
    first, second = images

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:stable", {"digest": first}, {"digest": second})), client)

    assert {"web/api:stable": "verified"} == told(report)
    assert second == emulator.tag("web/api:stable")["digest"]
    assert [
        ("GET", TAG),
        ("GET", f"/v2/web/api/manifests/{second}"),
        ("PUT", PUT),
        ("GET", TAG),
    ] == _methods(emulator)


async def test_a_move_grants_before_it_and_withdraws_after_it(emulator, images):
    """A tag that shall be overwritten must be writable first, and locked only when it points where it should."""
    first, second = images
    emulator.patch("web/api:stable", writeEnabled=False)
    move = change(
        "web/api:stable",
        {"digest": first, "writeEnabled": False, "deleteEnabled": True},
        {"digest": second, "writeEnabled": True, "deleteEnabled": False},
    )

    async with client_of(emulator) as client:
        report = await applied(plan_of(move), client)

    assert {"web/api:stable": "verified"} == told(report)
    assert [("PATCH", b'{"writeEnabled":true}'), ("PUT", None), ("PATCH", b'{"deleteEnabled":false}')] == [
        (each.method, each.body if each.method == "PATCH" else None)
        for each in emulator.requests()
        if each.method != "GET"
    ]


async def test_a_tag_that_points_elsewhere_is_not_moved(emulator, images):
    """Who approved the move saw another digest there."""
    first, second = images
    emulator.push("web/api:stable", content=b"somebody else's")

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:stable", {"digest": first}, {"digest": second})), client)

    assert {"web/api:stable": "stale"} == told(report)
    assert [] == emulator.requests("PUT")


async def test_a_move_to_what_is_gone_is_stale(emulator, images):
    """The repository held that when the plan was made."""
    first, second = images
    emulator.delete(f"web/api@{second}")

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:stable", {"digest": first}, {"digest": second})), client)

    assert {"web/api:stable": "stale"} == told(report)
    assert report.outcomes[0].message.startswith(f"the repository does not hold {second} any more")


async def test_a_locked_tag_is_not_moved(emulator, images):
    """405 is a lock's word, and nothing was announced: the change is blocked."""
    first, second = images
    emulator.patch("web/api:stable", writeEnabled=False)

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:stable", {"digest": first}, {"digest": second})), client)

    assert {"web/api:stable": "blocked"} == told(report)
    assert first == emulator.tag("web/api:stable")["digest"]


@pytest.mark.parametrize("at", ["before", "after", "middle"])
async def test_a_put_whose_answer_is_lost_is_looked_after(emulator, images, at):
    """Whether it arrived or not, the tag points there in the end, and it is put no more often than needed."""
    first, second = images
    emulator.faults.drop_next(1, method="PUT", at=at)

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:stable", {"digest": first}, {"digest": second})), client)

    assert {"web/api:stable": "verified"} == told(report)
    assert (2 if at == "before" else 1) == _sent(client, "write")


async def test_a_move_that_is_overtaken_after_a_lost_answer_is_unconfirmed(emulator, images):
    """Somebody pushed between the PUT and the look: it may have been carried out, and another's is there now."""
    first, second = images
    emulator.faults.fail_next(1, status=500, method="PUT")
    overtaken = plan_of(change("web/api:stable", {"digest": first}, {"digest": second}))

    async with client_of(emulator) as client:
        running = asyncio.create_task(applied(overtaken, client))
        while not emulator.requests("PUT"):
            await asyncio.sleep(0.001)
        emulator.push("web/api:stable", content=b"somebody else's")
        report = await running

    assert {"web/api:stable": "unconfirmed"} == told(report)
    assert "a PUT was sent and its answer was lost; since then, digest was sha256:" in report.outcomes[0].message


async def test_a_tag_is_created_and_then_locked(emulator, images):
    """The manifest is put under the new name, and what it must not permit is withdrawn."""
    _, second = images

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:new", {}, {"digest": second, **LOCKED})), client)

    assert {"web/api:new": "verified"} == told(report)
    assert {"digest": second, "deleteEnabled": False, "writeEnabled": False} == {
        name: value for name, value in emulator.tag("web/api:new").items() if name in ("digest", *LOCKED)
    }


async def test_a_tag_that_came_meanwhile_is_not_overwritten(emulator, images):
    """It was missing when the plan was made; whatever it points at, it is somebody else's."""
    first, second = images
    emulator.push("web/api:new", content=b"one")

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:new", {}, {"digest": second})), client)

    assert {"web/api:new": "stale"} == told(report)
    assert f"it is there already and points at {first}. It changed after the plan was made; make a new plan." == (
        report.outcomes[0].message
    )


async def test_a_tag_that_came_meanwhile_as_it_should_be_is_verified(emulator, images):
    """A plan that is run again says that it was so already, and puts nothing."""
    first, _ = images

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:stable", {}, {"digest": first})), client)

    assert ["it was so already"] == [outcome.message for outcome in report.outcomes]
    assert [] == emulator.requests("PUT")


@pytest.mark.parametrize("at", ["before", "after"])
async def test_a_create_whose_answer_is_lost_is_finished(emulator, images, at):
    """The tag is there or not: it is put at most once more, and then locked."""
    _, second = images
    emulator.faults.drop_next(1, method="PUT", at=at)

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:new", {}, {"digest": second, "deleteEnabled": False})), client)

    assert {"web/api:new": "verified"} == told(report)
    assert emulator.tag("web/api:new")["deleteEnabled"] is False


async def test_a_create_that_is_only_half_done_is_unconfirmed(emulator, images):
    """The tag is there and could not be locked: the report says which part was done."""
    _, second = images
    emulator.faults.fail_next(9, status=403, method="PATCH")

    async with client_of(emulator) as client:
        report = await applied(plan_of(change("web/api:new", {}, {"digest": second, "deleteEnabled": False})), client)

    assert {"web/api:new": "unconfirmed"} == told(report)
    assert report.outcomes[0].message.startswith("only part of it was done, the PUT; then: PATCH http")


def _delete(emulator, text, **also):
    tag = emulator.tag(text)
    return change(text, {**{name: tag[name] for name in ("digest", *OPEN)}, **also}, {})


async def test_a_tag_is_deleted_and_its_manifest_stays(emulator, images):
    """Look, delete, and a 404 that is the registry's own."""
    first, _ = images

    async with client_of(emulator) as client:
        report = await applied(plan_of(_delete(emulator, "web/api:stable")), client)

    assert {"web/api:stable": "verified"} == told(report)
    assert [("GET", TAG), ("DELETE", TAG), ("GET", TAG)] == _methods(emulator)
    assert emulator.manifest(f"web/api@{first}")


async def test_what_is_gone_already_is_not_deleted(emulator, images):
    """That is what was asked for."""
    plan = plan_of(_delete(emulator, "web/api:stable"))
    emulator.delete("web/api:stable")

    async with client_of(emulator) as client:
        report = await applied(plan, client)

    assert ["it was so already"] == [outcome.message for outcome in report.outcomes]
    assert [] == emulator.requests("DELETE")


async def test_a_tag_that_was_pushed_again_is_not_deleted(emulator, images):
    """Retention goes by when it was pushed, also where it points at the same image."""
    async with client_of(emulator) as client:
        before = (await client.tag(change("web/api:stable", {}, {"digest": "x"}).address)).updated
        plan = plan_of(_delete(emulator, "web/api:stable", lastUpdateTime=before))
        emulator.push("web/api:stable", content=b"one")
        report = await applied(plan, client)

    assert {"web/api:stable": "stale"} == told(report)
    assert report.outcomes[0].message.startswith(f"lastUpdateTime was {before}, is now 2")
    assert [] == emulator.requests("DELETE")


async def test_a_proxys_404_is_no_proof_that_it_is_gone(emulator, images):
    """It ends as failed, and nothing is deleted."""
    plan = plan_of(_delete(emulator, "web/api:stable"))
    emulator.faults.fail_next(9, status=404, method="GET")

    async with client_of(emulator) as client:
        report = await applied(plan, client)

    assert {"web/api:stable": "failed"} == told(report)
    assert [] == emulator.requests("DELETE")


@pytest.mark.parametrize(("at", "deletes"), [("before", 2), ("after", 1)])
async def test_a_delete_whose_answer_is_lost_is_looked_after(emulator, images, at, deletes):
    """It is sent again only where a look shows the very same tag."""
    plan = plan_of(_delete(emulator, "web/api:stable"))
    emulator.faults.drop_next(1, method="DELETE", at=at)

    async with client_of(emulator) as client:
        report = await applied(plan, client)

    assert {"web/api:stable": "verified"} == told(report)
    assert deletes == _sent(client, "delete")


async def test_a_manifest_goes_after_its_tags(emulator, images):
    """It has the higher rank, and `tagged` holds only then."""
    first, _ = images
    manifest = change(f"web/api@{first}", {**OPEN, "tagged": False}, {}, rank=1)

    async with client_of(emulator) as client:
        report = await applied(plan_of(_delete(emulator, "web/api:stable"), manifest), client)

    assert {"web/api:stable": "verified", f"web/api@{first}": "verified"} == told(report)
    assert [TAG, f"/v2/web/api/manifests/{first}"] == [each.path for each in emulator.requests("DELETE")]


async def test_a_manifest_that_got_a_tag_meanwhile_stays(emulator, images):
    """Deleting it would take the tag along."""
    first, _ = images
    manifest = change(f"web/api@{first}", {**OPEN, "tagged": False}, {}, rank=1)

    async with client_of(emulator) as client:
        report = await applied(plan_of(manifest), client)

    assert {f"web/api@{first}": "stale"} == told(report)
    assert [] == emulator.requests("DELETE")


async def test_a_manifest_stays_where_a_tag_of_its_repository_did_not_go(emulator, images):
    """What it depends on was not done, so it is left for the next run."""
    first, _ = images
    tag = _delete(emulator, "web/api:v2")
    manifest = change(f"web/api@{first}", {**OPEN, "tagged": False}, {}, rank=1)
    emulator.push("web/api:v2", content=b"three")

    async with client_of(emulator) as client:
        report = await applied(plan_of(tag, manifest), client)

    assert {"web/api:v2": "stale", f"web/api@{first}": "not-attempted"} == told(report)
    assert [] == emulator.requests("DELETE")


async def test_a_repository_is_deleted_while_it_holds_what_it_held(emulator, images):
    """Its counts are part of what was approved."""
    gone = change("web/api", {**OPEN, "tagCount": 2, "manifestCount": 2}, {})

    async with client_of(emulator) as client:
        report = await applied(plan_of(gone), client)

    assert {"web/api": "verified"} == told(report)
    assert emulator.repository("web/api") is None


async def test_a_repository_that_grew_is_not_deleted(emulator, images):
    """Somebody pushed since."""
    gone = change("web/api", {**OPEN, "tagCount": 1, "manifestCount": 2}, {})

    async with client_of(emulator) as client:
        report = await applied(plan_of(gone), client)

    assert {"web/api": "stale"} == told(report)
    assert "tagCount was 1, is now 2. It changed after the plan was made; make a new plan." == (
        report.outcomes[0].message
    )


async def test_many_manifests_are_changed_for_a_tag_that_is_read_once(emulator, images):
    """The tag on whose behalf they are changed is looked at before the PATCHes, and the look is shared."""
    children = [emulator.push(f"web/api:c{number}", content=b"%d" % number) for number in range(5)]
    index = emulator.push_index("web/api:v1", [f"web/api:c{number}" for number in range(5)])
    changes = [
        change(f"web/api@{digest}", {"deleteEnabled": True}, {"deleteEnabled": False}, via=("web/api:v1", index))
        for digest in [index, *children]
    ]

    async with client_of(emulator) as client:
        report = await applied(plan_of(*changes), client)

    assert report.is_success
    assert 1 == sum(each.path == "/acr/v1/web/api/_tags/v1" for each in emulator.requests("GET"))


async def test_a_manifest_is_left_alone_when_its_tag_points_elsewhere(emulator, images):
    """It was to be protected for the tag, which now needs another one."""
    first, second = images
    lock = change(f"web/api@{first}", {"deleteEnabled": True}, {"deleteEnabled": False}, via=("web/api:stable", second))

    async with client_of(emulator) as client:
        report = await applied(plan_of(lock), client)

    assert {f"web/api@{first}": "stale"} == told(report)
    assert "web/api:stable points elsewhere now. It changed after the plan was made; make a new plan." == (
        report.outcomes[0].message
    )
    assert [] == emulator.requests("PATCH")
