"""
What can be asked of a watch over HTTP: `/healthz`, `/readyz` and `/metrics`.

They say nothing that whoever reaches the port must not know: no error of a registry, no name
of a resource. They change nothing, so they need no sign-in.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.errors import RefusedError
from reconciler.watch.bounded import Bounds, Listener, Server, bounded_protocol

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format
_STOP_S = 5.0
_BOUNDS = Bounds()
_MAX_PORT = 65_535


def app(
    why_not_alive: Callable[[], str], why_not_ready: Callable[[], str], metrics: Callable[[], bytes | None]
) -> Starlette:
    """
    The pages.

    Args:
        why_not_alive: Why it should be started anew; empty: it should not.
        why_not_ready: Why drift may go unnoticed; empty: it does not.
        metrics: In Prometheus' text format; None: there are none.
    """

    def health(why_not: Callable[[], str]) -> Callable[[Request], Response]:
        def answer(_: Request) -> Response:
            reason = why_not()
            return PlainTextResponse(f"{reason or 'ok'}\n", 503 if reason else 200)

        return answer

    def measured(_: Request) -> Response:
        content = metrics()
        if content is None:
            return PlainTextResponse("the package prometheus-client is not installed\n", 501)
        return Response(content, media_type=_METRICS_TYPE)

    return Starlette(
        routes=[
            Route("/healthz", health(why_not_alive)),
            Route("/readyz", health(why_not_ready)),
            Route("/metrics", measured),
        ]
    )


@contextlib.contextmanager
def served(pages: Starlette, host: str, port: int, *, bounds: Bounds = _BOUNDS) -> Iterator[str]:
    """
    The pages, answered as long as the body runs, at the URL that is yielded.

    Args:
        pages: Made by `app`.
        host: Name or address to listen on.
        port: 0 takes any free one.
        bounds: What is granted to whoever connects.

    Raises:
        RefusedError: nothing can listen there.
    """
    with Listener(_listening(host, port), bounds.connections) as listener:
        config = uvicorn.Config(
            pages,
            http=bounded_protocol(bounds),
            loop="asyncio",  # another one would not ask the listener
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
        )
        server = Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="pages", daemon=True)
        thread.start()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join(_STOP_S)


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _MAX_PORT:  # the socket that Python makes first would never be closed
        raise RefusedError(f"{host}:{port}: cannot listen there: a port is a number from 0 to {_MAX_PORT}")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RefusedError(f"{host}:{port}: cannot listen there: {reason}") from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
