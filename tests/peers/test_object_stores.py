"""A memory in real object stores: the promises of a store, and two applies at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from clients import PROTECTED
from object_stores import azurite, moto

from reconciler.backend.location import open_store
from reconciler.emulator import EmbeddedEmulator
from reconciler.errors import BackendError

sys.path.append(str(Path(__file__).parent.parent / "backend"))

from store_contract import PROMISES

pytestmark = pytest.mark.peer
RACES = 25


@pytest.fixture(scope="module", params=["az", "s3"])
def stores(request):
    """Each object store, once for all tests."""
    with azurite() if request.param == "az" else moto() as running:
        yield running


@pytest.fixture
def location(stores, monkeypatch):
    """A place in it where nothing stands yet, and the environment that signs in there."""
    for name, value in stores.environment.items():
        monkeypatch.setenv(name, value)
    return f"{stores.location}/{uuid.uuid4()}/state.json"


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_an_object_store_keeps_the_promises_of_a_store(promise, location):
    """The same that a folder keeps."""
    promise(lambda: open_store(location))


@pytest.mark.parametrize("stores", ["az"], indirect=True)  # moto's server signs everybody in
def test_a_wrong_key_is_one_error_without_the_key(stores, location, monkeypatch):
    """It says where, and where credentials are taken from."""
    for name, value in stores.wrong_environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(BackendError) as raised:
        open_store(location).read("")

    said = str(raised.value)
    assert said.startswith(f"{location}: cannot be read: ")
    assert not any(part in said for value in stores.wrong_environment.values() for part in value.split(";") if part)


def test_a_bucket_that_is_not_there_is_told(stores, location):
    """Reading finds nothing; writing says what is missing."""
    store = open_store(location.replace("://state/", "://not-there/"))

    with pytest.raises(BackendError, match=r"^(az|s3)://not-there/.*: cannot be written: "):
        store.write("", b"first", replaces=None)


def _apply(folder: Path, location: str, url: str, *, timeout_s: int) -> subprocess.Popen[str]:
    options = ["--auto-approve", "--state", location, "--registry", url, "--lock-timeout", str(timeout_s)]
    command = [sys.executable, "-m", "reconciler", "apply", "registry.yaml", *options]
    return subprocess.Popen(
        command, cwd=folder, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_of_two_applies_at_the_same_time_one_holds_the_lock(location, tmp_path):
    """In 50 races, 25 in each store: the other is refused naming it, or came after it; nothing is lost."""
    (tmp_path / "registry.yaml").write_text(PROTECTED)
    refused = 0
    with EmbeddedEmulator() as registry:
        for race in range(RACES):
            registry.push(f"app:v{race}", content=b"%d" % race)
            runs = [_apply(tmp_path, location, registry.url, timeout_s=0) for _ in range(2)]
            ends = [(*run.communicate(timeout=60), run.returncode) for run in runs]

            codes = sorted(code for _, _, code in ends)
            assert codes in ([0, 0], [0, 1]), ends
            for _, said, code in ends:
                if code:
                    refused += 1
                    other = next(run for run in runs if run.returncode == 0)
                    assert f"(apply, process {other.pid})" in said, said
    remembered = {
        tag
        for line in open_store(location).read("").content.splitlines()[2:]
        for group in json.loads(line)["tags"]
        for tag in group["names"]
    }
    runs = [json.loads(line) for line in open_store(location).read(".journal").content.splitlines()]
    verified = [change["address"] for run in runs for change in run["changes"] if not change.get("already")]
    assert {f"v{race}" for race in range(RACES)} == remembered
    assert sorted(["app", *(f"app:v{race}" for race in range(RACES))]) == sorted(verified)
    assert 2 * RACES - refused == len(runs)
    assert refused > 0
