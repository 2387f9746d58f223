"""The emulator as a process of its own."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from content import Http

from reconciler.emulator import EmbeddedEmulator

KILLS = int(os.environ.get("KILLS", "10"))  # `make soak` has more


@contextmanager
def _running(*options) -> Iterator[tuple[subprocess.Popen, str]]:
    """A process that is ready, and its URL."""
    command = [sys.executable, "-m", "reconciler.emulator", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, re.fullmatch(r"READY (http://\S+)\n", process.stdout.readline())[1]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once_with_success(number):
    """Even while clients keep their connections open; nothing more is printed."""
    with _running("--port", 0) as (process, url), httpx.Client() as client:
        client.get(f"{url}/v2/")

        process.send_signal(number)

        assert (0, "", "") == (process.wait(5), process.stdout.read(), process.stderr.read())


def test_it_listens_on_ipv6_with_brackets():
    """The URL can be used as it is printed."""
    with _running("--port", 0, "--host", "::1") as (_, url):
        assert url.startswith("http://[::1]:")
        assert 200 == httpx.get(f"{url}/v2/").status_code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "{port}"], "127.0.0.1:{port}: cannot listen: "),
        (["--port", "99999"], "127.0.0.1:99999: cannot listen: "),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid:5000: cannot listen: "),
        (["--port", "0", "--data", "/proc/data"], "/proc/data: cannot be opened: "),
        (["--port", "0", "--seed", "/nowhere.json"], "/nowhere.json: cannot be read: "),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_ready(options, message):
    """The exit code is 1 and stdout is empty."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "reconciler.emulator", *(option.format(port=port) for option in options)]

        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(message.format(port=port))


def test_a_killed_emulator_keeps_whole_what_it_confirmed(tmp_path):
    """Killed in the middle of pushes: the file is sound, and every confirmed tag has its manifest and blobs."""
    confirmed = []
    with _running("--port", 0, "--data", tmp_path / "data") as (process, url):

        def push_until_it_ends():
            with Http(base_url=url) as http:
                for number in range(10_000):
                    manifest = http.image("web/api", b"%d" % number)
                    if http.put("web/api", f"v{number}", manifest).is_success:
                        confirmed.append((f"v{number}", manifest))

        def push():
            with suppress(httpx.TransportError):
                push_until_it_ends()

        pushing = threading.Thread(target=push)
        pushing.start()
        while len(confirmed) < 20:
            pushing.join(0.001)
        process.kill()
        pushing.join()

    with sqlite3.connect(tmp_path / "data") as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    with EmbeddedEmulator(data=tmp_path / "data") as emulator, Http(base_url=emulator.url) as http:
        assert [manifest for _, manifest in confirmed] == [
            http.get(f"/v2/web/api/manifests/{tag}").content for tag, _ in confirmed
        ]
        tags = http.get("/acr/v1/web/api/_tags?n=1000").json()["tags"]
        layers = [http.get(f"/v2/web/api/manifests/{tag['name']}").json()["layers"][0] for tag in tags]
        assert [200] * len(tags) == [http.head(f"/v2/web/api/blobs/{layer['digest']}").status_code for layer in layers]


class _Client:
    """Pushes tags and patches one, in two threads, until the registry is gone; remembers what was confirmed."""

    def __init__(self) -> None:
        self.pushed: dict[str, bytes] = {}
        self.patched: list[bool] = [True]  # the last one may have been made or not
        self.confirmed = 0  # how many of these were answered with success

    def use(self, url, round_number):
        """Start both threads."""
        self._done = threading.Semaphore(0)
        works = [lambda http: self._push(http, round_number), self._patch]
        self._threads = [threading.Thread(target=self._work, args=(url, work)) for work in works]
        for thread in self._threads:
            thread.start()

    def wait_for(self, successes):
        """Until so many more calls have succeeded."""
        for _ in range(successes):
            assert self._done.acquire(timeout=20)

    def join(self):
        """Until both threads have seen that the registry is gone."""
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()

    def _work(self, url, work):
        with suppress(httpx.TransportError), Http(base_url=url, trust_env=False) as http:
            work(http)

    def _push(self, http, round_number):
        for number in range(10_000):
            tag = f"v{round_number}-{number}"
            manifest = http.image("web/api", tag.encode())
            assert 201 == http.put("web/api", tag, manifest).status_code
            self.pushed[tag] = manifest
            self._done.release()

    def _patch(self, http):
        for _ in range(10_000):
            self.patched = [self.patched[-1], not self.patched[-1]]
            answer = http.patch("/acr/v1/web/base/_tags/v1", json={"deleteEnabled": self.patched[-1]})
            assert 200 == answer.status_code
            self.patched = self.patched[-1:]
            self.confirmed += 1
            self._done.release()


def test_whatever_was_confirmed_survives_kills(tmp_path):
    """In the middle of pushes and PATCHes at once, at another moment each time, with the same data."""
    with EmbeddedEmulator(data=tmp_path / "data") as emulator:
        emulator.push("web/base:v1")
    client = _Client()
    for round_number in range(KILLS):
        with _running("--port", 0, "--data", tmp_path / "data") as (process, url):
            shown = httpx.get(f"{url}/acr/v1/web/base/_tags/v1").json()["tag"]["changeableAttributes"]["deleteEnabled"]
            assert shown in client.patched
            client.patched = [shown]
            client.use(url, round_number)
            client.wait_for(1 + round_number)
            process.kill()
            client.join()

    with sqlite3.connect(tmp_path / "data") as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
        assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    with EmbeddedEmulator(data=tmp_path / "data") as emulator, Http(base_url=emulator.url) as http:
        assert emulator.tag("web/base:v1")["deleteEnabled"] in client.patched
        assert client.pushed == {tag: http.get(f"/v2/web/api/manifests/{tag}").content for tag in list(client.pushed)}
        digests = {layer["digest"] for body in client.pushed.values() for layer in json.loads(body)["layers"]}
        assert {200} == {http.head(f"/v2/web/api/blobs/{digest}").status_code for digest in digests}
    assert client.confirmed > 0
    assert len(client.pushed) > 0
