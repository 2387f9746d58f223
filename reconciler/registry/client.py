"""
The calls that we make to Azure Container Registry, one small method each.

Names are percent-encoded the way Microsoft's SDKs do it (`team%2Fapp`), so that no
name can become a path. Lists are followed page by page through `Link`, which is
the registry's to compute and ours to check: same registry, and never in a circle.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Self
from urllib.parse import quote, urljoin

import orjson

from reconciler.errors import ProtocolError, RefusedError
from reconciler.model.address import Address
from reconciler.model.attributes import Document, Value
from reconciler.registry.auth import Authenticator, Credentials
from reconciler.registry.exchange import Answer, Method, Request
from reconciler.registry.shapes import api_error, repository_document, repository_names, tag_document, tag_documents
from reconciler.registry.transport import Transport

PAGE_SIZE = 1000  # ACR caps `n` there without saying so (Azure/acr#749)
_MAX_PAGES = 10_000
_CATALOG_SCOPE = "registry:catalog:*"


class Client:
    """One registry, signed in when it asks for it. An async context manager."""

    def __init__(self, transport: Transport, credentials: Credentials | None) -> None:
        self._transport = transport
        self._authenticator = Authenticator(transport, credentials)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._transport.__aexit__(*exception)

    @property
    def request_count(self) -> int:
        """Requests sent so far, sign-in and repeats included."""
        return self._transport.requests.total()

    async def catalog(self) -> AsyncGenerator[list[str]]:
        """Pages of repository names. Source: Azure/acr-cli docs/swagger.yaml, GetAcrRepositories."""
        async for answer, _ in self._pages(f"/acr/v1/_catalog?n={PAGE_SIZE}", _CATALOG_SCOPE):
            yield repository_names(answer)

    async def tags(self, repository: str) -> AsyncGenerator[tuple[list[tuple[str, Document]], bool]]:
        """
        Pages of tags with their documents, and whether there is another page.

        Source: Azure/acr-cli docs/swagger.yaml, GetAcrTags.
        """
        scope = f"repository:{repository}:metadata_read"
        async for answer, has_next in self._pages(f"{_path(Address(repository))}/_tags?n={PAGE_SIZE}", scope):
            yield tag_documents(answer, repository), has_next

    async def read(self, address: Address) -> Document:
        """
        The document of a repository or tag, as it is now.

        Raises:
            NotFoundError: the registry does not hold it.
        """
        scope = f"repository:{address.repository}:metadata_read"
        return _document(await self._call("GET", _path(address), scope), address)

    async def update(self, address: Address, body: Mapping[str, Value]) -> None:
        """
        Merge `body` into the attributes of a repository or tag.

        Nothing is returned: the answer to a PATCH may show the old values
        (Azure/acr#212). Read again to know.
        """
        scope = f"repository:{address.repository}:metadata_write"
        await self._call("PATCH", _path(address), scope, body=orjson.dumps(body))

    async def _call(self, method: Method, target: str, scope: str, *, body: bytes = b"") -> Answer:
        headers = (("content-type", "application/json"),) if body else ()
        request = Request(method, target, headers=headers, body=body, is_read=method == "GET")
        answer = await self._authenticator.send(request, scope)
        if answer.status != 200:  # noqa: PLR2004 - every call made here answers 200 or refuses
            raise api_error(answer)
        return answer

    async def _pages(self, target: str, scope: str) -> AsyncGenerator[tuple[Answer, bool]]:
        seen, last_page = {target}, b""
        while target:
            answer = await self._call("GET", target, scope)
            target = self._next_target(answer)
            if target in seen or (target and answer.body == last_page):
                raise ProtocolError(
                    f"GET {answer.url}: the list leads back to a page that was read; it has no end\n"
                    "  What it lacks cannot be known. Is a proxy in between?"
                )
            seen.add(target)
            if len(seen) > _MAX_PAGES:
                raise ProtocolError(f"GET {answer.url}: more than {_MAX_PAGES:,} pages; no list of ACR is that long")
            last_page = answer.body
            yield answer, bool(target)

    def _next_target(self, answer: Answer) -> str:
        link: str = answer.headers.get("link", "")
        if not link:
            return ""
        reference, found, _ = link.strip().removeprefix("<").partition(">")
        try:
            url = urljoin(answer.url, reference)
        except ValueError:
            found = ""
        if not found or 'rel="next"' not in link:
            raise ProtocolError(
                f"GET {answer.url}: the Link header cannot be understood\n"
                "  The rest of the list cannot be read without it. Is a proxy in between?"
            )
        target = self._transport.location.target_of(url)
        if not target:
            raise ProtocolError(
                f"GET {answer.url}: the next page is said to be on another host\n"
                "  It was not asked for, because credentials would go along."
            )
        return target


def _path(address: Address) -> str:
    if address.digest:  # without this, a request about a manifest would be one about its whole repository
        raise RefusedError(f"{address}: attributes of manifests are not yet supported")
    path = f"/acr/v1/{quote(address.repository, safe='')}"
    if address.tag:
        return f"{path}/_tags/{quote(address.tag, safe='')}"
    return path


def _document(answer: Answer, address: Address) -> Document:
    if address.tag:
        return tag_document(answer, address)
    return repository_document(answer, address.repository)
