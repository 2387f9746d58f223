"""
What happens around every call: the headers of every answer, and delay.

Written for ASGI itself, since this runs for each request and Starlette's own base
for middleware costs more than the calls do.
"""

from __future__ import annotations

import asyncio
import uuid
from email.utils import formatdate

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.emulator.faults import Faults

# Source: all recordings. `server` is not imitated: an answer may say that it came from here.
_HEADERS = {
    "server": "reconciler-emulator",
    "docker-distribution-api-version": "registry/2.0",
    "x-content-type-options": "nosniff",
    "access-control-expose-headers": "Docker-Content-Digest, WWW-Authenticate, Link, X-Ms-Correlation-Request-Id",
}


def with_headers(app: ASGIApp) -> ASGIApp:
    """`app`, with the headers that ACR sends with every answer."""

    async def surrounded(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        await app(scope, receive, answer)

    return surrounded


def with_latency(app: ASGIApp, faults: Faults) -> ASGIApp:
    """`app`, with each answer delayed: what was asked is done already while the client still waits."""

    async def delayed(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and faults.latency_ms > 0:
                await asyncio.sleep(faults.latency_ms / 1000)
            await send(message)

        await app(scope, receive, answer)

    return delayed


def _add_headers(scope: Scope, headers: MutableHeaders) -> None:
    headers.update(_HEADERS)
    headers["date"] = formatdate(usegmt=True)
    headers["x-ms-correlation-request-id"] = str(uuid.uuid4())
    if scope["method"] == "DELETE" or scope["path"].startswith("/v2"):
        headers["x-ms-request-id"] = str(uuid.uuid4())
    client_request_id = Headers(scope=scope).get("x-ms-client-request-id")
    if client_request_id is not None:
        headers["x-ms-client-request-id"] = client_request_id
