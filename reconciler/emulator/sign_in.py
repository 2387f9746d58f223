"""
Who may call: the challenge on data calls, and the endpoints where tokens are made.

A call without enough permission is 401 and never 403; the challenge names the scope
that it needs. The token endpoint itself grants what is asked, and checks nothing but
a user name and password, where the emulator was given one. It takes any Microsoft
Entra token for good, since it has no way to know a bad one.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulator.answers import host_of, json_answer, read_body
from reconciler.emulator.errors import Refusal
from reconciler.emulator.settings import Settings
from reconciler.emulator.tokens import Claims, TokenMaker, access_of, basic_credentials, permits

_MAX_FORM_BYTES = 64 << 10
_MESSAGE = "authentication required, visit https://aka.ms/acr/authorization for more information."


class SignIn:
    """Checks data calls, and makes tokens for them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tokens = TokenMaker()

    def check(self, request: Request, kind: str, name: str, actions: tuple[str, ...]) -> None:
        """
        Let the call pass, or raise the 401 that says what it needs.

        Args:
            request: The data call.
            kind: `repository` or `registry`; empty where any token will do.
            name: Of the repository, or `catalog`.
            actions: All of them are needed, in the order in which the challenge names them.
        """
        if self._settings.auth == "none":
            return
        authorization = request.headers.get("authorization", "")
        if self._settings.auth == "basic" and self._knows(*basic_credentials(authorization)):
            return
        claims = self._bearer(authorization)
        if claims is not None and (not kind or permits(claims, kind, name, actions)):
            return
        raise _challenge(request, kind, name, actions, error=_problem(authorization, claims))

    async def exchange(self, request: Request) -> Response:
        """`POST /oauth2/exchange`. Source: recording of az acr login, 2026-09."""
        await read_body(request, _MAX_FORM_BYTES)
        return json_answer({"refresh_token": self._tokens.refresh_token(host_of(request))})

    async def token(self, request: Request) -> Response:
        """`POST` and `GET /oauth2/token`. Source: Azure/acr docs/AAD-OAuth.md and docs/Token-BasicAuth.md."""
        form = await _form(request)
        if not self._may_have_a_token(request, form):
            raise Refusal(401, "UNAUTHORIZED", _MESSAGE)
        scopes = " ".join(form.get("scope", [])).split()
        return json_answer({"access_token": self._tokens.access_token(host_of(request), access_of(scopes))})

    def _may_have_a_token(self, request: Request, form: dict[str, list[str]]) -> bool:
        if self._settings.auth == "none":
            return True
        if refresh_token := _first(form, "refresh_token"):
            return self._tokens.claims(refresh_token, "refresh_token") is not None
        username, password = _first(form, "username"), _first(form, "password")
        if not username:
            username, password = basic_credentials(request.headers.get("authorization", ""))
        return not self._settings.username or self._knows(username, password)

    def _knows(self, username: str, password: str) -> bool:
        known = f"{self._settings.username}:{self._settings.password}".encode()
        return bool(username) and hmac.compare_digest(known, f"{username}:{password}".encode())

    def _bearer(self, authorization: str) -> Claims | None:
        scheme, _, token = authorization.partition(" ")
        return self._tokens.claims(token.strip(), "access_token") if scheme.lower() == "bearer" else None


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
    try:
        return parse_qs(f"{query}&{body}", keep_blank_values=True)
    except ValueError:  # more fields than anybody sends
        return {}


def _first(form: dict[str, list[str]], field: str) -> str:
    return form.get(field, [""])[0]
