"""What tokens hold, how long they last, and what ends them."""

import time

import pytest
from signing_in import anonymously, ask, bearer, claims_of, exchange, with_password, with_refresh_token

from reconciler.emulator import Identity, Settings

READER = Identity("reader", "scope-map", "r-word", {"team/*": ("content/read", "metadata/read")})
ROBOT = Identity("robot", "entra", "s-word", {"team/app": ("pull", "push")}, object_id="11111111-2222-3333-4444-5")
AS_READER, AS_ADMIN = ("reader", "r-word"), ("ci", "secret")
PULL = "repository:team/app:pull"


def _settings(**options):
    identities = (READER, ROBOT)
    return Settings(auth="token", username="ci", password="secret", identities=identities, **options)


def _entry(name, *actions, kind="repository"):
    return {"Type": kind, "Name": name, "Actions": list(actions)}


@pytest.mark.parametrize(
    ("credentials", "scopes", "access"),
    [
        (AS_READER, ["repository:team/app:pull"], [_entry("team/app", "pull")]),
        (AS_READER, ["repository:team/app:push,metadata_read"], [_entry("team/app", "metadata_read")]),
        (AS_READER, ["repository:team/app:push"], []),
        (AS_READER, ["repository:other:pull"], []),
        (AS_READER, ["repository:team/app:*"], [_entry("team/app", "pull", "metadata_read")]),
        (AS_READER, ["repository:team/app:pull,pull"], [_entry("team/app", "pull")]),
        (AS_READER, ["repository:*:*"], []),
        (AS_READER, ["repository:team/*:pull"], []),
        (AS_READER, ["registry:catalog:*"], []),
        (
            AS_READER,
            ["repository:team/b:metadata_read,pull repository:other:pull", "repository:team/a:pull"],
            [_entry("team/b", "metadata_read", "pull"), _entry("team/a", "pull")],
        ),
        (AS_ADMIN, ["repository:*:*"], [_entry("*", "*")]),
        (AS_ADMIN, ["repository:*:pull"], [_entry("*", "pull")]),
        (AS_ADMIN, ["registry:catalog:*"], [_entry("catalog", "*", kind="registry")]),
        (AS_ADMIN, ["repository:a:*"], [_entry("a", "*")]),
        (AS_ADMIN, ["repository:a:fly"], []),
        (AS_ADMIN, ["registry:other:*"], []),
        (AS_ADMIN, ["planet:a:pull"], []),
        (AS_ADMIN, ["", ":", "repository", "repository:a", "repository::", "pull"], []),
        (AS_ADMIN, [], []),
    ],
)
def test_a_token_holds_what_is_granted_of_what_was_asked(start_emulator, connect, credentials, scopes, access):
    """The answer is 200 in every case; what is not granted is not there."""
    http, (username, password) = connect(start_emulator(_settings())), credentials

    answer = ask(http, *scopes, grant_type="password", username=username, password=password)

    assert 200 == answer.status_code
    assert ["access_token"] == list(answer.json())
    assert access == claims_of(answer.json()["access_token"])["access"]


def test_an_access_token_has_the_claims_of_a_real_one(start_emulator, connect):
    """Dated back by 15 minutes, an hour to go."""
    emulator = start_emulator(_settings())

    claims = claims_of(with_password("robot", "s-word")(connect(emulator), PULL).json()["access_token"])

    now = time.time()
    assert {
        "sub": "robot",
        "iss": "Azure Container Registry",
        "aud": emulator.host,
        "version": "2.0",
        "grant_type": "access_token",
        "appid": "robot",
        "permissions": {"Actions": ["read", "write"]},
        "roles": [],
        "access": [_entry("team/app", "pull")],
    } == {name: value for name, value in claims.items() if name not in ("jti", "nbf", "iat", "exp", "rid")}
    assert (4500, 0) == (claims["exp"] - claims["iat"], claims["nbf"] - claims["iat"])
    assert claims["exp"] == pytest.approx(now + 3600, abs=30)
    assert (36, 32) == (len(claims["jti"]), len(claims["rid"]))


@pytest.mark.parametrize(("abac", "extra"), [(False, []), (True, ["aad_identity"])])
def test_a_refresh_token_has_the_claims_of_a_real_one(start_emulator, connect, abac, extra):
    """The one by which clients tell a registry with ABAC is there with ABAC only."""
    emulator = start_emulator(_settings(abac=abac))

    answer = exchange(connect(emulator), emulator.entra_token("robot"), service=emulator.host, tenant="t")

    claims = claims_of(answer.json()["refresh_token"])
    assert ["refresh_token"] == list(answer.json())
    names = "aud appid exp grant_type iat iss jti nbf permissions rid roles sub version"
    assert {*names.split(), *extra} == set(claims)
    assert ("1.0", "refresh_token", "robot") == (claims["version"], claims["grant_type"], claims["appid"])
    assert 11_700 == claims["exp"] - claims["iat"]


def test_lifetimes_can_be_chosen(start_emulator):
    """In seconds from now; the back-dating comes on top."""
    emulator = start_emulator(_settings(access_lifetime_s=60, refresh_lifetime_s=120))

    tokens = (emulator.access_token("robot", PULL), emulator.refresh_token("robot"))

    assert [960, 1020] == [claims["exp"] - claims["iat"] for claims in map(claims_of, tokens)]


def test_an_access_token_that_has_ended_is_invalid(start_emulator, connect):
    """The challenge says so, and which scope it takes."""
    emulator = start_emulator(_settings(access_lifetime_s=0))
    http = connect(emulator)
    token = with_password("robot", "s-word")(http, PULL).json()["access_token"]

    answer = http.get("/v2/team/app/manifests/v1", headers=bearer(token))

    assert 401 == answer.status_code
    assert (
        f'Bearer realm="{emulator.url}/oauth2/token",service="{emulator.host}",'
        'scope="repository:team/app:pull",error="invalid_token"'
    ) == answer.headers["www-authenticate"]


def test_a_refresh_token_that_has_ended_buys_nothing(start_emulator, connect):
    """The token endpoint answers 401 and no challenge."""
    emulator = start_emulator(_settings(refresh_lifetime_s=0))

    answer = with_refresh_token(emulator.refresh_token("robot"))(connect(emulator), PULL)

    assert (401, "UNAUTHORIZED") == (answer.status_code, answer.json()["errors"][0]["code"])
    assert "www-authenticate" not in answer.headers


def test_all_access_tokens_can_be_ended_at_once(start_emulator, connect):
    """The refresh token buys another, which is good."""
    emulator = start_emulator(_settings())
    emulator.push("team/app:v1")
    http, manifest = connect(emulator), "/v2/team/app/manifests/v1"
    buy = with_refresh_token(emulator.refresh_token("robot"))
    old = buy(http, PULL).json()["access_token"]
    before = http.get(manifest, headers=bearer(old))

    emulator.expire_tokens()

    after = http.get(manifest, headers=bearer(old))
    again = http.get(manifest, headers=bearer(buy(http, PULL).json()["access_token"]))
    assert [200, 401, 200] == [before.status_code, after.status_code, again.status_code]
    assert after.headers["www-authenticate"].endswith(',error="invalid_token"')


def test_refresh_tokens_can_be_ended_too(start_emulator, connect):
    """A new exchange is then the only way, for who has no password."""
    emulator = start_emulator(_settings())
    http = connect(emulator)
    old = emulator.refresh_token("robot")

    emulator.expire_tokens(refresh=True)

    new = exchange(http, emulator.entra_token("robot")).json()["refresh_token"]
    assert [401, 200] == [with_refresh_token(token)(http, PULL).status_code for token in (old, new)]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("credentials", "status"),
    [
        (("reader", "r-word"), 200),
        (("ci", "secret"), 200),
        (("reader", "wrong"), 401),
        (("robot", ""), 401),
    ],
)
def test_the_token_endpoint_takes_basic(start_emulator, connect, method, credentials, status):
    """From scope maps as well, whose password opens no data call."""
    http = connect(start_emulator(_settings()))

    answer = http.request(method, "/oauth2/token", params={"scope": PULL}, auth=credentials)

    assert status == answer.status_code


@pytest.mark.parametrize("authorization", ["Basic", "Basic !", "Basic /w==", "Basic Og=="])
def test_a_damaged_basic_header_is_nobody(start_emulator, connect, authorization):
    """Not even an anonymous one."""
    http = connect(start_emulator(_settings(anonymous_pull=True)))

    answer = http.get("/oauth2/token?scope=x", headers={"authorization": authorization})

    assert 401 == answer.status_code


@pytest.mark.parametrize("grant_type", ["", "access_token", "access_token_refresh_token", "client_credentials"])
def test_the_token_endpoint_knows_two_grants(start_emulator, connect, grant_type):
    """Any other is a bad request, even with a good password."""
    http = connect(start_emulator(_settings()))

    answer = ask(http, PULL, grant_type=grant_type, username="ci", password="secret")

    assert (400, "the grant_type must be refresh_token or password") == (
        answer.status_code,
        answer.json()["errors"][0]["message"],
    )


@pytest.mark.parametrize(("anonymous_pull", "status"), [(True, 200), (False, 401)])
def test_who_says_nothing_is_known_with_anonymous_pull_only(start_emulator, connect, anonymous_pull, status):
    """A password without a name is not nothing."""
    http = connect(start_emulator(_settings(anonymous_pull=anonymous_pull)))

    assert status == anonymously(http, PULL).status_code
    assert 401 == ask(http, PULL, grant_type="password", password="x").status_code


@pytest.mark.parametrize("kind", ["access", "refresh", "entra"])
def test_a_token_of_one_kind_is_none_of_another(start_emulator, connect, kind):
    """Each has its own key: only one of the three doors opens."""
    emulator = start_emulator(_settings())
    emulator.push("team/app:v1")
    http = connect(emulator)
    token = {
        "access": emulator.access_token("robot", PULL),
        "refresh": emulator.refresh_token("robot"),
        "entra": emulator.entra_token("robot"),
    }[kind]

    opened = [
        http.get("/v2/team/app/manifests/v1", headers=bearer(token)),
        with_refresh_token(token)(http, PULL),
        exchange(http, token),
    ]

    expected = {"access": [200, 401, 401], "refresh": [401, 200, 401], "entra": [401, 401, 200]}
    assert expected[kind] == [answer.status_code for answer in opened]


@pytest.mark.parametrize("auth", ["none", "token", "basic"])
@pytest.mark.parametrize("credentials", [None, ("anybody", "any-word")])
def test_where_nobody_is_known_everybody_gets_a_token(start_emulator, connect, auth, credentials):
    """For all that was asked, by any password and by none."""
    http = connect(start_emulator(Settings(auth=auth)))

    answer = http.get("/oauth2/token", params={"scope": "repository:a:push registry:catalog:*"}, auth=credentials)

    assert [_entry("a", "push"), _entry("catalog", "*", kind="registry")] == (
        claims_of(answer.json()["access_token"])["access"]
    )


def test_where_nobody_has_to_sign_in_no_token_is_looked_at(start_emulator, connect):
    """Whoever tries gets one all the same, even with a refresh token that is none."""
    http = connect(start_emulator(Settings(auth="none")))

    assert 200 == with_refresh_token("x")(http, PULL).status_code
