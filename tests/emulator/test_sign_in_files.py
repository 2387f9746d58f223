"""Identities from a file, and a registry of its own process that knows them."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from content import Http
from signing_in import anonymously, ask, claims_of, exchange, with_password, with_refresh_token

from reconciler.emulator import EmulatorError, Identity, read_identities

REGISTRY = "https://containerregistry.azure.net"
FILE = {
    "identityHeader": "h-word",
    "identities": [
        {"kind": "admin", "name": "contoso", "password": "a-word"},
        {
            "kind": "scope-map",
            "name": "ci",
            "password": "c-word",
            "repositories": {"team/*": ["content/read", "metadata/read"]},
        },
        {
            "kind": "entra",
            "name": "robot",
            "objectId": "aaaaaaaa-0000-4000-8000-000000000001",
            "repositories": {"*": ["pull", "metadata_read"], "team/app": ["metadata_write"]},
            "catalog": True,
        },
    ],
}


@pytest.fixture
def identities(tmp_path):
    """The path of a file with an identity of each kind."""
    path = tmp_path / "identities.json"
    path.write_text(json.dumps(FILE))
    return path


@contextmanager
def _running(*options):
    """A client of `reconciler emulator` with these options."""
    command = [sys.executable, "-m", "reconciler", "emulator", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = re.fullmatch(r"READY (http://\S+)\n", process.stdout.readline())[1]
            with Http(base_url=url, trust_env=False) as http:
                yield http
        finally:
            process.terminate()


def test_a_file_names_identities_of_each_kind(identities):
    """Actions are spelled as in scope maps or as in tokens."""
    read = read_identities(identities)

    assert (
        Identity("contoso", "admin", "a-word"),
        Identity("ci", "scope-map", "c-word", {"team/*": ("pull", "metadata_read")}),
        Identity(
            "robot",
            "entra",
            repositories={"*": ("pull", "metadata_read"), "team/app": ("metadata_write",)},
            catalog=True,
            object_id="aaaaaaaa-0000-4000-8000-000000000001",
        ),
    ) == read.identities
    assert "h-word" == read.identity_header


def test_an_empty_file_names_nobody(tmp_path):
    """It is a file all the same."""
    (tmp_path / "none.json").write_text("{}")

    read = read_identities(tmp_path / "none.json")

    assert ((), "") == (read.identities, read.identity_header)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "the file: not an object"),
        ('{"users": []}', 'the file: unknown "users"\n  known: identities, identityHeader'),
        ('{"identityHeader": 1}', "the file.identityHeader: not a text"),
        ('{"identities": {}}', "identities: not a list"),
        ('{"identities": ["p-word"]}', "identities[0]: not an object"),
        (
            '{"identities": [{"nmae": "p-word"}]}',
            'identities[0]: unknown "nmae"\n  known: kind, name, password, repositories, catalog, objectId',
        ),
        ('{"identities": [{"kind": "admin", "password": "p-word"}]}', "identities[0]: an identity needs a name"),
        ('{"identities": [{"name": "x", "password": ["p-word"]}]}', "identities[0].password: not a text"),
        ('{"identities": [{"name": "x", "catalog": 1}]}', "identities[0].catalog: not true or false"),
        ('{"identities": [{"name": "x", "repositories": []}]}', "identities[0].repositories: not an object"),
        (
            '{"identities": [{"name": "x", "repositories": {"a": "pull"}}]}',
            "identities[0].repositories.a: not a list of actions",
        ),
        (
            '{"identities": [{"name": "x", "repositories": {"a": [1]}}]}',
            "identities[0].repositories.a: not a list of actions",
        ),
        (
            '{"identities": [{"name": "x", "kind": "entra"}, {"name": "y", "kind": "", "password": "p-word"}]}',
            'identities[1]: "" is no kind of identity\n  known: admin, scope-map, entra',
        ),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path, content, message):
    """The message says where, and shows no password."""
    (tmp_path / "bad.json").write_text(content)

    with pytest.raises(EmulatorError) as refused:
        read_identities(tmp_path / "bad.json")

    assert f"{tmp_path}/bad.json: {message}" == str(refused.value)
    assert "p-word" not in str(refused.value)


def test_a_file_that_is_no_json_is_refused(tmp_path):
    """The message says where it stops being any, and not what stands there."""
    (tmp_path / "bad.json").write_text('{"password": "p-word')

    with pytest.raises(EmulatorError, match=r"bad\.json: not JSON: .* line 1 column ") as refused:
        read_identities(tmp_path / "bad.json")

    assert "p-word" not in str(refused.value)


def test_the_example_of_the_documentation_can_be_read(tmp_path):
    """It holds an identity of each kind."""
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
    (tmp_path / "example.json").write_text(page.split("## Signing in")[1].split("```json\n")[1].split("```")[0])

    read = read_identities(tmp_path / "example.json")

    assert ["admin", "scope-map", "entra", "entra"] == [identity.kind for identity in read.identities]


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """A folder, for one."""
    with pytest.raises(EmulatorError, match="cannot be read: Is a directory"):
        read_identities(tmp_path)


def test_what_is_read_shows_no_secret(identities):
    """Neither the passwords nor the header."""
    assert [] == re.findall("[ach]-word", repr(read_identities(identities)))


def test_the_command_lets_in_those_in_the_file(identities):
    """With passwords straight on data calls where they are to be taken, and with tokens of Entra."""
    with _running("--identities", identities, "--auth", "basic") as http:
        answers = [
            http.get("/acr/v1/_catalog"),
            http.get("/acr/v1/_catalog", auth=("contoso", "a-word")),
            http.get("/acr/v1/_catalog", auth=("ci", "c-word")),
            with_password("ci", "c-word")(http, "registry:catalog:*"),
            with_password("ci", "wrong")(http, "registry:catalog:*"),
            anonymously(http, "registry:catalog:*"),
        ]
        entra = http.get(
            "/emulator/identity/token", params={"resource": REGISTRY}, headers={"x-identity-header": "h-word"}
        )
        refresh = exchange(http, entra.json()["access_token"]).json()["refresh_token"]
        bought = with_refresh_token(refresh)(http, "repository:a:* registry:catalog:*").json()["access_token"]

    assert [401, 200, 401, 200, 401, 401] == [answer.status_code for answer in answers]
    assert [
        {"Type": "repository", "Name": "a", "Actions": ["pull", "metadata_read"]},
        {"Type": "registry", "Name": "catalog", "Actions": ["*"]},
    ] == claims_of(bought)["access"]


@pytest.mark.parametrize(
    ("options", "statuses"),
    [
        ([], [200, 200]),
        (["--auth", "token"], [401, 200]),
        (["--anonymous-pull"], [401, 401]),
        (["--abac"], [401, 200]),
    ],
)
def test_the_command_asks_for_tokens_as_soon_as_anything_speaks_of_them(options, statuses):
    """The catalog without a token, and a refresh token for just any of Entra's."""
    with _running(*options) as http:
        got = [http.get("/acr/v1/_catalog").status_code, exchange(http, "entra").status_code]

    assert statuses == got


def test_the_command_sets_lifetimes_and_audiences(identities):
    """And what ABAC and anonymous pull change."""
    options = ("--access-lifetime", 60, "--refresh-lifetime", 120, "--no-arm-audience", "--abac", "--anonymous-pull")
    with _running("--identities", identities, *options) as http:
        header = {"x-identity-header": "h-word"}
        made = [
            http.get("/emulator/identity/token", params={"resource": resource}, headers=header).json()["access_token"]
            for resource in (REGISTRY, "https://management.azure.com/")
        ]
        taken, refused = (exchange(http, token) for token in made)
        access = ask(http, "repository:a:pull,push", grant_type="password").json()["access_token"]

    refresh = claims_of(taken.json()["refresh_token"])
    assert (1020, True) == (refresh["exp"] - refresh["iat"], "aad_identity" in refresh)
    assert 401 == refused.status_code
    assert 960 == claims_of(access)["exp"] - claims_of(access)["iat"]
    assert ["pull"] == claims_of(access)["access"][0]["Actions"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x", "identities.json: not JSON: "),
        (
            '{"identities": [{"kind": "entra", "name": "x"}, {"kind": "entra", "name": "x"}]}',
            'two identities are named "x"',
        ),
    ],
)
def test_the_command_says_what_is_wrong_with_the_file(identities, content, message):
    """And does not start."""
    identities.write_text(content)
    command = [sys.executable, "-m", "reconciler", "emulator", "--identities", str(identities)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert (1, "") == (done.returncode, done.stdout)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_is_let_in_where_a_file_says_who_may(identities):
    """Asked for both, the command says that they contradict each other, and does not begin."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "emulator", "--auth", "none", "--identities", str(identities)],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (1, b"") == (done.returncode, done.stdout)
    assert done.stderr.startswith(b"error: --auth none lets everybody in, whoever --identities")
