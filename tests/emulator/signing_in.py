"""Ways to sign in, each as a function from a scope to the answer of the token endpoint, and a client that uses them."""

import base64
import json
from collections.abc import Callable

import httpx
from content import Http

SignIn = Callable[[Http, str], httpx.Response]

# One call of each class, on a repository that holds v1; the last one takes v1 away.
CALLS = (
    ("GET", "/acr/v1/_catalog"),
    ("GET", "/acr/v1/{name}"),
    ("PATCH", "/acr/v1/{name}"),
    ("GET", "/v2/{name}/manifests/v1"),
    ("POST", "/v2/{name}/blobs/uploads/"),
    ("DELETE", "/acr/v1/{name}/_tags/v1"),
)


def with_password(username: str, password: str) -> SignIn:
    """The password grant."""
    return lambda http, scope: ask(http, scope, grant_type="password", username=username, password=password)


def with_refresh_token(refresh_token: str) -> SignIn:
    """The refresh-token grant."""
    return lambda http, scope: ask(http, scope, grant_type="refresh_token", refresh_token=refresh_token)


def anonymously(http: Http, scope: str) -> httpx.Response:
    """The password grant of somebody who says nothing."""
    return ask(http, scope, grant_type="password")


def ask(http: Http, *scopes: str, **form: str) -> httpx.Response:
    """The answer of the token endpoint."""
    return http.post("/oauth2/token", data={"service": "x", "scope": scopes, **form})


def exchange(http: Http, entra_token: str, **form: str) -> httpx.Response:
    """The answer of the exchange."""
    return http.post("/oauth2/exchange", data={"grant_type": "access_token", "access_token": entra_token} | form)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token}"}


def claims_of(token: str) -> dict:
    """What a token says, believed without a look at its signature."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def statuses(http: Http, name: str, sign_in: SignIn) -> list[int]:
    """The statuses of CALLS by a client that asks for a token when challenged, for what the challenge says."""
    return [_status(http, method, path.format(name=name), sign_in) for method, path in CALLS]


def statuses_with(http: Http, name: str, **options: object) -> list[int]:
    """The statuses of CALLS with these headers or credentials on each."""
    return [_send(http, method, path.format(name=name), **options).status_code for method, path in CALLS]


def _status(http: Http, method: str, path: str, sign_in: SignIn) -> int:
    challenged = _send(http, method, path)
    assert 401 == challenged.status_code
    scope = challenged.headers["www-authenticate"].split('scope="')[1].split('"')[0]
    token = sign_in(http, scope)
    return _send(http, method, path, headers=bearer(token.json()["access_token"])).status_code


def _send(http: Http, method: str, path: str, **options: object) -> httpx.Response:
    body = {"json": {"deleteEnabled": True}} if method == "PATCH" else {}
    return http.request(method, path, **body, **options)
