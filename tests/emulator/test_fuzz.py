"""Whatever is sent, the emulator answers as its document says, keeps what it holds, and never says that it failed."""

from __future__ import annotations

import json
import os
import socket
from urllib.parse import unquote

import pytest
from canary import CANARY, FLAGS, Canary
from content import Http
from described import OPERATIONS, send
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation

from reconciler.emulator import EmbeddedEmulator

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
UNHURRIED = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

# `FUZZ_EXAMPLES=2000 make test` looks longer, and at other requests each time.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
DESCRIBED = settings(
    UNHURRIED,
    max_examples=EXAMPLES or 7,
    derandomize=not EXAMPLES,
    database=None,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
KNOWN = {
    "name": ["web/api", "web%2Fapi", "web/api", CANARY, "canary%2Flocked", "web/none"],
    "tag": ["v1", "v1", "none"],
    "digest": ["{digest}", "{digest}", "sha256:" + "0" * 64],
    "reference": ["v1", "{digest}", "{digest}", "none", "sha256:" + "0" * 64],
    "upload": ["{upload}", "{upload}", "00000000-0000-0000-0000-000000000000"],
}
ODD = ["..", "%2e%2e", "Web", "%00", "%ff", "%F0%9F%90%A6", "web%2F%2Fapi", "web/api%0A", "-", "a" * 300, "%25", "%3F"]


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


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.definition.raw["operationId"])
def test_answers_are_those_of_the_document(emulator, http, operation, mode):
    """Status, type, headers and body are what the document says of the call, and the canary lives."""
    canary = Canary(emulator, http)

    @DESCRIBED
    @given(data=st.data())
    def fuzzed(data: st.DataObject) -> None:
        known = _a_registry(emulator, http)
        case = data.draw(_cases(operation, mode, known))
        if mode is GenerationMode.POSITIVE and "_state" in case.query:
            case.query["_state"] = known["state"]  # nobody guesses it
        if not _unlocks_the_canary(case):
            send(emulator.url, case)

    fuzzed()

    canary.must_be_as_it_was()
    assert 200 == http.get("/v2/").status_code


def _a_registry(emulator: EmbeddedEmulator, http: Http) -> dict[str, str]:
    """Make `web/api` as it was before whatever was sent; its content is the canary's, whose bytes must outlive it."""
    emulator.delete("web/api")
    digest = emulator.push("web/api:v1", b"shared")
    layer = http.get("/v2/web/api/manifests/v1").json()["layers"][0]["digest"]
    upload = http.post("/v2/web/api/blobs/uploads/").headers
    state = upload["location"].rpartition("_state=")[2]
    return {"manifest": digest, "layer": layer, "upload": upload["docker-upload-uuid"], "state": state}


def _cases(operation: APIOperation, mode: GenerationMode, known: dict[str, str]) -> st.SearchStrategy[Case]:
    """Requests of the document; those that are to be wrong may be wrong in their path, too."""
    odd = ODD if mode is GenerationMode.NEGATIVE else []
    known = {**known, "digest": known["layer" if "/blobs/" in operation.path else "manifest"]}
    places = {
        name: st.sampled_from([value.format(**known) for value in values] + odd)
        for name, values in KNOWN.items()
        if f"{{{name}}}" in operation.path
    }
    if not operation.query and not operation.headers and not operation.body:
        mode = GenerationMode.POSITIVE  # there is nothing else to be wrong in
    return st.fixed_dictionaries(places).flatmap(
        lambda path: operation.as_strategy(generation_mode=mode, path_parameters=path)
    )


def _unlocks_the_canary(case: Case) -> bool:
    """The request may change the canary: a PATCH that names it, with nothing wrong in it."""
    if case.method != "PATCH" or unquote(str(case.path_parameters.get("name"))) != CANARY:
        return False
    return isinstance(case.body, dict) and all(
        name in FLAGS and isinstance(value, bool) for name, value in case.body.items()
    )
