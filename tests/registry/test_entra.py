"""Microsoft's own library finds the identity, over real sockets; what it says is told in few lines."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from servers import SILENCE, Reply, ScriptedServer, html, reply, scripted

from reconciler.registry.entra import EntraIdentity, EntraToken, IdentityError, NoIdentityError, audiences, is_available
from reconciler.registry.entra_refusals import advice_for, in_one_line

# azure-identity kills `az` when it is out of time, and does not wait for its end.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*BaseSubprocessTransport.__del__.*:pytest.PytestUnraisableExceptionWarning",
)

REGISTRY = "https://containerregistry.azure.net"
ARM = "https://management.azure.com"
HOST = "contoso.azurecr.io"
_OURS = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_")
_NO_SUCH_IDENTITY = reply(400, {"error": "invalid_request", "error_description": "Identity not found"})
_ASK = """
import asyncio, json, sys
from reconciler.errors import ReconcilerError
from reconciler.registry.entra import EntraIdentity

async def ask():
    async with EntraIdentity(sys.argv[1], timeout_s=10) as identity:
        try:
            token = await identity.token(sys.argv[2])
        except ReconcilerError as error:
            return {"error": type(error).__name__, "text": str(error)}
    return {"value": token.value, "subject": token.subject}

print(json.dumps(asyncio.run(ask())))
"""


def _jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{payload}.signature"


def _managed(token: str, resource: str = REGISTRY) -> Reply:
    ends = int(time.time()) + 86_400
    return reply(200, {"access_token": token, "expires_on": str(ends), "resource": resource, "token_type": "Bearer"})


@pytest.fixture
def cloud() -> Iterator[ScriptedServer]:
    """Answers in the place of Azure."""
    with scripted() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def _collected() -> Iterator[None]:
    """What was left unclosed here is found here."""
    yield
    gc.collect()


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, cloud: ScriptedServer, programs: Path) -> pytest.MonkeyPatch:
    """A virtual machine in Azure, which nobody is signed in on; its variables can be set."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(programs))
    cloud.on("/metadata/identity/oauth2/token", _NO_SUCH_IDENTITY)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.url)
    return monkeypatch


@pytest.fixture
def app_service(machine: pytest.MonkeyPatch, cloud: ScriptedServer) -> ScriptedServer:
    """The endpoint for managed identities of Azure App Service, Functions and Container Apps."""
    machine.setenv("IDENTITY_ENDPOINT", f"{cloud.url}/msi/token")
    machine.setenv("IDENTITY_HEADER", "x-secret")
    return cloud


def _script(programs: Path, name: str, body: str) -> None:
    (programs / name).write_text(f"#!/bin/sh\n{body}\n")
    (programs / name).chmod(0o755)


async def _token(audience: str = REGISTRY, *, timeout_s: float = 10) -> EntraToken:
    async with EntraIdentity(HOST, timeout_s=timeout_s) as identity:
        return await identity.token(audience)


async def _refusal(audience: str = REGISTRY, *, timeout_s: float = 10) -> IdentityError:
    with pytest.raises(IdentityError) as caught:
        await _token(audience, timeout_s=timeout_s)
    return caught.value


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("contoso.azurecr.io", (REGISTRY, ARM)),
        ("contoso.azurecr.cn", (REGISTRY, "https://management.chinacloudapi.cn")),
        ("Contoso.AzureCR.us", (REGISTRY, "https://management.usgovcloudapi.net")),
        ("azurecr.us.example", (REGISTRY, ARM)),
        ("127.0.0.1", (REGISTRY, ARM)),
    ],
)
def test_the_registries_own_audience_comes_before_azure_resource_managers(host, expected):
    """The first is the same in all clouds, the second is that of the host's cloud."""
    assert expected == audiences(host)


async def test_a_managed_identity_gives_a_token(app_service):
    """The library asks for the audience, and shows the header that proves who asks."""
    value = _jwt(tid="tenant-id", appid="app-id", oid="object-id")
    app_service.on("/msi/token", _managed(value))

    token = await _token()

    assert EntraToken(value, REGISTRY, tenant="tenant-id", subject="app-id") == token
    (request,) = app_service.requests
    asked = {"api-version": ["2019-08-01"], "resource": [REGISTRY]}
    assert (asked, "x-secret") == (parse_qs(urlsplit(request.target).query), request.header("x-identity-header"))


async def test_the_identity_is_looked_for_once(app_service):
    """A second audience is asked of the one that was found; a second token of one audience comes from memory."""
    app_service.on("/msi/token", _managed("one"), _managed("two", ARM))

    async with EntraIdentity(HOST, timeout_s=10) as identity:
        values = [(await identity.token(audience)).value for audience in (REGISTRY, ARM, REGISTRY)]

    assert ["one", "two", "one"] == values
    assert [REGISTRY, ARM] == [parse_qs(urlsplit(r.target).query)["resource"][0] for r in app_service.requests]


async def test_what_is_not_there_is_not_asked_again(cloud, programs):
    """Once `az` has given a token, it is asked for the next one, and no virtual machine is looked for."""
    _script(programs, "az", f"echo '{json.dumps({'accessToken': 'of-az', 'expires_on': 4_000_000_000})}'")

    async with EntraIdentity(HOST, timeout_s=10) as identity:
        await identity.token(REGISTRY)
        looked = cloud.count()
        await identity.token(ARM)

    assert 0 < looked == cloud.count()


async def test_a_closed_identity_can_be_closed_again_and_used_again(app_service):
    """It is looked for anew."""
    app_service.on("/msi/token", _managed("one"), _managed("two"))
    identity = EntraIdentity(HOST, timeout_s=10)
    await identity.aclose()

    values = []
    for _ in range(2):
        values.append((await identity.token(REGISTRY)).value)
        await identity.aclose()

    assert ["one", "two"] == values


@pytest.mark.parametrize(
    ("token", "tenant", "subject"),
    [
        (_jwt(tid="t", upn="ann@contoso.com", unique_name="u", appid="a", oid="o"), "t", "ann@contoso.com"),
        (_jwt(unique_name="live.com#ann", appid="a"), "", "live.com#ann"),
        (_jwt(oid="o"), "", "o"),
        (_jwt(appid="a\x1b[2J"), "", "a\N{REPLACEMENT CHARACTER}[2J"),
        (_jwt(appid=["a"], tid=7), "", ""),
        ("opaque", "", ""),
        ("a.b.c", "", ""),
        ("a.W10.c", "", ""),
    ],
)
async def test_a_token_says_whose_it_is(app_service, token, tenant, subject):
    """A user's name before ids; nothing where it does not say, and never an error."""
    app_service.on("/msi/token", _managed(token))

    found = await _token()

    assert (token, tenant, subject) == (found.value, found.tenant, found.subject)


async def test_a_token_is_not_in_its_repr(app_service):
    """Who holds it is."""
    app_service.on("/msi/token", _managed("s3cret"))

    token = await _token()

    assert "EntraToken(audience='https://containerregistry.azure.net', tenant='', subject='')" == repr(token)


async def test_the_login_of_az_gives_a_token(programs, tmp_path):
    """It is run with the audience as the resource."""
    value, output = _jwt(upn="ann@contoso.com"), tmp_path / "arguments"
    answer = json.dumps({"accessToken": value, "expires_on": int(time.time()) + 3600})
    _script(programs, "az", f"echo \"$@\" > {output}; echo '{answer}'")

    token = await _token()

    assert (value, "ann@contoso.com") == (token.value, token.subject)
    assert f"account get-access-token --output json --resource {REGISTRY}\n" == output.read_text()


async def test_nobody_is_told_in_one_line_for_each_way(cloud):
    """What each way lacks, without links, and what to do."""
    before_s = time.monotonic()

    with pytest.raises(NoIdentityError) as caught:
        await _token()

    assert [
        "nobody is signed in to Microsoft Entra on this machine",
        "  environment variables: Environment variables are not fully configured.",
        "  workload identity: The workload options are not fully configured.",
        "  managed identity: The requested identity has not been assigned to this resource.",
        "  Azure CLI: Azure CLI not found on path",
        "  Azure PowerShell: PowerShell is not installed",
        "  Azure Developer CLI: Azure Developer CLI could not be found.",
        "  Sign in: az login, or AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET; see docs/sign-in.md.",
    ] == str(caught.value).splitlines()
    assert time.monotonic() - before_s < 5


async def test_a_logged_out_az_is_nobody(programs):
    """So says the library, of what `az` prints then."""
    _script(programs, "az", "echo 'ERROR: Please run \"az login\" to setup account.' >&2; exit 1")

    with pytest.raises(NoIdentityError) as caught:
        await _token()

    assert "  Azure CLI: Please run 'az login' to set up an account" in str(caught.value).splitlines()


async def test_an_az_whose_login_has_expired_is_somebody_who_gets_no_token(programs):
    """The code is named, and the command that helps; others may still be signed in."""
    error = "ERROR: AADSTS700082: The refresh token has expired due to inactivity. It was issued on 2026. Trace ID: 1"
    _script(programs, "az", f"echo '{error}' >&2; echo Please run az login >&2; exit 1")

    refusal = await _refusal()

    assert [
        f"Azure CLI: no token for {REGISTRY}: AADSTS700082: The refresh token has expired due to inactivity.",
        "  Sign in again: az login",
    ] == str(refusal).splitlines()
    assert ("AADSTS700082", False) == (refusal.code, refusal.concerns_audience)


async def test_the_next_program_is_asked_when_one_fails(programs):
    """A person can be signed in with `azd` and no longer with `az`."""
    _script(programs, "az", "echo 'AADSTS50173: The grant has expired.' >&2; exit 1")
    answer = json.dumps({"token": "of-azd", "expiresOn": "2036-01-01T00:00:00Z"})
    _script(programs, "azd", f"echo '{answer}'")

    token = await _token()

    assert "of-azd" == token.value


async def test_an_az_that_hangs_is_ended(programs, tmp_path):
    """After half the time, so that others can be asked."""
    os.mkfifo(tmp_path / "alive")
    _script(programs, "az", f"exec 3> {tmp_path}/alive; exec /bin/sleep 60")
    reader = asyncio.create_task(asyncio.to_thread((tmp_path / "alive").read_text))

    with pytest.raises(NoIdentityError) as caught:
        await _token(timeout_s=2)

    assert "  Azure CLI: Timed out waiting for Azure CLI" in str(caught.value).splitlines()
    assert "" == await asyncio.wait_for(reader, 10)


@pytest.mark.parametrize("code", ["AADSTS500011", "AADSTS50001"])
async def test_an_audience_that_the_tenant_does_not_know_is_told_apart(programs, code):
    """Another audience may do."""
    _script(programs, "az", f"echo 'ERROR: {code}: The resource principal named x was not found.' >&2; exit 1")

    refusal = await _refusal()

    assert (code, True) == (refusal.code, refusal.concerns_audience)


async def test_a_managed_identity_is_told_apart_from_one_without_the_audience(cloud):
    """The library takes every 400 of a virtual machine for a missing identity; a code says otherwise."""
    text = "AADSTS500011: The resource principal named x was not found. Trace ID: 1"
    cloud.on("/metadata/identity/oauth2/token", reply(400, {"error": "invalid_resource", "error_description": text}))

    refusal = await _refusal()

    assert [
        f"managed identity: no token for {REGISTRY}: AADSTS500011: The resource principal named x was not found.",
        "  The tenant knows no such resource, or lets this identity have no token for it.",
    ] == str(refusal).splitlines()
    assert refusal.concerns_audience


async def test_a_managed_identity_that_fails_is_not_replaced_by_a_person(app_service, programs):
    """Where a machine is meant to be somebody, nobody else's login is used by accident."""
    app_service.on("/msi/token", reply(403, {"error": "forbidden", "message": "x-secret is not known"}))
    _script(programs, "az", f"echo '{json.dumps({'accessToken': 'of-az', 'expires_on': 4_000_000_000})}'")

    refusal = await _refusal()

    assert str(refusal).startswith(f"managed identity: no token for {REGISTRY}: ")
    assert "x-secret" not in str(refusal)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (SILENCE, "no answer within 0.5 s"),
        (html(502), "no answer within 0.5 s"),
        (reply(403, {"error": "x"}), "Unexpected response"),
    ],
)
async def test_where_no_virtual_machine_is_others_are_asked_soon(cloud, programs, answer, expected):
    """At the address of its identities a proxy may answer, or nobody; that a person is signed in is not missed."""
    cloud.on("/metadata/identity/oauth2/token", answer)

    async with EntraIdentity(HOST, timeout_s=2) as identity:
        with pytest.raises(NoIdentityError) as caught:
            await identity.token(REGISTRY)
        _script(programs, "az", f"echo '{json.dumps({'accessToken': 'of-az', 'expires_on': 4_000_000_000})}'")
        token = await identity.token(REGISTRY)

    assert f"  managed identity: {expected}" in str(caught.value).splitlines()
    assert "of-az" == token.value


async def test_a_named_managed_identity_is_no_guess(machine, cloud):
    """All the time is its own, and a failure is one."""
    machine.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    cloud.on("/metadata/identity/oauth2/token", SILENCE)

    text = str(await _refusal(timeout_s=0.5))

    assert f"managed identity: no token for {REGISTRY} within 0.5 s" == text.partition("\n")[0]


async def test_an_endpoint_that_says_nothing_is_waited_for_so_long(app_service):
    """The way that did not answer is named, and how to leave it out."""
    app_service.on("/msi/token", SILENCE)
    before_s = time.monotonic()

    refusal = await _refusal(timeout_s=1)

    assert [
        f"managed identity: no token for {REGISTRY} within 1 s",
        "  AZURE_TOKEN_CREDENTIALS can name the one way to ask, such as AzureCliCredential.",
    ] == str(refusal).splitlines()
    assert time.monotonic() - before_s < 5


async def test_one_way_can_be_named(machine, app_service, programs):
    """AZURE_TOKEN_CREDENTIALS is the library's, and holds here too."""
    answer = json.dumps({"accessToken": "of-az", "expires_on": 4_000_000_000})
    _script(programs, "az", f"echo '{answer}'")
    machine.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")

    token = await _token()

    assert ("of-az", 0) == (token.value, app_service.count())


@pytest.mark.parametrize(
    ("name", "value"),
    [("AZURE_TOKEN_CREDENTIALS", "anyone"), ("AZURE_AUTHORITY_HOST", "http://login.example")],
)
async def test_a_variable_that_means_nothing_is_refused(machine, name, value):
    """In the library's words, which name the value."""
    machine.setenv(name, value)

    text = str(await _refusal())

    assert text.startswith("Microsoft Entra: ")
    assert value in text.lower()
    assert text.endswith("\n  Look at the variables that begin with AZURE_.")


async def test_a_federated_token_that_is_not_there_is_told(machine, tmp_path):
    """The file that the variable names."""
    machine.setenv("AZURE_TENANT_ID", "tenant-id")
    machine.setenv("AZURE_CLIENT_ID", "app-id")
    machine.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "gone"))

    refusal = await _refusal()

    assert f"workload identity: no token for {REGISTRY}: [Errno 2] No such file or directory: '{tmp_path}/gone'" == str(
        refusal
    )


async def test_without_the_library_nobody_is_signed_in(machine):
    """How to install it is told."""
    machine.setitem(sys.modules, "azure.identity", None)

    assert not is_available()
    with pytest.raises(NoIdentityError, match=r"^azure-identity is not installed\n  pip install azure-identity$"):
        await _token()


def test_without_any_of_microsofts_libraries_it_is_not_available(machine):
    """The package around it is missing too."""
    machine.setitem(sys.modules, "azure", None)
    machine.delitem(sys.modules, "azure.identity", raising=False)

    assert not is_available()


def _ask_in_a_process(host: str = HOST, **environment: str) -> tuple[dict[str, str], str]:
    """What a process of its own prints, and what it writes to stderr."""
    command = [sys.executable, "-c", _ASK, host, REGISTRY]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), done.stderr


def test_the_library_writes_nothing_to_stderr():
    """It warns of each way that is not there; Python writes that where nobody listens."""
    answer, errors = _ask_in_a_process()

    assert ("NoIdentityError", "") == (answer["error"], errors)


@pytest.fixture
def entra(tmp_path: Path) -> Iterator[ScriptedServer]:
    """The sign-in endpoint of Microsoft Entra, over TLS, which the library takes nothing less than."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with scripted(context) as server:
        yield server


@pytest.fixture
def signed_in(entra: ScriptedServer, tmp_path: Path) -> dict[str, str]:
    """Variables that lead to that endpoint."""
    return {
        "AZURE_AUTHORITY_HOST": entra.url,
        "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
        "AZURE_TENANT_ID": "tenant-id",
        "AZURE_CLIENT_ID": "app-id",
    }


def test_a_workload_identity_shows_its_own_token_to_microsoft_entra(entra, signed_in, tmp_path):
    """As in a pod of AKS: the file holds what is shown, the answer holds what is wanted."""
    (tmp_path / "federated").write_text("of-the-cluster")
    entra.on("POST /tenant-id/oauth2/v2.0/token", reply(200, {"access_token": "wanted", "expires_in": 3600}))

    answer, errors = _ask_in_a_process(**signed_in, AZURE_FEDERATED_TOKEN_FILE=str(tmp_path / "federated"))

    assert ({"value": "wanted", "subject": ""}, "") == (answer, errors)
    form = parse_qs(entra.requests[-1].body.decode())
    expected = ("app-id", f"{REGISTRY}/.default", "of-the-cluster")
    assert expected == tuple(form[name][0] for name in ("client_id", "scope", "client_assertion"))


def test_a_wrong_secret_is_named_by_its_code_and_not_shown(entra, signed_in):
    """Not even where the server repeats it."""
    text = "AADSTS7000215: Invalid client secret provided: s3cret. Ensure the secret is the value. Trace ID: 1"
    refusal = reply(401, {"error": "invalid_client", "error_description": text, "error_codes": [7000215]})
    entra.on("POST /tenant-id/oauth2/v2.0/token", refusal)

    answer, errors = _ask_in_a_process(**signed_in, AZURE_CLIENT_SECRET="s3cret")

    assert ("IdentityError", "") == (answer["error"], errors)
    assert [
        f"environment variables: no token for {REGISTRY}: AADSTS7000215: Invalid client secret provided: ***.",
        "  AZURE_CLIENT_SECRET must hold the value of a secret of this application, not its id.",
    ] == answer["text"].splitlines()


def test_the_environment_names_the_authority_before_the_hosts_cloud(entra, signed_in):
    """For a registry in China too, as for one that a test runs."""
    entra.on("POST /tenant-id/oauth2/v2.0/token", reply(200, {"access_token": "wanted", "expires_in": 3600}))

    answer, _ = _ask_in_a_process("contoso.azurecr.cn", **signed_in, AZURE_CLIENT_SECRET="s3cret")

    assert "wanted" == answer["value"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no reason given"),
        ("XCredential authentication unavailable. A thing is missing.\nVisit https://x to see.", "A thing is missing."),
        ("Authentication failed: AADSTS1: No. Trace ID: 5\r\nCorrelation ID: 6", "AADSTS1: No."),
        ("Something. ERROR: AADSTS70021: No record. Look.", "AADSTS70021: No record."),
        (
            "Unexpected response from Microsoft Entra ID: {'access_token': 's3cret'}",
            "Unexpected response from Microsoft Entra ID",
        ),
        (
            'Unexpected output from Azure CLI: \'{"accessToken":"s3cret"}\'. \nTo mitigate',
            "Unexpected output from Azure CLI",
        ),
        ("assertion eyJhbGciOiJSUzI1NiJ9.eyJh.s-x is old", "assertion *** is old"),
        ("the header is hush", "the header is ***"),
        ("a\x1b[2Jb", "a\N{REPLACEMENT CHARACTER}[2Jb"),
    ],
)
def test_a_long_message_becomes_one_line_without_secrets(text, expected):
    """The sentence with the code, else the first that says something."""
    assert expected == in_one_line(text, {"IDENTITY_HEADER": "hush", "MSI_SECRET": ""})


def test_what_the_documentation_says_of_codes_the_command_says_too():
    """Each code in docs/sign-in.md has its advice."""
    text = (Path(__file__).parents[2] / "docs" / "sign-in.md").read_text()
    table = text.partition("## When it does not work")[2]

    codes = sorted(set(re.findall(r"\b(?:AADSTS)?(\d{5,7})\b", table)))

    assert "7000215" in codes
    assert [] == [code for code in codes if not advice_for(f"AADSTS{code}")]
