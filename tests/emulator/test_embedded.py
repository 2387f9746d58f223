"""The emulator inside the process of a test."""

import contextlib
import socket
import sqlite3

import pytest

from reconciler.emulator import EmbeddedEmulator, EmulatorError, RecordedRequest, Settings

ALL = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}


def test_every_request_is_kept(emulator, http):
    """Paths are decoded, bodies whole; direct changes are no requests."""
    emulator.push("web/api:v1")
    http.patch("/acr/v1/web%2Fapi?api-version=1", content=b'{"deleteEnabled":false}', headers={"authorization": "x"})
    http.get("/acr/v1/web/ui")

    requests = emulator.requests()

    assert [
        RecordedRequest(
            method="PATCH",
            path="/acr/v1/web/api",
            query="api-version=1",
            body=b'{"deleteEnabled":false}',
            status=200,
            has_authorization=True,
        ),
        RecordedRequest(method="GET", path="/acr/v1/web/ui", query="", body=b"", status=404, has_authorization=False),
    ] == requests
    assert requests[1:] == emulator.requests("GET")


def test_requests_can_be_forgotten(emulator, http):
    """A test looks at what comes after its preparations."""
    http.get("/v2/")

    emulator.clear_requests()

    assert [] == emulator.requests()


def test_the_same_content_has_the_same_digest(emulator):
    """In every run, and another one for other content."""
    digests = [emulator.push("a:v1", b"one"), emulator.push("b/c:v2", b"one"), emulator.push("a:v1", b"two")]

    assert "sha256:c884a55a003f5def82fc3e54db4da12cd8c7e7666e8b541807669cc89d86d3e6" == digests[0]
    assert digests[0] == digests[1] != digests[2]


def test_what_is_changed_directly_is_what_others_do_behind_the_back(emulator):
    """No lock forbids it: a locked tag moves, and keeps its lock."""
    emulator.push("web/api:v1", b"old")
    emulator.patch("web/api:v1", writeEnabled=False, deleteEnabled=False)
    emulator.patch("web/api", writeEnabled=False)

    moved = emulator.push("web/api:v1", b"new")

    assert {"digest": moved, **ALL, "writeEnabled": False, "deleteEnabled": False} == emulator.tag("web/api:v1")
    assert ALL | {"writeEnabled": False} == emulator.repository("web/api")


def test_what_is_not_there_is_none(emulator):
    """As is what has been deleted; a repository goes with its last manifest."""
    digest = emulator.push("web/api:v1")

    emulator.delete("web/api:v1")
    tag_only = (emulator.tag("web/api:v1"), emulator.manifest(f"web/api@{digest}"))
    emulator.delete(f"web/api@{digest}")

    assert (None, ALL) == tag_only
    assert emulator.manifest(f"web/api@{digest}") is None
    assert emulator.repository("web/api") is None


@pytest.mark.parametrize("reference", ["", "Web/api:v1", "web/api:", "web/api@sha256:1", "web//api", "a" * 256])
def test_a_reference_that_is_none_is_refused(emulator, reference):
    """Before anything is pushed."""
    with pytest.raises(EmulatorError, match="not a repository, tag or manifest"):
        emulator.push(reference)


def test_content_in_a_file_outlives_the_emulator(tmp_path):
    """The next one on the same file goes on."""
    with EmbeddedEmulator(data=tmp_path / "data") as first:
        digest = first.push("web/api:v1")
        first.patch("web/api:v1", deleteEnabled=False)

    with EmbeddedEmulator(data=tmp_path / "data") as second:
        assert {"digest": digest, **ALL, "deleteEnabled": False} == second.tag("web/api:v1")


def test_a_data_file_serves_one_emulator_at_a_time(tmp_path):
    """The second one is refused."""
    with (
        EmbeddedEmulator(data=tmp_path / "data"),
        pytest.raises(EmulatorError, match="used by no other"),
        EmbeddedEmulator(data=tmp_path / "data"),
    ):
        pass


def test_a_file_of_something_else_is_not_touched(tmp_path):
    """It is refused as it is."""
    content = b"not a database, but long enough to be read as one. " * 20
    (tmp_path / "data").write_bytes(content)

    with pytest.raises(EmulatorError, match="written by an emulator"), EmbeddedEmulator(data=tmp_path / "data"):
        pass

    assert content == (tmp_path / "data").read_bytes()


def test_a_database_of_something_else_is_not_touched(tmp_path):
    """Nor is one that a later emulator wrote."""
    with contextlib.closing(sqlite3.connect(tmp_path / "data")) as connection:
        connection.execute("PRAGMA user_version = 7")

    with pytest.raises(EmulatorError, match="written in format 7"), EmbeddedEmulator(data=tmp_path / "data"):
        pass


def test_a_data_file_in_no_folder_is_an_error(tmp_path):
    """The message names the file."""
    with (
        pytest.raises(EmulatorError, match="nowhere/data: cannot be opened"),
        EmbeddedEmulator(data=tmp_path / "nowhere" / "data"),
    ):
        pass


def test_nothing_answers_after_the_end(start_emulator):
    """The port is free again, even where a client kept its connection open."""
    with EmbeddedEmulator(Settings()) as emulator:
        host, port = emulator.host.split(":")
        client = socket.create_connection((host, int(port)))
        client.sendall(b"GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"

    with client, pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_a_certificate_that_is_none_is_an_error(tmp_path):
    """Said by the name of the file, before anything answers."""
    (tmp_path / "certificate.pem").write_text("none")

    with (
        pytest.raises(EmulatorError, match=r"certificate\.pem: cannot be used as a certificate"),
        EmbeddedEmulator(certificate=tmp_path / "certificate.pem"),
    ):
        pass
