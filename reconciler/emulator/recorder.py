"""What was asked of an emulator, so that a test can say what a client did and did not send."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import attrs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_BODY_BYTES = 1 << 20


@attrs.frozen
class RecordedRequest:
    """One request, and the status of its answer."""

    method: str
    path: str  # decoded: `%2F` is `/`
    query: str  # as sent, without the question mark
    body: bytes | None  # None where it is larger than a mebibyte
    status: int
    has_authorization: bool


class Recorder:
    """Keeps every request, in the order of the answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []

    def requests(self, method: str | None = None) -> Sequence[RecordedRequest]:
        """The requests so far, of one method where it is given."""
        with self._lock:
            return [request for request in self._requests if method in (None, request.method)]

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._requests.clear()

    def add(self, request: RecordedRequest) -> None:
        """Keep one more."""
        with self._lock:
            self._requests.append(request)


def recording(app: ASGIApp, recorder: Recorder) -> ASGIApp:
    """`app`, with each request kept before its answer leaves: whoever has the answer finds the request."""

    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()

        async def listen() -> Message:
            message = await receive()
            if len(body) <= _MAX_BODY_BYTES:
                body.extend(message.get("body", b""))
            return message

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                recorder.add(_request(scope, bytes(body), message["status"]))
            await send(message)

        await app(scope, listen, answer)

    return recorded


def _request(scope: Scope, body: bytes, status: int) -> RecordedRequest:
    return RecordedRequest(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("ascii", "replace"),
        body=body if len(body) <= _MAX_BODY_BYTES else None,
        status=status,
        has_authorization=any(name == b"authorization" for name, _ in scope["headers"]),
    )
