"""What an earlier run owes is paid first, and the record of it loses nothing."""

from __future__ import annotations

import asyncio
import time

import pytest
from making import RUN, book_at, client_of, owed_at, sent, unlock

from reconciler.apply import pay_debts
from reconciler.apply.locksmith import Locksmith
from reconciler.backend.local import FileStore
from reconciler.cli.debts import DebtBook, read_debts
from reconciler.errors import BackendError, ConflictError, StateError
from reconciler.model.address import parse_address

REPOSITORY, TAG = "/acr/v1/web/api", "/acr/v1/web/api/_tags/v1"
LOCK = '{"writeEnabled":false}'


@pytest.fixture
def place(tmp_path):
    """Where debts are recorded."""
    return tmp_path / "state.json"


async def _owing(place, *unlocks):
    book = book_at(place)
    for each in unlocks:
        await book.owe(each)
    return book


async def _paid(emulator, place, book, **others):
    async with client_of(emulator) as client:
        settled = await pay_debts(client, read_debts(FileStore(str(place)), "emulator"), book, concurrency=4, **others)
    return {str(each.debt.address): each.status for each in settled}


async def test_what_was_left_open_is_locked(emulator, place):
    """And struck out."""
    emulator.push("web/api:v1")
    book = await _owing(place, unlock("web/api:v1", "writeEnabled"))

    settled = await _paid(emulator, place, book)

    assert {"web/api:v1": "paid"} == settled
    assert emulator.tag("web/api:v1")["writeEnabled"] is False
    assert {} == owed_at(place)


async def test_what_is_gone_is_not_owed(emulator, place):
    """The run that owed it deleted it, or somebody else did."""
    emulator.push("web/api:v1")
    book = await _owing(place, unlock("web/api:v2"), unlock("web/app"))

    settled = await _paid(emulator, place, book)

    assert {"web/api:v2": "void", "web/app": "void"} == settled
    assert [] == sent(emulator)
    assert {} == owed_at(place)


async def test_tags_and_manifests_come_before_their_repository(emulator, place):
    """Once the repository is locked they could not be."""
    digest = emulator.push("web/api:v1")
    book = await _owing(place, unlock("web/api"), unlock("web/api:v1"), unlock(f"web/api@{digest}"))

    settled = await _paid(emulator, place, book)

    assert {"web/api": "paid", "web/api:v1": "paid", f"web/api@{digest}": "paid"} == settled
    assert REPOSITORY == [each.path for each in emulator.requests("PATCH")][-1]


async def test_a_locked_repository_is_opened_for_what_is_owed_in_it(emulator, place):
    """It is owed meanwhile, and locked again."""
    emulator.push("web/api:v1")
    emulator.patch("web/api", writeEnabled=False)
    book = await _owing(place, unlock("web/api:v1", "writeEnabled"))

    settled = await _paid(emulator, place, book)

    assert {"web/api:v1": "paid"} == settled
    assert [
        f"PATCH {TAG} {LOCK}",
        f'PATCH {REPOSITORY} {{"writeEnabled":true}}',
        f"PATCH {TAG} {LOCK}",
        f"PATCH {REPOSITORY} {LOCK}",
    ] == sent(emulator)
    assert {} == owed_at(place)


async def test_what_is_locked_in_a_locked_repository_is_paid_without_opening_it(emulator, place):
    """The run had locked the tag again and died before it could say so."""
    emulator.push("web/api:v1")
    emulator.patch("web/api:v1", writeEnabled=False)
    emulator.patch("web/api", writeEnabled=False)
    book = await _owing(place, unlock("web/api:v1", "writeEnabled"))

    settled = await _paid(emulator, place, book)

    assert {"web/api:v1": "paid"} == settled
    assert [f"PATCH {TAG} {LOCK}"] == sent(emulator)
    assert {} == owed_at(place)


async def test_what_cannot_be_paid_stays_owed(emulator, place):
    """Others are paid all the same."""
    emulator.push("web/api:v1")
    emulator.push("web/app:v1")
    emulator.faults.fail_next(99, status=403, method="PATCH", path_prefix=REPOSITORY)
    book = await _owing(place, unlock("web/api:v1", "writeEnabled"), unlock("web/app:v1", "writeEnabled"))

    settled = await _paid(emulator, place, book)

    assert {"web/api:v1": "open", "web/app:v1": "paid"} == settled
    assert {"web/api:v1": {"writeEnabled": False}} == owed_at(place)


async def test_nothing_is_paid_once_that_is_forbidden(emulator, place):
    """Another run has taken over, and pays."""
    emulator.push("web/api:v1")
    book = await _owing(place, unlock("web/api:v1", "writeEnabled"))

    settled = await _paid(emulator, place, book, forbidden=lambda: "the run lock was taken away")

    assert {"web/api:v1": "open"} == settled
    assert [] == sent(emulator)


async def _unlocked(emulator, place, *texts):
    """What a run that unlocked these and died has left."""
    async with client_of(emulator) as client:
        book = book_at(place)
        for text in texts:
            emulator.patch(text, writeEnabled=False)
            assert "" == await Locksmith(client, book, lambda: "").take_off(unlock(text, "writeEnabled"))
    emulator.clear_requests()
    return book


async def test_what_was_made_anew_is_not_locked(emulator, place):
    """It is somebody's new image, and nobody said that it should be locked."""
    digest = emulator.push("web/api:v1")
    emulator.push("web/api:other", content=b"other")
    book = await _unlocked(emulator, place, "web/api:v1", f"web/api@{digest}")
    emulator.delete(f"web/api@{digest}")
    emulator.push("web/api:v1")

    settled = await _paid(emulator, place, book)

    assert {"web/api:v1": "remade", f"web/api@{digest}": "remade"} == settled
    assert [] == sent(emulator)
    assert {} == owed_at(place)


async def test_a_repository_that_was_made_anew_is_not_locked(emulator, place):
    """It has nothing in common with that one but its name."""
    emulator.push("web/api:v1")
    book = await _unlocked(emulator, place, "web/api")
    emulator.delete("web/api")
    emulator.push("web/api:v1")

    settled = await _paid(emulator, place, book)

    assert {"web/api": "remade"} == settled
    assert [] == sent(emulator)
    assert {} == owed_at(place)


async def test_a_repository_made_anew_that_is_opened_to_pay_is_locked_as_it_was_found(emulator, place):
    """Its own debt is void, and what is owed in it on an older record is not."""
    emulator.push("web/api:v1")
    book = await _unlocked(emulator, place, "web/api")
    emulator.delete("web/api")
    emulator.push("web/api:v1")
    await book.owe(unlock("web/api:v1", "writeEnabled"))
    emulator.patch("web/api", writeEnabled=False)

    settled = await _paid(emulator, place, book)

    assert {"web/api": "remade", "web/api:v1": "paid"} == settled
    assert emulator.repository("web/api")["writeEnabled"] is False
    assert {} == owed_at(place)


async def test_a_tag_that_only_moved_is_locked_where_it_is(emulator, place):
    """It was locked before, whatever it points at; that it moved is told."""
    digest = emulator.push("web/api:v1")
    book = await _unlocked(emulator, place, "web/api:v1")
    other = emulator.push("web/api:v1", content=b"other")

    async with client_of(emulator) as client:
        (settled,) = await pay_debts(client, read_debts(FileStore(str(place)), "emulator"), book, concurrency=4)

    how = f"it pointed at {digest} when it was unlocked, and points at {other} now"
    assert ("paid", how) == (settled.status, settled.message)
    assert emulator.tag("web/api:v1")["writeEnabled"] is False


async def test_a_record_that_does_not_tell_when_it_was_created_is_paid(emulator, place):
    """Older ones do not."""
    emulator.push("web/api:v1")
    book = await _owing(place, unlock("web/api:v1", "writeEnabled"))
    emulator.delete("web/api:v1")
    emulator.push("web/api:v1")

    assert {"web/api:v1": "paid"} == await _paid(emulator, place, book)


async def test_what_is_unlocked_anew_replaces_the_debt_of_what_is_gone(emulator, place):
    """The locks of the one before are not owed for it."""
    emulator.push("web/api:v1")
    emulator.patch("web/api:v1", deleteEnabled=False)
    async with client_of(emulator) as client:
        book = book_at(place)
        before = await client.look(parse_address("web/api:v1"))
        emulator.patch("web/api:v1", deleteEnabled=True)
        emulator.delete("web/api:v1")
        emulator.push("web/api:v1")
        await book.owe(unlock("web/api:v1", "deleteEnabled"), before)
        await book.owe(unlock("web/api:v1", "writeEnabled"), await client.look(parse_address("web/api:v1")))

    assert {"web/api:v1": {"writeEnabled": False}} == owed_at(place)


class Counting(FileStore):
    """A place that counts what is written, and is as slow as one far away."""

    writes = 0

    def write(self, suffix, content, *, replaces):
        """Count, and take a while."""
        self.writes += 1
        time.sleep(0.05)
        return super().write(suffix, content, replaces=replaces)


async def test_many_who_owe_at_the_same_time_share_a_write(place):
    """A thousand entries take a handful of writes, and each returns only when its own is there."""
    store = Counting(str(place))
    book = DebtBook(store, "emulator", RUN)

    async def owe(number):
        await book.owe(unlock(f"web/api:v{number}", "writeEnabled"))
        assert f"web/api:v{number}" in owed_at(place)

    await asyncio.gather(*(owe(number) for number in range(200)))

    assert 200 == len(owed_at(place))
    assert store.writes <= 4


class Contended(FileStore):
    """A place where somebody else is always faster."""

    def write(self, *_, **__):
        """Refuse."""
        raise ConflictError(f"{self.name}: somebody else wrote it meanwhile; it is left as it is")


async def test_a_write_that_fails_is_told_to_all_who_wait_for_it(place):
    """Nobody goes on as if it was recorded."""
    book = DebtBook(Contended(str(place)), "emulator", RUN)

    results = await asyncio.gather(
        *(book.owe(unlock(f"web/api:v{number}")) for number in range(3)), return_exceptions=True
    )

    assert [ConflictError] * 3 == list(map(type, results))


async def test_what_somebody_else_recorded_meanwhile_stays(place):
    """Two books, one place: neither loses what the other wrote."""
    one, other = book_at(place), book_at(place)

    await asyncio.gather(
        *(one.owe(unlock(f"web/api:a{n}", "writeEnabled")) for n in range(20)),
        *(other.owe(unlock(f"web/api:b{n}", "writeEnabled")) for n in range(20)),
    )

    assert 40 == len(owed_at(place))


async def test_what_was_owed_before_is_owed_on(place):
    """A second lock of the same resource does not make the first one forgotten."""
    book = book_at(place)

    await book.owe(unlock("web/api", "deleteEnabled"))
    await book.owe(unlock("web/api", "writeEnabled"))

    assert {"web/api": {"deleteEnabled": False, "writeEnabled": False}} == owed_at(place)


async def test_the_debts_of_another_registry_are_refused(place):
    """Locking what is owed elsewhere would be a change that nobody asked for."""
    await _owing(place, unlock("web/api", "deleteEnabled"))

    with pytest.raises(StateError, match=r"what is owed there is about emulator, not contoso\.azurecr\.io"):
        read_debts(FileStore(str(place)), "contoso.azurecr.io")


async def test_nothing_is_recorded_over_what_cannot_be_read(place):
    """A damaged record may hold debts that nobody would pay any more."""
    place.with_name("state.json.debts").write_bytes(b"half a rec")

    with pytest.raises(BackendError, match="damaged"):
        await book_at(place).owe(unlock("web/api"))

    assert b"half a rec" == place.with_name("state.json.debts").read_bytes()
