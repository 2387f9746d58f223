"""Whatever is sent, the emulator answers, and never that it failed."""

import json
import socket

from hypothesis import HealthCheck, given, settings, strategies as st

NAMES = ["web/api", "web%2Fapi", "web/ui", "Web", "%00", "..", "a" * 300, "%F0%9F%90%A6", "%ff", "web/api%0A"]
PLACES = [
    "/acr/v1/{name}",
    "/acr/v1/{name}/_tags",
    "/acr/v1/{name}/_tags/{tag}",
    "/acr/v1/{name}/_manifests",
    "/acr/v1/{name}/_manifests/{digest}",
    "/acr/v1/_catalog",
    "/v2/_catalog",
    "/v2/{name}/tags/list",
    "/v2/{name}/manifests/{tag}",
    "/v2/{name}/manifests/{digest}",
    "/v2/{name}/referrers/{digest}",
    "/v2/{name}/blobs/{digest}",
    "/v2/{name}/blobs/uploads/",
    "/v2/{name}/blobs/uploads/00000000-0000-0000-0000-000000000000",
    "/oauth2/token",
    "/oauth2/exchange",
]
DIGESTS = ["sha256:" + "0" * 64, "{known}"]
WORDS = st.text(max_size=20) | st.sampled_from(["timeasc", "timedesc", "100", "1&v1", "sha256:" + "0" * 64])
QUERIES = st.dictionaries(
    st.sampled_from(["n", "last", "orderby", "digest", "mount", "from", "artifactType", "_state", "scope"]),
    WORDS,
    max_size=4,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(DIGESTS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mediaType", "digest", "size", "platform", "urls", "architecture", "deleteEnabled"]), inner
        )
    ),
    max_leaves=8,
)
DESCRIPTORS = st.fixed_dictionaries(
    {"mediaType": st.just("x"), "digest": st.sampled_from(DIGESTS), "size": st.integers(0, 10**20)}
)
MEMBERS = ["config", "layers", "manifests", "subject", "annotations", "artifactType", "blobs", "deleteEnabled"]
DOCUMENTS = st.dictionaries(
    st.sampled_from(MEMBERS), VALUES | DESCRIPTORS | st.lists(DESCRIPTORS, max_size=2), max_size=6
)
BODIES = st.binary(max_size=40) | st.builds(
    lambda document: json.dumps({"schemaVersion": 2, **document}).encode(), DOCUMENTS
)
TYPES = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/x-www-form-urlencoded",
    "",
]
UNHURRIED = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@UNHURRIED
@given(
    method=st.sampled_from(["GET", "HEAD", "PATCH", "PUT", "POST", "DELETE", "OPTIONS", "TRACE"]),
    place=st.sampled_from(PLACES),
    name=st.sampled_from(NAMES),
    tag=st.sampled_from(["v1", "v2", "_", "-", "a" * 129, "v1%0A"]),
    digest=st.sampled_from(DIGESTS),
    query=QUERIES,
    body=BODIES,
    media_type=st.sampled_from(TYPES),
    authorization=st.sampled_from(["", "Basic", "Basic ====", "Bearer a.b.c", "Bearer"])
    | st.binary(max_size=9).map(repr),
    part=st.sampled_from(["", "bytes=0-", "bytes=5-1", "bytes=999999999999999999-", "0-5", "x"]),
)
def test_no_request_makes_it_fail(
    emulator, http, *, method, place, name, tag, digest, query, body, media_type, authorization, part
):
    """The status is below 500, the body of an error is an error, and the next call is answered."""
    known = emulator.push("web/api:v1")
    path = place.format(name=name, tag=tag, digest=digest.format(known=known))
    headers = {"content-type": media_type, "authorization": authorization, "range": part, "content-range": part}

    answer = http.request(method, path, params=query, content=body.replace(b"{known}", known.encode()), headers=headers)

    assert answer.status_code < 500
    if answer.status_code >= 400 and method != "HEAD" and "json" in answer.headers["content-type"]:
        assert {"code", "message"} <= set(answer.json()["errors"][0])
    assert 200 == http.get("/v2/").status_code


@settings(UNHURRIED, max_examples=60)
@given(garbage=st.binary(min_size=1, max_size=200), lines=st.booleans())
def test_no_garbage_makes_it_fail(emulator, http, garbage, lines):
    """What is no HTTP at all is refused or dropped, and the next client is served."""
    host, port = emulator.host.split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: " + garbage + b"\r\n\r\n" if lines else garbage)

    assert 200 == http.get("/v2/").status_code
