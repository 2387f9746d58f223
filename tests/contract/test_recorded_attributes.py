"""
What recordings of the real registry show of `/acr/v1`, in Microsoft's own test suites.

Each case names the recording, or the issue with the whole answer in it.
"""

import re

import pytest
from speaking import ALL_OFF, ALL_ON, OCI_MANIFEST, attributes_of, error_of

NOWHERE = "sha256:" + "0" * 64
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z")
ATTRIBUTES = list(ALL_ON)


def _error(code, message, **members):
    return {"errors": [{"code": code, "message": message, **members}]}


def _names(answer):
    return [tag["name"] for tag in answer.json()["tags"]]


def test_a_repository_is_told_in_this_order(repository):
    """Source: test_get_repository_properties. `teleportEnabled` may follow the four attributes."""
    repository.push("v1", "v2")

    answer = repository.counted(tags=2)

    members = ["registry", "imageName", "createdTime", "lastUpdateTime", "manifestCount", "tagCount"]
    document = answer.json()
    assert [*members, "changeableAttributes"] == list(document)
    assert (repository.name, 1, 2) == (document["imageName"], document["manifestCount"], document["tagCount"])
    assert ATTRIBUTES == list(document["changeableAttributes"])[:4]
    assert TIME.fullmatch(document["createdTime"])
    assert TIME.fullmatch(document["lastUpdateTime"])
    assert "application/json; charset=utf-8" == answer.headers["content-type"]


def test_a_tag_is_told_in_this_order(repository, speaker):
    """Source: test_update_tag_properties."""
    digest = repository.push("v1")

    document = speaker.get(repository.tag("v1")).json()

    members = ["name", "digest", "createdTime", "lastUpdateTime", "signed", "changeableAttributes"]
    assert ["registry", "imageName", "tag"] == list(document)
    assert members == list(document["tag"])
    assert ("v1", digest, False, ALL_ON) == tuple(
        document["tag"][name] for name in ("name", "digest", "signed", "changeableAttributes")
    )
    assert ATTRIBUTES == list(document["tag"]["changeableAttributes"])


def test_a_manifest_is_told_in_this_order(repository, speaker):
    """Source: test_list_registry_artifacts, CanSetManifestProperties. `quarantineState` may follow the attributes."""
    digest = repository.push("v1")

    document = speaker.get(repository.manifest(digest)).json()

    known = ["digest", "imageSize", "createdTime", "lastUpdateTime", "architecture", "os", "mediaType"]
    known += ["configMediaType", "tags", "changeableAttributes"]
    found = document["manifest"]
    assert ["registry", "imageName", "manifest"] == list(document)
    assert sorted(found, key=known.index) == list(found)
    assert (digest, OCI_MANIFEST, ["v1"]) == (found["digest"], found["mediaType"], found["tags"])
    assert ATTRIBUTES == list(found["changeableAttributes"])[:4]


def test_an_index_has_references_in_the_answer_about_itself_alone(repository, speaker):
    """Source: CanSetManifestProperties, test_list_registry_artifacts."""
    child = repository.push()
    index = repository.push_index("multi", child)

    single = speaker.get(repository.manifest(index)).json()["manifest"]
    listed = repository.rows("manifests", 2).json()["manifests"]

    assert [child] == [reference["digest"] for reference in single["references"]]
    assert {"architecture", "os"}.isdisjoint(single)
    assert [False] * len(listed) == ["references" in found for found in listed]


def test_a_manifest_without_tags_has_no_list_of_them(repository, speaker):
    """Source: test_list_registry_artifacts."""
    digest = repository.push()

    single = speaker.get(repository.manifest(digest)).json()["manifest"]
    (listed,) = repository.rows("manifests", 1).json()["manifests"]

    assert "tags" not in single
    assert "tags" not in listed


@pytest.mark.parametrize("kind", ["repository", "tag", "manifest"])
def test_patch_answers_the_whole_object_and_changes_no_time(repository, speaker, kind):
    """Source: test_update_repository_properties, test_update_tag_properties, CanSetManifestProperties."""
    digest = repository.push("v1")
    path = {"repository": repository.path, "tag": repository.tag("v1"), "manifest": repository.manifest(digest)}[kind]
    before = speaker.get(path).json()

    off, seen, on = repository.patch(path, **ALL_OFF), speaker.get(path), repository.patch(path, **ALL_ON)

    assert (200, 200, 200) == (off.status_code, seen.status_code, on.status_code)
    assert ALL_OFF.items() <= attributes_of(seen).items()
    assert list(before) == list(off.json())
    assert before == speaker.get(path).json()


def test_patch_leaves_alone_what_it_does_not_name(repository, speaker):
    """Source: recording of the Go SDK, which sends single members."""
    repository.push("v1")

    repository.patch(repository.tag("v1"), deleteEnabled=False)
    repository.patch(repository.tag("v1"), listEnabled=False)

    found = attributes_of(speaker.get(repository.tag("v1")))
    assert {"deleteEnabled": False, "writeEnabled": True, "readEnabled": True, "listEnabled": False} == found


def test_a_list_says_how_it_goes_on(repository, speaker):
    """`Link` repeats the encoding of the path, and has an empty `orderby`. Source: should_list_tags_by_pages."""
    repository.push("a", "b", "c")
    path = f"{repository.path}/_tags"
    repository.rows("tags", 3)

    first = speaker.get(path, params={"n": 2, "api-version": "2021-07-01"})
    second = speaker.get(first.links["next"]["url"])

    assert (["a", "b"], ["c"]) == (_names(first), _names(second))
    assert f'<{path}?last=b&n=2&orderby=>; rel="next"' == first.headers["link"]
    assert "link" not in second.headers


def test_the_catalog_lists_names_in_order(repository, speaker):
    """All that there are, from page to page. Source: test_list_repository_names_by_page."""
    repository.push("v1")
    speaker.get_until(
        lambda answer: repository.name in answer.text or "link" in answer.headers, "/acr/v1/_catalog?n=1000"
    )
    path, names = "/acr/v1/_catalog?n=1000", []
    while path:
        answer = speaker.get(path)
        names += answer.json()["repositories"]
        path = answer.links.get("next", {}).get("url")

    assert ["repositories"] == list(answer.json())
    assert repository.name in names
    assert sorted(names) == names


def test_the_next_page_of_one_digest_is_a_page_of_all(repository, speaker):
    """`Link` drops the filter. Source: recording of `_tags` with `digest`."""
    digest = repository.push("a", "c")
    repository.push("b", content=b"two")
    path = f"{repository.path}/_tags"
    repository.rows("tags", 3)

    first = speaker.get(path, params={"digest": digest, "n": 1})

    assert ["a"] == _names(first)
    assert f'<{path}?last=a&n=1&orderby=>; rel="next"' == first.headers["link"]


def test_tags_are_listed_newest_first(repository):
    """Source: recordings of `_tags` with `orderby`."""
    for tag in ("b", "c", "a"):
        repository.push(tag, content=tag.encode())

    answer = repository.rows("tags", 3, "?orderby=timedesc")

    assert ["a", "c", "b"] == _names(answer)


def test_manifests_are_listed_by_digest(repository, speaker):
    """And the `Link` to the next page escapes the colon. Source: recording of `_manifests` in pages."""
    digests = sorted([repository.push("v1", content=b"1"), repository.push("v2", content=b"2")])
    path = f"{repository.path}/_manifests"
    repository.rows("manifests", 2)

    first = speaker.get(f"{path}?n=1")

    assert [digests[0]] == [found["digest"] for found in first.json()["manifests"]]
    last = digests[0].replace(":", "%3A")
    assert f'<{path}?last={last}&n=1&orderby=>; rel="next"' == first.headers["link"]


@pytest.mark.parametrize("rest", ["", "/_tags", "/_manifests"])
def test_an_unknown_repository_is_a_name_unknown(repository, speaker, rest):
    """Source: test_get_misspell_property."""
    answer = speaker.get(repository.path + rest)

    expected = _error("NAME_UNKNOWN", f'repository "{repository.name}" is not found')
    assert (404, expected) == (answer.status_code, answer.json())


def test_an_unknown_repository_cannot_be_deleted(repository, speaker):
    """Source: test_delete_repository_does_not_exist."""
    answer = speaker.delete(repository.path)

    message = "repository name not known to registry"
    expected = _error("NAME_UNKNOWN", message, detail={"name": repository.name})
    assert (404, expected) == (answer.status_code, answer.json())


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_tag_is_a_tag_unknown(repository, speaker, method):
    """Source: test_get_misspell_property, test_delete_tag_does_not_exist."""
    repository.push("v1")

    answer = speaker.request(method, repository.tag("v9"))

    assert (404, _error("TAG_UNKNOWN", "the specified tag does not exist")) == (answer.status_code, answer.json())


def test_deleting_a_tag_of_an_unknown_repository_is_a_tag_unknown_too(repository, speaker):
    """Source: test_delete_tag_does_not_exist."""
    assert (404, "TAG_UNKNOWN") == error_of(speaker.delete(repository.tag("v1")))


@pytest.mark.parametrize("path", ["/acr/v1/reconciler-Contract", "/acr/v1/reconciler-contract/_manifests/v1"])
def test_what_is_no_route_is_plain_text_for_everybody(speaker, path):
    """Nobody is asked to sign in. Source: test_get_misspell_property."""
    answer = speaker.get(path, auth=None)

    assert (404, "404 page not found\n") == (answer.status_code, answer.text)


def test_deleting_a_tag_tells_where_it_pointed(repository, speaker):
    """Source: test_delete_tag."""
    digest = repository.push("v1", "v2")

    answer = speaker.delete(repository.tag("v1"))

    assert (202, b"") == (answer.status_code, answer.content)
    assert digest == answer.headers["x-ms-int-docker-content-digest"]
    assert 404 == repository.gone(repository.tag("v1"))


def test_deleting_a_repository_tells_what_went_with_it(repository, speaker):
    """Source: test_delete_repository."""
    digests = sorted([repository.push("v2", content=b"2"), repository.push("v1", content=b"1")])
    repository.counted(tags=2)

    answer = speaker.delete(repository.path)

    assert (202, {"manifestsDeleted": digests, "tagsDeleted": ["v1", "v2"]}) == (answer.status_code, answer.json())
    assert 404 == repository.gone(repository.path)


def test_a_write_is_challenged(repository, speaker):
    """With the scope that it needs; what reads may be open to anybody. Source: every recording."""
    answer = speaker.patch(repository.path, auth=None, json={})

    challenge = answer.headers["www-authenticate"]
    assert (401, "UNAUTHORIZED") == error_of(answer)
    assert challenge.startswith('Bearer realm="')
    assert f'scope="repository:{repository.name}:metadata_write"' in challenge
    detail = {"Type": "repository", "Name": repository.name, "Action": "metadata_write"}
    assert [detail] == answer.json()["errors"][0]["detail"]


def test_a_locked_tag_is_a_disallowed_operation(repository, speaker):
    """With these words. Source: Azure/azure-sdk-for-net#22827, Azure/acr-cli#70 (write off, delete on)."""
    repository.push("v1")
    repository.patch(repository.tag("v1"), writeEnabled=False)

    answer = speaker.delete(repository.tag("v1"))

    message = (
        "The operation is disallowed on this registry, repository or image. View troubleshooting steps at "
        "https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation"
    )
    expected = _error("REGISTRY_DISALLOWED_OPERATION", message, detail={})
    assert (405, expected, 263) == (answer.status_code, answer.json(), len(answer.content))
