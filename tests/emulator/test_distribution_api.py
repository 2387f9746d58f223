"""Manifests and referrers."""

import json

import pytest
from content import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, digest_of

NOWHERE = "sha256:" + "0" * 64


def _error(answer):
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_manifest_comes_back_byte_for_byte(http):
    """White space included, with its media type, digest and quoted ETag; by tag and by digest."""
    manifest = http.image("web/api").replace(b",", b" ,\n")

    put = http.put("web/api", "v1", manifest)
    got = http.get("/v2/web/api/manifests/v1")

    digest = digest_of(manifest)
    assert (201, b"", f"/v2/web/api/manifests/{digest}", digest) == (
        put.status_code,
        put.content,
        put.headers["location"],
        put.headers["docker-content-digest"],
    )
    assert (200, manifest, OCI_MANIFEST, digest, f'"{digest}"') == (
        got.status_code,
        got.content,
        got.headers["content-type"],
        got.headers["docker-content-digest"],
        got.headers["etag"],
    )
    assert manifest == http.get(f"/v2/web/api/manifests/{digest}").content


def test_head_tells_what_get_would(emulator, http):
    """All headers are there, and no body."""
    digest = emulator.push("web/api:v1")

    answer = http.head("/v2/web/api/manifests/v1")

    assert (200, b"", digest) == (answer.status_code, answer.content, answer.headers["docker-content-digest"])
    assert len(http.get("/v2/web/api/manifests/v1").content) == int(answer.headers["content-length"])


def test_a_repository_is_born_with_its_first_manifest_and_goes_with_its_last(http):
    """Blobs alone make none; a deleted manifest takes its tags with it."""
    manifest = http.image("web/api")
    before = http.get("/acr/v1/web/api").status_code
    http.put("web/api", "v1", manifest)
    during = http.get("/acr/v1/web/api").status_code

    deleted = http.delete(f"/v2/web/api/manifests/{digest_of(manifest)}")

    assert (404, 200, 202) == (before, during, deleted.status_code)
    assert 404 == http.get("/acr/v1/web/api").status_code
    assert 404 == http.get("/acr/v1/web/api/_tags/v1").status_code


def test_an_index_needs_its_children(http):
    """They must be manifests of the same repository."""
    child = http.image("web/api")
    index = json.dumps(
        {
            "schemaVersion": 2,
            "manifests": [{"mediaType": OCI_MANIFEST, "digest": digest_of(child), "size": len(child)}],
        }
    ).encode()

    before = http.put("web/api", "multi", index, OCI_INDEX)
    http.put("web/api", digest_of(child), child)
    after = http.put("web/api", "multi", index, OCI_INDEX)

    assert (400, "MANIFEST_BLOB_UNKNOWN") == _error(before)
    assert 201 == after.status_code


def test_a_manifest_needs_its_blobs(http):
    """A blob of another repository does not count."""
    manifest = http.image("web/api")

    answer = http.put("web/ui", "v1", manifest)

    assert (400, "MANIFEST_BLOB_UNKNOWN") == _error(answer)
    assert 404 == http.get("/acr/v1/web/ui").status_code


@pytest.mark.parametrize(
    ("media_type", "change"),
    [
        (OCI_MANIFEST, {"mediaType": DOCKER_MANIFEST}),
        (DOCKER_MANIFEST, {}),
        (OCI_INDEX, {}),
        ("application/json", {}),
        ("", {}),
        (OCI_MANIFEST, {"schemaVersion": 1}),
        (OCI_MANIFEST, {"config": None}),
        (OCI_MANIFEST, {"layers": {}}),
        (OCI_MANIFEST, {"layers": [{"mediaType": "x", "digest": "sha256:1", "size": 1}]}),
        (OCI_MANIFEST, {"layers": [{"mediaType": "x", "digest": NOWHERE, "size": -1}]}),
        (OCI_MANIFEST, {"subject": "v1"}),
    ],
)
def test_a_manifest_that_is_not_what_it_claims_is_refused(http, media_type, change):
    """The answer is MANIFEST_INVALID, and no repository is born."""
    manifest = json.dumps(json.loads(http.image("web/api")) | change).encode()

    answer = http.put("web/api", "v1", manifest, media_type)

    assert (400, "MANIFEST_INVALID") == _error(answer)
    assert 404 == http.get("/acr/v1/web/api").status_code


@pytest.mark.parametrize("manifest", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_no_object_is_refused(http, manifest):
    """The answer is MANIFEST_INVALID."""
    answer = http.put("web/api", "v1", manifest)

    assert (400, "MANIFEST_INVALID") == _error(answer)


def test_an_artifact_has_blobs_and_no_platform(http):
    """It needs no `schemaVersion` and no config."""
    media_type = "application/vnd.oci.artifact.manifest.v1+json"
    document = {"mediaType": media_type, "artifactType": "a/report", "blobs": [http.upload("web/api", b"report")]}

    put = http.put("web/api", "report", json.dumps(document).encode(), media_type)

    listed = http.get("/acr/v1/web/api/_manifests").json()["manifests"][0]
    assert 201 == put.status_code
    assert (media_type, 6, False) == (listed["mediaType"], listed["imageSize"], "architecture" in listed)


def test_a_docker_image_may_have_layers_elsewhere_and_a_config_that_tells_nothing(http):
    """A layer with `urls` need not be there; the platform is left out."""
    config = http.upload("web/api", b"no JSON") | {"mediaType": "application/vnd.docker.container.image.v1+json"}
    foreign = {"mediaType": "x", "digest": NOWHERE, "size": 1, "urls": ["https://example.com/layer"]}
    document = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config, "layers": [foreign]}

    put = http.put("web/api", "v1", json.dumps(document).encode(), DOCKER_MANIFEST)

    assert 201 == put.status_code
    assert "os" not in http.get("/acr/v1/web/api/_manifests").json()["manifests"][0]


def test_a_manifest_must_have_the_digest_that_it_is_put_under(http):
    """Otherwise it is refused."""
    manifest = http.image("web/api")

    answer = http.put("web/api", NOWHERE, manifest)

    assert (400, "DIGEST_INVALID") == _error(answer)


def test_a_manifest_may_have_four_mebibytes(http):
    """One byte more is too large."""
    manifest = http.image("web/api")
    largest = manifest + b" " * ((4 << 20) - len(manifest))

    assert 201 == http.put("web/api", "v1", largest).status_code
    assert 413 == http.put("web/api", "v2", largest + b" ").status_code


def test_manifests_are_not_deleted_by_tag(emulator, http):
    """The refusal is another 405 than that of a lock."""
    emulator.push("web/api:v1")

    answer = http.delete("/v2/web/api/manifests/v1")

    message = "A manifest can only be deleted by digest."
    assert (405, {"errors": [{"code": "UNSUPPORTED", "message": message}]}) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    ("method", "reference", "expected"),
    [
        (
            "GET",
            "v9",
            {"code": "MANIFEST_UNKNOWN", "message": 'manifest tagged by "v9" is not found', "detail": {"Tag": "v9"}},
        ),
        ("GET", NOWHERE, {"code": "MANIFEST_UNKNOWN", "message": f"manifest {NOWHERE} is not found"}),
        ("DELETE", NOWHERE, {"code": "MANIFEST_UNKNOWN", "message": f"manifest {NOWHERE} is not found"}),
    ],
)
def test_a_manifest_that_is_not_there_is_refused_word_for_word(http, method, reference, expected):
    """By tag the message names the tag, by digest the digest."""
    answer = http.request(method, f"/v2/web/api/manifests/{reference}")

    assert (404, {"errors": [expected]}) == (answer.status_code, answer.json())


def test_referrers_are_found_by_their_subject(emulator, http):
    """As descriptors in an index, all of them or those of one artifact type."""
    subject = {"mediaType": OCI_MANIFEST, "digest": emulator.push("web/api:v1"), "size": 1}
    signature = http.image("web/api", b"s", subject=subject, artifactType="a/signature", annotations={"by": "ci"})
    bill = http.image("web/api", b"b", subject=subject)
    pushed = http.put("web/api", digest_of(signature), signature)
    http.put("web/api", digest_of(bill), bill)

    everything = http.get(f"/v2/web/api/referrers/{subject['digest']}")
    filtered = http.get(f"/v2/web/api/referrers/{subject['digest']}", params={"artifactType": "a/signature"})

    assert subject["digest"] == pushed.headers["oci-subject"]
    assert OCI_INDEX == everything.headers["content-type"]
    assert {"a/signature", "application/vnd.oci.image.config.v1+json"} == {
        found["artifactType"] for found in everything.json()["manifests"]
    }
    assert [
        {
            "mediaType": OCI_MANIFEST,
            "digest": digest_of(signature),
            "size": len(signature),
            "artifactType": "a/signature",
            "annotations": {"by": "ci"},
        }
    ] == filtered.json()["manifests"]
    assert "artifactType" == filtered.headers["oci-filters-applied"]


def test_nothing_that_refers_is_an_empty_list(http):
    """Whether or not the subject is there."""
    answer = http.get(f"/v2/web/api/referrers/{NOWHERE}")

    assert (200, []) == (answer.status_code, answer.json()["manifests"])
