"""
What no recording, document or issue shows, and the emulator does all the same.

A real registry that disagrees is right; the emulator, and perhaps the client, is to
be changed then.
"""

import pytest
from speaking import ALL_ON, OCI_MANIFEST, attributes_of, error_of

NOWHERE = "sha256:" + "0" * 64
LOCKED = (405, "REGISTRY_DISALLOWED_OPERATION")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"deleteEnabld":false}', b'{"deleteEnabled":"false"}'])
def test_a_malformed_patch_is_a_bad_request(repository, speaker, body):
    """And changes nothing."""
    repository.push("v1")

    answer = speaker.patch(repository.tag("v1"), content=body, headers={"content-type": "application/json"})

    assert 400 == answer.status_code
    assert ALL_ON == attributes_of(speaker.get(repository.tag("v1")))


def test_a_patch_that_changes_nothing_is_answered(repository):
    """An object without members is no malformed one."""
    repository.push("v1")

    assert 200 == repository.patch(repository.tag("v1")).status_code


def test_what_may_not_be_listed_is_in_no_list(repository, speaker):
    """And is told to who asks for it by name."""
    digest = repository.push("v1")
    other = repository.push("v2", content=b"two")
    repository.patch(repository.tag("v1"), listEnabled=False)
    repository.patch(repository.manifest(digest), listEnabled=False)

    tags = repository.rows("tags", 1).json()["tags"]
    manifests = repository.rows("manifests", 1).json()["manifests"]

    assert ["v2"] == [tag["name"] for tag in tags]
    assert [other] == [manifest["digest"] for manifest in manifests]
    assert 200 == speaker.get(repository.tag("v1")).status_code


@pytest.mark.parametrize("n", ["0", "-1", "many"])
def test_a_page_size_that_is_none_is_a_bad_request(repository, speaker, n):
    """As the registry that ACR was made from answers."""
    repository.push("v1")

    assert 400 == speaker.get(f"{repository.path}/_tags?n={n}").status_code


@pytest.mark.parametrize("kind", ["repository", "tag", "manifest"])
def test_pulling_what_may_not_be_read_is_a_disallowed_operation(repository, speaker, kind):
    """Microsoft says that it is refused, and not how."""
    digest = repository.push("v1")
    path = {"repository": repository.path, "tag": repository.tag("v1"), "manifest": repository.manifest(digest)}[kind]
    repository.patch(path, readEnabled=False)

    assert LOCKED == error_of(speaker.get(repository.v2("v1"), headers={"accept": OCI_MANIFEST}))


def test_a_locked_tag_keeps_its_manifest(repository, speaker):
    """Seen in a laboratory of somebody else."""
    digest = repository.push("v1", "v2")
    repository.patch(repository.tag("v1"), deleteEnabled=False)

    assert LOCKED == error_of(speaker.delete(repository.v2(digest)))


def test_a_locked_manifest_takes_another_tag_and_loses_it(repository, speaker):
    """As locks of tags and manifests are two."""
    digest = repository.push("v1")
    manifest = speaker.get(repository.v2(digest)).content
    repository.patch(repository.manifest(digest), writeEnabled=False, deleteEnabled=False)

    tagged = repository.put("v2", manifest)
    untagged = speaker.delete(repository.tag("v2"))

    assert (201, 202) == (tagged.status_code, untagged.status_code)


def test_a_locked_referrer_keeps_its_subject(repository, speaker):
    """Otherwise somebody else's deletion would end its lock."""
    digest = repository.push("v1")
    size = len(speaker.get(repository.v2(digest)).content)
    subject = {"mediaType": OCI_MANIFEST, "digest": digest, "size": size}
    signature = repository.push(content=b"signature", subject=subject, artifactType="application/x-contract")
    repository.patch(repository.manifest(signature), deleteEnabled=False)

    assert LOCKED == error_of(speaker.delete(repository.v2(digest)))


def test_a_moved_tag_keeps_its_creation_and_its_attributes(repository, speaker):
    """`az acr import --force` kept a lock in a laboratory of somebody else."""
    repository.push("v1")
    repository.patch(repository.tag("v1"), deleteEnabled=False)
    before = speaker.get(repository.tag("v1")).json()["tag"]
    moved = repository.push("v1", content=b"other")

    after = speaker.get(repository.tag("v1")).json()["tag"]

    assert before | {"digest": moved, "lastUpdateTime": after["lastUpdateTime"]} == after
    assert before["lastUpdateTime"] != after["lastUpdateTime"]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_tag_of_an_unknown_repository_is_a_tag_unknown(repository, speaker, method):
    """As it is for DELETE, which is recorded."""
    assert (404, "TAG_UNKNOWN") == error_of(speaker.request(method, repository.tag("v1"), json={}))


def test_a_manifest_of_an_unknown_repository_is_a_manifest_unknown(repository, speaker):
    """As it is for a tag."""
    assert (404, "MANIFEST_UNKNOWN") == error_of(speaker.get(repository.manifest(NOWHERE)))
