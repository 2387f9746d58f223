"""Answers as ACR writes them, and request bodies of a size that one can take."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match

from reconciler.emulator.errors import Refusal, too_large, unsupported

_JSON = "application/json; charset=utf-8"


def json_answer(
    document: object, *, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = _JSON
) -> Response:
    """Compact JSON with a line feed at its end. Source: content lengths in recordings."""
    return Response(orjson.dumps(document) + b"\n", status, headers=headers, media_type=media_type)


def refusal_answer(_request: Request, refusal: Exception) -> Response:
    """The answer that says no."""
    assert isinstance(refusal, Refusal)  # noqa: S101 - Starlette calls it for no other
    return json_answer(refusal.document, status=refusal.status, headers=refusal.headers)


def no_such_route(_request: Request, _error: Exception) -> Response:
    """Not JSON, and no sign-in asked. Source: recording test_get_misspell_property, upper-case repository name."""
    return PlainTextResponse("404 page not found\n", 404)


def no_such_method(request: Request, _error: Exception) -> Response:
    """A path that has other methods, which `Allow` lists. Source: RFC 9110, section 15.5.6."""
    routes = (route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE)
    allowed = sorted({method for route in routes for method in route.methods})
    answer = refusal_answer(request, unsupported())
    answer.headers["allow"] = ", ".join(allowed)
    return answer


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body; refused where it is larger than the limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise too_large(limit_bytes)
        parts.append(part)
    return b"".join(parts)


def host_of(request: Request) -> str:
    """What the caller calls this registry: its login server."""
    return request.headers.get("host") or "localhost"
