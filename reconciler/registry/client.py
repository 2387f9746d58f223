"""
The calls that we make to Azure Container Registry, one small method each.

Nothing here decides anything: a refusal is raised, but for
a 404 to a delete, because what was asked for is so.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Literal, Self

import orjson

from reconciler.errors import NotFoundError, ProtocolError, RefusedError
from reconciler.model.address import Address
from reconciler.model.attributes import Document, Value
from reconciler.registry import shapes
from reconciler.registry.accounts import Accounts
from reconciler.registry.auth import Authenticator, SignedIn
from reconciler.registry.calls import MANIFEST_TYPES, Calls
from reconciler.registry.exchange import Answer, printable, steady_s
from reconciler.registry.looks import Look, TagPage, look_of, tag_page_of
from reconciler.registry.pages import Chain
from reconciler.registry.refusals import ADDRESS
from reconciler.registry.resources import Content, Deleted, Manifest, Referrer, Repository, Tag
from reconciler.registry.targets import (
    PING,
    attributes_target,
    content_target,
    list_target,
    referrers_target,
    whole_digest,
)
from reconciler.registry.tokens import CATALOG, Claims, Scope, repository_scope
from reconciler.registry.transport import Transport

Order = Literal["", "timeasc", "timedesc"]  # by name, oldest first, newest first

PAGE_SIZE = 1000  # ACR caps `n` there without saying so (Azure/acr#749)


class Client:
    """One registry, signed in when it asks for it. An async context manager."""

    def __init__(
        self, transport: Transport, accounts: Accounts, on_sign_in: Callable[[SignedIn], None] = lambda _: None
    ) -> None:
        """
        Prepare it; nothing is asked yet.

        Args:
            transport: How the registry is reached.
            accounts: Who may sign in, when the registry asks for it.
            on_sign_in: Is told who did.
        """
        self._transport = transport
        self._authenticator = Authenticator(transport, accounts, self._note_sign_in)
        self._calls = Calls(transport, self._authenticator)
        self._on_sign_in = on_sign_in
        self.signed_in: SignedIn | None = None  # None while the registry has let nobody in

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._authenticator.close()
        await self._transport.__aexit__(*exception)

    @property
    def request_count(self) -> int:
        """Requests sent so far, sign-in and repeats included."""
        return self._transport.requests.total()

    @property
    def is_encrypted(self) -> bool:
        """Nobody on the way can read what is sent."""
        return self._transport.location.origin.startswith("https://")

    async def ping(self) -> None:
        """Ask whether it is there. Source: OCI distribution specification 1.1, "Determining Support"."""
        answer = await self._calls.send("GET", PING, CATALOG)
        if shapes.SIGNATURE not in answer.headers:
            raise ProtocolError(f"GET {answer.url}: {answer.status}, and no registry answers so\n  {ADDRESS}")

    async def granted(self, *scopes: Scope) -> Claims | None:
        """What the registry permits of `scopes`, as its token says; None where it makes no tokens."""
        return await self._authenticator.granted(scopes)

    async def catalog(self) -> AsyncGenerator[list[str]]:
        """Pages of repository names. Source: Azure/acr-cli docs/swagger.yaml, GetAcrRepositories."""
        async for names, _ in self._calls.pages(
            f"/acr/v1/_catalog?n={PAGE_SIZE}", CATALOG, shapes.repository_names, lambda name: name
        ):
            yield names

    async def repository(self, name: str) -> Repository:
        """
        A repository. Source: Azure/acr-cli docs/swagger.yaml, GetAcrRepositoryAttributes.

        Raises:
            NotFoundError: the registry does not hold it.
        """
        return shapes.repository_of(await self._read(Address(name)), name)

    async def delete_repository(self, name: str, *, not_after_s: float | None = None) -> Deleted | None:
        """Delete a repository with all that it holds; None where there was none. Source: DeleteAcrRepository."""
        answer = await self._calls.delete(attributes_target(Address(name)), name, not_after_s)
        return None if answer is None else shapes.deleted_of(answer)

    async def tags(self, repository: str, *, order: Order = "") -> AsyncGenerator[tuple[list[Tag], bool]]:
        """
        Pages of tags, and whether there is another page.

        Source: Azure/acr-cli docs/swagger.yaml, GetAcrTags.
        """
        pages = self._calls.pages(
            list_target(repository, "_tags", n=PAGE_SIZE, orderby=order),
            repository_scope(repository),
            lambda answer: shapes.tags_of(answer, repository),
            _name,
            is_sorted=not order,
        )
        async for tags, has_next in pages:
            yield tags, has_next

    async def tags_at(self, repository: str, digest: str) -> list[Tag]:
        """
        The tags that point at a manifest; its own `tags` are cut off after ten (Azure/acr#529).

        From the second page on the registry forgets the filter (recording
        test_list_tag_properties_by_digest), so it is applied here as well.
        """
        target = list_target(repository, "_tags", n=PAGE_SIZE, digest=digest)
        scope, found = repository_scope(repository), []
        async for tags, _ in self._calls.pages(target, scope, lambda answer: shapes.tags_of(answer, repository), _name):
            found += [tag for tag in tags if tag.document["digest"] == digest]
        return found

    async def tag(self, address: Address) -> Tag:
        """
        A tag. Source: Azure/acr-cli docs/swagger.yaml, GetAcrTagAttributes.

        Raises:
            NotFoundError: the registry does not hold it.
        """
        return shapes.tag_of(await self._read(address), address)

    async def tag_page(self, repository: str, after: str) -> TagPage:
        """
        One page of tags by name, from the first one after the text `after`, which need not be a tag.

        Source: Azure/acr-cli docs/swagger.yaml, GetAcrTags: `last` is a place in the lexical order.
        """
        target = list_target(repository, "_tags", last=after, n=PAGE_SIZE)
        answer = await self._calls.send("GET", target, repository_scope(repository))
        page = tag_page_of(answer, repository)
        Chain(self._transport.location, target).check_names(answer, [name for name, _ in page.tags])
        return page

    async def delete_tag(self, address: Address, *, not_after_s: float | None = None) -> bool:
        """Remove a tag; its manifest stays. Whether it was there. Source: recording test_delete_tag."""
        return await self._calls.delete(attributes_target(address), address.repository, not_after_s) is not None

    async def manifests(self, repository: str, *, order: Order = "") -> AsyncGenerator[tuple[list[Manifest], bool]]:
        """
        Pages of manifests, and whether there is another page.

        Source: Azure/acr-cli docs/swagger.yaml, GetAcrManifests.
        """
        pages = self._calls.pages(
            list_target(repository, "_manifests", n=PAGE_SIZE, orderby=order),
            repository_scope(repository),
            lambda answer: shapes.manifests_of(answer, repository),
            _digest,
            is_sorted=not order,
        )
        async for manifests, has_next in pages:
            yield manifests, has_next

    async def manifest(self, address: Address) -> Manifest:
        """
        A manifest, with the children of an index. Source: Azure/acr-cli docs/swagger.yaml, GetAcrManifestAttributes.

        Raises:
            NotFoundError: the registry does not hold it.
        """
        return shapes.manifest_of(await self._read(address), address)

    async def delete_manifest(self, address: Address, *, not_after_s: float | None = None) -> bool:
        """Delete a manifest and its tags; whether it was there. Source: recording CanDeleteManifest."""
        target = content_target(address.repository, whole_digest(address))
        return await self._calls.delete(target, address.repository, not_after_s) is not None

    async def read(self, address: Address) -> Document:
        """
        The document of a repository, tag or manifest, as it is now.

        Raises:
            NotFoundError: the registry does not hold it.
        """
        if address.tag:
            return (await self.tag(address)).document
        if address.digest:
            return (await self.manifest(address)).document
        return (await self.repository(address.repository)).document

    async def look(self, address: Address) -> Look:
        """What `read` shows and what a delete depends on, and when that was; also of what is not there."""
        asked_s = steady_s()
        try:
            return look_of(await self._read(address), address)
        except NotFoundError as error:
            if not error.is_certain:
                raise
            return Look(None, asked_s, str(error))

    async def update(self, address: Address, body: Mapping[str, Value], *, not_after_s: float | None = None) -> None:
        """
        Merge `body` into the attributes of a repository, tag or manifest, unless its turn comes after `not_after_s`.

        Nothing is returned: the answer to a PATCH may show the old values
        (Azure/acr#212). Read again to know. Source: Azure/acr-cli docs/swagger.yaml,
        UpdateAcrRepositoryAttributes, UpdateAcrTagAttributes, UpdateAcrManifestAttributes.
        """
        scope = repository_scope(address.repository)
        if not body:  # ACR answers an empty one with an error (Azure/azure-sdk#2588)
            raise RefusedError(f"{address}: there is nothing to update")
        headers = (("content-type", "application/json"),)
        await self._calls.send(
            "PATCH",
            attributes_target(address),
            scope,
            headers=headers,
            body=orjson.dumps(body),
            not_after_s=not_after_s,
        )

    async def content(self, repository: str, reference: str) -> Content:
        """
        The exact bytes of the manifest that a tag or a digest names, checked against the digest.

        Source: OCI distribution specification 1.1, "Pulling manifests".
        """
        headers = (("accept", ", ".join(MANIFEST_TYPES)),)
        answer = await self._calls.send(
            "GET", content_target(repository, reference), repository_scope(repository), headers=headers
        )
        return shapes.content_of(answer, reference)

    async def put_content(
        self, repository: str, reference: str, content: Content, *, not_after_s: float | None = None
    ) -> None:
        """
        Put a manifest under a tag, byte for byte, or under its own digest.

        Source: OCI distribution specification 1.1, "Pushing Manifests"; recording of PUT `/v2/{name}/manifests/{tag}`.
        """
        scope = repository_scope(repository, "pull", "push")
        target, headers = content_target(repository, reference), (("content-type", content.media_type),)
        answer = await self._calls.send(
            "PUT", target, scope, headers=headers, body=content.body, expected=201, not_after_s=not_after_s
        )
        said = answer.headers.get("docker-content-digest", content.digest)
        if said != content.digest:
            raise ProtocolError(
                f"PUT {answer.url}: the registry took it as {printable(said)}, and it is {content.digest}\n"
                "  What it holds now is something else. Is a proxy in between?"
            )

    async def referrers(self, address: Address, artifact_type: str = "") -> list[Referrer]:
        """
        What names the manifest at `address` as its subject, only of one type where `artifact_type` is not empty.

        A registry may leave the filter to us. Source: OCI distribution specification 1.1, "Listing Referrers".
        """
        target = referrers_target(address, artifact_type)
        scope, found = repository_scope(address.repository), []
        async for referrers, _ in self._calls.pages(target, scope, shapes.referrers_of, _digest, is_sorted=False):
            found += [each for each in referrers if artifact_type in ("", each.artifact_type)]
        return found

    def _note_sign_in(self, signed_in: SignedIn) -> None:
        self.signed_in = signed_in
        self._on_sign_in(signed_in)

    async def _read(self, address: Address) -> Answer:
        return await self._calls.send("GET", attributes_target(address), repository_scope(address.repository))


def _name(tag: Tag) -> str:
    return tag.name


def _digest(item: Manifest | Referrer) -> str:
    return item.digest
