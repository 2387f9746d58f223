"""What recordings of the real registry show of images and their parts, under `/v2`; each case names the recording."""

from speaking import DOCKER_MANIFEST, OCI_MANIFEST, digest_of, error_of

NOWHERE = "sha256:" + "0" * 64


def test_an_unknown_manifest_is_a_manifest_unknown(repository, speaker):
    """Each call has words of its own. Source: recordings of `_manifests/{digest}`, of DELETE and of GET by tag."""
    repository.push("v1")

    attributes = speaker.get(repository.manifest(NOWHERE))
    deleted = speaker.delete(repository.v2(NOWHERE))
    by_tag = speaker.get(repository.v2("v9"))

    assert [(404, "MANIFEST_UNKNOWN")] * 3 == [error_of(answer) for answer in (attributes, deleted, by_tag)]
    assert [
        "manifest unknown",
        f"manifest {NOWHERE} is not found",
        'manifest tagged by "v9" is not found',
    ] == [answer.json()["errors"][0]["message"] for answer in (attributes, deleted, by_tag)]
    assert {"Tag": "v9"} == by_tag.json()["errors"][0]["detail"]


def test_a_manifest_is_not_deleted_by_tag(repository, speaker):
    """The code is not that of a lock. Source: recording of DELETE `/v2/{name}/manifests/{tag}`."""
    repository.push("v1")

    answer = speaker.delete(repository.v2("v1"))

    assert (405, "UNSUPPORTED") == error_of(answer)
    assert "A manifest can only be deleted by digest." == answer.json()["errors"][0]["message"]


def test_a_manifest_is_put_and_got(repository, speaker):
    """Source: recording of GET and PUT `/v2/{name}/manifests/{reference}`."""
    manifest = repository.image()
    digest = digest_of(manifest)

    put = repository.put("v1", manifest)
    got = speaker.get_until(lambda seen: seen.is_success, repository.v2("v1"), headers={"accept": OCI_MANIFEST})

    assert (201, b"", repository.v2(digest), digest) == (
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


def test_a_manifest_that_contradicts_its_media_type_is_invalid(repository):
    """Source: recording of such a PUT."""
    answer = repository.put("v1", repository.image(), DOCKER_MANIFEST)

    assert (400, "MANIFEST_INVALID") == error_of(answer)


def test_a_blob_goes_up_in_chunks(repository, speaker):
    """Each answer has another place to go on, and says how far it is. Source: recording of an upload."""
    repository.push("v1")
    started = speaker.post(f"/v2/{repository.name}/blobs/uploads/")
    patched = speaker.patch(started.headers["location"], content=b"content")
    finished = speaker.put(f"{patched.headers['location']}&digest={digest_of(b'content')}")

    assert (202, 202, 201) == (started.status_code, patched.status_code, finished.status_code)
    assert ("0-0", "0-6") == (started.headers["range"], patched.headers["range"])
    assert started.headers["location"] != patched.headers["location"]
    assert started.headers["docker-upload-uuid"] == patched.headers["docker-upload-uuid"]
    assert digest_of(b"content") == finished.headers["docker-content-digest"]


def test_a_blob_of_another_digest_is_refused(repository, speaker):
    """Source: recording of an upload."""
    repository.push("v1")
    started = speaker.post(f"/v2/{repository.name}/blobs/uploads/")

    answer = speaker.put(f"{started.headers['location']}&digest={NOWHERE}", content=b"content")

    assert (400, "DIGEST_INVALID") == error_of(answer)
    assert "provided digest did not match uploaded content" == answer.json()["errors"][0]["message"]


def test_deleting_a_manifest_says_nothing(repository, speaker):
    """Source: recording of DELETE `/v2/{name}/manifests/{digest}`."""
    repository.push("v1")
    digest = repository.push("v2", content=b"two")

    answer = speaker.delete(repository.v2(digest))

    assert (202, b"") == (answer.status_code, answer.content)
    assert 404 == repository.gone(repository.manifest(digest))
