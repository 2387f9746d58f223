"""What an earlier run owes is paid before a plan is made, told, and in the way where it cannot be paid."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.backend.local import FileStore
from reconciler.cli.debts import DEBTS, DebtBook, note_debts, pay_first, read_debts
from reconciler.cli.memory import Memory
from reconciler.cli.registry import Registry, Traffic
from reconciler.errors import RefusedError, StateError
from reconciler.model.address import Address
from reconciler.planning.base import NoBase
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import Unlock
from reconciler.registry.accounts import SignIn
from reconciler.registry.location import parse_location
from reconciler.registry.looks import Look

RUN = "20261126T201003Z-c0ffee"
TRAFFIC = Traffic(SignIn(), insecure=False, ca_bundle=None, concurrency=4, timeout_s=5, quiet=False, verbose=False)


@pytest.fixture
def memory(tmp_path):
    """A memory in a file, with nothing in it."""
    return Memory(NoBase(), FileStore(str(tmp_path / "state.json")))


@pytest.fixture
def registry(emulator):
    """The emulator, as the command line knows it."""
    return Registry("emulator", parse_location(emulator.url))


def _owe(memory, *addresses, registry="emulator"):
    before, after = {"writeEnabled": False}, {"writeEnabled": True}

    async def owe():
        book = DebtBook(memory.store, registry, RUN)
        for address in addresses:
            await book.owe(Unlock(address, before, after, make_patch(before, after), ()))

    asyncio.run(owe())


def test_a_debt_is_paid_and_told(emulator, memory, registry, capsys):
    """Before anything is planned, one line on stderr."""
    emulator.push("team/app:v1")
    _owe(memory, Address("team/app"))

    pay_first(memory, registry, TRAFFIC, "apply")

    assert emulator.repository("team/app")["writeEnabled"] is False
    assert () == read_debts(memory.store, "emulator")
    assert ("", f"Paid      team/app: writeEnabled is false again (owed since run {RUN})\n") == capsys.readouterr()


def test_a_debt_for_something_made_anew_is_void_and_told(emulator, memory, registry, capsys):
    """Somebody's new image is not locked for an old one."""
    emulator.push("team/app:v1")
    address, before, after = Address("team/app", tag="v1"), {"writeEnabled": False}, {"writeEnabled": True}
    seen = Look({"digest": "sha256:" + "a" * 64, **after}, 0.0, created="2020-01-01T00:00:00Z")
    announced = Unlock(address, before, after, make_patch(before, after), ())
    asyncio.run(DebtBook(memory.store, "emulator", RUN).owe(announced, seen))

    pay_first(memory, registry, TRAFFIC, "apply")

    assert emulator.tag("team/app:v1")["writeEnabled"] is True
    assert () == read_debts(memory.store, "emulator")
    assert (
        "Paid      team/app:v1: it was deleted and made anew since, so nothing is owed for it any more"
        f" (owed since run {RUN})\n"
    ) == capsys.readouterr().err


def test_where_nothing_is_owed_nothing_is_asked(emulator, memory, registry, capsys):
    """Not even who we are."""
    pay_first(memory, registry, TRAFFIC, "apply")

    assert [] == emulator.requests()
    assert ("", "") == capsys.readouterr()


def test_a_debt_that_cannot_be_paid_is_named(emulator, memory, registry):
    """Nothing else is changed before it is paid, and it stays recorded."""
    emulator.push("team/app:v1")
    emulator.faults.fail_next(9, status=403, method="PATCH")
    _owe(memory, Address("team/app", tag="v1"))

    with pytest.raises(RefusedError) as refusal:
        pay_first(memory, registry, TRAFFIC, "apply")

    assert str(refusal.value).startswith(
        "what an earlier run unlocked for a moment could not be locked again; nothing else was changed\n"
        f"  team/app:v1: writeEnabled is owed since run {RUN}: PATCH http"
    )
    assert 1 == len(read_debts(memory.store, "emulator"))


def test_a_plan_only_tells_what_is_owed(emulator, memory, registry, capsys):
    """It changes nothing."""
    emulator.push("team/app:v1")
    _owe(memory, Address("team/app"))

    note_debts(memory.store, registry)

    assert [] == emulator.requests()
    assert f"note: team/app: writeEnabled is owed since run {RUN}; the next apply locks it first\n" == (
        capsys.readouterr().err
    )


def test_the_debts_of_another_registry_are_in_the_way(memory, registry):
    """They are another registry's, and so is the memory."""
    _owe(memory, Address("team/app"), registry="contoso.azurecr.io")

    with pytest.raises(StateError, match=r"what is owed there is about contoso\.azurecr\.io, not emulator"):
        pay_first(memory, registry, TRAFFIC, "apply")


def test_what_is_owed_and_cannot_be_read_is_in_the_way(memory, registry):
    """Nobody knows what is unlocked."""
    memory.store.write(DEBTS, b"half a rec", replaces=None)

    with pytest.raises(StateError, match="Nothing is applied before that is known"):
        pay_first(memory, registry, TRAFFIC, "apply")
