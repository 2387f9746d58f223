"""
Who may call: the challenge on data calls, and the endpoints where tokens are made.

A call without enough permission is 401 and never 403; the challenge names the scope
that it needs. The token endpoint answers everybody it knows, with as much of what
was asked as they may have.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulator.answers import host_of, json_answer, read_body
from reconciler.emulator.directory import Directory
from reconciler.emulator.entra import Entra
from reconciler.emulator.errors import Refusal, bad_request
from reconciler.emulator.identities import Identity
from reconciler.emulator.scopes import may, permits
from reconciler.emulator.settings import Settings
from reconciler.emulator.signing import Claims
from reconciler.emulator.tokens import TokenMaker, basic_credentials

_MAX_FORM_BYTES = 64 << 10
_MESSAGE = "authentication required, visit https://aka.ms/acr/authorization for more information."
# With this user name the password is a refresh token. Source: Azure/acr docs/AAD-OAuth.md, "docker login".
_NO_NAME = "00000000-0000-0000-0000-000000000000"


class SignIn:
    """Checks data calls, and makes tokens for them."""

    def __init__(self, settings: Settings) -> None:
        self._auth = settings.auth
        self.directory = Directory(settings)
        self.entra = Entra(settings, self.directory)
        self.tokens = TokenMaker(settings)

    def check(self, request: Request, kind: str, name: str, actions: tuple[str, ...]) -> None:
        """
        Let the call pass, or raise the 401 that says what it needs.

        Args:
            request: The data call.
            kind: `repository` or `registry`; empty where any token will do.
            name: Of the repository, or `catalog`.
            actions: All of them are needed, in the order in which the challenge names them.
        """
        if self._auth == "none":
            return
        authorization = request.headers.get("authorization", "")
        identity = self._basic(authorization)
        if identity is not None and (not kind or may(identity, kind, name, actions)):
            return
        claims = self._bearer(authorization)
        if claims is not None and (not kind or permits(claims, kind, name, actions)):
            return
        raise _challenge(request, kind, name, actions, error=_problem(authorization, claims))

    def may_pull(self, request: Request, name: str) -> bool:
        """The call may also pull from repository `name`."""
        try:
            self.check(request, "repository", name, ("pull",))
        except Refusal:
            return False
        return True

    async def exchange(self, request: Request) -> Response:
        """
        `POST /oauth2/exchange`. Source: recording of az acr login, 2026-09.

        Deprecated grant types are refused. Source: Azure/acr docs/AAD-OAuth.md; the status is an assumption.
        """
        form = await _form(request)
        if _first(form, "grant_type") != "access_token":
            raise bad_request("the grant_type must be access_token")
        identity = self.entra.identity(_first(form, "access_token"))
        if identity is None:  # without a challenge. Source: recording of an exchange with a token for another audience
            raise Refusal(401, "UNAUTHORIZED", "retrieving permissions failed")
        return json_answer({"refresh_token": self.tokens.refresh_token(host_of(request), identity)})

    async def token(self, request: Request) -> Response:
        """`POST` and `GET /oauth2/token`. Source: Azure/acr docs/AAD-OAuth.md and docs/Token-BasicAuth.md."""
        form = await _form(request)
        identity = self._who_asks(request, form)
        if identity is None:
            raise Refusal(401, "UNAUTHORIZED", _MESSAGE)
        scopes = " ".join(form.get("scope", [])).split()
        return json_answer({"access_token": self.tokens.access_token(host_of(request), identity, scopes)})

    def _who_asks(self, request: Request, form: dict[str, list[str]]) -> Identity | None:
        if self._auth == "none":
            return self.directory.anonymous
        basic = basic_credentials(request.headers.get("authorization", ""))
        # Source: Azure/acr docs/Token-BasicAuth.md for GET; that POST with Basic needs none either is an assumption.
        needs_no_grant = request.method == "GET" or basic is not None
        grant_type = _first(form, "grant_type") or ("password" if needs_no_grant else "")
        if grant_type == "refresh_token":
            return self._bought_with(_first(form, "refresh_token"))
        if grant_type != "password":
            raise bad_request("the grant_type must be refresh_token or password")
        given = _first(form, "username"), _first(form, "password")
        credentials = given if any(given) else basic
        return self._signed_in(*credentials) if credentials else self.directory.anonymous

    def _signed_in(self, username: str, password: str) -> Identity | None:
        if username == _NO_NAME:
            return self._bought_with(password)
        return self.directory.signed_in(username, password)

    def _bought_with(self, refresh_token: str) -> Identity | None:
        claims = self.tokens.refresh_claims(refresh_token)
        return self.directory.named(claims["sub"]) if claims else None

    def _basic(self, authorization: str) -> Identity | None:
        """Who signs in with a password on the data call itself; tokens of the registry's own cannot (Azure/acr#676)."""
        credentials = basic_credentials(authorization) if self._auth == "basic" else None
        identity = self._signed_in(*credentials) if credentials else None
        return None if identity is None or identity.kind == "scope-map" else identity

    def _bearer(self, authorization: str) -> Claims | None:
        scheme, _, token = authorization.partition(" ")
        return self.tokens.access_claims(token.strip()) if scheme.lower() == "bearer" else None


def _problem(authorization: str, claims: Claims | None) -> str:
    if claims is not None:
        return "insufficient_scope"
    return "invalid_token" if authorization.lower().startswith("bearer ") else ""


def _challenge(request: Request, kind: str, name: str, actions: tuple[str, ...], *, error: str) -> Refusal:
    """Source: recordings test_update_tag_properties and, without a scope, of GET `/v2/`."""
    host = host_of(request)
    parts = [f'realm="{request.url.scheme}://{host}/oauth2/token"', f'service="{host}"']
    if kind:
        parts.append(f'scope="{kind}:{name}:{",".join(actions)}"')
    if error:
        parts.append(f'error="{error}"')
    detail = [{"Type": kind, "Name": name, "Action": action} for action in actions] if kind else None
    headers = {"www-authenticate": f"Bearer {','.join(parts)}"}
    return Refusal(401, "UNAUTHORIZED", _MESSAGE, detail=detail, headers=headers)


async def _form(request: Request) -> dict[str, list[str]]:
    query = request.url.query
    body = (await read_body(request, _MAX_FORM_BYTES)).decode(errors="replace")
    return parse_qs(f"{query}&{body}", keep_blank_values=True)


def _first(form: dict[str, list[str]], field: str) -> str:
    return form.get(field, [""])[0]
