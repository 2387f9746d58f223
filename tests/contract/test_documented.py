"""
What Microsoft documents, says in issues, or builds its clients on, and no recording shows.

"image-lock" is container-registry-image-lock.md, "delete" container-registry-delete.md.
"""

import pytest
from speaking import OCI_MANIFEST, attributes_of, digest_of, error_of

LOCKED = (405, "REGISTRY_DISALLOWED_OPERATION")


def test_a_tag_without_write_is_neither_moved_nor_deleted(repository, speaker):
    """Source: image-lock."""
    digest = repository.push("v1")
    other = repository.image(b"other")
    repository.patch(repository.tag("v1"), writeEnabled=False)

    moved, deleted = repository.put("v1", other), speaker.delete(repository.tag("v1"))

    assert [LOCKED, LOCKED] == [error_of(moved), error_of(deleted)]
    assert digest == speaker.get(repository.tag("v1")).json()["tag"]["digest"]


def test_a_tag_without_delete_is_moved_and_not_deleted(repository, speaker):
    """Source: image-lock."""
    repository.push("v1")
    repository.patch(repository.tag("v1"), deleteEnabled=False)

    deleted = speaker.delete(repository.tag("v1"))
    moved = repository.push("v1", content=b"other")

    assert LOCKED == error_of(deleted)
    assert moved == speaker.get(repository.tag("v1")).json()["tag"]["digest"]


@pytest.mark.parametrize("attribute", ["writeEnabled", "deleteEnabled"])
def test_a_manifest_without_write_or_delete_is_not_deleted(repository, speaker, attribute):
    """Source: image-lock."""
    digest = repository.push("v1")
    repository.patch(repository.manifest(digest), **{attribute: False})

    assert LOCKED == error_of(speaker.delete(repository.v2(digest)))


def test_locks_of_a_tag_and_of_its_manifest_are_two(repository, speaker):
    """Neither shows in the other. Source: image-lock, note; Azure/acr#495."""
    digest = repository.push("v1", "v2")

    repository.patch(repository.tag("v1"), writeEnabled=False)
    repository.patch(repository.manifest(digest), deleteEnabled=False)

    found = [attributes_of(speaker.get(path)) for path in (repository.tag("v1"), repository.manifest(digest))]
    assert [(False, True), (True, False)] == [(one["writeEnabled"], one["deleteEnabled"]) for one in found]
    assert 202 == speaker.delete(repository.tag("v2")).status_code


def test_a_repository_without_write_takes_no_push_and_loses_nothing(repository, speaker):
    """Not even a new tag. Source: image-lock; MicrosoftDocs/azure-docs#29516."""
    digest = repository.push("v1")
    manifest = speaker.get(repository.v2(digest)).content
    repository.patch(repository.path, writeEnabled=False)

    refusals = [
        repository.put("v2", manifest),
        speaker.delete(repository.tag("v1")),
        speaker.delete(repository.v2(digest)),
        speaker.delete(repository.path),
    ]

    assert [LOCKED] * 4 == [error_of(refusal) for refusal in refusals]


@pytest.mark.parametrize("kind", ["tag", "manifest"])
def test_nothing_can_be_patched_in_a_repository_without_write(repository, speaker, kind):
    """Source: help of Update-AzContainerRegistryTag and -Manifest."""
    digest = repository.push("v1")
    path = repository.tag("v1") if kind == "tag" else repository.manifest(digest)
    repository.patch(repository.path, writeEnabled=False)

    refused = speaker.patch(path, json={"deleteEnabled": False})
    repository.patch(repository.path, writeEnabled=True)
    allowed = repository.patch(path, deleteEnabled=False)

    assert LOCKED == error_of(refused)
    assert 200 == allowed.status_code


def test_a_repository_without_delete_loses_single_images(repository, speaker):
    """And not itself. Source: image-lock."""
    repository.push("v1", "v2")
    digest = repository.push("v3", content=b"three")
    repository.patch(repository.path, deleteEnabled=False)

    refused = speaker.delete(repository.path)
    allowed = [speaker.delete(repository.tag("v1")), speaker.delete(repository.v2(digest))]

    assert LOCKED == error_of(refused)
    assert [202, 202] == [answer.status_code for answer in allowed]


@pytest.mark.parametrize("kind", ["tag", "manifest"])
def test_a_repository_with_something_locked_is_not_deleted(repository, speaker, kind):
    """Source: Microsoft's support article on delete operations."""
    digest = repository.push("v1")
    repository.patch(repository.tag("v1") if kind == "tag" else repository.manifest(digest), deleteEnabled=False)

    assert LOCKED == error_of(speaker.delete(repository.path))


@pytest.mark.parametrize("kind", ["repository", "tag", "manifest"])
def test_what_may_not_be_read_is_not_pulled_and_is_still_described(repository, speaker, kind):
    """The status is not documented. Source: image-lock; CanSetManifestProperties for the description."""
    digest = repository.push("v1")
    path = {"repository": repository.path, "tag": repository.tag("v1"), "manifest": repository.manifest(digest)}[kind]
    repository.patch(path, readEnabled=False)

    pulled = speaker.get(repository.v2("v1"), headers={"accept": OCI_MANIFEST})

    assert not pulled.is_success
    assert attributes_of(speaker.get(path))["readEnabled"] is False


def test_a_manifest_takes_its_tags_along(repository, speaker):
    """Source: delete."""
    repository.push("other", content=b"other")
    digest = repository.push("v1", "v2")

    speaker.delete(repository.v2(digest))

    assert [404, 404] == [repository.gone(repository.tag(tag)) for tag in ("v1", "v2")]


def test_a_tag_leaves_its_manifest(repository, speaker):
    """Source: delete."""
    digest = repository.push("v1")

    speaker.delete(repository.tag("v1"))

    assert 404 == repository.gone(repository.tag("v1"))
    assert 200 == speaker.get(repository.manifest(digest)).status_code


def test_an_index_leaves_its_children(repository, speaker):
    """Source: Azure/azure-sdk#2676."""
    child = repository.push()
    index = repository.push_index("multi", child)

    speaker.delete(repository.v2(index))

    assert 404 == repository.gone(repository.manifest(index))
    assert 200 == speaker.get(repository.manifest(child)).status_code


def test_a_subject_takes_its_referrers_along(repository, speaker):
    """Source: container-registry-manage-artifact.md, "Deleting all artifacts in the graph"."""
    repository.push("other", content=b"other")
    digest = repository.push("v1")
    size = len(speaker.get(repository.v2(digest)).content)
    subject = {"mediaType": OCI_MANIFEST, "digest": digest, "size": size}
    signature = repository.push(content=b"signature", subject=subject, artifactType="application/x-contract")
    referrers = f"/v2/{repository.name}/referrers/{digest}"
    everything = speaker.get_until(lambda seen: signature in seen.text, referrers)
    filtered = speaker.get(referrers, params={"artifactType": "none/such"})

    speaker.delete(repository.v2(digest))

    assert [signature] == [found["digest"] for found in everything.json()["manifests"]]
    assert [] == filtered.json()["manifests"]
    assert 404 == repository.gone(repository.manifest(signature))


def test_a_repository_goes_with_its_last_manifest(repository, speaker):
    """Source: container-registry-retention-policy.md."""
    digest = repository.push("v1")

    speaker.delete(repository.v2(digest))

    assert 404 == repository.gone(repository.path)


def test_a_page_has_a_hundred_and_a_manifest_shows_ten_of_its_tags(repository):
    """Source: az acr repository show-tags, DEFAULT_PAGINATION; Azure/acr#529. This case pushes 101 tags."""
    repository.push(*[f"v{number:03}" for number in range(101)])

    whole = repository.rows("tags", 101, "?n=5000")
    page = repository.rows("tags", 100)
    (listed,) = repository.rows("manifests", 1).json()["manifests"]

    assert (100, 101) == (len(page.json()["tags"]), len(whole.json()["tags"]))
    assert "link" in page.headers
    assert 10 == len(listed["tags"])


def test_a_page_past_the_end_has_no_list(repository, speaker):
    """Null or missing, and not empty. Source: Azure/azure-cli#6885, azure-sdk-for-python#28234; acr-cli stops there."""
    repository.push("v1")

    answer = speaker.get(f"{repository.path}/_tags?last=v1")

    assert (200, None) == (answer.status_code, answer.json().get("tags"))


def test_a_list_by_time_goes_on_with_a_cursor_of_its_own(repository, speaker):
    """It is no name, and has an escaped `&`. Source: acr-cli, ReturnLastWithAmpersand."""
    for tag in ("b", "a"):
        repository.push(tag, content=tag.encode())
    repository.rows("tags", 2)

    first = speaker.get(f"{repository.path}/_tags", params={"n": 1, "orderby": "timeasc"})
    second = speaker.get(first.links["next"]["url"])

    assert "%26" in first.headers["link"]
    assert ["b", "a"] == [answer.json()["tags"][0]["name"] for answer in (first, second)]


def test_a_moved_tag_leaves_its_manifest_without_one(repository, speaker):
    """Source: delete, "untagged images"."""
    before = repository.push("v1")
    after = repository.push("v1", content=b"other")

    untagged = speaker.get_until(
        lambda seen: before in seen.text and "tags" not in seen.json()["manifest"], repository.manifest(before)
    )

    assert "tags" not in untagged.json()["manifest"]
    assert before != after


def test_both_spellings_of_a_slash_are_one_repository(repository, speaker):
    """Source: az sends `a/b`, the SDKs `a%2Fb`."""
    repository.push("v1")

    answers = [speaker.get(f"/acr/v1/{name}/_tags") for name in (repository.name, repository.name.replace("/", "%2F"))]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert answers[0].content == answers[1].content


def test_a_layer_can_be_fetched(repository, speaker):
    """At once or from where the registry sends one. Source: container-registry-faq.yml, data endpoints."""
    repository.push("v1", content=b"layer")

    answer = speaker.get(f"/v2/{repository.name}/blobs/{digest_of(b'layer')}", follow_redirects=True)

    assert (200, b"layer") == (answer.status_code, answer.content)
