"""Microsoft's SDK in its two forms, so that one test can speak to a registry through both."""

from __future__ import annotations

import base64
import inspect
import io
import json
import time
from typing import Any, Self, TypeGuard

import attrs
import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.containerregistry.aio import ContainerRegistryClient as AsyncClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError

from reconciler.emulator import EmbeddedEmulator

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIGS = {
    OCI_MANIFEST: "application/vnd.oci.image.config.v1+json",
    DOCKER_MANIFEST: "application/vnd.docker.container.image.v1+json",
}


class Sdk:
    """One client of the SDK; what it answers at once and what it answers later is the same to the caller."""

    def __init__(self, client: ContainerRegistryClient | AsyncClient, emulator: EmbeddedEmulator) -> None:
        self._client = client
        self.emulator = emulator  # what it talks to

    async def __aenter__(self) -> Self:
        await _now(self._client.__aenter__() if _is_async(self._client) else self._client.__enter__())
        return self

    async def __aexit__(self, *error: object) -> None:
        await _now(self._client.__aexit__(*error) if _is_async(self._client) else self._client.__exit__(*error))

    async def do(self, method: str, *arguments: object, **options: object) -> Any:
        """What a method of the client returns."""
        return await _now(getattr(self._client, method)(*arguments, **options))

    async def refusal(self, method: str, *arguments: object, **options: object) -> tuple[type[Exception], int, str]:
        """What a method of the client raises: its kind, the status and the code that the registry gave."""
        with pytest.raises(HttpResponseError) as refused:
            await self.do(method, *arguments, **options)
        response = refused.value.response
        await _now(response.read())
        return refused.type, response.status_code, json.loads(response.text())["errors"][0]["code"]

    async def pages(self, method: str, *arguments: object, **options: object) -> list[list[Any]]:
        """A list of the client, page by page."""
        paged = getattr(self._client, method)(*arguments, **options).by_page()
        if hasattr(paged, "__aiter__"):
            return [[item async for item in page] async for page in paged]
        return [list(page) for page in paged]

    async def all(self, method: str, *arguments: object, **options: object) -> list[Any]:
        """A list of the client, whole."""
        return [item for page in await self.pages(method, *arguments, **options) for item in page]

    async def download(self, name: str, digest: str) -> bytes:
        """The content of a blob."""
        stream = await self.do("download_blob", name, digest)
        if hasattr(stream, "__aiter__"):
            return b"".join([piece async for piece in stream])
        return b"".join(stream)

    async def image(
        self, name: str, content: bytes = b"layer", *, media_type: str = OCI_MANIFEST, **members: object
    ) -> dict[str, Any]:
        """Send the blobs of an image for arm64; its manifest, which is not sent."""
        config = json.dumps({"architecture": "arm64", "os": "linux"}).encode()
        parts = [await self.do("upload_blob", name, io.BytesIO(part)) for part in (config, content)]
        config_part, layer = ({"digest": digest, "size": size} for digest, size in parts)
        return {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {"mediaType": _CONFIGS[media_type], **config_part},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **layer}],
            **members,
        }

    async def push(self, name: str, content: bytes = b"layer", *, tag: str | None = None) -> str:
        """Push an image; its digest."""
        return str(await self.do("set_manifest", name, await self.image(name, content), tag=tag))


def _is_async(client: object) -> TypeGuard[AsyncClient]:
    return isinstance(client, AsyncClient)


async def _now(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def make_client(kind: str, url: str, authority: str, *, has_credential: bool) -> ContainerRegistryClient | AsyncClient:
    """A client, `sync` or `aio`, that trusts `authority` and tries nothing twice."""
    client, credential = {"sync": (ContainerRegistryClient, _Credential), "aio": (AsyncClient, _AsyncCredential)}[kind]
    return client(url, credential() if has_credential else None, connection_verify=authority, retry_total=0)


@attrs.frozen
class _Credential:
    """Stands for an identity of Microsoft Entra, whose tokens the emulator cannot check."""

    def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        return _entra_token(scopes)


@attrs.frozen
class _AsyncCredential:
    """The same, for the other client."""

    async def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        return _entra_token(scopes)

    async def close(self) -> None:
        """Nothing is open."""


def _entra_token(scopes: tuple[str, ...]) -> AccessToken:
    assert ("https://containerregistry.azure.net/.default",) == scopes
    expires = int(time.time()) + 3600
    parts = ({"alg": "none", "typ": "JWT"}, {"aud": "https://containerregistry.azure.net", "exp": expires})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return AccessToken(".".join([*encoded, "unsigned"]), expires)
