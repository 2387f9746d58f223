"""
A store in S3, against moto's server: its promises, and what it says when something is wrong.

The promises about races need a server that compares and writes in one step, which moto's,
with a thread for each request, does not: they are kept against Azurite, among the peers.
"""

from __future__ import annotations

import uuid

import pytest
from object_stores import moto
from store_contract import ALONE

from reconciler.backend.location import open_store
from reconciler.errors import BackendError


@pytest.fixture(scope="module")
def s3():
    """The server, once for all tests."""
    with moto() as running:
        yield running


@pytest.fixture
def location(s3, monkeypatch):
    """A place in it where nothing stands yet, and the environment that signs in there."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return f"{s3.location}/{uuid.uuid4()}/state.json"


@pytest.mark.parametrize("promise", ALONE, ids=lambda promise: promise.__name__)
def test_a_bucket_keeps_the_promises_of_a_store(promise, location):
    """The same that a folder keeps."""
    promise(lambda: open_store(location))


def test_a_bucket_that_is_not_there_is_told(location):
    """By reading, too: a plan that quietly knew nothing would call no drift by its name."""
    store = open_store(location.replace("://state/", "://not-there/"))

    for work, done in ((lambda: store.read(""), "read"), (lambda: store.write("", b"x", replaces=None), "written")):
        with pytest.raises(BackendError, match=f"^s3://not-there/.*: cannot be {done}: "):
            work()
