"""
What happens to a call instead of an answer: a firewall, a limit, a refusal, silence.

Written for ASGI itself, as the surroundings are. The emulator's own paths are not the
registry's, so nothing here happens to them.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.emulator.answers import refusal_answer
from reconciler.emulator.errors import Refusal, behind_firewall, too_many_requests
from reconciler.emulator.faults import Faults
from reconciler.emulator.limits import class_of
from reconciler.emulator.request_faults import Happening

OWN_PATHS = "/emulator/"
HANG_UP = "emulator.hang_up"  # extension of the scope: a function that closes the connection
_RATE_HEADER = "x-ms-ratelimit-remaining-calls-per-second"
_CODES = {401: "UNAUTHORIZED", 403: "DENIED", 405: "REGISTRY_DISALLOWED_OPERATION", 429: "TOOMANYREQUESTS"}


def with_interruptions(app: ASGIApp, faults: Faults) -> ASGIApp:
    """`app`, unless a fault is due or a limit is reached."""

    async def interrupted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(OWN_PATHS):
            await app(scope, receive, send)
            return
        kind = class_of(scope["method"], scope["path"])
        refusal = _refusal(scope, faults, kind)
        sending = _with_rate(send, faults, kind)
        happening = None if refusal else faults.requests.take(scope["method"], scope["path"])
        if refusal is not None:
            await _answer(refusal, (scope, receive, sending))
        elif happening is None:
            await app(scope, receive, sending)
        else:
            await _FAULTS[happening.rule.do](app, happening, (scope, receive, sending))

    return interrupted


def _refusal(scope: Scope, faults: Faults, kind: str) -> Refusal | None:
    if faults.firewall:
        client = scope.get("client") or ("unknown", 0)
        return behind_firewall(client[0])
    wait_s = faults.limits.take(kind)
    return None if wait_s is None else too_many_requests(wait_s)


def _with_rate(send: Send, faults: Faults, kind: str) -> Send:
    """A `send` that tells how many calls are left, in the classes whose answers do."""
    if faults.limits.remaining(kind) is None:
        return send

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[_RATE_HEADER] = faults.limits.remaining(kind) or ""
        await send(message)

    return telling


async def _refuse(app: ASGIApp, happening: Happening, call: tuple[Scope, Receive, Send]) -> None:
    rule = happening.rule
    if rule.at == "after":
        await app(call[0], call[1], _nowhere)
    headers = {} if rule.retry_after_s is None else {"retry-after": str(rule.retry_after_s)}
    message = f"the emulator was told to answer {rule.status}"
    await _answer(Refusal(rule.status, _CODES.get(rule.status, "UNKNOWN"), message, headers=headers), call)


async def _drop(app: ASGIApp, happening: Happening, call: tuple[Scope, Receive, Send]) -> None:
    scope, receive, send = call
    if happening.rule.at == "middle":
        await app(scope, receive, _half(send))
        return
    if happening.rule.at == "after":
        await app(scope, receive, _nowhere)
    scope["extensions"][HANG_UP]()
    while (await receive())["type"] != "http.disconnect":  # the server would answer a call that ends before
        continue


async def _hang(app: ASGIApp, happening: Happening, call: tuple[Scope, Receive, Send]) -> None:
    scope, receive, send = call
    if happening.rule.at == "before":
        await happening.hang()
        await app(scope, receive, send)
    else:
        await app(scope, receive, _stuck(send, happening, is_halfway=happening.rule.at == "middle"))


_FAULTS = {"refuse": _refuse, "drop": _drop, "hang": _hang}


async def _answer(refusal: Refusal, call: tuple[Scope, Receive, Send]) -> None:
    await refusal_answer(Request(call[0]), refusal)(*call)


async def _nowhere(_message: Message) -> None:
    """A `send` for what nobody gets."""


def _half(send: Send) -> Send:
    """A `send` that promises one byte more than there is and passes on half; the server then hangs up."""
    is_over = False

    async def half(message: Message) -> None:
        nonlocal is_over
        if is_over:
            return
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-length"] = str(int(headers.get("content-length", "0")) + 1)
        else:
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
            is_over = True
        await send(message)

    return half


def _stuck(send: Send, happening: Happening, *, is_halfway: bool) -> Send:
    """A `send` that hangs before it passes on anything, or once half of the first part of the body is out."""

    async def stuck(message: Message) -> None:
        is_start = message["type"] == "http.response.start"
        if is_start is not is_halfway:
            if is_halfway:
                body = message.get("body", b"")
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
                message = {**message, "body": body[len(body) // 2 :]}
            await happening.hang()
        await send(message)

    return stuck
