"""
Calls to a forge's API, as careful as those to a registry.

`registry.transport` bounds them in time and size, follows no redirect, masks the token in
whatever comes back, and repeats what may be repeated. What is added here is what forges
do differently: GitHub says 403 where it is asked too much, and a comment that may have
been written is the caller's to look for.

Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson

from reconciler.errors import ForgeError, NotPermittedError, RegistryError, UnreachableError
from reconciler.forges.forge import Pull
from reconciler.registry.exchange import Answer, Method, Request, printable
from reconciler.registry.patience import retry_after
from reconciler.registry.transport import Transport

LIMIT_S = 180.0
SUCCESS = (200, 201)
_FORBIDDEN, _SERVER_ERROR = 403, 500
_UNTOLD_PAUSE_S = 60.0  # where a limit is told of without a time: "at least one minute"

T = TypeVar("T")


class Calls:
    """Calls about one pull request."""

    def __init__(self, transport: Transport, pull: Pull, *, limit_s: float, on_pause: Callable[[float], None]) -> None:
        """Made by `calls_to`; `limit_s` counts from here on."""
        self.pull = pull
        self._transport = transport
        self._ends_s = time.monotonic() + limit_s
        self._on_pause = on_pause

    async def get(self, target: str) -> Answer:
        """Read; the answer is a success."""
        return self.checked(await self.answer("GET", target))

    async def write(self, method: Method, target: str, document: object, *, is_repeatable: bool) -> Answer:
        """
        Send JSON; the answer is a success.

        Raises:
            ForgeError: it says whether the request may have arrived all the same.
        """
        return self.checked(await self.answer(method, target, document, is_repeatable=is_repeatable))

    async def answer(
        self, method: Method, target: str, document: object = None, *, is_repeatable: bool = True
    ) -> Answer:
        """
        One answer, whatever its status; pauses that are asked for are kept.

        Args:
            method: Of HTTP.
            target: Path and query, from the root of the host.
            document: What is sent, as JSON.
            is_repeatable: To do it twice is the same as doing it once.

        Raises:
            ForgeError: there was none, or it cannot be waited for.
        """
        headers, body = self.pull.headers, b""
        if document is not None:
            headers, body = (*headers, ("content-type", "application/json")), orjson.dumps(document)
        request = Request(method, target, "read" if is_repeatable else "write", headers, body)
        while True:
            answer = await self._sent(request)
            pause_s = limited_s(answer, time.time())
            if pause_s is None:
                return answer
            if time.monotonic() + pause_s >= self._ends_s:
                raise ForgeError(f"{_said(answer)}; it asks for a pause of {pause_s:,.0f} s, which is too long")
            self._on_pause(pause_s)
            await asyncio.sleep(pause_s)

    def checked(self, answer: Answer) -> Answer:
        """
        The answer, where it is a success.

        Raises:
            NotPermittedError: the token may not do that.
            ForgeError: any other refusal.
        """
        if answer.status in SUCCESS:
            return answer
        advice = self.pull.advice.get(answer.status, "")
        text = f"{_said(answer)}\n  {advice}" if advice else _said(answer)
        if answer.status == _FORBIDDEN:
            raise NotPermittedError(text)
        raise ForgeError(text, may_have_arrived=answer.status >= _SERVER_ERROR)

    def understood(self, answer: Answer, make: Callable[[Any], T]) -> T:
        """
        What `make` finds in the JSON of an answer.

        Raises:
            ForgeError: it is not what this forge says.
        """
        try:
            return make(orjson.loads(answer.body))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ForgeError(
                f"{answer.method} {answer.url}: the answer is not what {self.pull.forge} says\n"
                "  Is this the address of its API?"
            ) from None

    async def _sent(self, request: Request) -> Answer:
        try:
            return await self._transport.send(request)
        except UnreachableError as error:
            raise ForgeError(_bare(error), may_have_arrived=error.was_sent) from None
        except RegistryError as error:
            raise ForgeError(_bare(error)) from None


@asynccontextmanager
async def calls_to(
    pull: Pull,
    *,
    limit_s: float = LIMIT_S,
    on_pause: Callable[[float], None] = lambda _: None,
    on_answer: Callable[[str], None] | None = None,
    ca_bundle: str | None = None,
) -> AsyncIterator[Calls]:
    """
    Calls for as long as the body runs, which is `limit_s` at most.

    Args:
        pull: What they are about.
        limit_s: For everything, pauses included; what the forge does not answer is tried for a half of it.
        on_pause: Is told of each pause that the forge asks for, in seconds.
        on_answer: Is told each exchange in one line, without headers and bodies.
        ca_bundle: File of certificate authorities to believe, besides the machine's own.

    Raises:
        ForgeError: time ran out.
        RefusedError: a proxy or authorities that cannot be used.
    """
    transport = Transport(
        pull.location,
        timeout_s=limit_s / 2,
        concurrency=1,
        on_pause=lambda pause: on_pause(pause.delay_s),
        on_answer=on_answer,
        ca_bundle=ca_bundle,
    )
    transport.secrets.add(pull.token)
    try:
        async with asyncio.timeout(limit_s), transport:
            yield Calls(transport, pull, limit_s=limit_s, on_pause=on_pause)
    except TimeoutError:
        raise ForgeError(f"{pull}: not done within {limit_s:g} s") from None


def limited_s(answer: Answer, now_s: float) -> float | None:
    """
    Seconds to wait where this 403 means "too much" rather than "not you"; None where it does not.

    Args:
        answer: Any.
        now_s: Seconds since 1970.
    """
    if answer.status != _FORBIDDEN:
        return None  # a 429 was waited for already
    asked_s = retry_after(answer.headers)
    if asked_s is not None:
        return asked_s
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        is_told = reset.isascii() and reset.isdigit()
        return max(1.0, float(reset) - now_s) if is_told else _UNTOLD_PAUSE_S
    return _UNTOLD_PAUSE_S if b"secondary rate limit" in answer.body else None


def _said(answer: Answer) -> str:
    """The refusal, in the forge's own words, on one line."""
    said = printable(answer.secrets.masked(" ".join(_message(answer.body).split())))
    return f"{answer.method} {answer.url}: {answer.status} {said}".rstrip()


def _message(body: bytes) -> str:
    """What a forge says in `message` or `error`; GitHub tells in `errors` which member is wrong."""
    try:
        document = orjson.loads(body)
    except ValueError:
        return ""  # some page of a proxy
    if not isinstance(document, dict):
        return ""
    parts = [document.get(name) for name in ("message", "error_description", "error", "errors")]
    return ": ".join(part if isinstance(part, str) else orjson.dumps(part).decode() for part in parts if part)


def _bare(error: RegistryError) -> str:
    """What went wrong, with the advice that is not about registries."""
    what, _, advice = str(error).partition("\n")
    return f"{what}\n{advice}" if "--ca-bundle" in advice or "PROXY" in advice else what
