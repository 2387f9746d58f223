"""Files that events are appended to: whose they are, and who else holds them."""

from __future__ import annotations

import asyncio
import fcntl
import os

import pytest
from happened import batch, event

from reconciler.alerts.delivery import deliver
from reconciler.alerts.sinks.jsonlines import JsonLines


async def tell(path, wait_s=60.0):
    """The error that comes of telling one event there; empty: none."""
    (delivery,) = await deliver([(JsonLines("jsonlines", "jsonlines:", str(path), wait_s=wait_s), batch(event()))])
    return delivery.error


def held(path):
    """The descriptor of a file that somebody else has locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


@pytest.mark.parametrize(
    "content", [b"version: 1\n", b'{"format_version": "1.0"}\n', b"[]", b"\n", b"\xff\n", b'{"specversion": "1.0"']
)
async def test_a_file_of_something_else_is_left_alone(tmp_path, content):
    """A name that was mistyped costs no desired state and no memory."""
    path = tmp_path / "registry.yaml"
    path.write_bytes(content)

    error = await tell(path)

    assert f"{path}: holds something else than events, so nothing is appended" == error.partition("\n")[0]
    assert content == path.read_bytes()


@pytest.mark.parametrize("content", [None, b"", b'{"specversion":"1.0"}\n'])
async def test_a_file_of_events_or_of_nothing_gets_more(tmp_path, content):
    """And what was written by the run before is taken for what it is."""
    path = tmp_path / "drift.jsonl"
    if content is not None:
        path.write_bytes(content)

    errors = [await tell(path), await tell(path)]

    assert ["", ""] == errors
    assert (content or b"").count(b"\n") + 2 == path.read_bytes().count(b'"specversion":"1.0"')


async def test_a_pipe_is_written_to_where_somebody_reads(tmp_path):
    """Nobody is waited for; and it has no first line to look at."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    unread = await tell(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    read = await tell(path)
    content = os.read(reader, 65_536)
    os.close(reader)

    assert (f"{path}: cannot be written: nobody reads from it", "") == (unread, read)
    assert 1 == content.count(b"\n")


async def test_a_lock_that_is_not_given_back_is_given_up(tmp_path):
    """And when it is, nothing is written any more: the next run tells it."""
    path = tmp_path / "drift.jsonl"
    descriptor = held(path)

    error = await tell(path, wait_s=0.05)
    os.close(descriptor)
    after = await tell(path)

    assert f"{path}: cannot be written: somebody else has held its lock for 0 s" == error
    assert ("", 1) == (after, path.read_bytes().count(b"\n"))


async def test_a_lock_that_is_given_back_in_time_is_taken(tmp_path):
    """Two runs at the same time both tell."""
    path = tmp_path / "drift.jsonl"
    asyncio.get_running_loop().call_later(0.05, os.close, held(path))

    error = await tell(path)

    assert ("", 1) == (error, path.read_bytes().count(b"\n"))
