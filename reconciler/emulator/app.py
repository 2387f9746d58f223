"""
The routes of an emulated registry, and what each call needs to be permitted.

A path is matched after percent-decoding, so that `library%2Fhello-world` and
`library/hello-world` are the same repository, as they are for the real registry.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from reconciler.emulator.admin_api import AdminApi, with_admin
from reconciler.emulator.answers import json_answer, no_such_method, no_such_route, refusal_answer
from reconciler.emulator.attributes_api import AttributesApi
from reconciler.emulator.bent_answers import with_bent_answers
from reconciler.emulator.blobs_api import BlobsApi
from reconciler.emulator.distribution_api import DistributionApi
from reconciler.emulator.entra import IDENTITY_PATH
from reconciler.emulator.errors import Refusal, name_invalid
from reconciler.emulator.faults import Faults
from reconciler.emulator.interruptions import with_interruptions
from reconciler.emulator.names import DIGEST, MAX_REPOSITORY_LENGTH, REPOSITORY, TAG
from reconciler.emulator.recorder import Recorder, recording
from reconciler.emulator.registry import Registry
from reconciler.emulator.settings import Settings
from reconciler.emulator.sign_in import SignIn
from reconciler.emulator.store import Store
from reconciler.emulator.surroundings import with_headers, with_latency

_Handler = Callable[[Request], Awaitable[Response]]
_logger = logging.getLogger(__name__)


class _Part(Convertor[str]):
    """A part of a path that must match an expression, and may hold slashes where that does."""

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Repository(_Part):
    regex = REPOSITORY


class _Tag(_Part):
    regex = TAG


class _Digest(_Part):
    regex = DIGEST


class _Reference(_Part):
    regex = f"(?:{DIGEST}|{TAG})"


class _Upload(_Part):
    regex = "[0-9a-f-]{36}"


def create_app(
    store: Store, settings: Settings, faults: Faults, recorder: Recorder | None, sign_in: SignIn | None = None
) -> ASGIApp:
    """The emulated registry as an ASGI application; without a `sign_in`, one is made of the settings."""
    sign_in = sign_in or SignIn(settings)
    for part in (_Repository, _Tag, _Digest, _Reference, _Upload):
        register_url_convertor(part.__name__.strip("_").lower(), part())
    registry = Registry(store, strict_repository_lock=settings.strict_repository_lock)
    calls = _Calls(sign_in)
    app = Starlette(
        routes=[
            *calls.sign_in_routes(),
            *calls.attribute_routes(AttributesApi(registry, faults, teleport=settings.teleport)),
            *calls.distribution_routes(DistributionApi(registry)),
            *calls.blob_routes(BlobsApi(registry, sign_in.may_pull)),
        ],
        exception_handlers={
            404: no_such_route,
            405: no_such_method,
            Refusal: refusal_answer,
            ClientDisconnect: _nobody_listens,
            Exception: _internal_error,
        },
    )
    app.router.redirect_slashes = False
    surrounded = with_headers(with_interruptions(with_bent_answers(app, faults, store), faults))
    outside = with_latency(recording(surrounded, recorder) if recorder else surrounded, faults)
    return with_admin(outside, AdminApi(faults, sign_in.tokens), is_open=settings.admin)


class _Calls:
    """Makes routes of calls, each with the permission that it needs."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    def sign_in_routes(self) -> Sequence[Route]:
        entra = self._sign_in.entra
        return [
            Route("/oauth2/exchange", self._sign_in.exchange, methods=["POST"]),
            Route("/oauth2/token", self._sign_in.token, methods=["GET", "POST"]),
            *([Route(IDENTITY_PATH, entra.managed_identity, methods=["GET"])] if entra.has_identities else []),
        ]

    # Scopes and their order: the challenges in recordings of every call, table in docs of Azure/acr AAD-OAuth.md.
    def attribute_routes(self, api: AttributesApi) -> Sequence[Route]:
        name = "/acr/v1/{name:repository}"
        return [
            self._for_registry("GET", "/acr/v1/_catalog", api.catalog),
            self._call("GET", name, api.repository, "metadata_read"),
            self._call("PATCH", name, api.patch_repository, "metadata_write"),
            self._call("DELETE", name, api.delete_repository, "delete"),
            self._call("GET", f"{name}/_tags", api.tags, "metadata_read"),
            self._call("GET", f"{name}/_tags/{{tag:tag}}", api.tag, "metadata_read"),
            self._call("PATCH", f"{name}/_tags/{{tag:tag}}", api.patch_tag, "metadata_write"),
            self._call("DELETE", f"{name}/_tags/{{tag:tag}}", api.delete_tag, "delete"),
            self._call("GET", f"{name}/_manifests", api.manifests, "metadata_read"),
            self._call("GET", f"{name}/_manifests/{{digest:digest}}", api.manifest, "metadata_read"),
            self._call("PATCH", f"{name}/_manifests/{{digest:digest}}", api.patch_manifest, "metadata_write"),
        ]

    def distribution_routes(self, api: DistributionApi) -> Sequence[Route]:
        name = "/v2/{name:repository}"
        manifest = f"{name}/manifests/{{reference:reference}}"
        return [
            self._for_anybody("GET", "/v2", api.ping),
            self._for_anybody("GET", "/v2/", api.ping),
            self._for_registry("GET", "/v2/_catalog", api.catalog),
            self._call("GET", f"{name}/tags/list", api.tags, "metadata_read"),
            self._call("GET", manifest, api.manifest, "pull"),
            self._call("PUT", manifest, api.put_manifest, "pull", "push"),
            self._call("DELETE", manifest, api.delete_manifest, "delete"),
            self._call("GET", f"{name}/referrers/{{digest:digest}}", api.referrers, "pull"),
        ]

    def blob_routes(self, api: BlobsApi) -> Sequence[Route]:
        blob = "/v2/{name:repository}/blobs/{digest:digest}"
        uploads = "/v2/{name:repository}/blobs/uploads/"
        return [
            self._call("GET", blob, api.blob, "pull"),
            self._call("DELETE", blob, api.delete_blob, "delete"),
            self._call("POST", uploads, api.start_upload, "push", "pull"),
            self._call("GET", f"{uploads}{{upload:upload}}", api.upload, "pull", "push"),
            self._call("PATCH", f"{uploads}{{upload:upload}}", api.append, "pull", "push"),
            self._call("PUT", f"{uploads}{{upload:upload}}", api.finish_upload, "pull", "push"),
            self._call("DELETE", f"{uploads}{{upload:upload}}", api.cancel_upload, "pull", "push"),
        ]

    def _call(self, method: str, path: str, handler: _Handler, *actions: str) -> Route:
        async def call(request: Request) -> Response:
            name = request.path_params["name"]
            if len(name) > MAX_REPOSITORY_LENGTH:
                raise name_invalid(name)
            self._sign_in.check(request, "repository", name, actions)
            return await handler(request)

        return Route(path, call, methods=[method])

    def _for_registry(self, method: str, path: str, handler: _Handler) -> Route:
        async def call(request: Request) -> Response:
            self._sign_in.check(request, "registry", "catalog", ("*",))
            return await handler(request)

        return Route(path, call, methods=[method])

    def _for_anybody(self, method: str, path: str, handler: _Handler) -> Route:
        async def call(request: Request) -> Response:
            self._sign_in.check(request, "", "", ())
            return await handler(request)

        return Route(path, call, methods=[method])


def _nobody_listens(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


def _internal_error(request: Request, error: Exception) -> Response:
    _logger.error("%s %s", request.method, request.url.path, exc_info=error)
    return json_answer({"errors": [{"code": "UNKNOWN", "message": "the emulator failed"}]}, status=500)
