"""What is unlocked for a moment: when, for whom, and that it is locked again whatever happens in between."""

from __future__ import annotations

import asyncio

import pytest
from making import LOCKED, applied, book_at, change, client_of, owed_at, plan_of, sent, told, unlock, unlocked

from reconciler.apply import Interrupt
from reconciler.errors import BackendError

REPOSITORY, TAG = "/acr/v1/web/api", "/acr/v1/web/api/_tags/stable"
OPENED, CLOSED = '{"writeEnabled":true}', '{"writeEnabled":false}'


@pytest.fixture
def images(emulator):
    """Two images, and a tag on the first one."""
    return emulator.push("web/api:stable", content=b"one"), emulator.push("web/api:v2", content=b"two")


@pytest.fixture
def place(tmp_path):
    """Where debts are recorded."""
    return tmp_path / "state.json"


def _move(images):
    first, second = images
    return change("web/api:stable", {"digest": first}, {"digest": second})


async def test_what_is_not_refused_is_not_unlocked(emulator, images, place):
    """An unlock is announced on the strength of documentation; where the registry does without, it does not happen."""
    plan = plan_of(_move(images), unlocks=[unlock("web/api", "writeEnabled"), unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert report.is_success
    assert () == report.unlocked
    assert ["PUT"] == [each.split()[0] for each in sent(emulator)]
    assert not place.with_name("state.json.debts").exists()


async def test_a_locked_tag_is_unlocked_moved_and_locked_again(emulator, images, place):
    """Refused, unlocked, moved, locked: in this order, and nothing is owed afterwards."""
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert report.is_success
    assert {"web/api:stable": "restored"} == unlocked(report)
    assert ["PUT 405", f"PATCH {OPENED} 200", "PUT 201", f"PATCH {CLOSED} 200"] == [
        f"{each.method} {each.status}" if each.method == "PUT" else f"{each.method} {each.body.decode()} {each.status}"
        for each in emulator.requests()
        if each.method != "GET"
    ]
    assert {} == owed_at(place)


async def test_a_locked_repository_is_unlocked_for_all_its_tags_once(emulator, place):
    """Many changes share it, and it is locked again before the end."""
    for number in range(30):
        emulator.push(f"web/api:v{number:02}", content=b"one")
    digest = emulator.tag("web/api:v00")["digest"]
    emulator.patch("web/api", writeEnabled=False)
    changes = [
        change(
            f"web/api:v{n:02}", {"digest": digest, "deleteEnabled": True}, {"digest": digest, "deleteEnabled": False}
        )
        for n in range(30)
    ]

    async with client_of(emulator) as client:
        report = await applied(
            plan_of(*changes, unlocks=[unlock("web/api", "writeEnabled")]), client, book=book_at(place)
        )

    assert report.is_success
    assert {"web/api": "restored"} == unlocked(report)
    assert [OPENED, CLOSED] == [each.body.decode() for each in emulator.requests("PATCH") if each.path == REPOSITORY]
    assert REPOSITORY == emulator.requests("PATCH")[-1].path
    assert emulator.repository("web/api")["writeEnabled"] is False


async def test_the_repository_comes_before_the_tag(emulator, images, place):
    """Both are locked: the tag cannot even be unlocked before its repository is."""
    emulator.patch("web/api:stable", writeEnabled=False)
    emulator.patch("web/api", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api", "writeEnabled"), unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert report.is_success
    assert [
        "PUT /v2/web/api/manifests/stable",
        f"PATCH {REPOSITORY} {OPENED}",
        "PUT /v2/web/api/manifests/stable",
        f"PATCH {TAG} {OPENED}",
        "PUT /v2/web/api/manifests/stable",
        f"PATCH {TAG} {CLOSED}",
        f"PATCH {REPOSITORY} {CLOSED}",
    ] == [each.partition(' {"schema')[0] for each in sent(emulator)]
    assert {} == owed_at(place)


async def test_without_a_place_to_record_it_nothing_is_unlocked(emulator, images):
    """The change is blocked, and the message says what would help."""
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=None)

    assert {"web/api:stable": "blocked"} == told(report)
    assert "--state LOCATION names one; --state none and --base have none." in report.outcomes[0].message
    assert [] == emulator.requests("PATCH")


async def test_where_it_cannot_be_recorded_nothing_is_unlocked(emulator, images, tmp_path):
    """The disk is full, the store is gone: an unlock that nobody would remember does not happen."""
    (tmp_path / "file").write_text("in the way")
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(tmp_path / "file" / "state.json"))

    assert {"web/api:stable": "blocked"} == told(report)
    assert "that cannot be recorded" in report.outcomes[0].message
    assert [] == emulator.requests("PATCH")


class Watching:
    """A record that notes what was locked when something was written."""

    def __init__(self, book, emulator):
        self.seen = []
        self._book, self._emulator = book, emulator

    async def owe(self, unlock, seen):
        """Note it when it is recorded."""
        await self._book.owe(unlock, seen)
        self.seen.append(("owed", self._emulator.tag(str(unlock.address))["writeEnabled"]))

    async def paid(self, address):
        """Note it before it is struck out."""
        self.seen.append(("paid", self._emulator.tag(str(address))["writeEnabled"]))
        await self._book.paid(address)


async def test_a_debt_is_durable_before_the_lock_comes_off_and_until_it_is_back(emulator, images, place):
    """Whenever the tag is unlocked, the record says so."""
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])
    book = Watching(book_at(place), emulator)

    async with client_of(emulator) as client:
        await applied(plan, client, book=book)

    assert [("owed", False), ("paid", False)] == book.seen


async def test_what_nobody_announced_stays_locked(emulator, images, place):
    """The repository is locked by somebody else, and the plan speaks of the tag only."""
    emulator.patch("web/api:stable", writeEnabled=False)
    emulator.patch("web/api", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api:stable": "blocked"} == told(report)
    assert [] == [each for each in emulator.requests("PATCH") if each.status == 200]
    assert {} == owed_at(place)


async def test_what_somebody_else_unlocked_is_not_locked_again(emulator, images, place):
    """It was open when we looked: the move is tried once more, and the lock is not ours to put back."""
    emulator.faults.fail_next(1, status=405, method="PUT")
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api:stable": "verified"} == told(report)
    assert () == report.unlocked
    assert [] == emulator.requests("PATCH")


@pytest.mark.parametrize("status", [400, 403, 405])
async def test_it_is_locked_again_however_the_change_ends(emulator, images, place, status):
    """The move fails after the tag was unlocked."""
    emulator.patch("web/api:stable", writeEnabled=False)
    emulator.faults.merge({"requests": [{"do": "refuse", "method": "PUT", "status": status, "every": 2}]})
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api:stable": "blocked" if status == 405 else "failed"} == told(report)
    assert {"web/api:stable": "restored"} == unlocked(report)
    assert emulator.tag("web/api:stable")["writeEnabled"] is False
    assert {} == owed_at(place)


@pytest.mark.parametrize(
    "rule",
    [
        {"do": "drop", "at": "before", "times": 2},
        {"do": "drop", "at": "after", "times": 2},
        {"do": "drop", "at": "middle", "times": 2},
        {"do": "refuse", "status": 500, "times": 2},
        {"do": "refuse", "status": 429, "retry_after_s": 0, "times": 3},
        {"do": "refuse", "at": "after", "status": 503, "times": 2},
    ],
    ids=lambda rule: f"{rule['do']} {rule.get('at', '')} {rule.get('status', '')}",
)
async def test_a_patch_that_gets_lost_leaves_nothing_open(emulator, images, place, rule):
    """Unlocking or locking again: what is not known is looked at, and tried again."""
    emulator.patch("web/api:stable", writeEnabled=False)
    emulator.faults.merge({"requests": [{"method": "PATCH", "path": TAG, "every": 2, **rule}]})
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api:stable": "verified"} == told(report)
    assert {"web/api:stable": "restored"} == unlocked(report)
    assert emulator.tag("web/api:stable")["writeEnabled"] is False
    assert {} == owed_at(place)


async def test_what_cannot_be_locked_again_is_told_and_stays_owed(emulator, images, place):
    """The registry takes no PATCH any more: the change was made, and the run did not succeed."""
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        running = asyncio.create_task(applied(plan, client, book=book_at(place)))
        while not emulator.requests("PATCH"):
            await asyncio.sleep(0)
        emulator.faults.fail_next(99, status=403, method="PATCH")
        report = await running

    assert {"web/api:stable": "verified"} == told(report)
    assert {"web/api:stable": "open"} == unlocked(report)
    assert not report.is_success
    assert {"web/api:stable": {"writeEnabled": False}} == owed_at(place)


async def test_a_repository_that_somebody_locks_meanwhile_is_opened_once_more(emulator, images, place):
    """The tag has to be locked again, and the plan announces to unlock its repository; both are locked in the end."""
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api", "writeEnabled"), unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        running = asyncio.create_task(applied(plan, client, book=book_at(place)))
        while not any(each.path == TAG and each.method == "PATCH" for each in emulator.requests()):
            await asyncio.sleep(0)
        emulator.patch("web/api", writeEnabled=False)
        report = await running

    assert {"web/api": "restored", "web/api:stable": "restored"} == unlocked(report)
    assert emulator.tag("web/api:stable")["writeEnabled"] is False
    assert emulator.repository("web/api")["writeEnabled"] is False
    assert {} == owed_at(place)


async def test_a_locked_tag_is_unlocked_and_deleted(emulator, images, place):
    """Nothing is left to lock, and nothing is owed."""
    first, _ = images
    emulator.patch("web/api:stable", **LOCKED)
    plan = plan_of(change("web/api:stable", {"digest": first}, {}), unlocks=[unlock("web/api:stable")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api:stable": "verified"} == told(report)
    assert ("it is gone, so there is nothing to lock",) == tuple(each.message for each in report.unlocked)
    assert {} == owed_at(place)


async def test_a_repository_with_locked_contents_is_deleted(emulator, images, place):
    """All that is announced in it is unlocked, when it is refused; then it goes with all of it."""
    first, _ = images
    for locked in ("web/api:stable", f"web/api@{first}", "web/api"):
        emulator.patch(locked, **LOCKED)
    plan = plan_of(
        change("web/api", {"tagCount": 2, "manifestCount": 2}, {}),
        unlocks=[unlock("web/api"), unlock("web/api:stable"), unlock(f"web/api@{first}")],
    )

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api": "verified"} == told(report)
    assert {} == owed_at(place)
    assert emulator.repository("web/api") is None


async def test_the_contents_of_a_repository_that_stays_are_locked_again(emulator, images, place):
    """Another tag is locked, which was not announced: the repository stays, and all is as it was."""
    for locked in ("web/api:stable", "web/api:v2", "web/api"):
        emulator.patch(locked, **LOCKED)
    plan = plan_of(
        change("web/api", {"tagCount": 2, "manifestCount": 2}, {}),
        unlocks=[unlock("web/api"), unlock("web/api:stable")],
    )

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api": "blocked"} == told(report)
    assert {"web/api": "restored", "web/api:stable": "restored"} == unlocked(report)
    assert LOCKED.items() <= emulator.tag("web/api:stable").items()
    assert LOCKED.items() <= emulator.repository("web/api").items()
    assert {} == owed_at(place)


@pytest.mark.parametrize(("times", "becomes"), [(1, "restored"), (2, "open")])
async def test_an_interrupt_locks_again_and_a_second_one_tells(start_emulator, place, times, becomes):
    """The first lets what is under way finish; the second cuts it off, and the debt stays recorded."""
    from reconciler.emulator import Settings

    emulator = start_emulator(Settings(latency_ms=100))
    digest = emulator.push("web/api:v1", content=b"one")
    emulator.patch("web/api", writeEnabled=False)
    lock = change("web/api:v1", {"digest": digest, "deleteEnabled": True}, {"digest": digest, "deleteEnabled": False})
    interrupt = Interrupt()

    async with client_of(emulator) as client:
        plan = plan_of(lock, unlocks=[unlock("web/api", "writeEnabled")])
        running = asyncio.create_task(applied(plan, client, book=book_at(place), interrupt=interrupt))
        while not any(each.path == REPOSITORY and each.method == "PATCH" for each in emulator.requests()):
            await asyncio.sleep(0.01)
        for _ in range(times):
            interrupt()
        report = await running

    assert {"web/api": becomes} == unlocked(report)
    assert (becomes == "open") is bool(owed_at(place))
    assert (becomes == "open") is emulator.repository("web/api")["writeEnabled"]


async def test_a_lost_run_lock_leaves_the_debt_to_whoever_has_it(emulator, images, place):
    """Nothing may be changed any more, not even back; the other run pays first."""
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    def forbidden():
        return "the run lock was taken away by ci@runner-9" if len(emulator.requests("PATCH")) else ""

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place), forbidden=forbidden)

    assert {"web/api:stable": "open"} == unlocked(report)
    assert {"web/api:stable": {"writeEnabled": False}} == owed_at(place)
    assert 1 == len(emulator.requests("PATCH"))


async def test_reads_that_lag_do_not_hide_that_a_lock_is_off(emulator, images, place):
    """They still show it locked when it is to be locked again; it is locked all the same."""
    emulator.patch("web/api:stable", writeEnabled=False)
    emulator.faults.visible_after_reads = 3
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=book_at(place))

    assert {"web/api:stable": "restored"} == unlocked(report)
    assert emulator.tag("web/api:stable")["writeEnabled"] is False


class Failing:
    """A record that takes what is owed, and never that it is paid."""

    async def owe(self, unlock, seen):
        """Take it."""

    async def paid(self, _):
        """Refuse."""
        raise BackendError("az://state/prod.json.debts: cannot be written: 503")


async def test_a_debt_that_cannot_be_struck_out_is_told(emulator, images):
    """It is locked again, and the next run finds it so."""
    emulator.patch("web/api:stable", writeEnabled=False)
    plan = plan_of(_move(images), unlocks=[unlock("web/api:stable", "writeEnabled")])

    async with client_of(emulator) as client:
        report = await applied(plan, client, book=Failing())

    assert {"web/api:stable": "restored"} == unlocked(report)
    assert report.unlocked[0].message.startswith("it is still recorded as owed, and the next apply strikes that out")
