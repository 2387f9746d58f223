"""
`/acr/v1`: lists, and the changeable attributes of repositories, tags and manifests.

PATCH merges the members that it is sent and answers the whole object. A body that
is not an object of known attributes with booleans is refused; no recording shows
how, so the status 400 is an assumption.
"""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reconciler.emulator.answers import host_of, json_answer, read_body
from reconciler.emulator.errors import bad_request
from reconciler.emulator.faults import Faults
from reconciler.emulator.manifests import Child, read_manifest
from reconciler.emulator.paging import cursor, requested_page
from reconciler.emulator.permissions import ATTRIBUTES, REPOSITORY_ATTRIBUTES
from reconciler.emulator.registry import Registry
from reconciler.emulator.shapes import Document, manifest_document, repository_document, tag_document
from reconciler.emulator.store import Manifest

_MAX_PATCH_BYTES = 64 << 10


class AttributesApi:
    """The calls under `/acr/v1`."""

    def __init__(self, registry: Registry, faults: Faults, *, teleport: bool) -> None:
        self._registry = registry
        self._store = registry.store
        self._faults = faults
        self._teleport = teleport

    async def catalog(self, request: Request) -> Response:
        """`GET _catalog`."""
        page = requested_page(request)
        names = self._store.repository_names(page.after.key, page.size + 1)
        shown = names[: page.size]
        headers = page.link(shown[-1]) if len(names) > page.size else None
        return json_answer({"repositories": shown or None}, headers=headers)

    async def repository(self, request: Request) -> Response:
        """`GET {name}`."""
        return json_answer(self._repository(request, is_read=True))

    async def patch_repository(self, request: Request) -> Response:
        """`PATCH {name}`."""
        name = request.path_params["name"]
        known = REPOSITORY_ATTRIBUTES if self._teleport else ATTRIBUTES
        changes = _parse_changes(await read_body(request, _MAX_PATCH_BYTES), known)
        before = self._repository(request)
        self._registry.patch_repository(name, changes)
        return json_answer(self._faults.patched((name, ""), before, self._repository(request)))

    async def delete_repository(self, request: Request) -> Response:
        """`DELETE {name}`. Source: recording test_delete_repository."""
        digests, tags = self._registry.delete_repository(request.path_params["name"])
        return json_answer({"manifestsDeleted": digests, "tagsDeleted": tags}, status=202)

    async def tags(self, request: Request) -> Response:
        """`GET {name}/_tags`."""
        name = self._registry.repository(request.path_params["name"]).name
        page = requested_page(request, may_be_by_time=True)
        digest = request.query_params.get("digest", "")
        tags = self._store.tags(name, page.order, page.after, limit=page.size + 1, digest=digest)
        shown = tags[: page.size]
        headers = page.link(cursor(page.order, shown[-1])) if len(tags) > page.size else None
        documents = [self._faults.listed((name, tag.name), tag_document(tag)) for tag in shown]
        return json_answer(self._about(request, "tags", documents or None), headers=headers)

    async def tag(self, request: Request) -> Response:
        """`GET {name}/_tags/{tag}`."""
        return json_answer(self._tag(request, is_read=True))

    async def patch_tag(self, request: Request) -> Response:
        """`PATCH {name}/_tags/{tag}`."""
        name, tag = request.path_params["name"], request.path_params["tag"]
        changes = _parse_changes(await read_body(request, _MAX_PATCH_BYTES), ATTRIBUTES)
        before = self._tag(request)
        self._registry.patch_tag(name, tag, changes)
        return json_answer(self._faults.patched((name, tag), before, self._tag(request)))

    async def delete_tag(self, request: Request) -> Response:
        """`DELETE {name}/_tags/{tag}`. Source: recording test_delete_tag."""
        digest = self._registry.delete_tag(request.path_params["name"], request.path_params["tag"])
        return Response(status_code=202, headers={"x-ms-int-docker-content-digest": digest})

    async def manifests(self, request: Request) -> Response:
        """`GET {name}/_manifests`."""
        name = self._registry.repository(request.path_params["name"]).name
        page = requested_page(request, may_be_by_time=True)
        manifests = self._store.manifests(name, page.order, page.after, page.size + 1)
        shown = manifests[: page.size]
        headers = page.link(cursor(page.order, shown[-1])) if len(manifests) > page.size else None
        documents = [self._faults.listed((name, found.digest), manifest_document(found)) for found in shown]
        return json_answer(self._about(request, "manifests", documents or None), headers=headers)

    async def manifest(self, request: Request) -> Response:
        """`GET {name}/_manifests/{digest}`."""
        return json_answer(self._manifest(request, is_read=True))

    async def patch_manifest(self, request: Request) -> Response:
        """`PATCH {name}/_manifests/{digest}`."""
        name, digest = request.path_params["name"], request.path_params["digest"]
        changes = _parse_changes(await read_body(request, _MAX_PATCH_BYTES), ATTRIBUTES)
        before = self._manifest(request)
        self._registry.patch_manifest(name, digest, changes)
        return json_answer(self._faults.patched((name, digest), before, self._manifest(request)))

    def _repository(self, request: Request, *, is_read: bool = False) -> Document:
        repository = self._registry.repository(request.path_params["name"])
        counts = self._store.counts(repository.name)
        document = repository_document(host_of(request), repository, counts, teleport=self._teleport)
        return self._faults.read((repository.name, ""), document) if is_read else document

    def _tag(self, request: Request, *, is_read: bool = False) -> Document:
        name, tag = request.path_params["name"], request.path_params["tag"]
        document = tag_document(self._registry.tag(name, tag))
        shown = self._faults.read((name, tag), document) if is_read else document
        return self._about(request, "tag", shown)

    def _manifest(self, request: Request, *, is_read: bool = False) -> Document:
        name, digest = request.path_params["name"], request.path_params["digest"]
        manifest = self._registry.manifest(name, digest)
        document = manifest_document(manifest, self._children(name, manifest))
        shown = self._faults.read((name, digest), document) if is_read else document
        return self._about(request, "manifest", shown)

    def _children(self, name: str, manifest: Manifest) -> tuple[Child, ...]:
        body = self._store.manifest_body(name, manifest.digest)
        return read_manifest(manifest.media_type, body).children

    def _about(self, request: Request, member: str, value: object) -> Document:
        return {"registry": host_of(request), "imageName": request.path_params["name"], member: value}


def _parse_changes(body: bytes, known: dict[str, int]) -> dict[str, bool]:
    try:
        changes = orjson.loads(body)
    except ValueError:
        raise bad_request("the body is not JSON") from None
    if not isinstance(changes, dict):
        raise bad_request("the body is not a JSON object")
    for name, value in changes.items():
        if name not in known:
            raise bad_request(f'"{name}" is not an attribute that can be changed')
        if value is not True and value is not False:
            raise bad_request(f'"{name}" must be true or false')
    return changes
