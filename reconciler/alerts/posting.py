"""
Bring a message to an HTTP service, or say why that did not work.

It goes to the one host that was named: a redirect is an answer like any other that is no
success. httpx's client writes each URL into its log, so its transport is used without it.
Repeating is safe, as each receiver tells what it has from what is new.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs
import httpx

from reconciler import __version__
from reconciler.alerts.secret import Target, shown_answer
from reconciler.errors import AlertError, first_of
from reconciler.registry.patience import TOO_MANY_REQUESTS, retry_after
from reconciler.registry.route import proxy_for, trusted

Sign: TypeAlias = Callable[[bytes, int], Mapping[str, str]]  # from a body and the seconds since 1970 to headers

_MAX_ANSWER = 4_096  # bytes
_SUCCESS, _REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 200, 300, 400, 500
_MAX_PAUSE_S = 10.0  # unless we are told to wait longer


@attrs.frozen
class Request:
    """The body of one POST."""

    body: bytes
    content_type: str = "application/json"


@attrs.frozen
class Patience:
    """How long a service is waited for."""

    request_s: float = 10.0  # for each answer
    total_s: float = 45.0  # for all of a batch, pauses included
    pause_s: float = 0.5  # after the first failure; it doubles
    attempts: int = 5  # of each request


class _TimeIsUpError(AlertError):
    """A request was not taken, as the time for all of them was over."""


@attrs.frozen
class _Failure:
    """A request that was not taken."""

    message: str
    can_help: bool  # to try again
    asked_s: float | None = None  # how long to wait before, if the service said so


async def post(
    target: Target, requests: Sequence[Request], patience: Patience, *, sign: Sign | None = None, parallel: int = 1
) -> None:
    """
    Send all requests; they are taken in order, `parallel` at the same time.

    Args:
        target: Where to.
        requests: What.
        patience: How long it may take.
        sign: Makes further headers, anew for each attempt.
        parallel: How many may be under way.

    Raises:
        AlertError: one was not taken, after all patience.
        RefusedError: the environment names a proxy, or authorities, that cannot be used.
    """
    ends = time.monotonic() + patience.total_s
    slots = asyncio.Semaphore(parallel)
    taken = 0

    async def send(transport: httpx.AsyncHTTPTransport, request: Request) -> None:
        nonlocal taken
        async with slots:
            await _persist(transport, _Sending(target, request, sign), patience, ends)
            taken += 1

    async with _transport(target) as transport:
        try:
            async with asyncio.TaskGroup() as group:
                for request in requests:
                    group.create_task(send(transport, request))
        except ExceptionGroup as failures:
            error = first_of(failures)
            if isinstance(error, _TimeIsUpError) and len(requests) > 1:
                number = f"{taken:,} of {len(requests):,} requests were taken"
                raise AlertError(f"POST {target.shown}: time is up after {patience.total_s:g} s: {number}") from None
            raise error from None


@attrs.frozen
class _Sending:
    """A request on its way."""

    target: Target
    request: Request
    sign: Sign | None

    def as_httpx(self, timeout_s: float) -> httpx.Request:
        headers = {
            "content-type": self.request.content_type,
            "user-agent": f"acr-reconciler/{__version__}",
            "accept-encoding": "identity",
            **(self.sign(self.request.body, int(time.time())) if self.sign else {}),
        }
        timeout = httpx.Timeout(timeout_s).as_dict()
        return httpx.Request(
            "POST", self.target.url, headers=headers, content=self.request.body, extensions={"timeout": timeout}
        )


def _transport(target: Target) -> httpx.AsyncHTTPTransport:
    location = target.location
    proxy = proxy_for(location, os.environ)
    return httpx.AsyncHTTPTransport(
        verify=trusted(location, None), proxy=proxy.as_httpx() if proxy else None, trust_env=False
    )


async def _persist(transport: httpx.AsyncHTTPTransport, sending: _Sending, patience: Patience, ends: float) -> None:
    """Send one request, again and again where that can help."""
    for attempt in itertools.count(1):
        left_s = max(0.0, ends - time.monotonic())
        failure = await _attempt(transport, sending, min(patience.request_s, left_s))
        if failure is None:
            return
        if left_s < patience.request_s and time.monotonic() >= ends:
            in_all = _Failure(f"not taken within {patience.total_s:g} s in all", can_help=False)
            raise _TimeIsUpError(_told(sending.target, in_all, attempt))
        pause_s = _pause_s(failure, attempt, patience)
        too_long = time.monotonic() + pause_s >= ends
        if not failure.can_help or too_long or attempt == patience.attempts:
            raise AlertError(_told(sending.target, failure, attempt))
        await asyncio.sleep(pause_s)


def _pause_s(failure: _Failure, attempt: int, patience: Patience) -> float:
    """Seconds until the next attempt: as we were told, or twice as long each time, never at one beat with others."""
    jitter = random.random()  # noqa: S311  # not a secret
    if failure.asked_s is not None:
        return failure.asked_s + jitter * patience.pause_s
    return float(min(_MAX_PAUSE_S, patience.pause_s * 2 ** (attempt - 1)) * (0.5 + jitter / 2))


def _told(target: Target, failure: _Failure, attempts: int) -> str:
    asked = f"; it asked for a pause of {failure.asked_s:,.0f} s" if failure.asked_s is not None else ""
    times = f" (after {attempts} attempts)" if attempts > 1 else ""
    return f"POST {target.shown}: {failure.message}{asked}{times}"


async def _attempt(transport: httpx.AsyncHTTPTransport, sending: _Sending, timeout_s: float) -> _Failure | None:
    """Send it once; None: it was taken."""
    try:
        async with asyncio.timeout(timeout_s):
            response = await transport.handle_async_request(sending.as_httpx(timeout_s))
    except (TimeoutError, httpx.TimeoutException):
        return _Failure(f"no answer within {timeout_s:,.1f} s", can_help=True)
    except httpx.HTTPError as error:
        reason = shown_answer(str(error), sending.target.secrets) or type(error).__name__
        return _Failure(f"no answer: {reason}", can_help=True)
    answer = await _read(response, timeout_s)
    status = response.status_code
    if _SUCCESS <= status < _REDIRECT:
        return None
    said = shown_answer(answer, sending.target.secrets)
    if _REDIRECT <= status < _CLIENT_ERROR:
        said = "a redirect, which is not followed"
    can_help = status == TOO_MANY_REQUESTS or status >= _SERVER_ERROR
    return _Failure(f"{status}: {said}" if said else str(status), can_help, retry_after(response.headers))


async def _read(response: httpx.Response, timeout_s: float) -> str:
    """The beginning of an answer; the status says already what became of the request, whatever happens here."""
    answer = bytearray()
    with contextlib.suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(timeout_s), contextlib.aclosing(response):
            async for chunk in response.aiter_raw(_MAX_ANSWER):
                answer += chunk
                if len(answer) >= _MAX_ANSWER:
                    break
    return bytes(answer[:_MAX_ANSWER]).decode("utf-8", "replace")
