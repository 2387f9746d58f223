"""Many tags of one repository are looked at and verified a page at a time, and nothing is lost by that."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from making import applied, change, client_of, plan_of, told

from reconciler.apply import Interrupt
from reconciler.emulator import Settings
from reconciler.model.address import Address
from reconciler.recheck import recheck

PAGES = "/acr/v1/web/api/_tags"


def _names(count):
    return [f"v{number:04}" for number in range(count)]


def _locks(names, digest, repository="web/api"):
    return [
        change(
            f"{repository}:{name}",
            {"digest": digest, "deleteEnabled": True},
            {"digest": digest, "deleteEnabled": False},
        )
        for name in names
    ]


def _counted(emulator):
    """Pages, reads of one tag, and PATCHes."""
    counts = Counter()
    for each in emulator.requests():
        counts["pages" if each.path == PAGES else each.method] += 1
    return dict(counts)


async def _locked(emulator, plan, **others):
    async with client_of(emulator, concurrency=32, timeout_s=20) as client:
        return await applied(plan, client, concurrency=32, **others)


async def _interrupted(emulator, changes, *, after, times):
    """The report of a run that was asked so many times to stop, after so many PATCHes."""
    interrupt = Interrupt()
    running = asyncio.create_task(_locked(emulator, plan_of(*changes), interrupt=interrupt))
    while len(emulator.requests("PATCH")) < after:
        await asyncio.sleep(0.001)
    for _ in range(times):
        interrupt()
    return await running


@pytest.mark.parametrize(("tags", "pages"), [(17, 2), (1000, 2), (1001, 3), (2000, 4)])
async def test_a_thousand_tags_take_two_pages_and_a_patch_each(emulator, tags, pages):
    """
    One page before, one page after, for each thousand that was begun; 1,001 leave one that is read by itself.

    However slow this machine is: what gets old on the way is another test's matter.
    """
    digest = emulator.push_many("web/api", _names(tags))

    report = await _locked(emulator, plan_of(*_locks(_names(tags), digest)), fresh_s=600)

    assert report.is_success
    counted = _counted(emulator)
    assert tags == counted["PATCH"]
    assert counted.get("pages", 0) <= pages
    assert counted.get("GET", 0) == (2 if tags == 1001 else 0)


async def test_a_handful_is_read_one_by_one(emulator):
    """Sixteen tags are no reason to read a page."""
    digest = emulator.push_many("web/api", _names(16))

    report = await _locked(emulator, plan_of(*_locks(_names(16), digest)))

    assert report.is_success
    assert {"GET": 32, "PATCH": 16} == _counted(emulator)


async def test_each_is_read_by_itself_where_that_is_asked_for(emulator):
    """--recheck each reads no list."""
    digest = emulator.push_many("web/api", _names(40))

    report = await _locked(emulator, plan_of(*_locks(_names(40), digest)), recheck="each")

    assert report.is_success
    assert {"GET": 80, "PATCH": 40} == _counted(emulator)


async def test_what_a_page_does_not_show_is_read_by_itself(emulator):
    """Hidden tags, and those that a list leaves out without a word."""
    digest = emulator.push_many("web/api", _names(40))
    emulator.patch("web/api:v0003", listEnabled=False)
    emulator.faults.tags_without = ["web/api:v0007", "web/api:v0039"]

    report = await _locked(emulator, plan_of(*_locks(_names(40), digest)))

    assert report.is_success
    assert {"pages": 2, "GET": 6, "PATCH": 40} == _counted(emulator)


async def test_a_list_that_ends_early_changes_nothing_but_the_number_of_reads(emulator):
    """The page looks whole and lacks its last thirty tags."""
    digest = emulator.push_many("web/api", _names(60))
    emulator.faults.tags_without_last = 30

    report = await _locked(emulator, plan_of(*_locks(_names(60), digest)))

    assert report.is_success
    assert 60 == _counted(emulator)["PATCH"]


@pytest.mark.parametrize(
    "fault",
    [
        {"list_order": "shuffled"},
        {"list_order": "reversed"},
        {"requests": [{"do": "refuse", "status": 403, "path": PAGES, "times": 1}]},
    ],
    ids=["shuffled", "reversed", "refused"],
)
async def test_a_list_that_cannot_be_trusted_changes_nothing_but_the_number_of_reads(emulator, fault):
    """Then each tag is read by itself."""
    digest = emulator.push_many("web/api", _names(20))
    emulator.faults.merge(fault)

    report = await _locked(emulator, plan_of(*_locks(_names(20), digest)))

    assert report.is_success
    assert 20 == _counted(emulator)["PATCH"]


async def test_tags_that_are_far_apart_are_not_looked_for_on_ever_more_pages(emulator):
    """Where a page shows fewer than four of them, the next sixteen are read one by one."""
    wanted = [f"v{number:05}" for number in range(0, 6000, 300)]
    digest = emulator.push_many("web/api", [f"v{number:05}" for number in range(6000)])

    report = await _locked(emulator, plan_of(*_locks(wanted, digest)))

    assert report.is_success
    counted = _counted(emulator)
    assert counted["pages"] <= 4
    assert 20 == counted["PATCH"]


async def test_a_tag_that_moved_is_left_alone_and_the_others_are_not(emulator):
    """What a page shows as stale is looked at by itself before that is said."""
    digest = emulator.push_many("web/api", _names(40))
    emulator.push("web/api:v0005", content=b"other")

    report = await _locked(emulator, plan_of(*_locks(_names(40), digest)))

    assert Counter(verified=39, stale=1) == Counter(told(report).values())
    assert emulator.tag("web/api:v0005")["deleteEnabled"] is True


async def test_a_page_that_lags_behind_a_change_makes_nothing_stale(emulator):
    """The list shows a value from before, the tag itself the present one."""
    digest = emulator.push_many("web/api", _names(20))
    for name in _names(20):
        emulator.patch(f"web/api:{name}", deleteEnabled=False)
    async with client_of(emulator) as client:
        emulator.faults.visible_after_reads = 1
        for name in _names(20):
            await client.update(Address("web/api", tag=name), {"deleteEnabled": True})
            await client.tag(Address("web/api", tag=name))
    emulator.faults.visible_after_reads = 0

    report = await _locked(emulator, plan_of(*_locks(_names(20), digest)))

    assert report.is_success


async def test_changes_that_show_late_are_waited_for(emulator):
    """Neither the page nor the first reads show them."""
    digest = emulator.push_many("web/api", _names(20))
    emulator.faults.visible_after_reads = 2

    report = await _locked(emulator, plan_of(*_locks(_names(20), digest)))

    assert report.is_success
    assert 20 == _counted(emulator)["PATCH"]


async def test_answers_that_are_lost_among_many_are_looked_after(emulator):
    """No tag is left out, whatever came of its request."""
    digest = emulator.push_many("web/api", _names(200))
    emulator.faults.merge(
        {
            "requests": [
                {"do": "drop", "at": "after", "method": "PATCH", "every": 17},
                {"do": "refuse", "status": 503, "method": "PATCH", "every": 23},
            ]
        }
    )

    report = await _locked(emulator, plan_of(*_locks(_names(200), digest)))

    assert report.is_success
    assert 200 == sum(emulator.tag(f"web/api:{name}")["deleteEnabled"] is False for name in _names(200))


async def test_an_interrupt_in_the_middle_of_a_page_leaves_the_rest(start_emulator):
    """What was sent is verified, what was not is not attempted, and the report has all of it."""
    emulator = start_emulator(Settings(latency_ms=20))
    digest = emulator.push_many("web/api", _names(300))

    report = await _interrupted(emulator, _locks(_names(300), digest), after=20, times=1)

    counts = Counter(told(report).values())
    assert {"verified", "not-attempted"} == set(counts)
    assert counts["verified"] == sum(emulator.tag(f"web/api:{name}")["deleteEnabled"] is False for name in _names(300))


async def test_a_second_interrupt_tells_what_was_sent_and_not_verified(start_emulator):
    """It was cut off before the page that would have told."""
    emulator = start_emulator(Settings(latency_ms=50))
    digest = emulator.push_many("web/api", _names(100))

    report = await _interrupted(emulator, _locks(_names(100), digest), after=40, times=2)

    counts = Counter(told(report).values())
    assert 100 == sum(counts.values())
    assert {"unconfirmed", "not-attempted"} == set(counts)
    assert counts["unconfirmed"] >= sum(
        emulator.tag(f"web/api:{name}")["deleteEnabled"] is False for name in _names(100)
    )


async def test_repositories_run_beside_each_other(start_emulator):
    """The pages of all four are asked for before the first is verified by another."""
    emulator = start_emulator(Settings(latency_ms=100))
    changes = []
    for number in range(4):
        digest = emulator.push_many(f"web/api{number}", _names(17))
        changes += _locks(_names(17), digest, f"web/api{number}")

    report = await _locked(emulator, plan_of(*changes))

    pages = [each.path for each in emulator.requests() if each.path.endswith("/_tags")]
    assert report.is_success
    assert {f"/acr/v1/web/api{number}/_tags" for number in range(4)} == set(pages[:4])


async def _found(emulator, plan, **others):
    async with client_of(emulator, concurrency=32) as client:
        found = await recheck(plan, client, concurrency=32, progress=lambda: None, interrupt=Interrupt(), **others)
    return {str(address): outcome.status if outcome else "to do" for address, outcome in found.items()}


async def test_a_saved_plan_is_looked_at_by_pages(emulator):
    """A thousand tags, one request; what is hidden or stale gets one of its own."""
    digest = emulator.push_many("web/api", _names(1000))
    emulator.patch("web/api:v0007", listEnabled=False)
    emulator.patch("web/api:v0008", deleteEnabled=False)
    emulator.push("web/api:v0009", content=b"other")

    found = await _found(emulator, plan_of(*_locks(_names(1000), digest)))

    assert {"to do": 998, "verified": 1, "stale": 1} == dict(Counter(found.values()))
    assert {"pages": 1, "GET": 2} == _counted(emulator)


async def test_a_saved_plan_of_every_action_is_looked_at(emulator):
    """What comes about only while it is carried out is not asked for yet."""
    first, second = emulator.push("web/api:stable", content=b"one"), emulator.push("web/api:v2", content=b"two")
    third = emulator.push("web/api:old", content=b"three")
    everything = {"deleteEnabled": True}
    plan = plan_of(
        change("web/api:stable", {"digest": first}, {"digest": second}),
        change("web/api:new", {}, {"digest": second}),
        change("web/api:old", {"digest": third}, {}),
        change("web/api:gone", {"digest": third}, {}),
        change(f"web/api@{third}", {**everything, "tagged": False}, {}, rank=1),
        change(f"web/api@{second}", everything, {"deleteEnabled": False}, via=("web/api:stable", second)),
        change(f"web/api@{first}", everything, {"deleteEnabled": False}, via=("web/api:v2", first)),
        change("web/api:v2", {}, {"digest": first}),
    )

    assert {
        "web/api:stable": "to do",
        "web/api:new": "to do",
        "web/api:old": "to do",
        "web/api:gone": "verified",
        f"web/api@{third}": "to do",
        f"web/api@{second}": "to do",
        f"web/api@{first}": "to do",
        "web/api:v2": "stale",
    } == await _found(emulator, plan)
