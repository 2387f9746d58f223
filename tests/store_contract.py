"""What every store promises, whatever it stands on; each store has a test of its own for each of these."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from reconciler.backend.store import Store
from reconciler.errors import ConflictError

OpenStore = Callable[[], Store]

# What measures coverage starts with each process, and takes longer than these do; what is killed reports nothing.
UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def is_refused(write: Callable[[], object]) -> bool:
    """It ends in a conflict."""
    try:
        write()
    except ConflictError:
        return True
    return False


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Do `work` as often at the same time, and raise what one of them raised."""
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures


def nothing_stands_there_at_first(open_store: OpenStore) -> None:
    """Reading what was never written is no error."""
    assert open_store().read("") is None
    assert open_store().read(".lock") is None


def what_was_written_is_read(open_store: OpenStore) -> None:
    """Whole, with the version that the write returned; blobs of other suffixes are others."""
    store = open_store()
    content = b"\0state\n" * 100_000

    version = store.write("", content, replaces=None)

    read = open_store().read("")
    assert (content, version) == (read.content, read.version)
    assert store.read(".lock") is None


def only_what_is_not_there_can_be_created(open_store: OpenStore) -> None:
    """And the one that was there stays."""
    store = open_store()
    store.write("", b"first", replaces=None)

    assert is_refused(lambda: store.write("", b"second", replaces=None))
    assert b"first" == store.read("").content


def only_the_version_that_was_read_can_be_replaced(open_store: OpenStore) -> None:
    """A writer who read an older one is refused, and loses nothing for anybody."""
    store = open_store()
    first = store.write("", b"first", replaces=None)
    second = store.write("", b"second", replaces=first)

    assert first != second
    assert is_refused(lambda: store.write("", b"third", replaces=first))
    assert (b"second", second) == (store.read("").content, store.read("").version)


def only_the_version_that_was_read_can_be_deleted(open_store: OpenStore) -> None:
    """What was deleted can be created again, and not be replaced."""
    store = open_store()
    first = store.write("", b"first", replaces=None)
    second = store.write("", b"second", replaces=first)

    assert is_refused(lambda: store.delete("", replaces=first))
    store.delete("", replaces=second)
    assert store.read("") is None
    assert is_refused(lambda: store.write("", b"third", replaces=second))
    store.write("", b"fourth", replaces=None)
    assert b"fourth" == store.read("").content


def what_was_deleted_cannot_be_deleted_again(open_store: OpenStore) -> None:
    """Nor what never was: whoever wants to is told that somebody else was there."""
    store = open_store()
    version = store.write(".lock", b"first", replaces=None)
    store.delete(".lock", replaces=version)

    assert is_refused(lambda: store.delete(".lock", replaces=version))
    assert is_refused(lambda: store.delete("", replaces=version))
    assert store.read(".lock") is None


def one_of_many_creates(open_store: OpenStore) -> None:
    """All at the same time, each over a connection of its own."""
    winners = []

    def create(number: int) -> None:
        if not is_refused(lambda: open_store().write(".lock", b"writer %d" % number, replaces=None)):
            winners.append(number)

    in_threads(16, create)

    assert [b"writer %d" % number for number in winners] == [open_store().read(".lock").content]


def no_update_is_lost(open_store: OpenStore) -> None:
    """Four writers add five lines each, each onto what it read."""

    def add(number: int) -> None:
        store = open_store()
        for turn in range(5):
            line, is_added = b"writer %d, turn %d\n" % (number, turn), False
            while not is_added:
                blob = store.read("")
                content, version = (blob.content, blob.version) if blob else (b"", None)
                is_added = not is_refused(lambda c=content, v=version: store.write("", c + line, replaces=v))  # noqa: B023

    in_threads(4, add)

    lines = open_store().read("").content.splitlines()
    assert sorted(b"writer %d, turn %d" % (number, turn) for number in range(4) for turn in range(5)) == sorted(lines)


ALONE = (
    nothing_stands_there_at_first,
    what_was_written_is_read,
    only_what_is_not_there_can_be_created,
    only_the_version_that_was_read_can_be_replaced,
    only_the_version_that_was_read_can_be_deleted,
    what_was_deleted_cannot_be_deleted_again,
)
RACING = (one_of_many_creates, no_update_is_lost)
PROMISES = (*ALONE, *RACING)
