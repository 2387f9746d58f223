"""What can be asked of a watch over HTTP."""

from __future__ import annotations

import socket

import httpx
import pytest

from reconciler.errors import RefusedError
from reconciler.watch.pages import app, served


def test_the_pages_answer_as_long_as_the_watch_runs():
    """Alive, not ready and why, and metrics; nothing else is there, and nothing can be changed."""
    pages = app(lambda: "", lambda: "no run has succeeded yet", lambda: b"reconciler_up 1\n")
    with served(pages, "127.0.0.1", 0) as url, httpx.Client(base_url=url) as client:
        answers = [client.get(path) for path in ("/healthz", "/readyz", "/metrics", "/")]
        posted = client.post("/healthz")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")

    assert [(200, "ok\n"), (503, "no run has succeeded yet\n"), (200, "reconciler_up 1\n")] == [
        (answer.status_code, answer.text) for answer in answers[:3]
    ]
    assert "text/plain; version=0.0.4; charset=utf-8" == answers[2].headers["content-type"]
    assert [404, 405] == [answers[3].status_code, posted.status_code]


def test_a_port_that_is_taken_is_told():
    """Before the first run."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(RefusedError, match=f"127.0.0.1:{port}: cannot listen there: Address already in use"),
            served(app(str, str, bytes), "127.0.0.1", port),
        ):
            raise AssertionError


@pytest.mark.parametrize(("host", "port"), [("nowhere.invalid", 80), ("127.0.0.1", 70_000)])
def test_a_place_that_is_none_is_told(host, port):
    """With the place, and no traceback."""
    with (
        pytest.raises(RefusedError, match=f"{host}:{port}: cannot listen there"),
        served(app(str, str, bytes), host, port),
    ):
        raise AssertionError
