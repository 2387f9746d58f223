"""Reading and changing attributes, in the words of the real registry."""

import re

import pytest

from reconciler.emulator import Settings
from reconciler.emulator.timestamps import rfc3339

ALL = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z")
NOWHERE = "sha256:" + "0" * 64


def test_a_repository_is_told_as_recorded(emulator, http):
    """Members, their order and the line feed at the end are those of the recordings."""
    emulator.push("web/api:v1")

    answer = http.get("/acr/v1/web/api")

    members = ["registry", "imageName", "createdTime", "lastUpdateTime", "manifestCount", "tagCount"]
    document = answer.json()
    assert 200 == answer.status_code
    assert "application/json; charset=utf-8" == answer.headers["content-type"]
    assert [*members, "changeableAttributes"] == list(document)
    assert list(ALL) == list(document["changeableAttributes"])
    assert (emulator.host, "web/api", 1, 1) == tuple(
        document[name] for name in ("registry", "imageName", "manifestCount", "tagCount")
    )
    assert TIME.fullmatch(document["createdTime"])
    assert answer.content.endswith(b"}}\n")
    assert b": " not in answer.content


def test_a_tag_is_told_as_recorded(emulator, http):
    """The tag stands in `tag`, with its digest, its times and four attributes."""
    digest = emulator.push("web/api:v1")

    document = http.get("/acr/v1/web/api/_tags/v1").json()

    assert ["registry", "imageName", "tag"] == list(document)
    assert ["name", "digest", "createdTime", "lastUpdateTime", "signed", "changeableAttributes"] == list(
        document["tag"]
    )
    assert ("v1", digest, False, ALL) == tuple(
        document["tag"][name] for name in ("name", "digest", "signed", "changeableAttributes")
    )


def test_a_manifest_is_told_as_recorded(emulator, http):
    """The platform comes from the config, and all tags are there."""
    digest = emulator.push("web/api:v1")
    emulator.push("web/api:latest")

    found = http.get(f"/acr/v1/web/api/_manifests/{digest}").json()["manifest"]

    sizes_and_times = {"imageSize", "createdTime", "lastUpdateTime"}
    assert {
        "digest": digest,
        "architecture": "amd64",
        "os": "linux",
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "configMediaType": "application/vnd.oci.image.config.v1+json",
        "tags": ["latest", "v1"],
        "changeableAttributes": ALL,
    } == {name: value for name, value in found.items() if name not in sizes_and_times}


def test_an_index_has_references_only_in_the_answer_about_itself(emulator, http):
    """The single answer lists the children with their platforms; the list has neither platform nor children."""
    child = emulator.push("web/api:v1")
    index = emulator.push_index("web/api:multi", ["web/api:v1"])
    emulator.delete("web/api:multi")

    single = http.get(f"/acr/v1/web/api/_manifests/{index}").json()["manifest"]
    listed = {found["digest"]: found for found in http.get("/acr/v1/web/api/_manifests").json()["manifests"]}

    assert [{"digest": child, "architecture": "amd64", "os": "linux"}] == single["references"]
    assert ["digest", "imageSize", "createdTime", "lastUpdateTime", "mediaType", "changeableAttributes"] == list(
        listed[index]
    )


def test_a_list_shows_ten_tags_of_a_manifest(emulator, http):
    """A manifest in a list has its first ten tags, and all of them in the answer about itself."""
    digest = emulator.push_many("web/api", [f"v{number:02}" for number in range(12)])

    listed = http.get("/acr/v1/web/api/_manifests").json()["manifests"][0]["tags"]
    single = http.get(f"/acr/v1/web/api/_manifests/{digest}").json()["manifest"]["tags"]

    assert [f"v{number:02}" for number in range(10)] == listed
    assert 12 == len(single)


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/acr/v1/web/api", None),
        ("/acr/v1/web%2Fapi", None),
        ("/acr/v1/web/api/_tags/v1", "tag"),
        ("/acr/v1/web/api/_manifests/{digest}", "manifest"),
    ],
)
def test_patch_merges_and_answers_the_whole_object(emulator, http, path, member):
    """Only what was sent changes, no time does, and the answer is what a GET then says."""
    digest = emulator.push("web/api:v1")
    path = path.format(digest=digest.replace(":", "%3A"))
    before = http.get(path).json()

    answer = http.patch(path, json={"writeEnabled": False})

    after = answer.json()
    attributes = (after[member] if member else after).pop("changeableAttributes")
    (before[member] if member else before).pop("changeableAttributes")
    assert 200 == answer.status_code
    assert ALL | {"writeEnabled": False} == attributes
    assert before == after
    assert answer.content == http.get(path).content


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"deleteEnabled"',
        b'{"deleteEnabld": true}',
        b'{"deleteEnabled": null}',
        b'{"deleteEnabled": "false"}',
        b'{"deleteEnabled": 1}',
        b'{"deleteEnabled": true, "quarantineState": "Passed"}',
        b'{"teleportEnabled": true}',
    ],
)
@pytest.mark.parametrize("path", ["web/api", "web/api/_tags/v1", "web/api/_manifests/{digest}"])
def test_a_malformed_patch_changes_nothing(emulator, http, path, body):
    """It is answered with 400 and an error that a client can read."""
    digest = emulator.push("web/api:v1")

    answer = http.patch(f"/acr/v1/{path.format(digest=digest)}", content=body)

    assert (400, "BAD_REQUEST") == (answer.status_code, answer.json()["errors"][0]["code"])
    assert ALL == emulator.repository("web/api")
    assert ALL == emulator.manifest("web/api:v1")
    assert {"digest": digest, **ALL} == emulator.tag("web/api:v1")


def test_teleport_is_an_attribute_of_repositories_where_it_is_switched_on(start_emulator, connect):
    """It is reported and can be changed on repositories, and is unknown on tags."""
    emulator = start_emulator(Settings(teleport=True))
    emulator.push("web/api:v1")
    http = connect(emulator)

    before = http.get("/acr/v1/web/api").json()["changeableAttributes"]
    after = http.patch("/acr/v1/web/api", json={"teleportEnabled": True}).json()["changeableAttributes"]
    refused = http.patch("/acr/v1/web/api/_tags/v1", json={"teleportEnabled": True})

    assert ALL | {"teleportEnabled": False} == before
    assert ALL | {"teleportEnabled": True} == after
    assert 400 == refused.status_code


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "ghost", {"code": "NAME_UNKNOWN", "message": 'repository "ghost" is not found'}),
        ("PATCH", "ghost", {"code": "NAME_UNKNOWN", "message": 'repository "ghost" is not found'}),
        ("GET", "ghost/_tags", {"code": "NAME_UNKNOWN", "message": 'repository "ghost" is not found'}),
        ("GET", "ghost/_manifests", {"code": "NAME_UNKNOWN", "message": 'repository "ghost" is not found'}),
        (
            "DELETE",
            "ghost",
            {
                "code": "NAME_UNKNOWN",
                "message": "repository name not known to registry",
                "detail": {"name": "ghost"},
            },
        ),
        ("GET", "web/api/_tags/v9", {"code": "TAG_UNKNOWN", "message": "the specified tag does not exist"}),
        ("PATCH", "web/api/_tags/v9", {"code": "TAG_UNKNOWN", "message": "the specified tag does not exist"}),
        ("DELETE", "web/api/_tags/v9", {"code": "TAG_UNKNOWN", "message": "the specified tag does not exist"}),
        ("DELETE", "ghost/_tags/v9", {"code": "TAG_UNKNOWN", "message": "the specified tag does not exist"}),
        ("GET", f"web/api/_manifests/{NOWHERE}", {"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}),
        ("PATCH", f"web/api/_manifests/{NOWHERE}", {"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}),
    ],
)
def test_what_is_not_there_is_refused_word_for_word(emulator, http, method, path, error):
    """The error is the recorded one: code, message, and whether it has a detail."""
    emulator.push("web/api:v1")

    answer = http.request(method, f"/acr/v1/{path}", content=b"{}")

    assert (404, {"errors": [error]}) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    "path",
    ["/acr/v1/Web/api", "/acr/v1/web//api", "/acr/v1/web/api/_manifests/v1", "/acr/v1/web/api/", "/", "/acr/v2/web"],
)
def test_a_path_that_is_no_route_is_answered_in_plain_text(emulator, http, path):
    """Upper-case repositories and manifests by tag are no routes."""
    emulator.push("web/api:v1")

    answer = http.get(path)

    assert (404, "404 page not found\n") == (answer.status_code, answer.text)
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]


def test_a_method_that_a_path_does_not_have_is_refused(http):
    """`Allow` says which ones it has."""
    answer = http.post("/acr/v1/web/api")

    assert (405, "UNSUPPORTED") == (answer.status_code, answer.json()["errors"][0]["code"])
    assert "DELETE, GET, HEAD, PATCH" == answer.headers["allow"]


def test_deleting_a_tag_tells_where_it_pointed_and_leaves_the_manifest(emulator, http):
    """The answer is 202, empty, with the digest in a header; the manifest then has no tags."""
    digest = emulator.push("web/api:v1")

    answer = http.delete("/acr/v1/web/api/_tags/v1")

    assert (202, b"", digest) == (
        answer.status_code,
        answer.content,
        answer.headers["x-ms-int-docker-content-digest"],
    )
    assert "tags" not in http.get("/acr/v1/web/api/_manifests").json()["manifests"][0]
    assert {"tags": None} == {"tags": http.get("/acr/v1/web/api/_tags").json()["tags"]}


def test_deleting_a_repository_tells_what_went_with_it(emulator, http):
    """The answer is 202 with all digests and tags, sorted."""
    digests = sorted([emulator.push("web/api:v2", b"2"), emulator.push("web/api:v1", b"1")])

    answer = http.delete("/acr/v1/web/api")

    assert (202, {"manifestsDeleted": digests, "tagsDeleted": ["v1", "v2"]}) == (answer.status_code, answer.json())
    assert 404 == http.get("/acr/v1/web/api").status_code
    assert {"repositories": None} == http.get("/acr/v1/_catalog").json()


def test_every_answer_has_the_headers_of_the_registry(http):
    """Even a 404 does, and the caller's own id comes back."""
    answer = http.get("/nowhere", headers={"x-ms-client-request-id": "mine"})

    assert ("registry/2.0", "nosniff", "mine") == (
        answer.headers["docker-distribution-api-version"],
        answer.headers["x-content-type-options"],
        answer.headers["x-ms-client-request-id"],
    )
    assert 36 == len(answer.headers["x-ms-correlation-request-id"])


def test_a_moved_tag_keeps_its_creation_and_its_attributes(emulator, http):
    """Only the digest and the time of the last update change."""
    emulator.push("web/api:v1", b"one")
    emulator.patch("web/api:v1", deleteEnabled=False)
    before = http.get("/acr/v1/web/api/_tags/v1").json()["tag"]
    moved = emulator.push("web/api:v1", b"two")

    after = http.get("/acr/v1/web/api/_tags/v1").json()["tag"]

    assert before | {"digest": moved, "lastUpdateTime": after["lastUpdateTime"]} == after
    assert before["lastUpdateTime"] != after["lastUpdateTime"]


@pytest.mark.parametrize(
    ("ticks", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (16292216407325490, "2021-08-17T17:34:00.732549Z"),
        (16213613857887056, "2021-05-18T18:09:45.7887056Z"),
        (16213613857000001, "2021-05-18T18:09:45.7000001Z"),
    ],
)
def test_a_time_has_seven_digits_without_trailing_zeros(ticks, text):
    """Ticks of 100 ns are written as the registry writes them."""
    assert text == rfc3339(ticks)
