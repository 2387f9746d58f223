"""Blobs and uploads."""

import socket

import pytest
from content import digest_of

NOWHERE = "sha256:" + "0" * 64


def _code(answer):
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_blob_goes_up_in_chunks_and_comes_back_whole(http):
    """Each answer says how far it is and hands out a new place to go on; chunks may be larger than a mebibyte."""
    chunks = [b"a" * 1_500_000, b"b" * 10, b"c" * 2_500_000]
    content = b"".join(chunks)
    started = http.post("/v2/web/api/blobs/uploads/")
    locations, ranges = [started.headers["location"]], [started.headers["range"]]
    for chunk in chunks:
        patched = http.patch(locations[-1], content=chunk)
        locations.append(patched.headers["location"])
        ranges.append(patched.headers["range"])

    finished = http.request("PUT", locations[-1], params={"digest": digest_of(content)} | _query(locations[-1]))

    assert 202 == started.status_code
    assert ["0-0", "0-1499999", "0-1500009", "0-4000009"] == ranges
    assert 4 == len(set(locations))
    assert (201, digest_of(content)) == (finished.status_code, finished.headers["docker-content-digest"])
    assert content == http.get(finished.headers["location"]).content


def _query(location):
    return dict(pair.split("=") for pair in location.partition("?")[2].split("&"))


def test_a_chunk_out_of_order_is_refused(http):
    """An old location is no place to go on, and neither is a range with a gap; GET tells the right one."""
    start = http.post("/v2/web/api/blobs/uploads/").headers["location"]
    here = http.patch(start, content=b"one").headers["location"]

    again = http.patch(start, content=b"one")
    gap = http.patch(here, content=b"x", headers={"content-range": "5-5"})
    status = http.get(start)

    assert (416, "RANGE_INVALID") == _code(again)
    assert (416, "RANGE_INVALID") == _code(gap)
    assert (204, here, "0-2") == (status.status_code, status.headers["location"], status.headers["range"])


def test_an_upload_with_the_wrong_digest_is_gone(http):
    """It is refused with the recorded words, and cannot be taken up again."""
    location = http.post("/v2/web/api/blobs/uploads/").headers["location"]

    answer = http.request("PUT", f"{location}&digest={NOWHERE}", content=b"content")

    assert (400, "DIGEST_INVALID") == _code(answer)
    assert "provided digest did not match uploaded content" == answer.json()["errors"][0]["message"]
    assert (404, "BLOB_UPLOAD_UNKNOWN") == _code(http.get(location))
    assert 404 == http.head(f"/v2/web/api/blobs/{NOWHERE}").status_code


def test_an_upload_whose_connection_broke_can_be_taken_up_again(emulator, http):
    """What had arrived may stay; GET tells where to go on."""
    location = http.post("/v2/web/api/blobs/uploads/").headers["location"]
    host, port = emulator.host.split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"PATCH {location} HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\npart".encode())

    status = http.get(location)
    sent = int(status.headers["range"].partition("-")[2])

    assert 204 == status.status_code
    assert 0 <= sent < 99


def test_an_upload_can_be_cancelled(http):
    """Afterwards nobody knows it."""
    location = http.post("/v2/web/api/blobs/uploads/").headers["location"]

    answer = http.delete(location)

    assert 204 == answer.status_code
    assert (404, "BLOB_UPLOAD_UNKNOWN") == _code(http.patch(location, content=b"x"))


def test_a_blob_can_be_mounted_from_another_repository(http):
    """One that is not there starts an upload instead."""
    digest = http.upload("web/api", b"shared")["digest"]

    mounted = http.post("/v2/web/ui/blobs/uploads/", params={"mount": digest, "from": "web/api"})
    missing = http.post("/v2/web/ui/blobs/uploads/", params={"mount": NOWHERE, "from": "web/api"})

    assert (201, f"/v2/web/ui/blobs/{digest}") == (mounted.status_code, mounted.headers["location"])
    assert 202 == missing.status_code
    assert b"shared" == http.get(f"/v2/web/ui/blobs/{digest}").content


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-99", 206, b"0123456789", "bytes 0-9/10"),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_part_of_a_blob_can_be_read(http, header, status, body, content_range):
    """A range that is cut at the end is told as it was sent; one that is not understood is none."""
    digest = http.upload("web/api", b"0123456789")["digest"]

    answer = http.get(f"/v2/web/api/blobs/{digest}", headers={"range": header})

    assert (status, body, content_range) == (
        answer.status_code,
        answer.content,
        answer.headers.get("content-range"),
    )


def test_a_part_past_the_end_is_refused(http):
    """The answer says how long the blob is."""
    digest = http.upload("web/api", b"0123456789")["digest"]

    answer = http.get(f"/v2/web/api/blobs/{digest}", headers={"range": "bytes=10-"})

    assert (416, "bytes */10") == (answer.status_code, answer.headers["content-range"])


def test_head_tells_the_size_of_a_blob(http):
    """Without sending it."""
    digest = http.upload("web/api", b"0123456789")["digest"]

    answer = http.head(f"/v2/web/api/blobs/{digest}")

    assert (200, "10", digest, b"") == (
        answer.status_code,
        answer.headers["content-length"],
        answer.headers["docker-content-digest"],
        answer.content,
    )


def test_an_empty_blob_is_a_blob(http):
    """It has a digest and no bytes."""
    digest = http.upload("web/api", b"")["digest"]

    answer = http.get(f"/v2/web/api/blobs/{digest}")

    assert (200, b"") == (answer.status_code, answer.content)


def test_a_blob_is_deleted_from_one_repository(http):
    """Others that hold it keep it."""
    digest = http.upload("web/api", b"shared")["digest"]
    http.upload("web/ui", b"shared")

    answer = http.delete(f"/v2/web/api/blobs/{digest}")

    assert 202 == answer.status_code
    assert (404, "BLOB_UNKNOWN") == _code(http.delete(f"/v2/web/api/blobs/{digest}"))
    assert 200 == http.get(f"/v2/web/ui/blobs/{digest}").status_code


def test_a_blob_is_mounted_only_from_where_it_can_be_pulled(http, emulator):
    """Of a repository without read it has to be sent again, as if it were not there."""
    emulator.push("team/app:v1", content=b"one")
    digest = digest_of(b"secret")
    http.post("/v2/team/app/blobs/uploads/", params={"digest": digest}, content=b"secret")
    emulator.patch("team/app", readEnabled=False)

    answer = http.post("/v2/team/other/blobs/uploads/", params={"mount": digest, "from": "team/app"})

    assert 202 == answer.status_code
    assert 404 == http.get(f"/v2/team/other/blobs/{digest}").status_code
