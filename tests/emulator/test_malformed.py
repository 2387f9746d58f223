"""What is malformed is refused at once, in the way that is written down here, and changes nothing."""

from __future__ import annotations

import socket
import time

import attrs
import pytest
from canary import CANARY, Canary
from described import LIMIT_S

from reconciler.emulator import EmbeddedEmulator


@attrs.frozen
class Raw:
    """Bytes to send, and the first line of the answer."""

    sent: bytes
    answer: str


def _raw(line: str, *headers: str, body: bytes = b"", answer: str) -> Raw:
    """A request that is correct but for what it is given; it asks to end the connection."""
    lines = [f"{line} HTTP/1.1", "host: localhost", "connection: close", *headers, "", ""]
    return Raw("\r\n".join(lines).encode("latin-1") + body, answer)


def _patch(body: bytes, *headers: str, answer: str = "400 Bad Request") -> Raw:
    headers = headers or (f"content-length: {len(body)}",)
    return _raw(f"PATCH /acr/v1/{CANARY}", *headers, body=body, answer=answer)


def _deep(size: int) -> bytes:
    return b"[" * (size // 2) + b"]" * (size // 2)


def _push(body: bytes, *, answer: str) -> Raw:
    kind = "content-type: application/vnd.oci.image.manifest.v1+json"
    return _raw("PUT /v2/web/api/manifests/v1", kind, f"content-length: {len(body)}", body=body, answer=answer)


MALFORMED = {
    "percent without digits": _raw("GET /acr/v1/%zz", answer="404 Not Found"),
    "percent at the end": _raw("GET /acr/v1/web%", answer="404 Not Found"),
    "encoded, not UTF-8": _raw("GET /acr/v1/%ff%fe", answer="404 Not Found"),
    "encoded NUL": _raw("GET /acr/v1/web%00api", answer="404 Not Found"),
    "encoded dots": _raw(f"GET /v2/%2e%2e/acr/v1/{CANARY}", answer="404 Not Found"),
    "dots": _raw(f"GET /v2/../acr/v1/{CANARY}", answer="404 Not Found"),
    "empty parts": _raw(f"GET //acr//v1//{CANARY}", answer="404 Not Found"),
    "a fragment": _raw("GET /v2/#fragment", answer="404 Not Found"),
    "not UTF-8": _raw("GET /acr/v1/\xff", answer="400 Bad Request"),
    "NUL": _raw("GET /acr/v1/\0", answer="400 Bad Request"),
    "NUL in a header": _raw("GET /v2/", "x: \0", answer="400 Bad Request"),
    "a header that is not ASCII": _raw("GET /v2/", "authorization: Basic \xff\xfe", answer="200 OK"),
    "a request id that is not ASCII": _raw("GET /v2/", "x-ms-client-request-id: \xe9", answer="200 OK"),
    "a header of a megabyte": _raw("GET /v2/", "x: " + "a" * 1_000_000, answer="400 Bad Request"),
    "100,000 headers": _raw("GET /v2/", *["x: y"] * 100_000, answer="400 Bad Request"),
    "a header without a colon": _raw("GET /v2/", "x", answer="400 Bad Request"),
    "a target of 200 kB": _raw("GET /acr/v1/" + "a" * 200_000, answer="400 Bad Request"),
    "a name of 60 kB": _raw("GET /acr/v1/" + "a/" * 30_000 + "a", answer="400 Bad Request"),
    "a name of 60 kB that is none": _raw("GET /acr/v1/a" + "-" * 60_000 + "/_tags", answer="404 Not Found"),
    "two hosts": _raw("GET /v2/", "host: other", answer="400 Bad Request"),
    "two authorizations": _raw("GET /v2/", "authorization: Bearer a", "authorization: Basic b", answer="200 OK"),
    "two content types": _raw(
        f"PUT /v2/{CANARY}/manifests/v1", "content-type: a", "content-type: b", answer="400 Bad Request"
    ),
    "no host": Raw(b"GET /v2/ HTTP/1.1\r\n\r\n", "400 Bad Request"),
    "HTTP 0.9": Raw(b"GET /v2/\r\n\r\n", "400 Bad Request"),
    "TLS": Raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300), "400 Bad Request"),
    "a method that there is not": _raw(f"BREW /acr/v1/{CANARY}", answer="405 Method Not Allowed"),
    "CONNECT": _raw("CONNECT localhost:80", answer="404 Not Found"),
    "OPTIONS of everything": _raw("OPTIONS *", answer="404 Not Found"),
    "a length below zero": _patch(b"{}", "content-length: -1"),
    "a length that is a word": _patch(b"{}", "content-length: two"),
    "a length of 30 digits": _patch(b"{}", "content-length: " + "9" * 30),
    "a length too short": _patch(b'{"deleteEnabled": true}', "content-length: 3"),
    "two lengths": _patch(b"{}}", "content-length: 2", "content-length: 3"),
    "a length and chunks": _patch(b"{}\r\n", "content-length: 2", "transfer-encoding: chunked"),
    "a chunk without a size": _patch(b"zz\r\n{}\r\n0\r\n\r\n", "transfer-encoding: chunked"),
    "an encoding that there is not": _patch(b"{}", "transfer-encoding: gzip"),
    "nothing": _patch(b""),
    "a body of nesting, 60 kB": _patch(_deep(60_000)),
    "a body of nesting, 10 MB": _patch(_deep(10_000_000), answer="413 Request Entity Too Large"),
    "a manifest of nesting, 4 MB": _push(_deep(4_000_000), answer="400 Bad Request"),
    "a manifest of nesting, 10 MB": _push(_deep(10_000_000), answer="413 Request Entity Too Large"),
    "JSON that is not UTF-8": _patch(b'{"\xff": true}'),
    "half a surrogate": _patch(b'{"\\ud800": true}'),
    "a byte order mark": _patch(b"\xef\xbb\xbf{}"),
    "not a number": _patch(b'{"readEnabled": NaN}'),
    "the same member twice": _patch(b'{"readEnabled": true, "readEnabled": "true"}'),
    "a list": _patch(b'[{"readEnabled": true}]'),
    "n below zero": _raw("GET /acr/v1/_catalog?n=-1", answer="400 Bad Request"),
    "n zero": _raw("GET /acr/v1/_catalog?n=0", answer="400 Bad Request"),
    "n of 5,000 digits": _raw("GET /acr/v1/_catalog?n=" + "9" * 5000, answer="400 Bad Request"),
    "n in Arabic digits": _raw("GET /acr/v1/_catalog?n=%D9%A1", answer="400 Bad Request"),
    "n in superscript": _raw("GET /acr/v1/_catalog?n=%C2%B2", answer="400 Bad Request"),
    "n with an underscore": _raw("GET /acr/v1/_catalog?n=1_0", answer="400 Bad Request"),
    "a cursor in Arabic digits": _raw(
        "GET /acr/v1/web/api/_tags?orderby=timeasc&last=%D9%A1%26a", answer="400 Bad Request"
    ),
    "last with a surrogate": _raw("GET /acr/v1/_catalog?last=%ed%a0%80", answer="200 OK"),
    "a form of 30,000 fields": _raw(
        "POST /oauth2/token", "content-length: 60000", body=b"a&" * 30_000, answer="200 OK"
    ),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_malformed_requests_are_refused_at_once_and_change_nothing(emulator, http, raw):
    """The answer is the one that is written down here, and the canary lives."""
    emulator.push("web/api:v1")
    canary = Canary(emulator, http)
    started = time.monotonic()

    answer = _exchange(emulator, raw.sent)

    assert time.monotonic() - started < LIMIT_S
    assert f"HTTP/1.1 {raw.answer}" == answer.partition(b"\r\n")[0].decode()
    canary.must_be_as_it_was()


@pytest.mark.parametrize(
    "begun",
    [
        b"content-length: 100\r\n\r\n{}",
        b"content-length: 24\r\nexpect: 100-continue\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}\r\n",
        b"content-length: 24\r\n",
    ],
)
def test_requests_that_are_never_finished_change_nothing_and_keep_nobody_waiting(emulator, http, begun):
    """A body that does not come, and headers without an end, for as long as the client likes."""
    canary = Canary(emulator, http)
    host, port = emulator.host.split(":")

    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"PATCH /acr/v1/{CANARY} HTTP/1.1\r\nhost: localhost\r\n".encode() + begun)

        assert 200 == http.get("/v2/").status_code

    canary.must_be_as_it_was()


def _exchange(emulator: EmbeddedEmulator, sent: bytes) -> bytes:
    """The answer to these bytes; the server may hang up before it has read them all."""
    host, port = emulator.host.split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=LIMIT_S) as client:
        try:
            client.sendall(sent)
            while part := client.recv(1 << 16):
                received += part
        except ConnectionError:
            received += _rest(client)
    return received


def _rest(client: socket.socket) -> bytes:
    """What had arrived before the server hung up."""
    try:
        return client.recv(1 << 16)
    except ConnectionError:
        return b""
