"""Each way to sign in, from the command line, with a registry that checks it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from reconciler.emulator import Identity, Settings

RULES = "version: 1\nrepositories: [{match: team/app, attributes: {deleteEnabled: false}}]\n"
WRITER = ["metadata/read", "metadata/write"]
APP = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def registry(start_emulator, tmp_path: Path):
    """A registry with one user and one application of Microsoft Entra, and files for it."""
    user = Identity(name="ci", kind="scope-map", password="s3cret-word", repositories={"team/app": WRITER})
    app = Identity(name=APP, kind="entra", repositories={"*": WRITER}, catalog=True)
    emulator = start_emulator(Settings(auth="token", identities=(user, app)))
    emulator.push("team/app:v1", content=b"one")
    (tmp_path / "registry.yaml").write_text(RULES)
    return emulator


def _home(folder: Path, document: object) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps(document))
    return {"DOCKER_CONFIG": str(folder)}


def test_a_password_can_be_piped_in(registry, reconciler):
    """It is then neither an argument nor in the environment; who signed in is told."""
    arguments = ("--registry", registry.url, "--username", "ci", "--password-stdin")

    done = reconciler("apply", "registry.yaml", "--auto-approve", *arguments, stdin="s3cret-word\n")

    assert 0 == done.code, done.stderr
    assert 1 == done.stderr.count("Sign-in   ci (user name and password)\n")
    assert "s3cret-word" not in done.stderr


@pytest.mark.parametrize(
    ("stdin", "what"), [("", "no password"), ("\n", "no password"), ("one\ntwo\n", "more than one line")]
)
def test_a_password_is_one_line(registry, reconciler, stdin, what):
    """An empty variable in a pipeline is a mistake, not a wish to be anonymous."""
    done = reconciler(
        "plan", "registry.yaml", "--registry", registry.url, "--username", "ci", "--password-stdin", stdin=stdin
    )

    assert done.stderr.startswith(f"error: --password-stdin: standard input holds {what}\n")
    assert 1 == done.code


def test_standard_input_is_read_once(reconciler):
    """It is the password or the files."""
    done = reconciler("plan", "-", "--registry", "http://127.0.0.1:9", "--password-stdin", stdin=RULES)

    assert "error: --password-stdin and the file - would both read standard input\n" == done.stderr
    assert 1 == done.code


def test_a_refresh_token_signs_in(registry, reconciler):
    """As `az acr login --expose-token` prints it."""
    token = registry.refresh_token(APP)

    done = reconciler("plan", "registry.yaml", "--registry", registry.url, RECONCILER_REFRESH_TOKEN=token)

    assert 0 == done.code, done.stderr
    assert "(refresh token)\n" in done.stderr
    assert token not in done.stderr


def test_what_docker_login_left_behind_signs_in(registry, reconciler, tmp_path: Path):
    """Found without being asked for, and told."""
    pair = base64.b64encode(b"ci:s3cret-word").decode()

    done = reconciler(
        "plan",
        "registry.yaml",
        "--registry",
        registry.url,
        **_home(tmp_path, {"auths": {registry.host: {"auth": pair}}}),
    )

    assert 0 == done.code, done.stderr
    assert "Sign-in   ci (Docker's config.json)\n" in done.stderr


def test_what_was_found_and_does_not_fit_is_passed_over_and_told(registry, reconciler, tmp_path: Path):
    """The error names each way that was tried, and what came of it."""
    pair = base64.b64encode(b"ci:0ld-word").decode()

    done = reconciler(
        "plan",
        "registry.yaml",
        "--registry",
        registry.url,
        **_home(tmp_path, {"auths": {registry.host: {"auth": pair}}}),
    )

    assert 1 == done.code
    assert f"Docker's config.json: POST {registry.url}/oauth2/token: 401 UNAUTHORIZED" in done.stderr
    assert "0ld-word" not in done.stderr


def test_what_was_given_is_not_passed_over(registry, reconciler, tmp_path: Path):
    """A wrong password is an error, also where Docker would know a right one."""
    pair = base64.b64encode(b"ci:s3cret-word").decode()
    wrong = {"RECONCILER_USERNAME": "ci", "RECONCILER_PASSWORD": "wr0ng-word"}

    done = reconciler(
        "plan",
        "registry.yaml",
        "--registry",
        registry.url,
        **_home(tmp_path, {"auths": {registry.host: {"auth": pair}}}),
        **wrong,
    )

    assert 1 == done.code
    assert "The user name or password is wrong, or may not sign in here." in done.stderr


def test_the_identity_of_the_machine_signs_in(registry, reconciler):
    """Microsoft's own library finds it, the registry exchanges its token."""
    done = reconciler(
        "plan",
        "registry.yaml",
        "--registry",
        registry.url,
        "--auth",
        "entra",
        **registry.identity_environment(),
        AZURE_CLIENT_ID=APP,
    )

    assert 0 == done.code, done.stderr
    assert f"Sign-in   {APP} (Microsoft Entra)\n" in done.stderr
    assert ["/oauth2/exchange", "/oauth2/token"] == [request.path for request in registry.requests("POST")]


def test_microsoft_entra_is_offered_to_azure_only(registry, reconciler):
    """A token of Entra opens every registry of its holder, so another host gets it only by name."""
    done = reconciler(
        "plan", "registry.yaml", "--registry", registry.url, **registry.identity_environment(), AZURE_CLIENT_ID=APP
    )

    assert 1 == done.code
    assert [] == [request for request in registry.requests() if "identity" in request.path]


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("password", "RECONCILER_USERNAME is not set"),
        ("refresh-token", "RECONCILER_REFRESH_TOKEN is not set"),
        ("docker", "--auth docker: Docker's config.json holds nothing for"),
    ],
)
def test_a_way_that_is_asked_for_and_not_there_is_an_error(registry, reconciler, tmp_path: Path, way, says):
    """Before anything else is tried."""
    done = reconciler(
        "plan", "registry.yaml", "--registry", registry.url, "--auth", way, DOCKER_CONFIG=str(tmp_path / "empty")
    )

    assert 1 == done.code
    assert says in done.stderr


def test_who_asks_to_be_nobody_is_nobody(start_emulator, reconciler, tmp_path: Path):
    """With anonymous pull a registry can be planned; the password in the environment stays there."""
    emulator = start_emulator(Settings(auth="token", anonymous_pull=True))
    emulator.push("team/app:v1", content=b"one")
    (tmp_path / "registry.yaml").write_text(RULES)
    sign_in = {"RECONCILER_USERNAME": "ci", "RECONCILER_PASSWORD": "s3cret-word"}

    planned = reconciler("plan", "registry.yaml", "--registry", emulator.url, "--auth", "anonymous", **sign_in)
    applied = reconciler(
        "apply", "registry.yaml", "--registry", emulator.url, "--auth", "anonymous", "--auto-approve", **sign_in
    )

    assert 0 == planned.code, planned.stderr
    assert "Sign-in   anonymous\n" in planned.stderr
    assert 1 == applied.code
    assert "nobody signed in" in applied.stdout


def _who(kind: str, where: str = "*", *, abac: bool = False, auth: str = "token") -> Settings:
    options = {} if kind == "admin" else {"repositories": {where: WRITER}}
    known = Identity(name="ci", kind=kind, password="s3cret-word", catalog=kind == "entra", **options)
    return Settings(auth=auth, abac=abac, identities=(known,))


# What the registry is like, which repositories the file means, and how many tokens a plan may cost.
KINDS = {
    "the admin user": (_who("admin"), "'**'", 1),
    "a service principal": (_who("entra"), "'**'", 1),
    "basic on each call": (_who("admin", auth="basic"), "'**'", 1),
    "a scope-map token": (_who("scope-map", "team/*"), "[team/app, team/web]", 3),
    "permissions per repository": (_who("entra", "team/*", abac=True), "'**'", 4),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_account_plans_and_applies(start_emulator, reconciler, tmp_path: Path, kind):
    """With as few tokens as the registry makes possible: one for all, or one for those who wait."""
    settings, match, most_tokens = KINDS[kind]
    emulator = start_emulator(settings)
    for repository in ("app", "web"):
        emulator.push(f"team/{repository}:v1", content=b"one")
    (tmp_path / "registry.yaml").write_text(
        f"version: 1\nrepositories: [{{match: {match}, attributes: {{deleteEnabled: false}}}}]\n"
    )
    sign_in = {"RECONCILER_USERNAME": "ci", "RECONCILER_PASSWORD": "s3cret-word"}

    planned = reconciler("plan", "registry.yaml", "--registry", emulator.url, "--detailed-exitcode", **sign_in)
    tokens = len(emulator.requests("POST"))
    applied = reconciler("apply", "registry.yaml", "--registry", emulator.url, "--auto-approve", **sign_in)

    assert 2 == planned.code, planned.stderr
    assert 0 == applied.code, applied.stderr
    assert "2 verified" in applied.stdout
    assert 1 <= tokens <= most_tokens
