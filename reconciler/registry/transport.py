"""
One call to the registry, made as reliable as it can be.

Every call is bounded in time and in size, repeated as far as `patience` permits,
and started when its `budget` does; but never later than its caller permits, because
a turn can be a minute away. Nothing is ever followed: not a redirect, not
another host. Requests are counted, because asking little is a promise.

httpx's transport is called without an `AsyncClient` around it. All that the client
would add must be off here: redirects, cookies and .netrc, which get or bring
credentials that nobody declared. Turned off, it still takes 100 of the 230 µs that
a request costs (benchmarks/README.md).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Self

import aiohttp
import attrs
import httpx
from httpx_aiohttp import AiohttpTransport

from reconciler import __version__
from reconciler.errors import ProtocolError, TooLateError, UnreachableError
from reconciler.registry.budget import Budget
from reconciler.registry.exchange import KINDS, Answer, Failure, Kind, Request, Secrets, printable, steady_s
from reconciler.registry.location import Location, origin_of
from reconciler.registry.patience import TOO_MANY_REQUESTS, Patience
from reconciler.registry.route import Proxy, proxy_for, trusted
from reconciler.registry.tally import NO_ANSWER, Tally

MAX_BODY_BYTES = 32 * 2**20  # a page of 1,000 tags has 0.4 MiB
_MIN_ATTEMPT_S = 0.1
_ATTEMPT_SHARE = 3  # a hung attempt is given up after this part of the timeout, so that another one is possible
_ADDRESS = "Is this the registry's own address?"
_REACH = "Is the name right, and can this machine reach it?"
_REDIRECTS = (301, 302, 303, 307, 308)


@attrs.frozen
class Pause:
    """The registry asked us to wait, and we do."""

    delay_s: float
    kind: Kind  # of request that waits; the others go on


class Transport:
    """A pool of connections to one registry; an async context manager."""

    def __init__(
        self,
        location: Location,
        *,
        timeout_s: float,
        concurrency: int,
        on_pause: Callable[[Pause], None],
        on_answer: Callable[[str], None] | None = None,
        on_close: Callable[[Tally], None] | None = None,
        ca_bundle: str | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """
        Prepare it; no connection is opened yet.

        Args:
            location: Where the registry is.
            timeout_s: How long one call may take, its repeats included.
            concurrency: Requests under way at the same time, at most.
            on_pause: Is told of each pause that the registry asks for.
            on_answer: Is told each exchange in one line, without headers and bodies.
            on_close: Is told what was asked in all, once no more will be.
            ca_bundle: File or folder of certificate authorities to believe, besides the machine's own.
            environment: Where a proxy is named.

        Raises:
            RefusedError: the proxy or the authorities cannot be used.
        """
        self.location = location
        self.requests: Counter[tuple[Kind, str]] = Counter()  # so far, repeats included, by what came of them
        self._timeout_s = timeout_s
        self._on_pause, self._on_answer, self._on_close = on_pause, on_answer, on_close
        self._slots = asyncio.Semaphore(concurrency)
        self._budgets = {kind: Budget(concurrency) for kind in KINDS}
        self._tls = trusted(location, ca_bundle)
        self._proxy = proxy_for(location, environment)
        self.secrets = Secrets()
        self.secrets.add(*(self._proxy.secrets if self._proxy else ()))
        self._http = self._pool()
        self._headers = _headers_to(location, self._proxy)

    def _pool(self) -> AiohttpTransport:
        via = self._proxy.as_httpx() if self._proxy else None
        return AiohttpTransport(verify=self._tls, client=self._session, proxy=via)

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls)  # the slots are the limit
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # aiohttp repeats GET, PUT and DELETE where a kept connection turns out to be closed, and tells nobody.
        session._retry_connection = False  # noqa: SLF001 - there is no other way to say it (aiohttp 3.10 to 3.14)
        return session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        if self._on_close:
            self._on_close(Tally(self.requests, {kind: budget.closed_s for kind, budget in self._budgets.items()}))

    async def send(self, request: Request) -> Answer:
        """
        Send one request and return the answer, whatever its status.

        Raises:
            UnreachableError: no answer came in time.
            TooLateError: it may not be sent any more; it was not.
            ProtocolError: the answer is too large, or leads elsewhere.
        """
        patience = Patience(self._timeout_s, request.is_repeatable)
        budget = self._budgets[request.kind]
        while True:
            async with budget, self._slots:  # waiting for a turn is not the registry being slow: no timeout runs
                self._check_deadline(request)
                sent_at_s = time.monotonic()
                outcome = await self._counted_attempt(request, patience.left_s)
            took_s = time.monotonic() - sent_at_s
            if self._on_answer:
                self._on_answer(self.secrets.masked(_told(request, outcome, took_s)))
            if isinstance(outcome, Answer) and outcome.status != TOO_MANY_REQUESTS:
                budget.answered(outcome.headers)
                if outcome.status < 300:  # noqa: PLR2004 - the common case, at once
                    return outcome
            delay_s = patience.retry_in_s(outcome, took_s=took_s, jitter=random.random())  # noqa: S311
            if delay_s is None:
                return self._final(outcome, request)
            if isinstance(outcome, Answer) and outcome.status == TOO_MANY_REQUESTS:
                budget.throttled(delay_s, sent_at_s=sent_at_s)  # whoever comes next waits as well
                self._on_pause(Pause(delay_s, request.kind))
            else:
                await asyncio.sleep(delay_s)

    async def _counted_attempt(self, request: Request, left_s: float) -> Answer | Failure:
        status = NO_ANSWER  # also where it is cut off, or the answer is none that can be taken
        try:
            outcome = await self._attempt(request, left_s)
            status = str(outcome.status) if isinstance(outcome, Answer) else NO_ANSWER
            return outcome
        finally:
            self.requests[request.kind, status] += 1

    async def _attempt(self, request: Request, left_s: float) -> Answer | Failure:
        url = f"{self.location.origin}{request.target}"
        headers = self._headers if not request.headers else self._headers_with(request.headers)
        message = httpx.Request(request.method, url, headers=headers, content=request.body or None)
        limit_s = min(self._timeout_s / _ATTEMPT_SHARE, max(_MIN_ATTEMPT_S, left_s))
        if request.not_after_s is not None:  # a connection that takes longer to stand is none to send it on
            connect_s = max(_MIN_ATTEMPT_S, min(limit_s, request.not_after_s - steady_s()))
            message.extensions["timeout"] = {"connect": connect_s, "pool": connect_s}
        try:
            async with asyncio.timeout(limit_s):
                return await self._exchange(message, url)
        except TimeoutError:
            advice = f"--timeout gives it longer than {self._timeout_s:g} s."
            return Failure("no answer in time", request.is_repeatable, advice)
        except UnicodeError:
            return Failure("the host name cannot be looked up: it is no name", is_repeatable=False, was_sent=False)
        except httpx.DecodingError as error:
            raise ProtocolError(
                f"{request.method} {url}: the answer cannot be decoded: {error}\n  {_ADDRESS}"
            ) from None
        except (httpx.TransportError, aiohttp.ClientError) as error:  # httpx-aiohttp lets some of the latter through
            cause = error.__cause__ if isinstance(error, httpx.TransportError) else error
            return _failure(cause or error, is_repeatable=request.is_repeatable)

    def _check_deadline(self, request: Request) -> None:
        """Raise `TooLateError` where the time for it has passed."""
        if request.not_after_s is not None and steady_s() > request.not_after_s:
            raise TooLateError(
                f"{request.method} {self.secrets.masked(self.location.origin + request.target)}: not sent,"
                " because what it goes by was read too long ago"
            )

    def _headers_with(self, more: tuple[tuple[str, str], ...]) -> httpx.Headers:
        headers = self._headers.copy()
        headers.update(more)
        return headers

    def _final(self, outcome: Answer | Failure, request: Request) -> Answer:
        """What stands after the last attempt."""
        url = self.secrets.masked(f"{self.location.origin}{request.target}")
        if isinstance(outcome, Failure):
            via = f" (through the proxy {self._proxy.host})" if self._proxy else ""
            advice = f"\n  {outcome.advice}" if outcome.advice else ""
            raise UnreachableError(
                f"{request.method} {url}: {outcome.message}{via}{advice}",
                method=request.method,
                was_sent=outcome.was_sent,
            )
        if outcome.status in _REDIRECTS:
            elsewhere = origin_of(outcome.headers.get("location", "")) or "another place"
            raise ProtocolError(
                f"{request.method} {url}: {outcome.status}, a redirect to {elsewhere}\n"
                "  Redirects are not followed, because credentials would go along. Is this the registry's own address?"
            )
        return outcome

    async def _exchange(self, message: httpx.Request, url: str) -> Answer:
        sent_at_s = steady_s()
        response = await self._http.handle_async_request(message)
        chunks, size = [], 0
        try:
            _check_encoding(response, url)
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    limit = MAX_BODY_BYTES // 2**20
                    raise ProtocolError(f"{message.method} {url}: the answer has more than {limit} MiB\n  {_ADDRESS}")
        finally:
            await response.aclose()
        shown = self.secrets.masked(url)
        body = b"".join(chunks)
        return Answer(message.method, shown, response.status_code, response.headers, body, self.secrets, sent_at_s)


def _headers_to(location: Location, proxy: Proxy | None) -> httpx.Headers:
    """What every request says of us; without a tunnel also to the proxy, whose it is to read then."""
    return httpx.Headers(
        {
            "host": location.origin.partition("://")[2],
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": f"reconciler/{__version__}",
            **(proxy.headers if proxy and location.origin.startswith("http://") else {}),
        }
    )


def _check_encoding(response: httpx.Response, url: str) -> None:
    """Refuse what we did not ask for: gzip within gzip unpacks 16 KiB to 16 GiB before anybody can look at it."""
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("identity", "gzip"):
        raise ProtocolError(
            f"{response.request.method} {url}: the answer cannot be decoded: it is packed as {printable(encoding)}\n"
            "  Only gzip was asked for. Is a proxy in between?"
        )


def _told(request: Request, outcome: Answer | Failure, duration_s: float) -> str:
    what = outcome.status if isinstance(outcome, Answer) else outcome.message
    return f"{request.method} {request.target}: {what}, {duration_s * 1000:.0f} ms"


def _failure(cause: BaseException, *, is_repeatable: bool) -> Failure:
    """What happened, in words."""
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        advice = "HTTPS_PROXY or ALL_PROXY names the proxy, with user and password where it wants them."
        return Failure(f"the proxy refused: {cause.status}", is_repeatable=False, advice=advice, was_sent=False)
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return attrs.evolve(_not_connected(cause), was_sent=False)
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return Failure("the connection was closed without an answer", is_repeatable, _ADDRESS)
    if isinstance(cause, aiohttp.ClientPayloadError):
        return Failure("the connection broke in the middle of the answer", is_repeatable, _ADDRESS)
    if isinstance(cause, OSError):
        return Failure(f"the connection broke: {cause.strerror or type(cause).__name__}", is_repeatable, _ADDRESS)
    text = cause.message if isinstance(cause, aiohttp.ClientResponseError) else str(cause)
    what = text.partition(":")[0]  # what follows quotes the answer
    return Failure(f"no valid HTTP answer: {printable(what) or type(cause).__name__}", is_repeatable, _ADDRESS)


def _not_connected(cause: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> Failure:
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return Failure("no connection in time", is_repeatable=True, advice=_REACH)
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        reason = getattr(cause.certificate_error, "verify_message", "") or str(cause.certificate_error)
        advice = "--ca-bundle names a file of further authorities to believe, such as a company's own."
        if "mismatch" in reason:
            advice = "Another host answers with its own certificate. Is the name right, or a proxy in between?"
        return Failure(f"the certificate does not verify: {printable(reason)}", is_repeatable=False, advice=advice)
    if isinstance(cause, aiohttp.ClientConnectorSSLError):
        advice = "A registry on this machine that speaks plain http is named http://…"
        return Failure(f"no TLS there: {printable(str(cause.os_error))}", is_repeatable=False, advice=advice)
    advice = _REACH
    if isinstance(cause, aiohttp.ClientProxyConnectionError):
        advice = "The proxy is not reached: HTTPS_PROXY or ALL_PROXY names it, NO_PROXY goes past it."
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return Failure(f"the host name is not known: {cause.os_error}", is_repeatable=True, advice=advice)
    reason = os.strerror(cause.errno) if cause.errno else str(cause.os_error)
    return Failure(f"cannot connect: {printable(reason)}", is_repeatable=True, advice=advice)
