"""What can happen to a request instead of an answer."""

import threading

import httpx
import pytest

from reconciler.emulator import Settings
from reconciler.emulator.fault_settings import Rule

PATH = "/acr/v1/web/api/_tags/v1"


def _statuses(http, path, number):
    return [http.get(path).status_code for _ in range(number)]


def _receive(http, path, parts):
    """Read the answer as it comes."""
    with http.stream("GET", path) as answer:
        for part in answer.iter_raw():
            parts.append(part)


@pytest.mark.parametrize(("at", "is_made"), [("before", False), ("after", True), ("middle", True)])
def test_a_connection_is_dropped_before_after_or_in_the_middle_of_the_answer(emulator, http, at, is_made):
    """The client never has a whole answer; before is the only time at which nothing is done."""
    emulator.push("web/api:v1")
    emulator.faults.drop_next(1, method="PATCH", at=at)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        http.patch(PATH, json={"deleteEnabled": False})

    assert is_made is not emulator.tag("web/api:v1")["deleteEnabled"]
    assert 200 == http.get(PATH).status_code


@pytest.mark.parametrize("at", ["before", "after", "middle"])
def test_a_connection_over_tls_is_dropped_too(over_tls, connect, at):
    """In the same way, and at once."""
    emulator, _ = over_tls
    http = connect(emulator)
    emulator.faults.drop_next(1, at=at)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        http.get("/v2/", timeout=5)

    assert 401 == http.get("/v2/").status_code


def test_a_large_answer_is_dropped_in_the_middle(emulator, http):
    """Of a blob that is sent in several parts, some bytes arrive and most do not."""
    content = bytes(5 << 20)
    digest = http.upload("web/api", content)["digest"]
    emulator.faults.drop_next(1, path_prefix="/v2/web/api/blobs/")
    parts = []

    with pytest.raises(httpx.RemoteProtocolError):
        _receive(http, f"/v2/web/api/blobs/{digest}", parts)

    assert 0 < sum(map(len, parts)) <= len(content) / 2
    assert content == http.get(f"/v2/web/api/blobs/{digest}").content


@pytest.mark.parametrize(("at", "is_made"), [("before", False), ("after", True)])
def test_a_refusal_comes_before_or_after_what_was_asked(emulator, http, at, is_made):
    """A gateway may time out although the registry does what it was asked."""
    emulator.push("web/api:v1")
    emulator.faults.add(Rule("refuse", at, status=504, method="PATCH"))

    answer = http.patch(PATH, json={"deleteEnabled": False})

    assert 504 == answer.status_code
    assert {"errors": [{"code": "UNKNOWN", "message": "the emulator was told to answer 504"}]} == answer.json()
    assert is_made is not emulator.tag("web/api:v1")["deleteEnabled"]


@pytest.mark.parametrize(("at", "is_made"), [("before", False), ("after", True), ("middle", True)])
def test_a_call_that_hangs_is_never_answered(emulator, connect, at, is_made):
    """The client gives up; others are answered meanwhile."""
    emulator.push("web/api:v1")
    emulator.faults.hang_next(1, method="PATCH", at=at)

    with pytest.raises(httpx.ReadTimeout):
        connect(emulator).patch(PATH, json={"deleteEnabled": False}, timeout=0.2)

    assert is_made is not emulator.tag("web/api:v1")["deleteEnabled"]
    assert 200 == connect(emulator).get(PATH).status_code


@pytest.mark.parametrize("at", ["before", "after", "middle"])
def test_what_hangs_is_answered_when_it_is_let_go(emulator, http, at):
    """With the whole answer, and by whichever thread."""
    emulator.push("web/api:v1")
    expected = http.get(PATH).content
    emulator.faults.hang_next(1, path_prefix=PATH, at=at)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(http.get(PATH).content))

    asking.start()
    while emulator.faults.document()["requests"]:
        asking.join(0.001)
    hanging = list(answers)
    emulator.faults.release()
    asking.join(5)

    assert [] == hanging
    assert [expected] == answers


def test_an_emulator_ends_though_calls_hang(start_emulator, connect):
    """What hangs is let go when its `with` block ends, which takes no second."""
    emulator = start_emulator()
    emulator.faults.hang_next(1)
    outcomes = []

    def ask():
        try:
            outcomes.append(connect(emulator).get("/v2/").status_code)
        except httpx.TransportError as error:
            outcomes.append(type(error).__name__)

    asking = threading.Thread(target=ask)
    asking.start()
    while emulator.faults.document()["requests"]:
        asking.join(0.001)
    emulator.__exit__(None, None, None)
    asking.join(5)

    assert not asking.is_alive()
    assert 1 == len(outcomes)


def test_each_nth_request_fails(emulator, http):
    """Counted over those that match."""
    emulator.faults.add(Rule("refuse", status=500, every=3, path="/v2/"))
    http.get("/acr/v1/_catalog")

    assert [200, 200, 500, 200, 200, 500] == _statuses(http, "/v2/", 6)


def test_chance_is_the_same_for_the_same_seed(start_emulator, connect):
    """So many by probability, and just those in each run."""
    faults = {"requests": [{"do": "refuse", "status": 500, "probability": 0.5}]}
    clients = [connect(start_emulator(Settings(faults={"seed": seed, **faults}))) for seed in (1, 1, 2)]

    first, again, other = (_statuses(http, "/v2/", 40) for http in clients)

    assert first == again
    assert first != other
    assert {200, 500} == set(first)


def test_the_first_rule_that_is_due_happens(emulator, http):
    """And the next ones when it is used up."""
    emulator.faults.fail_next(1, status=500)
    emulator.faults.fail_next(1, status=502)

    assert [500, 502, 200] == _statuses(http, "/v2/", 3)


def test_a_firewall_refuses_everything(emulator, http):
    """In the words of the real one; where tokens are made, too."""
    emulator.push("web/api:v1")
    emulator.faults.firewall = True

    answers = [
        http.get("/v2/"),
        http.get("/acr/v1/_catalog"),
        http.patch(PATH, json={"deleteEnabled": False}),
        http.get("/v2/web/api/manifests/v1"),
        http.post("/oauth2/exchange", data={"grant_type": "access_token"}),
        http.post("/oauth2/token", data={"grant_type": "password"}),
    ]

    message = "client with IP '127.0.0.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."
    assert [403] * 6 == [answer.status_code for answer in answers]
    assert [{"errors": [{"code": "DENIED", "message": message}]}] * 6 == [answer.json() for answer in answers]
    assert 404 == http.get("/emulator/none").status_code  # which is no path of the registry
    assert emulator.tag("web/api:v1")["deleteEnabled"]


def test_faults_can_be_set_by_many_threads_while_requests_come(emulator, http):
    """Each happens exactly once."""
    setting = [
        threading.Thread(target=lambda: [emulator.faults.fail_next(1, status=500) for _ in range(50)]) for _ in range(4)
    ]

    for thread in setting:
        thread.start()
    statuses = _statuses(http, "/v2/", 50)
    for thread in setting:
        thread.join()
    statuses += _statuses(http, "/v2/", 200)

    assert 200 == statuses.count(500)
    assert 200 == statuses[-1]
