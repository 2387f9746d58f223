"""The faults of a running emulator, over HTTP, from a file and from the command line."""

import json
import re
import sys
from pathlib import Path
from subprocess import PIPE, Popen, run

import httpx
import pytest

from reconciler.emulator import EmulatorError, Settings, read_faults
from reconciler.emulator.admin_api import AdminApi, with_admin
from reconciler.emulator.faults import Faults
from reconciler.emulator.tokens import TokenMaker

FAULTS = "/emulator/faults"
NONE = {
    "latency_ms": 0.0,
    "seed": 0,
    "firewall": False,
    "stale_patch_answers": False,
    "visible_after_reads": 0,
    "pushes_visible_after_reads": 0,
    "reverts_after_reads": 0,
    "reverts_after_s": 0.0,
    "catalog_without": [],
    "catalog_without_last": 0,
    "tags_without": [],
    "tags_without_last": 0,
    "ghosts": [],
    "manifest_count_off": 0,
    "tag_count_off": 0,
    "quarantine_state": "",
    "quarantine_details": "",
    "list_order": "sorted",
    "links": "onward",
    "link_origin": "",
    "throttled_s": {},
    "budgets": {},
    "requests": [],
}
RULE = {
    "do": "refuse",
    "at": "before",
    "status": 503,
    "retry_after_s": None,
    "method": None,
    "path": "/",
    "every": 1,
    "probability": 1.0,
    "times": None,
}


def _put(http, document):
    return http.request("PUT", FAULTS, content=json.dumps(document))


def test_there_is_no_fault_at_first(http):
    """GET tells each by its name."""
    answer = http.get(FAULTS)

    assert (200, NONE) == (answer.status_code, answer.json())


def test_put_replaces_all_faults(http):
    """What the document does not name is off."""
    _put(http, {"links": "loop", "requests": [{"do": "drop", "times": 3, "method": "PATCH"}]})

    answer = _put(http, {"ghosts": ["team/app"], "budgets": {"read": "5/s burst 20"}})

    assert 200 == answer.status_code
    assert {**NONE, "ghosts": ["team/app"], "budgets": {"read": "5/s burst 20"}} == answer.json()
    assert answer.json() == http.get(FAULTS).json()


def test_patch_changes_what_it_names(http):
    """Members of an object are merged, a list is replaced, and null is none."""
    _put(http, {"links": "loop", "seed": 7, "ghosts": ["a"], "budgets": {"read": "1/s", "write": "1/s"}})

    answer = http.patch(FAULTS, json={"links": None, "ghosts": ["b"], "budgets": {"read": None, "delete": "2/s"}})

    expected = {"seed": 7, "ghosts": ["b"], "budgets": {"write": "1/s", "delete": "2/s"}}
    assert (200, {**NONE, **expected}) == (answer.status_code, answer.json())


def test_delete_clears_all_faults(http, emulator):
    """Those that wait for reads included."""
    emulator.push("web/api:v1")
    _put(http, {"visible_after_reads": 9, "firewall": False, "requests": [{"do": "hang", "method": "PUT"}]})
    http.patch("/acr/v1/web/api", json={"deleteEnabled": False})

    answer = http.delete(FAULTS)

    assert (204, b"") == (answer.status_code, answer.content)
    assert NONE == http.get(FAULTS).json()
    assert not http.get("/acr/v1/web/api").json()["changeableAttributes"]["deleteEnabled"]


def test_what_get_tells_can_be_put(http):
    """All of it, so that faults can be kept and brought back."""
    faults = {"latency_ms": 1, "link_origin": "http://[::1]:5000", "tags_without": ["a/b:v1"], "tag_count_off": -2}
    told = _put(http, {**faults, "requests": [RULE | {"path": "/nowhere", "times": 2}]}).json()

    assert told == _put(http, told).json()
    assert faults == {name: told[name] for name in faults}


def test_what_is_used_up_is_told(http):
    """The seconds and the times that are left."""
    _put(http, {"throttled_s": {"write": 100}, "requests": [{"do": "refuse", "times": 2}]})
    http.get("/v2/")

    told = http.get(FAULTS).json()

    assert 50 < told["throttled_s"]["write"] <= 100
    assert [RULE | {"times": 1}] == told["requests"]


def test_a_patch_of_other_faults_does_not_start_rules_again(http):
    """Each nth request is counted on."""
    _put(http, {"requests": [{"do": "refuse", "every": 2}]})
    http.get("/v2/")

    http.patch(FAULTS, json={"seed": 3})

    assert 503 == http.get("/v2/").status_code


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ([], ["faults: must be an object"]),
        (None, ["faults: must be an object"]),
        ({"latency_ms": "9"}, ["latency_ms: must be a number from 0 to 1000000"]),
        ({"latency_ms": True}, ["latency_ms: must be a number from 0 to 1000000"]),
        ({"visible_after_reads": -1}, ["visible_after_reads: must be a whole number from 0 to 1000000"]),
        ({"visible_after_reads": 0.5}, ["visible_after_reads: must be a whole number from 0 to 1000000"]),
        ({"tag_count_off": 1.5}, ["tag_count_off: must be a whole number from -1000000 to 1000000"]),
        ({"firewall": 1}, ["firewall: must be true or false"]),
        ({"quarantine_state": 1}, ["quarantine_state: must be a string"]),
        ({"catalog_without": "a"}, ['catalog_without: must be a list of repositories, like ["team/app"]']),
        ({"catalog_without": ["a:b"]}, ['catalog_without: must be a list of repositories, like ["team/app"]']),
        ({"ghosts": ["A"]}, ['ghosts: must be a list of repositories, like ["team/app"]']),
        ({"ghosts": [1]}, ['ghosts: must be a list of repositories, like ["team/app"]']),
        ({"tags_without": ["a"]}, ['tags_without: must be a list of tags, like ["team/app:v1"]']),
        ({"list_order": "up"}, ["list_order: must be one of sorted, reversed, shuffled"]),
        ({"links": []}, ["links: must be one of onward, repeat, loop"]),
        ({"link_origin": "example.org"}, ['link_origin: must be like "https://example.org", or ""']),
        ({"link_origin": "https://a/b"}, ['link_origin: must be like "https://example.org", or ""']),
        ({"throttled_s": 3}, ["throttled_s: must be an object"]),
        ({"throttled_s": {"read": -3}}, ["throttled_s.read: must be a number of seconds from 0 to 86400"]),
        (
            {"budgets": {"reads": "1/s"}},
            ['budgets: unknown class "reads"; there are read, write, delete, referrers, sign_in'],
        ),
        ({"budgets": {"read": 5}}, ['budgets.read: must be like "10000/min" or "5/s burst 20", not "5"']),
        ({"requests": {}}, ["requests: must be a list"]),
        ({"requests": [3]}, ["requests[0]: must be an object"]),
        ({"requests": [{}]}, ["requests[0].do: is missing"]),
        ({"requests": [{"do": "explode"}]}, ["requests[0].do: must be one of refuse, drop, hang"]),
        (
            {"requests": [RULE, {"do": "refuse", "at": "middle"}]},
            ["requests[1].at: a refusal comes before or after, not in the middle"],
        ),
        ({"requests": [{"do": "drop", "status": 200}]}, ["requests[0].status: must be a status from 400 to 599"]),
        ({"requests": [{"do": "drop", "times": 0}]}, ["requests[0].times: must be a whole number from 1 to 1000000"]),
        ({"requests": [{"do": "drop", "every": 0}]}, ["requests[0].every: must be a whole number from 1 to 1000000"]),
        (
            {"requests": [{"do": "drop", "probability": 0}]},
            ["requests[0].probability: must be a number above 0, and at most 1"],
        ),
        ({"requests": [{"do": "drop", "path": "acr"}]}, ["requests[0].path: must be a path that starts with /"]),
        (
            {"requests": [{"do": "drop", "method": "get"}]},
            ["requests[0].method: must be one of GET, HEAD, POST, PUT, PATCH, DELETE"],
        ),
        (
            {"firewall": 0, "requests": [{"do": "drop", "every": 0, "times": 0}, {"do": 1}]},
            [
                "firewall: must be true or false",
                "requests[0].every: must be a whole number from 1 to 1000000",
                "requests[0].times: must be a whole number from 1 to 1000000",
                "requests[1].do: must be one of refuse, drop, hang",
            ],
        ),
    ],
)
def test_what_is_no_fault_is_refused_with_all_its_problems(http, document, problems):
    """And nothing changes."""
    _put(http, {"seed": 7})

    answer = _put(http, document)

    assert 400 == answer.status_code
    assert [{"code": "FAULTS_INVALID", "message": problem} for problem in problems] == answer.json()["errors"]
    assert {**NONE, "seed": 7} == http.get(FAULTS).json()


def test_unknown_members_are_refused_with_those_there_are(http):
    """In the document, and in a rule."""
    answer = http.patch(FAULTS, json={"sed": 7, "requests": [{"do": "drop", "path_prefix": "/"}]})

    first, second = (error["message"] for error in answer.json()["errors"])
    assert f'unknown member "sed"; there are {", ".join(NONE)}' == first
    assert f'requests[0]: unknown member "path_prefix"; there are {", ".join(RULE)}' == second


@pytest.mark.parametrize("content", [b"", b"{", b'{"seed": NaN}', b"\xff"])
def test_what_is_not_json_is_refused(http, content):
    """With the place where it is wrong."""
    answer = http.request("PATCH", FAULTS, content=content)

    assert 400 == answer.status_code
    assert answer.json()["errors"][0]["message"].startswith("faults: not JSON: ")


@pytest.mark.parametrize("document", [[], 3, None])
def test_a_patch_is_an_object(http, document):
    """Nothing else can be merged."""
    answer = http.request("PATCH", FAULTS, content=json.dumps(document))

    assert (400, "faults: must be an object") == (answer.status_code, answer.json()["errors"][0]["message"])


def test_a_document_that_is_too_large_is_refused(http):
    """A mebibyte is much for faults."""
    assert 413 == http.request("PUT", FAULTS, content=b" " * (1 << 20) + b"{}").status_code


def test_other_methods_are_refused_with_those_there_are(http):
    """In `Allow`."""
    answers = [http.post(FAULTS), http.get("/emulator/expire-tokens")]

    assert [(405, "DELETE, GET, PATCH, PUT"), (405, "POST")] == [
        (answer.status_code, answer.headers["allow"]) for answer in answers
    ]


def test_the_admin_sees_no_fault(start_emulator, connect):
    """Neither a sign-in, nor what it has asked for; and nobody records it."""
    emulator = start_emulator(Settings(auth="token", faults={"firewall": True, "throttled_s": {"read": 99}}))
    emulator.faults.fail_next(9, status=500)
    http = connect(emulator)

    assert 200 == http.get(FAULTS).status_code
    assert 204 == http.delete(FAULTS).status_code
    assert 401 == http.get("/v2/").status_code
    assert ["/v2/"] == [request.path for request in emulator.requests()]


def test_tokens_can_be_made_to_expire(start_emulator, connect):
    """A client meets `invalid_token` in the middle of a run; the refresh token is good still, unless asked."""
    http = connect(start_emulator(Settings(auth="token")))
    token = http.post("/oauth2/token", data={"grant_type": "password", "scope": "registry:catalog:*"}).json()
    headers = {"authorization": f"Bearer {token['access_token']}"}
    before = http.get("/acr/v1/_catalog", headers=headers).status_code

    expired = http.post("/emulator/expire-tokens").status_code
    after = http.get("/acr/v1/_catalog", headers=headers)

    assert (200, 204, 401) == (before, expired, after.status_code)
    assert 'error="invalid_token"' in after.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("client", "is_open", "expected"),
    [
        ("127.0.0.1", False, 200),
        ("::1", False, 200),
        ("::ffff:127.0.0.1", False, 200),
        ("10.0.0.9", False, 404),
        ("::ffff:10.0.0.9", False, 404),
        ("somewhere", False, 404),
        ("10.0.0.9", True, 200),
    ],
)
async def test_other_machines_are_let_in_only_when_asked(client, is_open, expected):
    """Others are told what everybody is told of a path that is none. No socket: this machine has no other one."""
    faults = Faults()
    app = with_admin(lambda *_: None, AdminApi(faults, TokenMaker(Settings())), is_open=is_open)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(client, 1)), base_url="http://a") as http:
        answer = await http.get(FAULTS)

    assert expected == answer.status_code
    assert (b"404 page not found\n" == answer.content) is (expected == 404)


def test_faults_come_from_a_file_and_from_options(tmp_path):
    """What stands on the command line goes over what stands in the file; a list may have commas."""
    path = tmp_path / "faults.json"
    path.write_text(json.dumps({"seed": 1, "links": "loop", "budgets": {"read": "1/s", "write": "1/s"}}))

    document = read_faults(path, ["seed=2", "budgets.read=9/min burst 2", "ghosts=a,b/c", 'requests=[{"do":"hang"}]'])

    assert {
        "seed": 2,
        "links": "loop",
        "budgets": {"read": "9/min burst 2", "write": "1/s"},
        "ghosts": ["a", "b/c"],
        "requests": [{"do": "hang"}],
    } == document


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"{", [], "{path}: not JSON: "),
        (
            b'{"seed": -1, "links": 1}',
            [],
            "{path}: seed: must be a whole number from 0 to 1000000\n{path}: links: must",
        ),
        (b"[]", [], "{path}: faults: must be an object"),
        (None, [], "{path}: cannot be read: "),
        (b"{}", ["seed"], "--fault seed: not NAME=VALUE\n  write latency_ms=50 or throttled_s.read=30"),
        (b"{}", ["seed=x"], "--fault seed=x: seed: must be a whole number"),
        (b"{}", ["throttled_s.reads=3"], '--fault throttled_s.reads=3: throttled_s: unknown class "reads"'),
        (b"{}", ["nothing=3"], '--fault nothing=3: unknown member "nothing"; there are latency_ms, '),
    ],
)
def test_bad_faults_are_told_with_their_place(tmp_path, content, options, message):
    """The file, or the option, and what is wrong with it."""
    path = tmp_path / "faults.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(EmulatorError) as caught:
        read_faults(path, options)

    assert str(caught.value).startswith(message.format(path=path))


@pytest.mark.parametrize("name", ["seed", "list_order", "ghosts"])
def test_faults_are_checked_in_python_too(emulator, name):
    """By the same table."""
    with pytest.raises(ValueError, match=f"{name}: must be "):
        setattr(emulator.faults, name, -1)


def test_the_command_takes_faults(tmp_path):
    """From its options and a file, beside its other options."""
    (tmp_path / "faults.json").write_text('{"links": "loop"}')
    options = ["--fault", "throttled_s.write=60", "--faults", "faults.json", "--latency-ms", "1", "--admin"]
    command = [sys.executable, "-m", "reconciler", "emulator", *options]

    with Popen(command, stdout=PIPE, text=True, cwd=tmp_path) as process:
        try:
            faults = httpx.get(f"{process.stdout.readline().split()[1]}{FAULTS}").json()
        finally:
            process.terminate()

    assert ("loop", 1, ["write"]) == (faults["links"], faults["latency_ms"], list(faults["throttled_s"]))


def test_the_command_refuses_what_is_no_fault(tmp_path):
    """Before it listens."""
    command = [sys.executable, "-m", "reconciler", "emulator", "--fault", "seed=x"]

    done = run(command, capture_output=True, text=True, timeout=20, check=False)

    message = "error: --fault seed=x: seed: must be a whole number from 0 to 1000000\n"
    assert (1, "", message) == (done.returncode, done.stdout, done.stderr)


def test_the_documentation_names_every_fault():
    """In its tables: all faults, all members of a rule, and nothing else."""
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    section = page.partition("\n## Faults\n")[2].partition("\n## ")[0]
    first_columns = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]

    named = [name for column in first_columns for name in re.findall(r"`(\w+)`", column)]

    assert sorted([*NONE, *RULE]) == sorted(named)
