"""What can be made to go wrong."""

import time

import httpx
import pytest

from reconciler.emulator import Settings

PATH = "/acr/v1/web/api/_tags/v1"


def _shown(answer):
    return answer.json()["tag"]["changeableAttributes"]["deleteEnabled"]


def test_the_next_requests_that_match_are_refused(emulator, http):
    """So many, of that method and below that path, and no others."""
    emulator.push("web/api:v1")
    emulator.faults.fail_next(2, status=429, retry_after_s=7, method="GET", path_prefix="/acr/v1/web/")

    others = [http.get("/acr/v1/_catalog"), http.patch(PATH, json={})]
    answers = [http.get(PATH) for _ in range(3)]

    assert [200, 200] == [answer.status_code for answer in others]
    assert [(429, "7"), (429, "7"), (200, None)] == [
        (answer.status_code, answer.headers.get("retry-after")) for answer in answers
    ]
    assert "TOOMANYREQUESTS" == answers[0].json()["errors"][0]["code"]


def test_a_refused_patch_changes_nothing(emulator, http):
    """The refusal comes before anything is done."""
    emulator.push("web/api:v1")
    emulator.faults.fail_next(1, status=500)

    answer = http.patch(PATH, json={"deleteEnabled": False})

    assert 500 == answer.status_code
    assert emulator.tag("web/api:v1")["deleteEnabled"]


def test_a_dropped_answer_breaks_off_after_the_change(emulator, http):
    """The client sees an incomplete answer, the change is made, and the next call is answered."""
    emulator.push("web/api:v1")
    emulator.faults.drop_next(1, method="PATCH")

    with pytest.raises(httpx.RemoteProtocolError):
        http.patch(PATH, json={"deleteEnabled": False})

    assert _shown(http.get(PATH)) is False


def test_even_an_empty_answer_can_be_dropped(emulator, http):
    """One that has no body to break off in."""
    emulator.push("web/api:v1")
    emulator.faults.drop_next(1)

    with pytest.raises(httpx.RemoteProtocolError):
        http.delete(PATH)

    assert emulator.tag("web/api:v1") is None


@pytest.mark.parametrize("path", ["/acr/v1/web/api", PATH, "/acr/v1/web/api/_manifests/{digest}"])
def test_a_patch_can_be_answered_with_the_values_from_before(emulator, http, path):
    """While the next GET is right."""
    path = path.format(digest=emulator.push("web/api:v1"))
    before = http.get(path).content
    emulator.faults.stale_patch_answers = True

    answer = http.patch(path, json={"deleteEnabled": False})

    assert before == answer.content
    assert before != http.get(path).content


@pytest.mark.parametrize("path", ["/acr/v1/web/api", PATH, "/acr/v1/web/api/_manifests/{digest}"])
def test_a_patch_can_become_visible_late(emulator, http, path):
    """After so many reads of that resource."""
    path = path.format(digest=emulator.push("web/api:v1"))
    before = http.get(path).content
    emulator.faults.visible_after_reads = 2
    patched = http.patch(path, json={"deleteEnabled": False}).content

    answers = [http.get(path).content for _ in range(4)]

    assert [before, before, patched, patched] == answers


def test_a_list_shows_what_a_read_would(emulator, http):
    """And does not count as one."""
    emulator.push("web/api:v1")
    emulator.faults.visible_after_reads = 1
    http.patch(PATH, json={"deleteEnabled": False})

    def listed():
        return http.get("/acr/v1/web/api/_tags").json()["tags"][0]["changeableAttributes"]["deleteEnabled"]

    assert [True, True, True, False] == [listed(), listed(), _shown(http.get(PATH)), listed()]


def test_every_answer_can_be_delayed(start_emulator, connect):
    """By as many milliseconds as asked, from the start."""
    http = connect(start_emulator(Settings(latency_ms=50)))
    started = time.monotonic()

    http.get("/v2/")

    assert time.monotonic() - started >= 0.05


def test_a_delayed_change_is_made_while_the_client_waits(emulator, connect):
    """The delay can begin at any time, and a client that gives up has changed something all the same."""
    emulator.push("web/api:v1")
    emulator.faults.latency_ms = 200

    with pytest.raises(httpx.ReadTimeout):
        connect(emulator).patch(PATH, json={"deleteEnabled": False}, timeout=0.1)

    assert [200] == [request.status for request in emulator.requests("PATCH")]
    assert not emulator.tag("web/api:v1")["deleteEnabled"]
