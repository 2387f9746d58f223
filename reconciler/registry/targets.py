"""
Where each call goes, and what it needs to be permitted.

Names are percent-encoded the way Microsoft's SDKs do it (`team%2Fapp`), so that no
name can become a path. An empty tag or digest is refused: the request would be one
about the whole repository.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from reconciler.errors import RefusedError
from reconciler.model.address import Address
from reconciler.registry.exchange import Method
from reconciler.registry.tokens import Scope

PING = "/v2/"


def needed(method: Method, target: str, scope: Scope) -> Scope:
    """What the registry asks for at this call. Source: challenges in the recordings of each."""
    if target == PING:
        return Scope("", "", ())
    if scope.kind != "repository":
        return scope
    if method == "GET":
        return Scope(scope.kind, scope.name, ("pull",) if target.startswith("/v2/") else ("metadata_read",))
    actions = {"PATCH": ("metadata_write",), "DELETE": ("delete",)}.get(method, scope.actions)
    return Scope(scope.kind, scope.name, actions)


def attributes_target(address: Address) -> str:
    """Of a repository, tag or manifest and its attributes."""
    target = f"/acr/v1/{quote(address.repository, safe='')}"
    if address.tag:
        return f"{target}/_tags/{quote(address.tag, safe='')}"
    return f"{target}/_manifests/{quote(address.digest, safe='')}" if address.digest else target


def list_target(repository: str, what: str, **query: object) -> str:
    """Of a list in a repository: `_tags` or `_manifests`."""
    asked = {name: value for name, value in query.items() if value}
    return f"{attributes_target(Address(repository))}/{what}?{urlencode(asked)}"


def content_target(repository: str, reference: str) -> str:
    """Of the bytes of a manifest, which a tag or a digest names."""
    if not reference:
        raise RefusedError(f"{repository}: neither a tag nor a digest is named")
    return f"/v2/{quote(repository)}/manifests/{quote(reference, safe=':')}"


def referrers_target(address: Address, artifact_type: str) -> str:
    """Of what refers to a manifest."""
    query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
    return f"/v2/{quote(address.repository)}/referrers/{quote(whole_digest(address), safe=':')}{query}"


def whole_digest(address: Address) -> str:
    """The digest of the manifest at `address`; refused where it names none."""
    if not address.digest:
        raise RefusedError(f"{address}: not the address of a manifest")
    return address.digest
