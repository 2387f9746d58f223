"""How changes end: verified, stale, blocked, failed, unconfirmed, not attempted; against the emulator."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from reconciler.apply import Interrupt, apply_plan
from reconciler.emulator import Settings
from reconciler.model.desired import Declaration, DesiredState, Origin, RepositoryRule, TagRule
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import compile_pattern
from reconciler.planning.base import NoBase
from reconciler.planning.compare import make_plan, plan_repository
from reconciler.registry.accounts import only
from reconciler.registry.client import Client
from reconciler.registry.location import parse_location
from reconciler.registry.reader import refresh
from reconciler.registry.transport import Transport

HERE = Origin("registry.yaml", 1, 1)


def _declared(**attributes: bool) -> tuple[Declaration, ...]:
    return tuple(Declaration(name, value, HERE) for name, value in attributes.items())


def _desired(*, repository: dict[str, bool] | None = None, tags: dict[str, bool] | None = None) -> DesiredState:
    everything = (compile_pattern("**"),)
    tag_rules = (TagRule(everything, (), _declared(**tags), HERE),) if tags else ()
    rule = RepositoryRule(everything, (), _declared(**(repository or {})), tag_rules, HERE)
    return DesiredState(None, (rule,))


@asynccontextmanager
async def _client(emulator, timeout_s=30.0):
    location = parse_location(emulator.url)
    transport = Transport(location, timeout_s=timeout_s, concurrency=8, on_pause=lambda pause: None)
    async with Client(transport, only(None)) as client:
        yield client


async def _plan(client, desired):
    parts = []
    index = DesiredIndex(desired)
    await refresh(
        client,
        index,
        NoBase(),
        concurrency=4,
        receive=lambda rules, live, _: parts.append(plan_repository(rules, live)),
    )
    return make_plan("emulator", "sha256:", parts)


async def _apply(plan, client, *, sink=lambda event: None, interrupt=None, recheck="page"):
    interrupt = interrupt or Interrupt()
    return await apply_plan(plan, client, concurrency=4, sink=sink, interrupt=interrupt, recheck=recheck)


def _told(report):
    return {str(outcome.change.address): outcome.status for outcome in report.outcomes}


LOCK_TAGS = _desired(tags={"deleteEnabled": False, "writeEnabled": False})


async def test_each_change_ends_verified(emulator):
    """What was planned is so afterwards, and each outcome was told as it happened."""
    emulator.push("web/api:v1", content=b"one")
    emulator.push("web/api:v2", content=b"two")
    told = []

    async with _client(emulator) as client:
        report = await _apply(await _plan(client, LOCK_TAGS), client, sink=told.append)

    assert {"web/api:v1": "verified", "web/api:v2": "verified"} == _told(report)
    assert report.is_success
    assert list(report.outcomes) == sorted(told, key=lambda outcome: outcome.change.address.order)


async def test_a_tag_that_moved_is_not_locked(emulator):
    """A change whose digest no longer matches ends as stale and sends no PATCH."""
    emulator.push("web/api:v1", content=b"reviewed")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.push("web/api:v1", content=b"other")
        report = await _apply(plan, client)

    assert {"web/api:v1": "stale"} == _told(report)
    assert report.outcomes[0].message.startswith("digest was sha256:")
    assert [] == emulator.requests("PATCH")


async def test_a_tag_that_is_gone_is_stale(emulator):
    """Somebody deleted it after the plan was made."""
    emulator.push("web/api:v1", content=b"one")
    emulator.push("web/api:v2", content=b"two")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.delete("web/api:v1")
        report = await _apply(plan, client)

    assert {"web/api:v1": "stale", "web/api:v2": "verified"} == _told(report)


async def test_an_attribute_that_changed_since_is_stale(emulator):
    """Somebody else set one of the attributes: the change is left alone, the others go on."""
    emulator.push("web/api:v1", content=b"one")
    emulator.push("web/api:v2", content=b"two")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.patch("web/api:v1", deleteEnabled=False)
        report = await _apply(plan, client)

    assert {"web/api:v1": "stale", "web/api:v2": "verified"} == _told(report)
    assert "deleteEnabled was true, is now false. It changed after the plan was made; make a new plan." == (
        report.outcomes[0].message
    )


async def test_tags_are_changed_before_their_repository_is_locked(emulator):
    """A repository with writeEnabled false refuses changes to its tags, so it comes last."""
    emulator.push("web/api:v1", content=b"one")
    desired = _desired(repository={"writeEnabled": False}, tags={"writeEnabled": False})

    async with _client(emulator) as client:
        report = await _apply(await _plan(client, desired), client)

    assert report.is_success
    assert ["/acr/v1/web/api/_tags/v1", "/acr/v1/web/api"] == [r.path for r in emulator.requests("PATCH")]


async def test_a_repository_is_unlocked_before_its_tags_are_changed(emulator):
    """The other way round, for the same reason."""
    emulator.push("web/api:v1", content=b"one")
    emulator.patch("web/api", writeEnabled=False)
    desired = _desired(repository={"writeEnabled": True}, tags={"deleteEnabled": False})

    async with _client(emulator) as client:
        report = await _apply(await _plan(client, desired), client)

    assert report.is_success
    assert ["/acr/v1/web/api", "/acr/v1/web/api/_tags/v1"] == [r.path for r in emulator.requests("PATCH")]


async def test_a_repository_is_not_locked_over_an_unfinished_tag(emulator):
    """Locking it would keep the next run from finishing the job."""
    emulator.push("web/api:v1", content=b"one")
    desired = _desired(repository={"writeEnabled": False}, tags={"writeEnabled": False})

    async with _client(emulator) as client:
        plan = await _plan(client, desired)
        emulator.push("web/api:v1", content=b"other")
        report = await _apply(plan, client)

    assert {"web/api": "not-attempted", "web/api:v1": "stale"} == _told(report)
    assert emulator.repository("web/api")["writeEnabled"]


async def test_a_change_that_a_lock_forbids_is_blocked(emulator):
    """405 is the registry's word for a lock; the change says so and the others go on."""
    emulator.push("web/api:v1", content=b"one")
    emulator.push("web/app:v1", content=b"one")
    emulator.patch("web/api", writeEnabled=False)

    async with _client(emulator) as client:
        report = await _apply(await _plan(client, LOCK_TAGS), client)

    assert {"web/api:v1": "blocked", "web/app:v1": "verified"} == _told(report)
    assert "405 REGISTRY_DISALLOWED_OPERATION" in report.outcomes[0].message


async def test_a_stale_answer_to_a_patch_is_not_believed(emulator):
    """The answer may show the old values; the read-back tells."""
    emulator.push("web/api:v1", content=b"one")
    emulator.faults.stale_patch_answers = True

    async with _client(emulator) as client:
        report = await _apply(await _plan(client, LOCK_TAGS), client)

    assert {"web/api:v1": "verified"} == _told(report)


async def test_a_change_that_shows_late_is_waited_for(emulator):
    """Reads after writes lag; a few reads later it is verified."""
    emulator.push("web/api:v1", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.visible_after_reads = 2
        report = await _apply(plan, client)

    assert {"web/api:v1": "verified"} == _told(report)


async def test_a_throttled_patch_is_sent_again_after_the_pause(emulator):
    """429 says that nothing was done, so repeating is safe."""
    emulator.push("web/api:v1", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.fail_next(1, status=429, retry_after_s=0, method="PATCH")
        report = await _apply(plan, client)

    assert {"web/api:v1": "verified"} == _told(report)
    assert [429, 200] == [request.status for request in emulator.requests("PATCH")]


async def test_a_patch_that_failed_is_only_repeated_after_a_look(emulator):
    """A 500 may come after the deed, so the resource is read before the PATCH is sent again."""
    emulator.push("web/api:v1", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.clear_requests()
        emulator.faults.fail_next(1, status=500, method="PATCH")
        report = await _apply(plan, client)

    assert {"web/api:v1": "verified"} == _told(report)
    assert ["GET", "PATCH", "GET", "PATCH", "GET"] == [request.method for request in emulator.requests()]


async def test_a_patch_whose_answer_is_lost_is_verified_by_reading(emulator):
    """The connection broke after the deed: one look, and no second PATCH."""
    emulator.push("web/api:v1", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.drop_next(1, method="PATCH")
        report = await _apply(plan, client)

    assert {"web/api:v1": "verified"} == _told(report)
    assert 1 == len(emulator.requests("PATCH"))


async def test_a_patch_that_keeps_failing_is_unconfirmed(emulator):
    """It was sent, and nobody knows: that is what the report says."""
    emulator.push("web/api:v1", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.fail_next(99, status=500, method="PATCH")
        report = await _apply(plan, client)

    assert {"web/api:v1": "unconfirmed"} == _told(report)
    assert 3 == len(emulator.requests("PATCH"))


async def test_an_interrupt_before_anything_leaves_everything(emulator):
    """Every change is in the report, as not attempted, and nothing was sent."""
    emulator.push("web/api:v1", content=b"one")
    interrupt = Interrupt()
    interrupt()

    async with _client(emulator) as client:
        report = await _apply(await _plan(client, LOCK_TAGS), client, interrupt=interrupt)

    assert {"web/api:v1": "not-attempted"} == _told(report)
    assert report.interrupted
    assert [] == emulator.requests("PATCH")


async def test_an_interrupt_lets_what_is_under_way_finish(emulator):
    """What was begun ends verified, what was not is not attempted, and the report has both."""
    for number in range(40):
        emulator.push(f"web/api:v{number:02}", content=b"one")
    interrupt = Interrupt()

    def stop_at_the_first(event: object) -> None:
        if not interrupt.times:
            interrupt()

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        report = await _apply(plan, client, sink=stop_at_the_first, interrupt=interrupt, recheck="each")

    statuses = [outcome.status for outcome in report.outcomes]
    locked = [n for n in range(40) if not emulator.tag(f"web/api:v{n:02}")["writeEnabled"]]
    assert {"verified", "not-attempted"} == set(statuses)
    assert len(locked) == statuses.count("verified")


async def test_a_second_interrupt_cuts_off_and_says_what_is_not_known(start_emulator):
    """A change whose PATCH was sent is unconfirmed; no change is missing from the report."""
    emulator = start_emulator(Settings(latency_ms=300))
    for number in range(8):
        emulator.push(f"web/api:v{number}", content=b"one")
    interrupt = Interrupt()

    async with _client(emulator, timeout_s=30) as client:
        plan = await _plan(client, LOCK_TAGS)
        running = asyncio.create_task(_apply(plan, client, interrupt=interrupt))
        while not emulator.requests("PATCH"):
            await asyncio.sleep(0.01)
        interrupt()
        interrupt()
        report = await running

    assert 8 == len(report.outcomes)
    assert {"unconfirmed", "not-attempted"} == {outcome.status for outcome in report.outcomes}


@pytest.mark.parametrize("concurrency", [1, 3, 64])
async def test_no_more_changes_are_under_way_than_asked_for(emulator, concurrency):
    """The bound holds from one to more than there are changes, and every change is made."""
    for number in range(6):
        emulator.push(f"web/api:v{number}", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        report = await apply_plan(plan, client, concurrency=concurrency, sink=lambda event: None, interrupt=Interrupt())

    assert report.is_success


async def test_a_refused_repository_is_not_asked_again(emulator):
    """Who may not change one tag of a repository may not change the next; other repositories go on."""
    for tag in ("web/api:v1", "web/api:v2", "web/api:v3", "web/app:v1"):
        emulator.push(tag, content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.fail_next(99, status=403, method="PATCH", path_prefix="/acr/v1/web/api/")
        report = await apply_plan(plan, client, concurrency=1, sink=lambda event: None, interrupt=Interrupt())

    assert {
        "web/api:v1": "failed",
        "web/api:v2": "not-attempted",
        "web/api:v3": "not-attempted",
        "web/app:v1": "verified",
    } == _told(report)
    assert 2 == len(emulator.requests("PATCH"))


async def test_a_registry_that_cannot_be_reached_ends_the_run(start_emulator):
    """The rest is not attempted, each change after its own timeout; and all of it is in the report."""
    emulator = start_emulator()
    for number in range(5):
        emulator.push(f"web/api:v{number}", content=b"one")

    async with _client(emulator, timeout_s=1.0) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.__exit__(None, None, None)
        report = await apply_plan(plan, client, concurrency=2, sink=lambda event: None, interrupt=Interrupt())

    statuses = sorted(outcome.status for outcome in report.outcomes)
    assert ["failed", "failed", "not-attempted", "not-attempted", "not-attempted"] == statuses


async def test_a_repository_that_cannot_be_unlocked_leaves_its_tags_alone(emulator):
    """They could not be changed, so they are not tried."""
    emulator.push("web/api:v1", content=b"one")
    emulator.patch("web/api", writeEnabled=False)
    desired = _desired(repository={"writeEnabled": True}, tags={"deleteEnabled": False})

    async with _client(emulator) as client:
        plan = await _plan(client, desired)
        emulator.faults.fail_next(1, status=405, method="PATCH")
        report = await _apply(plan, client)

    assert {"web/api": "blocked", "web/api:v1": "not-attempted"} == _told(report)
    assert 1 == len(emulator.requests("PATCH"))


async def test_a_change_that_does_not_show_is_unconfirmed(emulator):
    """Accepted is not verified: after ten seconds of reading the old value, the report says what is seen."""
    emulator.push("web/api:v1", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.visible_after_reads = 99
        report = await _apply(plan, client)

    assert {"web/api:v1": "unconfirmed"} == _told(report)
    assert "accepted, but 10 s later the registry shows deleteEnabled true, writeEnabled true" == (
        report.outcomes[0].message
    )


async def test_what_is_so_already_is_verified_without_a_patch(emulator):
    """A saved plan whose first run was cut off can be run again to the end."""
    emulator.push("web/api:v1", content=b"one")
    emulator.push("web/api:v2", content=b"two")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.patch("web/api:v1", deleteEnabled=False, writeEnabled=False)
        report = await _apply(plan, client)

    assert {"web/api:v1": "verified", "web/api:v2": "verified"} == _told(report)
    assert "it was so already" == report.outcomes[0].message
    assert 1 == len(emulator.requests("PATCH"))


async def test_a_patch_that_left_is_never_called_stale(emulator):
    """It may have been carried out on what is there now, and the report must not say that nothing was sent."""
    emulator.push("web/api:v1", content=b"reviewed")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.fail_next(1, status=500, method="PATCH")
        applying = asyncio.create_task(_apply(plan, client))
        while not emulator.requests("PATCH"):
            await asyncio.sleep(0.001)
        emulator.push("web/api:v1", content=b"other")
        report = await applying

    assert {"web/api:v1": "unconfirmed"} == _told(report)
    assert "a PATCH was sent and its answer was lost; since then, digest was sha256:" in report.outcomes[0].message


async def test_a_change_for_which_nobody_could_sign_in_was_not_sent(start_emulator):
    """The token endpoint failed, so no PATCH left: failed, and not unconfirmed."""
    emulator = start_emulator(Settings(auth="token"))
    emulator.push("web/api:v1", content=b"one")

    async with _client(emulator, timeout_s=2) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.expire_tokens()
        emulator.faults.fail_next(99, status=500, path_prefix="/oauth2/token")
        report = await _apply(plan, client)

    assert {"web/api:v1": "failed"} == _told(report)
    assert [] == emulator.requests("PATCH")


async def test_a_registry_that_fails_every_change_is_left_in_peace(emulator):
    """After five changes in a row that ended on a 5xx the rest is not attempted."""
    for number in range(40):
        emulator.push(f"web/api:v{number:02}", content=b"one")

    async with _client(emulator) as client:
        plan = await _plan(client, LOCK_TAGS)
        emulator.faults.fail_next(999, status=500, method="PATCH")
        report = await apply_plan(plan, client, concurrency=8, sink=lambda event: None, interrupt=Interrupt())

    statuses = [outcome.status for outcome in report.outcomes]
    assert {"unconfirmed", "not-attempted"} == set(statuses)
    assert 40 == len(statuses)
    assert statuses.count("not-attempted") >= 20
