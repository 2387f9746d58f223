"""
`/v2/{name}/blobs`: blobs, and the uploads that bring them.

An upload goes chunk by chunk; each answer says where the next one starts and hands
out a new `_state`, and a chunk that comes with an old one is refused. Nothing is
held in memory beyond a mebibyte. The real registry answers a GET with a redirect to
its blob storage; this one has none, so it sends the bytes itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from reconciler.emulator import errors
from reconciler.emulator.blobs import CHUNK_BYTES, Blobs, Upload
from reconciler.emulator.names import is_digest
from reconciler.emulator.registry import Registry

_MAX_BLOB_BYTES = 4 << 30
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_CONTENT_RANGE = re.compile(r"(?:bytes )?([0-9]{1,18})-([0-9]{1,18})(?:/.*)?")


class BlobsApi:
    """The calls under `/v2/{name}/blobs`."""

    def __init__(self, registry: Registry, may_pull: Callable[[Request, str], bool]) -> None:
        """`may_pull` tells whether a request is permitted to pull from a repository besides the one it names."""
        self._registry = registry
        self._may_pull = may_pull
        self._blobs: Blobs = registry.store.blobs

    async def blob(self, request: Request) -> Response:
        """`GET` and `HEAD {digest}`, with or without a `Range`."""
        name, digest = request.path_params["name"], request.path_params["digest"]
        size = self._blobs.size(name, digest)
        if size is None:
            raise errors.blob_unknown(digest)
        self._registry.require_readable(name)
        first, last, is_part = _range(request.headers.get("range", ""), size)
        headers = {
            "accept-ranges": "bytes",
            "content-length": str(last - first + 1),
            "docker-content-digest": digest,
            "etag": f'"{digest}"',
        }
        if is_part:
            headers["content-range"] = f"bytes {first}-{last}/{size}"
        pieces: Iterator[bytes] = iter(()) if request.method == "HEAD" else self._blobs.read(name, digest, first, last)
        return StreamingResponse(pieces, 206 if is_part else 200, headers, media_type="application/octet-stream")

    async def delete_blob(self, request: Request) -> Response:
        """`DELETE {digest}`."""
        name, digest = request.path_params["name"], request.path_params["digest"]
        self._registry.require_writable(name)
        if not self._blobs.delete(name, digest):
            raise errors.blob_unknown(digest)
        return Response(status_code=202, headers={"docker-content-digest": digest})

    async def start_upload(self, request: Request) -> Response:
        """`POST uploads/`: start an upload, send a blob whole, or mount one of another repository."""
        name, query = request.path_params["name"], request.query_params
        self._registry.require_writable(name)
        if self._mount(request, name):
            return _created(name, query["mount"])
        upload = self._blobs.start_upload(name)
        if "digest" not in query:
            return _accepted(upload, 202)
        return await self._finish(request, upload)

    def _mount(self, request: Request, name: str) -> bool:
        """Take a blob over from where it can be pulled; otherwise it has to be sent, as the specification has it."""
        digest, source = (request.query_params.get(field, "") for field in ("mount", "from"))
        is_open = self._registry.is_readable(source) and self._may_pull(request, source)
        return bool(digest) and is_open and self._blobs.mount(name, digest, source)

    async def upload(self, request: Request) -> Response:
        """`GET uploads/{id}`: how far the upload has come."""
        return _accepted(self._find(request), 204)

    async def append(self, request: Request) -> Response:
        """`PATCH uploads/{id}`: the next chunk."""
        upload = self._in_order(request)
        await self._receive(request, upload)
        return _accepted(self._find(request), 202)

    async def finish_upload(self, request: Request) -> Response:
        """`PUT uploads/{id}?digest=`: the last chunk, which may be empty, and the digest of it all."""
        return await self._finish(request, self._in_order(request))

    async def cancel_upload(self, request: Request) -> Response:
        """`DELETE uploads/{id}`."""
        self._blobs.cancel(self._find(request))
        return Response(status_code=204)

    def _find(self, request: Request) -> Upload:
        upload = self._blobs.upload(request.path_params["name"], request.path_params["upload"])
        if upload is None:
            raise errors.upload_unknown()
        return upload

    def _in_order(self, request: Request) -> Upload:
        """The upload, if the request goes on where it ends."""
        upload = self._find(request)
        self._registry.require_writable(upload.repository)
        start = _CONTENT_RANGE.fullmatch(request.headers.get("content-range", ""))
        if request.query_params.get("_state") != _state(upload) or (start and int(start[1]) != upload.size):
            raise errors.upload_out_of_order(_progress(upload))
        return upload

    async def _receive(self, request: Request, upload: Upload) -> None:
        """Append the body, mebibyte by mebibyte. What has arrived stays when the connection breaks."""
        position, buffer = upload.size, bytearray()
        async for part in request.stream():
            buffer += part
            if position + len(buffer) > _MAX_BLOB_BYTES:
                raise errors.too_large(_MAX_BLOB_BYTES)
            while len(buffer) >= CHUNK_BYTES:
                position += self._append(upload, position, bytes(buffer[:CHUNK_BYTES]))
                del buffer[:CHUNK_BYTES]
        self._append(upload, position, bytes(buffer))

    def _append(self, upload: Upload, position: int, data: bytes) -> int:
        if not self._blobs.append(upload.id, position, data):
            raise errors.upload_out_of_order({})
        return len(data)

    async def _finish(self, request: Request, upload: Upload) -> Response:
        digest = request.query_params.get("digest", "")
        await self._receive(request, upload)
        # Hashing four gibibytes takes ten seconds; nobody else should wait for it.
        if not is_digest(digest) or not await run_in_threadpool(self._blobs.finish, upload, digest):
            self._blobs.cancel(upload)
            raise errors.digest_invalid("the content does not have the digest that was given")
        return _created(upload.repository, digest)


def _range(header: str, size: int) -> tuple[int, int, bool]:
    """First and last byte to send, and whether that is a part. Source: RFC 9110, section 14."""
    match = _RANGE.fullmatch(header)
    if match is None:
        return 0, size - 1, False
    first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if first > last:
        raise errors.Refusal(416, "RANGE_INVALID", "invalid range", headers={"content-range": f"bytes */{size}"})
    return first, last, True


def _state(upload: Upload) -> str:
    """The opaque word that changes with each chunk. Source: recording of an upload in chunks."""
    return base64.urlsafe_b64encode(f"{upload.id}:{upload.size}".encode()).decode().rstrip("=")


def _progress(upload: Upload) -> dict[str, str]:
    path = f"/v2/{upload.repository}/blobs/uploads/{upload.id}"
    return {
        "location": f"{path}?_nouploadcache=false&_state={_state(upload)}",
        "range": f"0-{max(upload.size - 1, 0)}",
        "docker-upload-uuid": upload.id,
    }


def _accepted(upload: Upload, status: int) -> Response:
    return Response(status_code=status, headers=_progress(upload))


def _created(name: str, digest: str) -> Response:
    headers = {"location": f"/v2/{name}/blobs/{digest}", "docker-content-digest": digest}
    return Response(status_code=201, headers=headers)
