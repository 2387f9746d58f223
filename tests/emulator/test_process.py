"""The emulator as a process of its own."""

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
