"""Answers that say something else than what is stored, and changes that do not last."""

import pytest
from content import OCI_MANIFEST, digest_of

from reconciler.emulator import Settings

PATH = "/acr/v1/web/api/_tags/v1"
NAMES = ["/acr/v1/web/api", PATH, "/acr/v1/web/api/_manifests/{digest}"]


def _is_deletable(answer):
    document = answer.json()
    found = document.get("tag") or document.get("manifest") or document
    return found["changeableAttributes"]["deleteEnabled"]


def test_counts_can_be_wrong(emulator, http):
    """By so many, in either direction, and never below 0; in the answer to a PATCH, too."""
    emulator.push_many("web/api", ["a", "b"])
    emulator.faults.tag_count_off = 5
    emulator.faults.manifest_count_off = -3

    answers = [http.get("/acr/v1/web/api").json(), http.patch("/acr/v1/web/api", json={}).json()]

    assert [(0, 7), (0, 7)] == [(answer["manifestCount"], answer["tagCount"]) for answer in answers]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_manifests_can_be_in_quarantine(emulator, http, method):
    """They report its state, and its details if there are any; tags and repositories do not."""
    path = f"/acr/v1/web/api/_manifests/{emulator.push('web/api:v1')}"
    emulator.faults.quarantine_state = "Passed"

    answer = http.request(method, path, json={}).json()
    emulator.faults.quarantine_details = '{"state": "scan passed"}'
    listed = http.get("/acr/v1/web/api/_manifests").json()["manifests"][0]

    enabled = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
    passed = {**enabled, "quarantineState": "Passed"}
    assert passed == answer["manifest"]["changeableAttributes"]
    assert {**passed, "quarantineDetails": '{"state": "scan passed"}'} == listed["changeableAttributes"]
    assert enabled == http.get(PATH).json()["tag"]["changeableAttributes"]


@pytest.mark.parametrize("path", NAMES)
def test_a_patch_can_be_taken_back_after_some_reads(emulator, http, path):
    """By a race of replicas: it was made, was seen, and is gone; lists do not count as reads."""
    path = path.format(digest=emulator.push("web/api:v1"))
    emulator.faults.reverts_after_reads = 2
    http.patch(path, json={"deleteEnabled": False})
    http.get("/acr/v1/web/api/_tags")

    assert [False, False, True, True] == [_is_deletable(http.get(path)) for _ in range(4)]


def test_what_is_taken_back_is_taken_back_everywhere(emulator, http):
    """What the lock forbade is possible again."""
    emulator.push("web/api:v1")
    emulator.faults.reverts_after_reads = 1
    http.patch(PATH, json={"deleteEnabled": False})

    refused = http.delete(PATH).status_code
    http.get(PATH)

    assert 405 == refused
    assert emulator.tag("web/api:v1")["deleteEnabled"]
    assert 202 == http.delete(PATH).status_code


def test_a_patch_can_be_taken_back_after_some_time(emulator, http):
    """Whatever is read then, lists included; a PATCH made later, without the fault, lasts."""
    emulator.push("web/api:v1")
    emulator.faults.reverts_after_s = 0.5
    http.patch(PATH, json={"deleteEnabled": False, "writeEnabled": False})
    emulator.faults.reverts_after_s = 0

    locked = http.get("/acr/v1/web/api/_tags").json()["tags"][0]["changeableAttributes"]
    while not _is_deletable(http.get(PATH)):
        continue
    http.patch(PATH, json={"writeEnabled": False})

    assert (False, False) == (locked["deleteEnabled"], locked["writeEnabled"])
    tag = emulator.tag("web/api:v1")
    assert (True, False) == (tag["deleteEnabled"], tag["writeEnabled"])


def test_a_refused_patch_is_not_taken_back(emulator, http):
    """There is nothing that could."""
    emulator.push("web/api:v1")
    emulator.patch("web/api", writeEnabled=False)
    emulator.faults.reverts_after_reads = 1
    http.patch(PATH, json={"deleteEnabled": False})
    emulator.patch("web/api:v1", readEnabled=False)

    answers = [http.get(PATH).json()["tag"]["changeableAttributes"] for _ in range(3)]

    assert [(True, False)] * 3 == [(answer["deleteEnabled"], answer["readEnabled"]) for answer in answers]


def test_what_is_put_where_something_was_deleted_is_left_alone(emulator, http):
    """The tag that is there now is another one."""
    emulator.push("web/api:v1")
    http.patch(PATH, json={"readEnabled": False})
    emulator.faults.reverts_after_reads = 1
    http.patch(PATH, json={"readEnabled": True})
    http.delete(PATH)
    emulator.push("web/api:v1")

    answers = [http.get(PATH).json()["tag"]["changeableAttributes"] for _ in range(2)]

    assert [True, True] == [answer["readEnabled"] for answer in answers]


def test_a_new_tag_can_show_late(emulator, http):
    """It is unknown to so many reads, and missing in lists until then, which are no reads; it can be pulled."""
    emulator.push("web/api:old")
    manifest = http.image("web/api", b"new")
    emulator.faults.pushes_visible_after_reads = 2

    pushed = http.put("web/api", "v1", manifest).status_code
    listed = http.get("/v2/web/api/tags/list").json()["tags"]
    pulled = http.get("/v2/web/api/manifests/v1", headers={"accept": OCI_MANIFEST}).status_code
    answers = [http.get(PATH) for _ in range(3)]

    assert (201, ["old"], 200) == (pushed, listed, pulled)
    assert [404, 404, 200] == [answer.status_code for answer in answers]
    assert "TAG_UNKNOWN" == answers[0].json()["errors"][0]["code"]
    assert ["old", "v1"] == [tag["name"] for tag in http.get("/acr/v1/web/api/_tags").json()["tags"]]


def test_a_moved_tag_can_show_late(emulator, http):
    """It shows its old digest and time, with its present attributes."""
    old = emulator.push("web/api:v1", b"old")
    before = http.get(PATH).json()["tag"]
    manifest = http.image("web/api", b"new")
    emulator.faults.pushes_visible_after_reads = 1

    new = http.put("web/api", "v1", manifest).headers["docker-content-digest"]
    emulator.patch("web/api:v1", deleteEnabled=False)
    listed = http.get("/acr/v1/web/api/_tags").json()["tags"]
    names = http.get("/v2/web/api/tags/list").json()["tags"]
    first, second = (http.get(PATH).json()["tag"] for _ in range(2))

    assert [first] == listed
    assert ["v1"] == names
    assert {**before, "changeableAttributes": first["changeableAttributes"]} == first
    assert first["changeableAttributes"]["deleteEnabled"] is False
    assert (old, new) == (first["digest"], second["digest"])


def test_a_push_by_digest_always_shows(emulator, http):
    """It puts no tag anywhere."""
    emulator.faults.pushes_visible_after_reads = 9
    manifest = http.image("web/api", b"new")
    digest = digest_of(manifest)

    http.put("web/api", digest, manifest)

    assert 200 == http.get(f"/acr/v1/web/api/_manifests/{digest}").status_code
    assert 200 == http.get(f"/v2/web/api/manifests/{digest}").status_code
    assert [digest] == [manifest["digest"] for manifest in http.get("/acr/v1/web/api/_manifests").json()["manifests"]]


def test_an_import_by_force_moves_a_locked_tag(emulator, http):
    """As `az acr import --force` does: the lock is kept and has not helped. Source: lab of a third party, 2026-10."""
    old = emulator.push("web/api:v1", b"old")
    http.patch(PATH, json={"writeEnabled": False, "deleteEnabled": False})

    new = emulator.push("web/api:v1", b"new")
    tag = http.get(PATH).json()["tag"]

    assert old != new == tag["digest"]
    assert (False, False) == (tag["changeableAttributes"]["writeEnabled"], tag["changeableAttributes"]["deleteEnabled"])


def test_faults_wait_for_a_sign_in(start_emulator, connect):
    """A ghost is shown to nobody who may not see repositories."""
    faults = {"ghosts": ["old/thing"], "list_order": "reversed"}
    http = connect(start_emulator(Settings(auth="token", faults=faults)))

    assert [401, 401] == [http.get(path).status_code for path in ("/acr/v1/old/thing", "/acr/v1/_catalog")]


def test_no_fault_is_left_in_the_data(emulator, http):
    """After all at once, and DELETE of the faults, every answer is as before."""
    digest = emulator.push("web/api:v1")
    emulator.push("web/ui:v1")
    paths = [
        "/acr/v1/_catalog",
        "/acr/v1/web/api",
        "/acr/v1/web/api/_tags",
        PATH,
        "/acr/v1/web/api/_manifests",
        f"/acr/v1/web/api/_manifests/{digest}",
        "/v2/_catalog",
        "/v2/web/api/tags/list",
        "/v2/web/api/manifests/v1",
    ]
    before = [http.get(path).content for path in paths]
    emulator.faults.load(
        {
            "visible_after_reads": 99,
            "pushes_visible_after_reads": 99,
            "reverts_after_reads": 99,
            "catalog_without": ["web/ui"],
            "tags_without_last": 1,
            "ghosts": ["old/thing"],
            "manifest_count_off": 3,
            "tag_count_off": 3,
            "quarantine_state": "Failed",
            "links": "loop",
            "list_order": "reversed",
        }
    )
    http.patch(PATH, json={})
    wrong = [http.get(path).content for path in paths]

    emulator.faults.clear()

    untouched = [path for path, one, other in zip(paths, before, wrong, strict=True) if one == other]
    assert [PATH, "/v2/web/api/manifests/v1"] == untouched
    assert before == [http.get(path).content for path in paths]
