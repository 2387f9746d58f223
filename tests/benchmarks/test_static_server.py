"""The server behind the benchmarks answers like the registry does, and counts."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

SERVER = Path(__file__).parents[2] / "benchmarks" / "static_server.py"
FLAGS = {"deleteEnabled": False, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
TAGS = "/acr/v1/team000%2Fservice00001/_tags"


@pytest.fixture(scope="module")
def origin():
    """The address of a static server with 3 repositories of 4 tags, 3 of which differ."""
    command = [sys.executable, str(SERVER), "--repositories=3", "--tags=4", "--differing=3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().removeprefix("READY ").strip()
        process.terminate()


@pytest.fixture
def client(origin):
    """A client of that server; counts and changes of earlier tests are forgotten."""
    with httpx.Client(base_url=origin, trust_env=False) as client:
        client.delete("/benchmark")
        yield client


def test_the_catalog_is_paged_through_link(client):
    """A full page leads to the next one, and the last page leads nowhere."""
    first = client.get("/acr/v1/_catalog?n=2")
    last = client.get("/acr/v1/_catalog?last=team000%2Fservice00001&n=2&orderby=")

    assert {"repositories": ["team000/service00000", "team000/service00001"]} == first.json()
    assert '</acr/v1/_catalog?last=team000%2Fservice00001&n=2&orderby=>; rel="next"' == first.headers["link"]
    assert {"repositories": ["team000/service00002"]} == last.json()
    assert "link" not in last.headers


@pytest.mark.parametrize("name", ["team000/service00001", "team000%2Fservice00001"])
def test_a_repository_answers_to_both_spellings_of_its_name(client, name):
    """Slashes in a name may be encoded or not."""
    found = client.get(f"/acr/v1/{name}").json()

    assert "team000/service00001" == found["imageName"]
    assert 4 == found["tagCount"]
    assert {**FLAGS, "deleteEnabled": True} == found["changeableAttributes"]


def test_as_many_tags_differ_as_was_asked_for(client):
    """The tags that differ are spread over the repositories."""
    lists = [client.get(f"/acr/v1/team000%2Fservice0000{number}/_tags?n=1000").json()["tags"] for number in range(3)]

    assert [4, 4, 4] == [len(tags) for tags in lists]
    assert [1, 1, 1] == [sum(tag["changeableAttributes"]["deleteEnabled"] for tag in tags) for tags in lists]
    assert ["v1.0.00000", "v1.0.00001", "v1.0.00002", "v1.0.00003"] == [tag["name"] for tag in lists[0]]


def test_tags_are_paged_through_link(client):
    """The Link of a list of tags spells the name the way the request did."""
    answer = client.get(f"{TAGS}?n=1")

    assert ["v1.0.00000"] == [tag["name"] for tag in answer.json()["tags"]]
    assert f'<{TAGS}?last=v1.0.00000&n=1&orderby=>; rel="next"' == answer.headers["link"]


def test_a_patch_shows_wherever_the_tag_is_read(client):
    """A PATCH merges; its answer, the tag and the list all show what it did."""
    patched = client.patch(f"{TAGS}/v1.0.00003", json={"writeEnabled": False}).json()

    read = client.get(f"{TAGS}/v1.0.00003").json()
    listed = client.get(f"{TAGS}?n=1000").json()["tags"]
    assert {**FLAGS, "writeEnabled": False} == patched["tag"]["changeableAttributes"]
    assert patched == read
    assert patched["tag"] == listed[3]


def test_an_unknown_tag_is_refused_in_the_words_of_the_registry(client):
    """A tag that is not there is a 404 with its own code."""
    answer = client.get(f"{TAGS}/v9")

    assert 404 == answer.status_code
    assert "TAG_UNKNOWN" == answer.json()["errors"][0]["code"]


def test_requests_are_counted_by_method_and_kind(client):
    """The counts cover every request but those that ask for them, and can be taken once."""
    client.get("/acr/v1/_catalog")
    client.get("/acr/v1/team000%2Fservice00001")
    client.get(f"{TAGS}?n=1000")
    client.get(f"{TAGS}/v1.0.00000")
    client.patch(f"{TAGS}/v1.0.00000", json={"deleteEnabled": False})

    counts = client.delete("/benchmark").json()

    one_of_each = {"GET catalog": 1, "GET repository": 1, "GET tag": 1, "GET tags": 1, "PATCH tag": 1}
    assert one_of_each == counts
    assert {} == client.get("/benchmark").json()


def test_a_request_may_arrive_in_pieces(client):
    """The answer waits for the whole request, however it is cut into packets."""
    body = b'{"deleteEnabled":false}'
    head = f"PATCH {TAGS}/v1.0.00000 HTTP/1.1\r\nhost: registry\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    pieces = [head[:20], head[20:-2], head[-2:] + body[:5], body[5:]]

    counts = []
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        for piece in pieces:
            counts.append(client.get("/benchmark").json())
            connection.sendall(piece)
        answer = connection.recv(65536)

    assert [{}, {}, {}, {}] == counts
    assert b"HTTP/1.1 200 OK" == answer.partition(b"\r\n")[0]
    assert FLAGS == json.loads(answer.partition(b"\r\n\r\n")[2])["tag"]["changeableAttributes"]
