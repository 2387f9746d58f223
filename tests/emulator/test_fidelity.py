"""What the real registry is known to do, beyond what the tests of each call say; each with its source."""

import json

import pytest
from content import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, digest_of

from reconciler.emulator import Settings

ALL_OFF = {"deleteEnabled": False, "writeEnabled": False, "readEnabled": False, "listEnabled": False}
ALL_ON = dict.fromkeys(ALL_OFF, True)
NOWHERE = "sha256:" + "0" * 64


def _refer(http, subject, content, **put):
    """Push a manifest about `subject`; its digest."""
    descriptor = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
    manifest = http.image("web/api", content, subject=descriptor, artifactType="a/signature")
    http.put("web/api", put.get("tag", digest_of(manifest)), manifest)
    return digest_of(manifest)


def test_what_refers_to_a_manifest_goes_with_it(emulator, http):
    """Signatures, and signatures of these. Source: Microsoft, container-registry-manage-artifact.md."""
    subject = emulator.push("web/api:v1")
    other = emulator.push("web/api:other", b"other")
    bill = _refer(http, subject, b"bill", tag="bill")
    signature = _refer(http, bill, b"signature")

    answer = http.delete(f"/v2/web/api/manifests/{subject}")

    gone = [http.get(f"/acr/v1/web/api/_manifests/{digest}").status_code for digest in (subject, bill, signature)]
    assert (202, [404, 404, 404]) == (answer.status_code, gone)
    assert ["other"] == http.get("/v2/web/api/tags/list").json()["tags"]
    assert [other] == [found["digest"] for found in http.get("/acr/v1/web/api/_manifests").json()["manifests"]]


def test_a_repository_goes_when_its_last_manifest_takes_its_referrers_along(emulator, http):
    """Source: Microsoft, container-registry-manage-artifact.md, where listing then says that it is not found."""
    subject = emulator.push("web/api:v1")
    _refer(http, subject, b"signature")

    http.delete(f"/v2/web/api/manifests/{subject}")

    assert {"repositories": None} == http.get("/acr/v1/_catalog").json()


def test_what_is_referred_to_stays_when_a_referrer_goes(emulator, http):
    """A signature can be deleted alone."""
    subject = emulator.push("web/api:v1")
    signature = _refer(http, subject, b"signature")

    http.delete(f"/v2/web/api/manifests/{signature}")

    assert 200 == http.get("/v2/web/api/manifests/v1").status_code
    assert [] == http.get(f"/v2/web/api/referrers/{subject}").json()["manifests"]


@pytest.mark.parametrize("locked", ["web/api:bill", "web/api@"])
def test_a_locked_referrer_keeps_what_it_refers_to(emulator, http, locked):
    """No evidence; a lock that somebody else's deletion ends would be none. Nothing has gone then."""
    subject = emulator.push("web/api:v1")
    bill = _refer(http, subject, b"bill", tag="bill")
    emulator.patch(locked + bill if locked.endswith("@") else locked, deleteEnabled=False)

    answer = http.delete(f"/v2/web/api/manifests/{subject}")

    assert (405, "REGISTRY_DISALLOWED_OPERATION") == (answer.status_code, answer.json()["errors"][0]["code"])
    assert (2, 2) == tuple(http.get("/acr/v1/web/api").json()[count] for count in ("manifestCount", "tagCount"))


@pytest.mark.parametrize("version", ["2019-08-15-preview", "2021-07-01", "nonsense"])
@pytest.mark.parametrize(
    "path",
    [
        "/acr/v1/_catalog",
        "/acr/v1/web/api",
        "/acr/v1/web/api/_tags",
        "/acr/v1/web/api/_tags/v1",
        "/acr/v1/web/api/_manifests",
        "/acr/v1/web/api/_manifests/{digest}",
        "/v2/",
        "/v2/_catalog",
        "/v2/web/api/tags/list",
        "/v2/web/api/manifests/v1",
    ],
)
def test_the_version_of_the_api_is_not_looked_at(emulator, http, path, version):
    """The answer is the same without, as in recordings that have it and others that do not."""
    path = path.format(digest=emulator.push("web/api:v1"))

    answer = http.get(path, params={"api-version": version})

    assert (200, http.get(path).content) == (answer.status_code, answer.content)


def test_head_is_answered_on_every_read(emulator, http):
    """With the headers of GET and no body."""
    digest = emulator.push("web/api:v1")
    paths = ["", "/_tags", "/_tags/v1", "/_manifests", f"/_manifests/{digest}"]

    answers = [http.head(f"/acr/v1/web/api{path}") for path in paths]

    lengths = [str(len(http.get(f"/acr/v1/web/api{path}").content)) for path in paths]
    assert [(200, b"", length) for length in lengths] == [
        (answer.status_code, answer.content, answer.headers["content-length"]) for answer in answers
    ]


@pytest.mark.parametrize("path", ["web%2Fapi", "web%2fapi/_tags/v1", "web/api/_manifests/{digest}"])
def test_everything_can_be_switched_off_and_on_again(emulator, http, path):
    """Source: recordings test_update_repository_properties, test_update_tag_properties, CanSetManifestProperties."""
    url = f"/acr/v1/{path.format(digest=emulator.push('web/api:v1'))}"
    before = http.get(url).json()

    off, seen, on = http.patch(url, json=ALL_OFF), http.get(url), http.patch(url, json=ALL_ON)

    assert (200, 200, 200) == (off.status_code, seen.status_code, on.status_code)
    assert off.content == seen.content
    assert b'{"deleteEnabled":false,"writeEnabled":false,"readEnabled":false,"listEnabled":false}' in off.content
    assert before == on.json()


def test_the_refusal_of_a_lock_is_as_long_as_the_recorded_one(emulator, http):
    """It has 263 bytes, with the line feed. Source: Azure/azure-sdk-for-net#22827, content-length."""
    emulator.push("web/api:v1")
    emulator.patch("web/api", writeEnabled=False)

    answer = http.patch("/acr/v1/web/api/_tags/v1", json={"deleteEnabled": False})

    assert (405, "263") == (answer.status_code, answer.headers["content-length"])
    assert "application/json; charset=utf-8" == answer.headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/acr/v1/Web/api"),
        ("PATCH", "/acr/v1/web/api/_manifests/v1"),
        ("GET", "/acr/v1/web/api/_manifests/sha256:abc"),
        ("GET", "/acr/v1/web/api/_metadata"),
        ("PUT", "/acr/v1/web/api/_tags/v1/_metadata/owner"),
        ("GET", "/acr/v1/_deleted/_catalog"),
        ("POST", f"/acr/v1/_deleted/web/api/_manifests/{NOWHERE}"),
    ],
)
def test_what_is_no_route_is_refused_before_anybody_has_signed_in(start_emulator, connect, method, path):
    """Plain text, no challenge (recording test_get_misspell_property); soft delete and `_metadata` are left out."""
    http = connect(start_emulator(Settings(auth="token")))

    answer = http.request(method, path)

    assert (404, b"404 page not found\n") == (answer.status_code, answer.content)
    assert "www-authenticate" not in answer.headers


def test_the_next_page_of_one_digest_is_a_page_of_all(emulator, http):
    """`Link` drops the filter. Source: recording of `_tags` with `digest`."""
    digest = emulator.push_many("web/api", ["a", "c"], b"one")
    emulator.push("web/api:b", b"two")

    first = http.get("/acr/v1/web/api/_tags", params={"digest": digest, "n": 1})
    second = http.get(first.links["next"]["url"])

    assert ["a"] == [tag["name"] for tag in first.json()["tags"]]
    assert ["b"] == [tag["name"] for tag in second.json()["tags"]]


def test_links_of_manifests_and_of_lists_by_time_are_escaped(emulator, http):
    """`sha256%3A` and `%26`. Source: recording of `_manifests` in pages; acr-cli, ReturnLastWithAmpersand."""
    first, second = sorted([emulator.push("web/api:v1", b"1"), emulator.push("web/api:v2", b"2")])

    by_digest = http.get("/acr/v1/web%2Fapi/_manifests?n=1").headers["link"]
    by_time = http.get("/acr/v1/web%2Fapi/_tags?n=1&orderby=timedesc").headers["link"]

    last = first.replace(":", "%3A")
    assert f'</acr/v1/web%2Fapi/_manifests?last={last}&n=1&orderby=>; rel="next"' == by_digest
    assert "%26v2&n=1&orderby=timedesc>" in by_time
    assert first < second


def test_an_index_is_as_large_as_the_manifests_it_names(http):
    """Source: recording test_list_registry_artifacts, where 7 x 527 and 2 x 528 make 4745."""
    children = [http.image("web/api", content) for content in (b"one", b"two")]
    for child in children:
        http.put("web/api", digest_of(child), child)
    entries = [{"mediaType": OCI_MANIFEST, "digest": digest_of(child), "size": len(child)} for child in children]
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    http.put("web/api", "multi", index, OCI_INDEX)

    found = http.get(f"/acr/v1/web/api/_manifests/{digest_of(index)}").json()["manifest"]

    assert sum(len(child) for child in children) == found["imageSize"]
    assert [{"digest": digest_of(child)} for child in children] == found["references"]


def test_children_stay_when_their_index_goes(emulator, http):
    """Source: Azure/azure-sdk#2676."""
    child = emulator.push("web/api:v1")
    index = emulator.push_index("web/api:multi", ["web/api:v1"])

    http.delete(f"/v2/web/api/manifests/{index}")

    assert [child] == [found["digest"] for found in http.get("/acr/v1/web/api/_manifests").json()["manifests"]]


def test_a_child_can_be_deleted_from_under_its_index(emulator, http):
    """The registry does not mind, and the index is broken then. Source: Azure/acr-cli#131."""
    child = emulator.push("web/api:v1")
    index = emulator.push_index("web/api:multi", ["web/api:v1"])

    answer = http.delete(f"/v2/web/api/manifests/{child}")

    assert 202 == answer.status_code
    assert [child] == [
        found["digest"] for found in http.get(f"/acr/v1/web/api/_manifests/{index}").json()["manifest"]["references"]
    ]


def test_a_tag_that_was_deleted_comes_back_unlocked(emulator, http):
    """It is another tag: with another time of creation, and with all attributes on."""
    emulator.push("web/api:other", b"other")
    emulator.push("web/api:v1")
    emulator.patch("web/api:v1", listEnabled=False)
    before = http.get("/acr/v1/web/api/_tags/v1").json()["tag"]
    http.delete("/acr/v1/web/api/_tags/v1")
    emulator.push("web/api:v1")

    after = http.get("/acr/v1/web/api/_tags/v1").json()["tag"]

    assert ALL_ON == after["changeableAttributes"]
    assert before["createdTime"] != after["createdTime"]


def test_a_docker_manifest_must_say_what_it_is(http):
    """The recorded refusal has a reason that is an empty object."""
    manifest = json.dumps(json.loads(http.image("web/api")) | {"mediaType": OCI_MANIFEST}).encode()

    answer = http.put("web/api", "v1", manifest, DOCKER_MANIFEST)

    error = {"code": "MANIFEST_INVALID", "message": "manifest invalid", "detail": {"Reason": {}}}
    assert (400, {"errors": [error]}) == (answer.status_code, answer.json())
