"""
`/emulator/faults`: the faults of a running emulator, over HTTP.

No path of the registry starts like this, so no repository can be called so. It asks
for no sign-in, sees no fault and no latency itself, and is no part of what is
recorded; it is there for those on the same machine, and for others only if the
emulator was started so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.emulator.answers import json_answer, no_such_route, read_body, refusal_answer
from reconciler.emulator.errors import Refusal, unsupported
from reconciler.emulator.fault_settings import BadFaultsError
from reconciler.emulator.faults import Faults
from reconciler.emulator.tokens import TokenMaker

FAULTS_PATH = "/emulator/faults"
EXPIRE_PATH = "/emulator/expire-tokens"
_MAX_BODY_BYTES = 1 << 20
_CODE = "FAULTS_INVALID"
_Handler = Callable[[Request], Awaitable[Response]]


class AdminApi:
    """The calls that change what goes wrong."""

    def __init__(self, faults: Faults, tokens: TokenMaker) -> None:
        self._faults = faults
        self._tokens = tokens
        self.calls: dict[str, dict[str, _Handler]] = {
            FAULTS_PATH: {"DELETE": self.clear, "GET": self.show, "PATCH": self.merge, "PUT": self.replace},
            EXPIRE_PATH: {"POST": self.expire},
        }

    async def show(self, _request: Request) -> Response:
        """`GET`: all faults."""
        return json_answer(self._faults.document())

    async def replace(self, request: Request) -> Response:
        """`PUT`: the faults of the document, and no others."""
        self._faults.load(await _document_of(request))
        return json_answer(self._faults.document())

    async def merge(self, request: Request) -> Response:
        """`PATCH`: the faults that the document names; null is none. Source: RFC 7396."""
        self._faults.merge(await _document_of(request))
        return json_answer(self._faults.document())

    async def clear(self, _request: Request) -> Response:
        """`DELETE`: no fault at all."""
        self._faults.clear()
        return Response(status_code=204)

    async def expire(self, request: Request) -> Response:
        """`POST`: no access token made so far is good any more; nor a refresh token, with `?refresh=true`."""
        self._tokens.expire(refresh=request.query_params.get("refresh") == "true")
        return Response(status_code=204)

    async def answer(self, request: Request) -> Response:
        """The answer to any call of these paths."""
        calls = self.calls[request.url.path]
        try:
            if request.method not in calls:
                raise unsupported()
            return await calls[request.method](request)
        except BadFaultsError as error:
            problems = [{"code": _CODE, "message": problem} for problem in error.problems]
            return json_answer({"errors": problems}, status=400)
        except Refusal as refusal:
            answer = refusal_answer(request, refusal)
            answer.headers["allow"] = ", ".join(calls)
            return answer


def with_admin(app: ASGIApp, api: AdminApi, *, is_open: bool) -> ASGIApp:
    """`app`, with the calls about faults beside it, for callers on this machine, or for all if `is_open`."""

    async def administered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in api.calls:
            await app(scope, receive, send)
            return
        request = Request(scope, receive)
        may_call = is_open or _is_on_this_machine(scope)
        answer = await api.answer(request) if may_call else no_such_route(request, LookupError())
        await answer(scope, receive, send)

    return administered


def _is_on_this_machine(scope: Scope) -> bool:
    host, _ = scope.get("client") or ("", 0)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


async def _document_of(request: Request) -> object:
    try:
        return orjson.loads(await read_body(request, _MAX_BODY_BYTES))
    except ValueError as error:
        raise BadFaultsError([f"faults: not JSON: {error}"]) from None
