"""How many calls a registry takes."""

import pytest

from reconciler.emulator import Settings
from reconciler.emulator.limits import class_of, parse_rate

HEADER = "x-ms-ratelimit-remaining-calls-per-second"
TOO_MANY = {"errors": [{"code": "TOOMANYREQUESTS", "message": "too many requests"}]}
DIGEST = f"sha256:{'0' * 64}"
CALLS = {
    "read": ("GET", "/acr/v1/_catalog"),
    "write": ("PATCH", "/acr/v1/web/api"),
    "delete": ("DELETE", "/acr/v1/web/api/_tags/v1"),
    "referrers": ("GET", f"/v2/web/api/referrers/{DIGEST}"),
    "sign_in": ("POST", "/oauth2/token"),
}


def _limited(http):
    """The classes whose calls are too many now."""
    answers = {name: http.request(*call) for name, call in CALLS.items()}
    return [name for name, answer in answers.items() if answer.status_code == 429]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/acr/v1/web/api", "read"),
        ("HEAD", "/v2/web/api/manifests/v1", "read"),
        ("GET", "/v2/web/referrers/tags/list", "referrers"),
        ("PATCH", "/acr/v1/web/api", "write"),
        ("PUT", "/v2/web/api/manifests/v1", "write"),
        ("POST", "/v2/web/api/blobs/uploads/", "write"),
        ("DELETE", "/v2/web/api/manifests/v1", "delete"),
        ("GET", f"/v2/web/api/referrers/{DIGEST}", "referrers"),
        ("POST", "/oauth2/exchange", "sign_in"),
        ("GET", "/oauth2/token", "sign_in"),
    ],
)
def test_calls_are_paid_from_the_budget_of_their_class(method, path, expected):
    """The classes are those of container-registry-skus.md."""
    assert expected == class_of(method, path)


@pytest.mark.parametrize(
    ("text", "per_second", "burst"),
    [("600/min", 10, 600), ("5/s", 5, 5), ("5/s burst 20", 5, 20), ("6/min burst 1", 0.1, 1)],
)
def test_a_rate_is_calls_in_a_time(text, per_second, burst):
    """The bucket holds what a whole unit brings, or the burst."""
    rate = parse_rate(text)

    assert (per_second, burst) == (rate.per_second, rate.burst)


@pytest.mark.parametrize("text", ["", "0/min", "5", "5/h", "-1/s", "5/s burst 0", "５/s", "5/s ", "1e3/s"])
def test_what_is_no_rate_is_refused(text):
    """With an example of one."""
    with pytest.raises(ValueError, match='must be like "10000/min" or "5/s burst 20"'):
        parse_rate(text)


@pytest.mark.parametrize("name", CALLS)
def test_a_throttled_class_takes_no_call(emulator, http, name):
    """And all others do."""
    emulator.faults.throttle(**{name: 60})

    assert [name] == _limited(http)


def test_retry_after_counts_down_and_then_all_is_well(emulator, http):
    """It is the whole seconds that are left, so it is different each second."""
    emulator.faults.throttle(read=1.5)
    waits, answer = [], http.get("/v2/")

    while answer.status_code == 429:
        assert TOO_MANY == answer.json()
        waits.append(answer.headers["retry-after"])
        answer = http.get("/v2/")

    assert ["2", "1"] == list(dict.fromkeys(waits))
    assert 200 == answer.status_code


@pytest.mark.parametrize("name", CALLS)
def test_a_budget_is_taken_by_each_call_of_its_class(start_emulator, connect, name):
    """The burst passes, and the next call is told when there is one more."""
    http = connect(start_emulator(Settings(faults={"budgets": {name: "3/min"}})))

    passed = [_limited(http) for _ in range(3)]
    refused = http.request(*CALLS[name])

    assert [[], [], []] == passed
    assert (429, TOO_MANY) == (refused.status_code, refused.json())
    assert 15 <= int(refused.headers["retry-after"]) <= 20
    assert [name] == _limited(http)


def test_a_budget_fills_again(emulator, http):
    """Evenly: a call passes as soon as there is a token for it."""
    emulator.faults.merge({"budgets": {"read": "2/s burst 1"}})

    statuses = [http.get("/v2/").status_code for _ in range(2)]
    while http.get("/v2/").status_code == 429:
        continue

    assert [200, 429] == statuses


def test_a_refused_write_changes_nothing(emulator, http):
    """The refusal comes first."""
    emulator.push("web/api:v1")
    emulator.faults.throttle(write=60)

    answer = http.patch("/acr/v1/web/api/_tags/v1", json={"deleteEnabled": False})

    assert 429 == answer.status_code
    assert emulator.tag("web/api:v1")["deleteEnabled"]


def test_sign_in_and_deletions_tell_what_is_left(emulator, http):
    """As recorded of Basic and Standard: about 166, and 8; others tell nothing."""
    emulator.push("web/api:v1")

    answers = [
        http.post("/oauth2/token"),
        http.delete("/acr/v1/web/api/_tags/v1"),
        http.get("/acr/v1/web/api"),
        http.patch("/acr/v1/web/api", json={}),
    ]

    assert ["166.65", "8", None, None] == [answer.headers.get(HEADER) for answer in answers]


def test_what_is_left_falls_as_the_budget_is_used(emulator, http):
    """It is a sixtieth of the calls that pass yet in this minute, down to nothing."""
    emulator.faults.merge({"budgets": {"sign_in": "120/min", "delete": "120/min"}})

    deleted = [http.delete("/acr/v1/web/api/_tags/v1").headers[HEADER] for _ in range(121)]
    signed_in = [float(http.post("/oauth2/token").headers[HEADER]) for _ in range(5)]

    assert ("1", "1", "0") == (deleted[0], deleted[1], deleted[-1])
    assert 1.98 < signed_in[0] < 2
    assert signed_in[0] > signed_in[-1]


def test_a_budget_that_stays_is_not_refilled_by_other_changes(emulator, http):
    """Only one that changes begins anew."""
    emulator.faults.merge({"budgets": {"read": "1/min"}})
    http.get("/v2/")

    emulator.faults.merge({"budgets": {"write": "1/min"}})
    statuses = [http.get("/v2/").status_code]
    emulator.faults.merge({"budgets": {"read": "2/min"}})
    statuses.append(http.get("/v2/").status_code)

    assert [429, 200] == statuses
    assert {"read": "2/min", "write": "1/min"} == emulator.faults.document()["budgets"]
