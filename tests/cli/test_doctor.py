"""`doctor` tells what is missing, by the name of what grants it, and changes nothing."""

from __future__ import annotations

import base64
import json
import re

import pytest
from servers import html, scripted

from reconciler.emulator import Identity, Settings

PATTERN = "version: 1\nrepositories: [{match: '**', attributes: {deleteEnabled: false}}]\n"
EXACT = "version: 1\nrepositories: [{match: team/app, attributes: {deleteEnabled: false}}]\n"
CI = {"RECONCILER_USERNAME": "ci", "RECONCILER_PASSWORD": "s3cret-word"}
READER = ["metadata/read"]
WRITER = ["metadata/read", "metadata/write"]


@pytest.fixture
def files(tmp_path):
    """Writes a desired-state file and names it."""

    def write(text: str) -> str:
        (tmp_path / "registry.yaml").write_text(text)
        return "registry.yaml"

    return write


def _identity(kind: str = "scope-map", *, catalog: bool = False, **repositories: list[str]) -> Settings:
    named = {name.replace("__", "/"): actions for name, actions in repositories.items()}
    known = Identity(name="ci", kind=kind, password="s3cret-word", repositories=named, catalog=catalog)
    return Settings(auth="token", identities=(known,))


def _admin() -> Settings:
    return Settings(auth="token", identities=(Identity(name="ci", kind="admin", password="s3cret-word"),))


def _permissions(done) -> dict[str, dict[str, str]]:
    document = json.loads(done.stdout)
    return {
        examined["name"]: {each["action"]: each["verdict"] for each in examined["permissions"]}
        for examined in document["repositories"]
    }


def test_an_admin_lacks_nothing(start_emulator, reconciler, files):
    """Every check says yes, and the exit code is 0."""
    emulator = start_emulator(_admin())
    emulator.push("team/app:v1", content=b"one")

    done = reconciler("doctor", files(PATTERN), "--registry", emulator.url, **CI)

    assert (
        "reach             yes        answers without TLS\n"
        "sign-in           yes        ci (user name and password)\n"
        "                             until TIME UTC, and renewed before\n"
        "catalog           yes        1 repository\n"
        "\n"
        "team/app\n"
        "  read metadata   yes\n"
        "  write metadata  yes\n"
        "  delete          yes\n"
        "  pull            yes\n"
        "  push            yes\n"
        "\n"
        "Nothing is missing.\n"
    ) == re.sub(r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC", "until TIME UTC", done.stdout)
    assert 0 == done.code
    assert [] == [line for line in done.stdout.splitlines() if len(line) > 80]


def test_a_permission_that_the_files_need_is_named(start_emulator, reconciler, files):
    """Role, data action and scope map action, so that whoever grants it can copy it; and exit code 1."""
    emulator = start_emulator(_identity(team__app=READER))
    emulator.push("team/app:v1", content=b"one")

    done = reconciler("doctor", files(EXACT), "--registry", emulator.url, **CI)

    assert (
        "team/app\n"
        "  read metadata   yes\n"
        "  write metadata  no\n"
        '    the role "Container Registry Repository Writer",\n'
        "    or the data action\n"
        "    Microsoft.ContainerRegistry/registries/repositories/metadata/write;\n"
        "    in a scope map metadata/write\n"
        "  delete          no         these files do not need it\n"
        "  pull            no         these files do not need it\n"
        "  push            no         these files do not need it\n"
        "\n"
        "plan has all that it needs; apply lacks a permission.\n"
    ) == done.stdout.partition("\n\n")[2]
    assert 1 == done.code


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (_admin(), {"metadata_read": "yes", "metadata_write": "yes", "delete": "yes", "pull": "yes", "push": "yes"}),
        (
            _identity(team__app=WRITER),
            {"metadata_read": "yes", "metadata_write": "yes", "delete": "no", "pull": "no", "push": "no"},
        ),
        (
            _identity(team__app=["content/read", "content/delete"]),
            {"metadata_read": "no", "metadata_write": "no", "delete": "yes", "pull": "yes", "push": "no"},
        ),
        (
            Settings(auth="none"),
            {
                "metadata_read": "yes",
                "metadata_write": "unknown",
                "delete": "unknown",
                "pull": "unknown",
                "push": "unknown",
            },
        ),
        (
            Settings(auth="basic", username="ci", password="s3cret-word"),
            {"metadata_read": "yes", "metadata_write": "yes", "delete": "yes", "pull": "yes", "push": "yes"},
        ),
    ],
    ids=["admin", "writer", "no metadata", "no sign-in", "basic"],
)
def test_what_is_permitted_is_told_action_by_action(start_emulator, reconciler, files, settings, expected):
    """Reading is tried; the rest stands in the token."""
    emulator = start_emulator(settings)
    emulator.push("team/app:v1", content=b"one")

    done = reconciler("doctor", files(EXACT), "--registry", emulator.url, "--format", "json", **CI)

    assert {"team/app": expected} == _permissions(done)


@pytest.mark.parametrize(
    ("entry", "needed"),
    [
        ("tags: [{match: v1, protect: immutable}]", {"metadata_read", "metadata_write"}),
        ("tags: [{match: v1, ensure: absent}]", {"metadata_read", "metadata_write", "delete"}),
        ("tags: [{match: 'v*', keep: {last: 3}}]", {"metadata_read", "metadata_write", "delete"}),
        (f"tags: [{{match: v1, digest: 'sha256:{'a' * 64}'}}]", {"metadata_read", "metadata_write", "pull", "push"}),
        ("manifests: [{tagged: false, ensure: absent}]", {"metadata_read", "metadata_write", "delete", "pull"}),
    ],
)
def test_what_the_files_need_is_what_apply_would_do(start_emulator, reconciler, files, entry, needed):
    """A move pulls and pushes, an absence deletes, and what may go is looked into."""
    emulator = start_emulator(_admin())
    emulator.push("team/app:v1", content=b"one")
    file = files(f"version: 1\nrepositories: [{{match: team/app, {entry}}}]\n")

    done = reconciler("doctor", file, "--registry", emulator.url, "--format", "json", **CI)

    (examined,) = json.loads(done.stdout)["repositories"]
    assert needed == {grant["action"] for grant in examined["permissions"] if grant["needed"]}


def test_nothing_is_changed(start_emulator, reconciler, files):
    """Only reads and sign-ins are sent."""
    emulator = start_emulator(_admin())
    emulator.push("team/app:v1", content=b"one")

    reconciler("doctor", files(PATTERN), "--registry", emulator.url, **CI)

    assert {("GET", "/v2/"), ("POST", "/oauth2/token"), ("GET", "/acr/v1/_catalog"), ("GET", "/acr/v1/team/app")} == {
        (request.method, request.path) for request in emulator.requests()
    }


def test_a_catalog_that_may_not_be_listed_is_missing_where_patterns_need_it(start_emulator, reconciler, files):
    """Rules that name repositories exactly do without it."""
    emulator = start_emulator(_identity(team__app=WRITER))
    emulator.push("team/app:v1", content=b"one")

    by_pattern = reconciler("doctor", files(PATTERN), "--registry", emulator.url, **CI)
    by_name = reconciler("doctor", files(EXACT), "--registry", emulator.url, **CI)

    assert (
        "catalog           no\n"
        '    takes the role "Container Registry Repository Catalog Lister",\n'
        "    or the data action\n"
        "    Microsoft.ContainerRegistry/registries/catalog/read;\n"
        "    in a scope map every repository (*)\n"
    ) in by_pattern.stdout
    assert 1 == by_pattern.code
    assert "catalog" not in by_name.stdout
    assert 0 == by_name.code


def test_a_repository_that_is_not_there_is_told_and_no_error(start_emulator, reconciler, files):
    """Files are merged before images are pushed."""
    emulator = start_emulator(_admin())

    done = reconciler("doctor", files(EXACT), "--registry", emulator.url, **CI)

    assert "team/app\n  not there: the registry does not hold it\n" in done.stdout
    assert 0 == done.code


def test_a_registry_that_cannot_be_reached_is_the_whole_answer(reconciler):
    """What could not be asked is not guessed."""
    done = reconciler("doctor", "--registry", "http://127.0.0.1:9", "--timeout", "0.2")

    assert done.stdout.startswith(
        "reach             no\n    GET http://127.0.0.1:9/v2/: cannot connect: Connection refused\n"
    )
    assert "sign-in" not in done.stdout
    assert 1 == done.code


def test_a_wrong_password_is_told_as_that(start_emulator, reconciler):
    """With what the registry said, and without the password."""
    emulator = start_emulator(_admin())

    done = reconciler("doctor", "--registry", emulator.url, RECONCILER_USERNAME="ci", RECONCILER_PASSWORD="wr0ng-word")

    assert done.stdout.startswith("reach             yes        answers without TLS\nsign-in           no\n    POST ")
    assert "The user name or password is wrong, or may not sign in here." in done.stdout
    assert "wr0ng-word" not in done.stdout + done.stderr
    assert 1 == done.code


def test_without_files_the_registry_itself_is_looked_at(start_emulator, reconciler):
    """Reach, sign-in and catalog; none of them is needed by files that are not there."""
    emulator = start_emulator(_identity(team__app=WRITER))

    done = reconciler("doctor", "--registry", emulator.url, **CI)

    assert ["reach", "sign-in", "catalog"] == [
        line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines() if line[0] != " "
    ]
    assert 0 == done.code


def test_repositories_of_the_same_permissions_are_told_together(start_emulator, reconciler, files):
    """Nobody reads the same four lines for 5,000 repositories; --full names them all."""
    emulator = start_emulator(_admin())
    for number in range(8):
        emulator.push(f"team/app-{number}:v1", content=b"one")
    arguments = ("doctor", files(PATTERN), "--registry", emulator.url)

    short, full = reconciler(*arguments, **CI), reconciler(*arguments, "--full", **CI)

    assert 1 == short.stdout.count("read metadata")
    assert "team/app-4\n… and 3 more repositories\n" in short.stdout
    assert "team/app-7\n" in full.stdout


def test_in_a_registry_with_permissions_per_repository_tokens_are_asked_for_together(start_emulator, reconciler, files):
    """20 repositories cost two tokens to ask about, and a few more to read them."""
    names = {f"team__app{number}": WRITER for number in range(20)}
    emulator = start_emulator(_identity(**names))
    for number in range(20):
        emulator.push(f"team/app{number}:v1", content=b"one")
    exact = ", ".join(f"team/app{number}" for number in range(20))
    text = f"version: 1\nrepositories: [{{match: [{exact}], attributes: {{deleteEnabled: false}}}}]\n"

    done = reconciler("doctor", files(text), "--registry", emulator.url, "--format", "json", **CI)

    assert 20 == sum(each["metadata_write"] == "yes" for each in _permissions(done).values())
    assert len([request for request in emulator.requests() if request.path == "/oauth2/token"]) <= 8


def test_a_firewall_is_no_missing_role(start_emulator, reconciler, files):
    """It keeps everybody out, whoever they are; the registry's own words say what to do."""
    emulator = start_emulator(_admin())
    emulator.faults.firewall = True

    done = reconciler("doctor", files(PATTERN), "--registry", emulator.url, **CI)

    assert done.stdout.startswith(f"reach             no\n    GET {emulator.url}/v2/: 403 DENIED: client with")
    assert "role" not in done.stdout
    assert 1 == done.code


def test_a_repository_that_cannot_be_read_is_told_with_the_reason(start_emulator, reconciler, files):
    """Whatever the reason is, a plan could not be made."""
    emulator = start_emulator(_admin())
    emulator.push("team/app:v1", content=b"one")
    emulator.faults.load({"requests": [{"do": "refuse", "status": 500, "path": "/acr/v1/team/app"}]})

    done = reconciler("doctor", files(EXACT), "--registry", emulator.url, "--timeout", "1", **CI)

    assert f"  read metadata   no\n    GET {emulator.url}/acr/v1/team%2Fapp: 500 UNKNOWN" in done.stdout
    assert 1 == done.code


def test_a_host_that_is_no_registry_is_told_as_that(reconciler):
    """It answers 200, with a page: nothing there can be healthy."""
    with scripted() as server:
        server.on("*", html(200))

        url, done = server.url, reconciler("doctor", "--registry", server.url)

    assert f"reach             no\n    GET {url}/v2/: 200, and no registry answers so\n" in done.stdout
    assert "Nothing is missing" not in done.stdout
    assert 1 == done.code


def test_nobody_is_told_what_was_found_and_refused(start_emulator, reconciler, tmp_path):
    """A login of Docker's that has ended must not look like a registry without permissions."""
    emulator = start_emulator(Settings(auth="token", anonymous_pull=True))
    pair = base64.b64encode(b"ci:0ld-word").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {emulator.host: {"auth": pair}}}))

    done = reconciler("doctor", "--registry", emulator.url, DOCKER_CONFIG=str(tmp_path))

    assert (
        "sign-in           yes        anonymous\n"
        "                             until TIME UTC, and renewed before\n"
        "    Microsoft Entra: not offered to a host that is none of Azure's own; --auth\n"
        "    entra does\n"
        f"    Docker's config.json: POST {emulator.url}/oauth2/token: 401\n"
        "    UNAUTHORIZED: "
    ) in re.sub(r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC", "until TIME UTC", done.stdout)
    assert "0ld-word" not in done.stdout
