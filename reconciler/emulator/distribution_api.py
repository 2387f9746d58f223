"""
`/v2`: manifests, tags and referrers, as docker, oras and the SDKs call them.

Source: OCI distribution specification 1.1, and recordings of Microsoft's SDKs for
headers, statuses and error texts.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulator.answers import json_answer, read_body
from reconciler.emulator.errors import delete_by_tag
from reconciler.emulator.manifests import OCI_INDEX, read_manifest
from reconciler.emulator.names import is_digest
from reconciler.emulator.paging import requested_page
from reconciler.emulator.registry import Registry
from reconciler.emulator.store import Manifest

_MAX_MANIFEST_BYTES = 4 << 20  # Source: OCI distribution specification 1.1, "Pushing Manifests"


class DistributionApi:
    """The calls under `/v2`, but for those about blobs."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._store = registry.store

    async def ping(self, _request: Request) -> Response:
        """`GET /v2/`."""
        return json_answer({})

    async def catalog(self, request: Request) -> Response:
        """`GET _catalog`."""
        page = requested_page(request)
        names = self._store.repository_names(page.after.key, page.size + 1)
        shown = names[: page.size]
        headers = page.link(shown[-1]) if len(names) > page.size else None
        return json_answer({"repositories": shown or None}, headers=headers)

    async def tags(self, request: Request) -> Response:
        """`GET {name}/tags/list`."""
        name = self._registry.repository(request.path_params["name"]).name
        page = requested_page(request)
        tags = self._store.tags(name, page.order, page.after, limit=page.size + 1)
        shown = [tag.name for tag in tags[: page.size]]
        headers = page.link(shown[-1]) if len(tags) > page.size else None
        return json_answer({"name": name, "tags": shown or None}, headers=headers)

    async def manifest(self, request: Request) -> Response:
        """`GET` and `HEAD {name}/manifests/{reference}`."""
        name = request.path_params["name"]
        manifest = self._registry.pull(name, request.path_params["reference"])
        body = self._store.manifest_body(name, manifest.digest)
        headers = {
            "content-type": manifest.media_type,
            "docker-content-digest": manifest.digest,
            "etag": f'"{manifest.digest}"',
        }
        return Response(body, headers=headers)

    async def put_manifest(self, request: Request) -> Response:
        """`PUT {name}/manifests/{reference}`."""
        name = request.path_params["name"]
        body = await read_body(request, _MAX_MANIFEST_BYTES)
        content_type = request.headers.get("content-type", "")
        pushed = self._registry.push(name, request.path_params["reference"], content_type, body)
        headers = {
            "location": f"/v2/{name}/manifests/{pushed.digest}",
            "docker-content-digest": pushed.digest,
        }
        if pushed.subject:
            headers["oci-subject"] = pushed.subject
        return Response(status_code=201, headers=headers)

    async def delete_manifest(self, request: Request) -> Response:
        """`DELETE {name}/manifests/{digest}`."""
        reference = request.path_params["reference"]
        if not is_digest(reference):
            raise delete_by_tag()
        self._registry.delete_manifest(request.path_params["name"], reference)
        return Response(status_code=202)

    async def referrers(self, request: Request) -> Response:
        """`GET {name}/referrers/{digest}`; none is an empty list, whether or not the subject is there."""
        name, digest = request.path_params["name"], request.path_params["digest"]
        self._registry.require_readable(name)
        wanted = request.query_params.get("artifactType", "")
        found = [self._referrer(name, referrer) for referrer in self._store.referrers(name, digest)]
        shown = [descriptor for descriptor in found if wanted in ("", descriptor["artifactType"])]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": shown}
        headers = {"oci-filters-applied": "artifactType"} if wanted else None
        return json_answer(document, headers=headers, media_type=OCI_INDEX)

    def _referrer(self, name: str, digest: str) -> dict[str, Any]:
        manifest: Manifest = self._registry.manifest(name, digest)
        body = self._store.manifest_body(name, digest)
        content = read_manifest(manifest.media_type, body)
        descriptor = {
            "mediaType": manifest.media_type,
            "digest": digest,
            "size": len(body),
            "artifactType": content.artifact_type or content.config_media_type,
        }
        return {**descriptor, "annotations": content.annotations} if content.annotations else descriptor
