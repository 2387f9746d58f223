"""What Docker holds for a registry is found where Docker finds it, and nothing else is."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import RefusedError
from reconciler.registry.credentials import Password, RefreshToken
from reconciler.registry.docker_config import docker_credential

HOST = "contoso.azurecr.io"
NO_USER = "00000000-0000-0000-0000-000000000000"
Machine = Callable[..., dict[str, str]]


def _pair(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _auth(text: str) -> dict[str, str]:
    return {"auth": _pair(text)}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A function that writes config.json and helper programs, and returns an environment in which they are found."""

    def write(config: object = None, **helpers: str) -> dict[str, str]:
        folder, programs = tmp_path / "docker", tmp_path / "bin"
        folder.mkdir()
        programs.mkdir()
        if config is not None:
            content = config if isinstance(config, bytes) else json.dumps(config).encode()
            (folder / "config.json").write_bytes(content)
        for name, script in helpers.items():
            program = programs / f"docker-credential-{name}"
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        return {"DOCKER_CONFIG": str(folder), "PATH": f"{programs}:{os.defpath}"}

    return write


async def _find(environment: dict[str, str], host: str = HOST) -> Password | RefreshToken | None:
    return await docker_credential(host, environment, timeout_s=10)


async def _refusal(environment: dict[str, str], *, timeout_s: float = 10) -> str:
    with pytest.raises(RefusedError) as caught:
        await docker_credential(HOST, environment, timeout_s=timeout_s)
    return str(caught.value)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (_auth("ci:secret"), Password("ci", "secret")),
        (_auth("ci:a:b"), Password("ci", "a:b")),
        (_auth("ci:secret\0\0"), Password("ci", "secret")),
        ({"auth": _pair("ci:secret") + "\n"}, Password("ci", "secret")),
        ({"auth": base64.b64encode(b"ci:\xff").decode()}, Password("ci", "\udcff")),
        ({"username": "ci", "password": "secret"}, Password("ci", "secret")),
        ({"auth": _pair("ci:secret"), "username": "x", "password": "y"}, Password("ci", "secret")),
        (_auth(f"{NO_USER}:refresh"), RefreshToken("refresh")),
        ({"auth": _pair(f"{NO_USER}:"), "identitytoken": "refresh"}, RefreshToken("refresh")),
        ({"identitytoken": "refresh"}, RefreshToken("refresh")),
        ({}, None),
        ({"auth": "", "username": None}, None),
        ({"username": "ci"}, None),
        (_auth("ci:"), None),
    ],
)
async def test_an_entry_is_read_as_docker_writes_it(machine, entry, expected):
    """A user and password, joined or apart; a refresh token by its name, or with the user that means one."""
    environment = machine({"auths": {HOST: entry}})

    found = await _find(environment)

    assert expected == found


@pytest.mark.parametrize(
    "key",
    [
        HOST,
        "Contoso.azurecr.io",
        f"{HOST}/",
        f"{HOST}/v1/",
        f"https://{HOST}",
        f"https://{HOST}/",
        f"https://{HOST}/v1/",
        f"http://{HOST}/v2",
    ],
)
async def test_a_key_may_be_written_as_a_url(machine, key):
    """Docker takes scheme and path away from older keys."""
    environment = machine({"auths": {key: _auth("ci:secret")}})

    found = await _find(environment)

    assert Password("ci", "secret") == found


@pytest.mark.parametrize(
    "key",
    [
        "azurecr.io",
        ".azurecr.io",
        "*.azurecr.io",
        f"evil{HOST}",
        f"{HOST}.evil.example",
        f"{HOST}:443",
        f"{HOST}:5000",
        f"evil.example/{HOST}",
        f"https://evil.example/https://{HOST}",
        f"https://{HOST}@evil.example/",
        f"https://[{HOST}/",
        "",
    ],
)
async def test_a_credential_of_another_host_is_not_taken(machine, key):
    """Only the very host and port counts, no suffix and no default."""
    environment = machine({"auths": {key: _auth("ci:secret")}})

    found = await _find(environment)

    assert found is None


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "[::1]:5000"])
async def test_the_port_belongs_to_the_name(machine, host):
    """Of two registries on one machine each has its own."""
    environment = machine({"auths": {host: _auth("ci:one"), f"http://{host[:-1]}1/": _auth("ci:two")}})

    found = [await _find(environment, name) for name in (host, f"{host[:-1]}1", f"{host[:-1]}2")]

    assert [Password("ci", "one"), Password("ci", "two"), None] == found


async def test_the_plain_key_comes_before_a_url_of_the_same_host(machine):
    """Whatever their order in the file."""
    environment = machine({"auths": {f"https://{HOST}/v1/": _auth("ci:old"), HOST: _auth("ci:new")}})

    found = await _find(environment)

    assert Password("ci", "new") == found


async def test_an_empty_entry_hides_no_other_of_the_same_host(machine):
    """As Docker leaves one behind when it moves a password into a helper."""
    environment = machine({"auths": {HOST: {}, f"https://{HOST}": _auth("ci:secret")}})

    found = await _find(environment)

    assert Password("ci", "secret") == found


async def test_without_docker_config_the_file_is_in_the_home_folder(tmp_path):
    """`DOCKER_CONFIG` names the folder; else it is .docker at home; an empty one is none."""
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {HOST: _auth("ci:home")}}))
    home = {"HOME": str(tmp_path)}

    found = [await _find(e) for e in (home, {**home, "DOCKER_CONFIG": ""}, {**home, "DOCKER_CONFIG": "/nowhere"}, {})]

    assert [Password("ci", "home"), Password("ci", "home"), None, None] == found


@pytest.mark.parametrize("content", [b"", b" \n", b"{}", b'{"auths": null, "credHelpers": null, "credsStore": ""}'])
async def test_a_file_with_nothing_in_it_holds_nothing(machine, content):
    """Docker starts with an empty file, too."""
    environment = machine(content)

    found = await _find(environment)

    assert found is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"auths": {\n"contoso', "is not JSON, from line 2 on"),
        (b"[]", "is not a JSON object"),
        (b"\xff\xfe", "is not JSON, from line 1 on"),
        (b'{"a":' * 100_000, "is not JSON, from line 1 on"),
        (b" " * (1 << 20) + b"{}", "is larger than 1048576 bytes"),
        (b'{"auths": []}', '"auths" is not an object'),
        (b'{"credHelpers": "desktop"}', '"credHelpers" is not an object'),
        (b'{"credsStore": 1}', "names a credential helper that cannot be: letters, digits, '.', '_' and '-'"),
        (b'{"credsStore": "../evil"}', "names a credential helper that cannot be: letters, digits, '.', '_' and '-'"),
        (b'{"credsStore": "x; rm"}', "names a credential helper that cannot be: letters, digits, '.', '_' and '-'"),
        (b'{"credsStore": "gone"}', "names the credential helper docker-credential-gone, which is not on the PATH"),
    ],
)
async def test_a_file_that_cannot_be_understood_is_refused(machine, content, expected):
    """The error says which file, what is wrong, and how to do without."""
    environment = machine(content)

    first, *more = (await _refusal(environment)).splitlines()

    assert f"{environment['DOCKER_CONFIG']}/config.json: {expected}" == first
    assert [
        "  To sign in without it: RECONCILER_USERNAME and RECONCILER_PASSWORD, or DOCKER_CONFIG=an empty folder."
    ] == more


@pytest.mark.parametrize(
    "entry",
    [
        "s3cret",
        ["s3cret"],
        {"auth": "s3cret"},
        {"auth": "s3cret?"},
        {"auth": "s\u00e9cret"},
        _auth("s3cret"),
        _auth(":s3cret"),
        {"password": "s3cret"},
        {"auth": ["s3cret"]},
        {"username": "ci", "password": 7},
    ],
)
async def test_a_damaged_entry_is_refused_without_showing_it(machine, entry):
    """Nothing of the entry is told but whose it is."""
    environment = machine({"auths": {f"https://s3cret@{HOST}/": entry}})

    first = (await _refusal(environment)).partition("\n")[0]

    path = f"{environment['DOCKER_CONFIG']}/config.json"
    assert f"{path}: the entry for {HOST} is damaged; docker login writes it anew" == first


async def test_a_damaged_entry_of_another_registry_does_not_matter(machine):
    """It is not read."""
    environment = machine({"auths": {"other.example": {"auth": "?"}, HOST: _auth("ci:secret")}})

    found = await _find(environment)

    assert Password("ci", "secret") == found


async def test_what_is_no_file_is_refused(tmp_path):
    """A pipe would be waited for without end."""
    os.mkfifo(tmp_path / "config.json")

    message = await _refusal({"DOCKER_CONFIG": str(tmp_path)})

    assert f"{tmp_path}/config.json: is not a file" == message.partition("\n")[0]


async def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    """A link to itself stands for every other reason, as root may read everything."""
    (tmp_path / "config.json").symlink_to("config.json")

    message = await _refusal({"DOCKER_CONFIG": str(tmp_path)})

    assert f"{tmp_path}/config.json: cannot be read: Too many levels of symbolic links" == message.partition("\n")[0]


async def test_a_helper_is_asked_for_the_host(machine, tmp_path):
    """It is told `get` and the host on stdin, and nothing else."""
    script = f"""cat > {tmp_path}/stdin; echo "$@" > {tmp_path}/arguments
    echo '{{"ServerURL": "{HOST}", "Username": "ci", "Secret": "s3cret"}}'"""
    environment = machine({"credsStore": "asked"}, asked=script)

    found = await _find(environment)

    assert Password("ci", "s3cret") == found
    assert (HOST, "get\n") == ((tmp_path / "stdin").read_text(), (tmp_path / "arguments").read_text())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"ServerURL": "x", "Username": "<token>", "Secret": "refresh"}', RefreshToken("refresh")),
        (f'{{"Username": "{NO_USER}", "Secret": "refresh"}}', RefreshToken("refresh")),
        ('{"Username": "ci", "Secret": ""}', None),
        ('{"Username": "", "Secret": ""}', None),
    ],
)
async def test_a_helper_can_hold_a_refresh_token_or_nothing(machine, answer, expected):
    """The user says what the secret is; an empty secret is none."""
    environment = machine({"credsStore": "one"}, one=f"echo '{answer}'")

    found = await _find(environment)

    assert expected == found


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"credHelpers": {HOST: "one"}, "credsStore": "two"}, Password("one", "x")),
        ({"credHelpers": {"other.example": "one"}, "credsStore": "two"}, Password("two", "x")),
        ({"credHelpers": {"azurecr.io": "one"}}, Password("file", "x")),
        ({"credHelpers": {HOST: ""}, "credsStore": "two"}, Password("file", "x")),
        ({"credHelpers": {HOST: "none"}, "credsStore": "two"}, None),
        ({"credsStore": "none"}, None),
    ],
)
async def test_one_place_is_asked_and_no_other(machine, config, expected):
    """The registry's own helper, else the one for all, else the file; who holds nothing has the last word."""
    helpers = {name: f"""echo '{{"Username": "{name}", "Secret": "x"}}'""" for name in ("one", "two")}
    nothing = "echo credentials not found in native keychain; exit 1"
    environment = machine({**config, "auths": {HOST: _auth("file:x")}}, **helpers, none=nothing)

    found = await _find(environment)

    assert expected == found


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo s3cret; exit 1", "failed with exit code 1"),
        ("echo no agent is running >&2; echo more >&2; exit 3", "failed with exit code 3: no agent is running"),
        ("echo s3cret; echo it was s3cret >&2; exit 1", "failed with exit code 1"),
        ("printf 'a\\033[2Jb' >&2; exit 1", "failed with exit code 1"),
        ("kill -9 $$", "failed with exit code -9"),
        ("echo s3cret", "said something that is no credential"),
        ("""echo '["s3cret"]'""", "said something that is no credential"),
        ("""echo '{"Username": "ci"}'""", "said something that is no credential"),
        ("""echo '{"Username": "ci", "Secret": 7}'""", "said something that is no credential"),
        ("""echo '{"Username": "", "Secret": "s3cret"}'""", "said something that is no credential"),
        ("true", "said something that is no credential"),
        ("while :; do echo s3crets3crets3crets3crets3crets3crets3crets3cret; done", "said more than 1048576 bytes"),
    ],
)
async def test_a_helper_that_fails_is_named_and_not_quoted(machine, script, expected):
    """Its output is where secrets come from; of its complaint one line is shown."""
    environment = machine({"credsStore": "bad"}, bad=script)

    message = await _refusal(environment)

    program = environment["PATH"].partition(":")[0] + "/docker-credential-bad"
    assert f"the credential helper {program} {expected}" == message.partition("\n")[0]
    assert "\n  To see it by hand: echo HOST | docker-credential-bad get\n" in message
    assert "s3cret" not in message


async def test_a_helper_that_cannot_be_run_is_named(machine, tmp_path):
    """Here its interpreter is missing."""
    environment = machine({"credsStore": "bad"}, bad="")
    program = tmp_path / "bin" / "docker-credential-bad"
    program.write_text("#!/no/such/interpreter\n")

    message = await _refusal(environment)

    assert f"the credential helper {program} cannot be run: No such file or directory" == message.partition("\n")[0]


async def test_a_helper_is_not_taken_from_the_current_folder(machine, tmp_path, monkeypatch):
    """What a relative folder in the PATH holds depends on where one stands."""
    environment = machine({"credsStore": "near"}, near="echo '{}'")
    monkeypatch.chdir(tmp_path / "bin")

    message = await _refusal({**environment, "PATH": f".::{os.defpath}"})

    assert "names the credential helper docker-credential-near, which is not on the PATH" in message


@pytest.fixture
def alive(tmp_path: Path) -> Path:
    """A pipe that helpers hold open; whoever reads it comes to its end when all of them have ended."""
    os.mkfifo(tmp_path / "alive")
    return tmp_path / "alive"


async def test_a_helper_that_hangs_is_ended_with_all_that_it_started(machine, alive):
    """Time runs out, and neither it nor its child goes on."""
    environment = machine({"credsStore": "slow"}, slow=f"exec 3> {alive}; echo hangs >&3; sleep 60 & wait")
    reader = asyncio.create_task(asyncio.to_thread(alive.read_text))

    message = await _refusal(environment, timeout_s=0.5)

    assert "docker-credential-slow did not answer within 0.5 s\n" in message
    assert "hangs\n" == await asyncio.wait_for(reader, 10)


async def test_a_helper_ends_when_nobody_waits_any_more(machine, alive):
    """Ctrl-C leaves nothing behind."""
    environment = machine({"credsStore": "slow"}, slow=f"exec 3> {alive}; echo hangs >&3; exec sleep 60")
    task = asyncio.create_task(_find(environment))
    pipe = await asyncio.to_thread(alive.open)

    with pipe:
        first = await asyncio.to_thread(pipe.readline)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        rest = await asyncio.wait_for(asyncio.to_thread(pipe.read), 10)

    assert ("hangs\n", "") == (first, rest)


async def test_no_secret_is_in_a_repr(machine):
    """Not of what was found either."""
    environment = machine({"auths": {HOST: _auth("ci:s3cret"), "a.example": {"identitytoken": "s3cret"}}})

    found = [await _find(environment), await _find(environment, "a.example")]

    assert ["Password(username='ci')", "RefreshToken()"] == [repr(credential) for credential in found]
