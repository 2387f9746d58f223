"""Entra identities: the exchange, the managed identity endpoint, and Microsoft's own libraries."""

import httpx
import pytest
import trustme
from azure.containerregistry import ContainerRegistryClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from signing_in import bearer, claims_of, exchange, with_refresh_token

from reconciler.emulator import Identity, Settings

REGISTRY = "https://containerregistry.azure.net"
ARM = "https://management.azure.com/"

KEEPER = Identity(
    "keeper",
    "entra",
    repositories={"team/*": ("pull", "push", "delete", "metadata_read", "metadata_write")},
    catalog=True,
    object_id="aaaaaaaa-0000-4000-8000-000000000001",
)
READER = Identity("reader", "entra", repositories={"*": ("pull", "metadata_read")})
LISTER = Identity("lister", "entra", catalog=True)
USELESS = Identity("useless", "entra")


def _settings(*identities, **options):
    return Settings(auth="token", identities=identities or (KEEPER,), **options)


def _ask(http, emulator, **query):
    header = emulator.identity_environment()["IDENTITY_HEADER"]
    return http.get("/emulator/identity/token", params=query, headers={"x-identity-header": header})


@pytest.mark.parametrize(
    ("audience", "arm_audience", "status"),
    [
        (REGISTRY, True, 200),
        (REGISTRY, False, 200),
        (ARM, True, 200),
        (ARM, False, 401),
        ("https://management.azure.com", True, 200),
        ("https://management.azure.com", False, 401),
        ("https://graph.microsoft.com", True, 401),
        ("https://containerregistry.azure.net.example.org", True, 401),
        ("", True, 401),
    ],
)
def test_only_tokens_made_for_the_registry_are_exchanged(start_emulator, connect, audience, arm_audience, status):
    """Those made for Azure Resource Manager as long as the registry takes them."""
    emulator = start_emulator(_settings(arm_audience=arm_audience))

    answer = exchange(connect(emulator), emulator.entra_token("keeper", audience=audience))

    assert status == answer.status_code


@pytest.mark.parametrize("make", ["expired", "without a role", "stranger", "foreign", "not a token", "none"])
def test_a_token_that_is_no_good_is_refused_without_a_challenge(start_emulator, connect, make):
    """In the registry's words, which do not say why."""
    emulator, other = start_emulator(_settings(KEEPER, USELESS)), start_emulator(_settings())
    token = {
        "expired": emulator.entra_token("keeper", lifetime_s=0),
        "without a role": emulator.entra_token("useless"),
        "stranger": emulator.entra_token("stranger"),
        "foreign": other.entra_token("keeper"),
        "not a token": "a.b.c",
        "none": "",
    }[make]

    answer = exchange(connect(emulator), token)

    assert 401 == answer.status_code
    assert {"errors": [{"code": "UNAUTHORIZED", "message": "retrieving permissions failed"}]} == answer.json()
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("name", ["keeper", "reader", "lister"])
def test_a_role_of_any_kind_is_enough_for_the_exchange(start_emulator, connect, name):
    """The permission to list the catalog is one."""
    emulator = start_emulator(_settings(KEEPER, READER, LISTER))

    assert 200 == exchange(connect(emulator), emulator.entra_token(name)).status_code


@pytest.mark.parametrize(
    "settings", [Settings(auth="token", anonymous_pull=True), Settings(auth="token", username="ci", password="secret")]
)
def test_entra_is_looked_at_as_soon_as_anybody_else_may_be_in(start_emulator, connect, settings):
    """Anonymous pull alone makes no stranger an identity; an admin alone takes any token, as its own."""
    emulator = start_emulator(settings)

    answer = exchange(connect(emulator), "anything")

    assert (401 if settings.anonymous_pull else 200) == answer.status_code


@pytest.mark.parametrize("grant_type", ["", "refresh_token", "access_token_refresh_token", "password"])
@pytest.mark.parametrize("auth", ["none", "token"])
def test_the_exchange_knows_one_grant(start_emulator, connect, auth, grant_type):
    """Deprecated ones are a bad request."""
    emulator = start_emulator(Settings(auth=auth))

    answer = exchange(connect(emulator), "entra", grant_type=grant_type)

    assert (400, "the grant_type must be access_token") == (
        answer.status_code,
        answer.json()["errors"][0]["message"],
    )


def test_a_managed_identity_gets_a_token_that_can_be_exchanged(start_emulator, connect):
    """With the claims of Entra's own."""
    emulator = start_emulator(_settings())
    http = connect(emulator)

    answer = _ask(http, emulator, resource=REGISTRY, **{"api-version": "2019-08-01"})

    said = answer.json()
    claims = claims_of(said["access_token"])
    assert (200, REGISTRY, "Bearer") == (answer.status_code, said["resource"], said["token_type"])
    assert int(said["expires_on"]) == pytest.approx(claims["exp"], abs=5)
    assert ["appid", "aud", "exp", "iat", "iss", "nbf", "oid", "sub", "tid"] == sorted(claims)
    assert (REGISTRY, "keeper", KEEPER.object_id) == (claims["aud"], claims["appid"], claims["oid"])
    assert 200 == exchange(http, said["access_token"]).status_code


@pytest.mark.parametrize(
    ("query", "status", "appid"),
    [
        ({"resource": REGISTRY, "client_id": "reader"}, 200, "reader"),
        ({"resource": ARM, "client_id": "keeper"}, 200, "keeper"),
        ({"resource": REGISTRY, "client_id": "stranger"}, 400, None),
        ({"resource": REGISTRY}, 400, None),
        ({"client_id": "reader"}, 400, None),
    ],
)
def test_one_of_several_managed_identities_is_named(start_emulator, connect, query, status, appid):
    """Without a name there has to be just one."""
    emulator = start_emulator(_settings(KEEPER, READER))

    answer = _ask(connect(emulator), emulator, **query)

    token = answer.json().get("access_token")
    assert (status, appid) == (answer.status_code, token and claims_of(token)["appid"])
    assert (None if status == 200 else status) == answer.json().get("statusCode")


@pytest.mark.parametrize("headers", [{}, {"x-identity-header": "wrong"}, {"x-identity-header": b"\xe9"}])
def test_a_wrong_identity_header_gets_nothing(start_emulator, connect, headers):
    """Neither does none."""
    http = connect(start_emulator(_settings(identity_header="right")))

    answer = http.get("/emulator/identity/token", params={"resource": REGISTRY}, headers=headers)

    assert (401, 401) == (answer.status_code, answer.json()["statusCode"])


@pytest.mark.parametrize("settings", [Settings(), Settings(auth="token", username="ci", password="secret")])
def test_there_is_no_identity_endpoint_without_entra_identities(start_emulator, connect, settings):
    """It is a path like any other that is not there."""
    answer = connect(start_emulator(settings)).get("/emulator/identity/token", params={"resource": REGISTRY})

    assert (404, "404 page not found\n") == (answer.status_code, answer.text)


def test_a_repository_may_be_named_like_the_endpoint(start_emulator, connect):
    """Repositories live below /acr/v1 and /v2."""
    named = Identity("keeper", "entra", repositories={"emulator/identity/token": ("metadata_read",)})
    emulator = start_emulator(_settings(named))
    emulator.push("emulator/identity/token:v1")
    token = emulator.access_token("keeper", "repository:emulator/identity/token:metadata_read")

    answer = connect(emulator).get("/acr/v1/emulator/identity/token", headers=bearer(token))

    assert (200, "emulator/identity/token") == (answer.status_code, answer.json()["imageName"])


@pytest.mark.parametrize("client_id", ["keeper", "reader"])
def test_microsofts_identity_library_signs_in(start_emulator, connect, monkeypatch, client_id):
    """It finds the endpoint through the environment, and what it gets is good for the exchange."""
    emulator = start_emulator(_settings(KEEPER, READER))
    http = connect(emulator)
    for variable, value in emulator.identity_environment().items():
        monkeypatch.setenv(variable, value)

    with ManagedIdentityCredential(client_id=client_id) as credential:
        token = credential.get_token(f"{REGISTRY}/.default").token

    refresh = exchange(http, token).json()["refresh_token"]
    bought = with_refresh_token(refresh)(http, "repository:team/app:push").json()["access_token"]
    assert (client_id, client_id) == (claims_of(token)["appid"], claims_of(refresh)["appid"])
    assert ({"keeper": 1, "reader": 0}[client_id]) == len(claims_of(bought)["access"])


def test_microsofts_identity_library_is_refused_with_a_wrong_header(start_emulator, monkeypatch):
    """It says so with an error of its own."""
    emulator = start_emulator(_settings())
    monkeypatch.setenv("IDENTITY_ENDPOINT", emulator.identity_environment()["IDENTITY_ENDPOINT"])
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")

    with ManagedIdentityCredential() as credential, pytest.raises(ClientAuthenticationError):
        credential.get_token(f"{REGISTRY}/.default")


class _Entra:
    """A credential of Microsoft's libraries that holds one token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self._token, claims_of(self._token)["exp"])


@pytest.fixture
def start_over_tls(start_emulator, tmp_path):
    """Starts an emulator that speaks HTTPS; it and the file of its authority."""

    def started(settings):
        authority, certificate = trustme.CA(), tmp_path / "certificate.pem"
        issued = authority.issue_cert("127.0.0.1")
        certificate.write_bytes(issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes())
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        return start_emulator(settings, certificate=certificate), str(tmp_path / "authority.pem")

    return started


@pytest.mark.parametrize("abac", [False, True])
def test_microsofts_registry_library_does_what_its_identity_may(start_over_tls, abac):
    """Lists, reads and locks."""
    emulator, authority = start_over_tls(_settings(abac=abac))
    emulator.push("team/app:v1")
    emulator.push("other/app:v1")
    credential = _Entra(emulator.entra_token("keeper"))

    with ContainerRegistryClient(emulator.url, credential, connection_verify=authority, retry_total=0) as client:
        names = list(client.list_repository_names())
        locked = client.update_tag_properties("team/app", "v1", can_write=False)

    assert ["other/app", "team/app"] == names
    assert not locked.can_write


def test_microsofts_registry_library_meets_an_ended_token_and_goes_on(start_over_tls):
    """It takes the challenge in the middle of a run for what it is."""
    emulator, authority = start_over_tls(_settings())
    emulator.push("team/app:v1")
    credential = _Entra(emulator.entra_token("keeper"))

    with ContainerRegistryClient(emulator.url, credential, connection_verify=authority, retry_total=0) as client:
        client.get_repository_properties("team/app")
        emulator.expire_tokens(refresh=True)
        tag = client.get_tag_properties("team/app", "v1")

    assert "v1" == tag.name


def test_anonymous_pull_serves_microsofts_registry_library(start_over_tls):
    """It reads, and a write is refused."""
    emulator, authority = start_over_tls(Settings(auth="token", anonymous_pull=True))
    emulator.push("team/app:v1")

    with ContainerRegistryClient(emulator.url, connection_verify=authority, retry_total=0) as client:
        names = list(client.list_repository_names())
        manifest = client.get_manifest("team/app", "v1")
        with pytest.raises(ClientAuthenticationError) as refused:
            client.update_tag_properties("team/app", "v1", can_write=False)

    assert (["team/app"], 401) == (names, refused.value.status_code)
    assert emulator.tag("team/app:v1")["digest"] == manifest.digest


def test_the_identity_endpoint_asks_for_no_registry_token(start_emulator):
    """It is where signing in begins."""
    emulator = start_emulator(_settings())
    environment = emulator.identity_environment()

    answer = httpx.get(
        environment["IDENTITY_ENDPOINT"],
        params={"resource": REGISTRY},
        headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
        trust_env=False,
    )

    assert 200 == answer.status_code
