"""A memory in real object stores: the promises of a store, and two applies at the same time."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import httpx
import pytest
from clients import PROTECTED, program
from object_stores import azurite, moto
from store_contract import ALONE, RACING

from reconciler.backend.location import open_store
from reconciler.emulator import EmbeddedEmulator
from reconciler.errors import BackendError

pytestmark = pytest.mark.peer
RACES = 25


@pytest.fixture(scope="module", params=["az", "s3"])
def stores(request):
    """Each object store, once for all tests."""
    with azurite(program("azurite-blob")) if request.param == "az" else moto() as running:
        yield running


@pytest.fixture
def location(stores, monkeypatch):
    """A place in it where nothing stands yet, and the environment that signs in there."""
    for name, value in stores.environment.items():
        monkeypatch.setenv(name, value)
    return f"{stores.location}/{uuid.uuid4()}/state.json"


@pytest.mark.parametrize("stores", ["az"], indirect=True)  # moto's compares and writes in two steps
@pytest.mark.parametrize("promise", RACING, ids=lambda promise: promise.__name__)
def test_an_object_store_keeps_writers_apart(promise, location):
    """Many at the same time."""
    promise(lambda: open_store(location))


@pytest.mark.parametrize("promise", ALONE, ids=lambda promise: promise.__name__)
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


@pytest.mark.parametrize("deed", ["create", "replace", "delete"])
def test_a_write_whose_answer_was_lost_is_ours(deed, stores, location, monkeypatch):
    """The library sends it again, the store refuses that, and it was carried out all the same."""
    version = None if deed == "create" else open_store(location).write("", b"first", replaces=None)
    with _losing_the_first_answer(stores, monkeypatch) as seen:
        store = open_store(location)

        if deed == "delete":
            store.delete("", replaces=version)
        else:
            version = store.write("", b"second", replaces=version)

        asked, found = list(seen), store.read("")
    assert ["PUT", "PUT", "GET"] == asked
    assert found is None if deed == "delete" else (b"second", version) == (found.content, found.version)


def test_a_bucket_that_is_not_there_is_told(stores, location):
    """By reading, too: a plan that quietly knew nothing would call no drift by its name."""
    store = open_store(location.replace("://state/", "://not-there/"))

    with pytest.raises(BackendError, match=r"^(az|s3)://not-there/.*: cannot be read: "):
        store.read("")
    with pytest.raises(BackendError, match=r"^(az|s3)://not-there/.*: cannot be written: "):
        store.write("", b"first", replaces=None)


@contextlib.contextmanager
def _losing_the_first_answer(stores, monkeypatch):
    """A relay before the store that hangs up instead of handing on what the store first answered; what it was asked."""
    endpoint = re.search(r"http://127\.0\.0\.1:\d+", str(stores.environment))[0]
    seen = []

    class Relay(http.server.BaseHTTPRequestHandler):
        def relay(self):
            seen.append(self.command)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = httpx.request(self.command, endpoint + self.path, headers=dict(self.headers), content=body)
            if len(seen) > 1:
                self.send_response_only(answer.status_code)
                for name, value in answer.headers.items():
                    if name not in ("connection", "content-length", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

        do_PUT = do_GET = relay  # noqa: N815 - http.server calls them so

        def log_message(self, *_arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        threading.Thread(target=server.serve_forever).start()
        for name, value in stores.environment.items():
            monkeypatch.setenv(name, value.replace(endpoint, f"http://127.0.0.1:{server.server_port}"))
        yield seen
        server.shutdown()


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
