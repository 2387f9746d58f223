"""What can be asked of a watch over HTTP."""

from __future__ import annotations

import contextlib
import socket

import httpx
import pytest

from reconciler.errors import RefusedError
from reconciler.watch.bounded import Bounds
from reconciler.watch.pages import app, served

QUESTION = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"


def ask(url, question=QUESTION):
    """A connection to the pages on which a question was begun, or asked; empty: nothing was said."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    with contextlib.suppress(OSError):  # it may be closed already
        connection.sendall(question)
    return connection


def heard(connection):
    """What is said on a connection to its end, and then it is closed."""
    with connection:
        said = b""
        with contextlib.suppress(ConnectionResetError):
            while block := connection.recv(65_536):
                said += block
    return said


def is_served(url):
    """Whether a question is answered."""
    return b" 200 OK" in heard(ask(url, QUESTION.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))


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


def test_without_the_library_for_metrics_the_others_answer():
    """It says what is missing."""
    with served(app(lambda: "", lambda: "", lambda: None), "127.0.0.1", 0) as url:
        answers = [httpx.get(f"{url}{path}") for path in ("/readyz", "/metrics")]

    assert [(200, "ok\n"), (501, "the package prometheus-client is not installed\n")] == [
        (answer.status_code, answer.text) for answer in answers
    ]


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


def test_a_connection_too_many_is_refused_and_the_others_are_served(capfd):
    """However many hold one and say nothing, some are left for the run; and nothing is written about it."""
    with served(app(str, str, bytes), "127.0.0.1", 0, bounds=Bounds(connections=3)) as url:
        idle = [ask(url, b""), ask(url, b"")]
        while_held = is_served(url)
        kept = ask(url)
        kept.recv(65_536)
        refused = [heard(ask(url, b"")) for _ in range(50)]
        for connection in [*idle, kept]:
            connection.shutdown(socket.SHUT_WR)
            heard(connection)
        afterwards = is_served(url)

    assert (True, [b""] * 50, True) == (while_held, refused, afterwards)
    assert ("", "") == capfd.readouterr()


def test_a_question_that_is_not_asked_to_its_end_is_given_up():
    """From the beginning on, and from the last answer on; a letter now and then does not help."""
    with served(app(str, str, bytes), "127.0.0.1", 0, bounds=Bounds(request_s=0.2)) as url:
        begun = [ask(url, b""), ask(url, b"GET / HT"), ask(url, QUESTION), ask(url, QUESTION + b"G")]
        said = [heard(connection).count(b" 200 OK") for connection in begun]
        afterwards = is_served(url)

    assert ([0, 0, 1, 1], True) == (said, afterwards)


def test_an_answer_that_is_not_taken_is_given_up():
    """Who asks again and again and never listens holds a connection no longer than others."""
    with served(app(str, str, lambda: b" " * 10_000_000), "127.0.0.1", 0, bounds=Bounds(1, answer_s=0.2)) as url:
        deaf = ask(url, QUESTION.replace(b"healthz", b"metrics") * 2)
        while not is_served(url):
            pass

        assert len(heard(deaf)) < 20_000_000
