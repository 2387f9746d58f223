"""Challenges and tokens."""

import base64
import json

import pytest

from reconciler.emulator import Settings

MESSAGE = "authentication required, visit https://aka.ms/acr/authorization for more information."
NOWHERE = "sha256:" + "0" * 64


@pytest.fixture
def guarded(start_emulator):
    """An emulator whose data calls need a token."""
    emulator = start_emulator(Settings(auth="token", username="ci", password="secret"))
    emulator.push("web/api:v1")
    return emulator


def _token(http, *scopes, **form):
    form = {"grant_type": "password", "username": "ci", "password": "secret"} | form
    answer = http.post("/oauth2/token", data={"service": "x", "scope": scopes, **form})
    return answer.json().get("access_token")


def _bearer(token):
    return {"authorization": f"Bearer {token}"}


def _claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/acr/v1/_catalog", "registry:catalog:*"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/acr/v1/web%2Fapi", "repository:web/api:metadata_read"),
        ("PATCH", "/acr/v1/web/api", "repository:web/api:metadata_write"),
        ("DELETE", "/acr/v1/web/api", "repository:web/api:delete"),
        ("GET", "/acr/v1/ghost/_tags", "repository:ghost:metadata_read"),
        ("PATCH", "/acr/v1/web/api/_tags/v1", "repository:web/api:metadata_write"),
        ("DELETE", "/acr/v1/web/api/_tags/v1", "repository:web/api:delete"),
        ("GET", "/acr/v1/web/api/_manifests", "repository:web/api:metadata_read"),
        ("PATCH", f"/acr/v1/web/api/_manifests/{NOWHERE}", "repository:web/api:metadata_write"),
        ("GET", "/v2/web/api/tags/list", "repository:web/api:metadata_read"),
        ("GET", "/v2/web/api/manifests/v1", "repository:web/api:pull"),
        ("PUT", "/v2/web/api/manifests/v1", "repository:web/api:pull,push"),
        ("DELETE", "/v2/web/api/manifests/v1", "repository:web/api:delete"),
        ("POST", "/v2/web/api/blobs/uploads/", "repository:web/api:push,pull"),
        ("GET", f"/v2/web/api/blobs/{NOWHERE}", "repository:web/api:pull"),
    ],
)
def test_a_call_without_a_token_is_challenged_with_its_scope(guarded, connect, method, path, scope):
    """The challenge and the body are the recorded ones, with one row for each action."""
    answer = connect(guarded).request(method, path)

    kind, name, actions = scope.split(":")
    detail = [{"Type": kind, "Name": name, "Action": action} for action in actions.split(",")]
    realm = f'realm="{guarded.url}/oauth2/token",service="{guarded.host}"'
    assert 401 == answer.status_code
    assert f'Bearer {realm},scope="{scope}"' == answer.headers["www-authenticate"]
    assert {"errors": [{"code": "UNAUTHORIZED", "message": MESSAGE, "detail": detail}]} == answer.json()


def test_the_ping_is_challenged_without_a_scope(guarded, connect):
    """Its detail is null, and any token will do."""
    http = connect(guarded)

    challenged = http.get("/v2/")
    answered = http.get("/v2/", headers=_bearer(_token(http)))

    assert (
        f'Bearer realm="{guarded.url}/oauth2/token",service="{guarded.host}"'
        == (challenged.headers["www-authenticate"])
    )
    assert challenged.json()["errors"][0]["detail"] is None
    assert 200 == answered.status_code


@pytest.mark.parametrize(
    ("granted", "status"),
    [
        (["repository:web/api:metadata_read"], 200),
        (["repository:web/api:pull,metadata_read"], 200),
        (["repository:web/api:pull repository:web/api:metadata_read"], 200),
        (["repository:web/api:pull", "repository:web/api:metadata_read"], 200),
        (["repository:web/api:*"], 200),
        (["repository:*:*", "registry:catalog:*"], 200),
        (["repository:web/api:pull"], 401),
        (["repository:web/ui:metadata_read"], 401),
        (["registry:catalog:*"], 401),
        ([], 401),
    ],
)
def test_a_token_opens_what_it_was_made_for(guarded, connect, granted, status):
    """One that is too small is refused as insufficient, with the scope that it takes."""
    http = connect(guarded)

    answer = http.get("/acr/v1/web/api", headers=_bearer(_token(http, *granted)))

    too_small = 'scope="repository:web/api:metadata_read",error="insufficient_scope"'
    assert status == answer.status_code
    assert (status == 401) == answer.headers.get("www-authenticate", "").endswith(too_small)


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "eyJhbGciOiJub25lIn0.eyJhY2Nlc3MiOltdfQ."])
def test_a_token_that_was_not_made_here_is_invalid(guarded, connect, token):
    """The challenge says so."""
    answer = connect(guarded).get("/acr/v1/web/api", headers=[(b"authorization", f"Bearer {token}".encode())])

    assert 401 == answer.status_code
    assert answer.headers["www-authenticate"].endswith('error="invalid_token"')


def test_a_token_is_worth_nothing_at_another_emulator(guarded, start_emulator, connect):
    """Each has a key of its own."""
    token = _token(connect(guarded), "repository:*:*")
    other = connect(start_emulator(Settings(auth="token")))

    answer = other.get("/acr/v1/web/api", headers=_bearer(token))

    assert answer.headers["www-authenticate"].endswith('error="invalid_token"')


def test_a_path_that_is_no_route_is_not_challenged(guarded, connect):
    """The plain-text 404 comes first."""
    answer = connect(guarded).get("/acr/v1/Web")

    assert (404, "404 page not found\n") == (answer.status_code, answer.text)


@pytest.mark.parametrize(
    "form",
    [
        {"password": "wrong"},
        {"username": "", "password": ""},
        {"username": "", "password": "secret"},
        {"username": "else"},
        {"username": "00000000-0000-0000-0000-000000000000", "password": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"grant_type": "refresh_token"},
    ],
)
def test_wrong_credentials_get_no_token(guarded, connect, form):
    """The token endpoint answers 401."""
    answer = connect(guarded).post(
        "/oauth2/token", data={"grant_type": "password", "username": "ci", "password": "secret"} | form
    )

    assert (401, "UNAUTHORIZED") == (answer.status_code, answer.json()["errors"][0]["code"])


def test_a_token_can_be_fetched_with_get_and_basic(guarded, connect):
    """As docker does."""
    http = connect(guarded)

    token = http.get(
        "/oauth2/token", params={"service": "x", "scope": "repository:web/api:pull"}, auth=("ci", "secret")
    ).json()["access_token"]

    assert 200 == http.get("/v2/web/api/manifests/v1", headers=_bearer(token)).status_code


def test_an_entra_token_is_exchanged_for_a_refresh_token_that_buys_access(guarded, connect):
    """Both carry the claims and the lifetimes of the real ones: dated back, and one and three hours long."""
    http = connect(guarded)

    refresh = http.post("/oauth2/exchange", data={"grant_type": "access_token", "access_token": "entra"}).json()
    access = _token(http, "repository:web/api:pull", grant_type="refresh_token", refresh_token=refresh["refresh_token"])

    refresh_claims, access_claims = _claims(refresh["refresh_token"]), _claims(access)
    assert [11_700, 4_500] == [claims["exp"] - claims["iat"] for claims in (refresh_claims, access_claims)]
    assert ["Azure Container Registry"] * 2 == [claims["iss"] for claims in (refresh_claims, access_claims)]
    assert [guarded.host] * 2 == [claims["aud"] for claims in (refresh_claims, access_claims)]
    assert [{"Type": "repository", "Name": "web/api", "Actions": ["pull"]}] == access_claims["access"]
    assert 200 == http.get("/v2/web/api/manifests/v1", headers=_bearer(access)).status_code


def test_a_refresh_token_opens_no_data_call(guarded, connect):
    """It buys access tokens and nothing else."""
    http = connect(guarded)
    refresh = http.post("/oauth2/exchange", data={"grant_type": "access_token", "access_token": "entra"})
    refresh = refresh.json()["refresh_token"]

    answer = http.get("/v2/", headers=_bearer(refresh))

    assert 401 == answer.status_code


def test_basic_is_taken_on_data_calls_where_it_is_switched_on(start_emulator, connect):
    """A wrong password gets the same Bearer challenge as none, and a token works as well."""
    emulator = start_emulator(Settings(auth="basic", username="ci", password="sec:ret"))
    http = connect(emulator)

    right = http.get("/acr/v1/_catalog", auth=("ci", "sec:ret"))
    wrong = http.get("/acr/v1/_catalog", auth=("ci", "other"))
    token = http.get("/acr/v1/_catalog", headers=_bearer(_token(http, "registry:catalog:*", password="sec:ret")))

    assert [200, 401, 200] == [right.status_code, wrong.status_code, token.status_code]
    assert wrong.headers["www-authenticate"].startswith("Bearer ")


def test_basic_is_not_taken_where_tokens_are_needed(guarded, connect):
    """Where only tokens open data calls, the admin's password opens none."""
    answer = connect(guarded).get("/acr/v1/_catalog", auth=("ci", "secret"))

    assert 401 == answer.status_code


def test_everybody_gets_a_token_where_no_user_is_known(start_emulator, connect):
    """Anonymous ones too."""
    http = connect(start_emulator(Settings(auth="token")))

    token = _token(http, "registry:catalog:*", username="", password="")

    assert 200 == http.get("/acr/v1/_catalog", headers=_bearer(token)).status_code
