"""
The registry's refusals, word for word, and the one error of running an emulator.

A client decides by status and code, and shows the message, so all three are those
of real answers where a recording or an issue shows one.
"""

from __future__ import annotations

_ABSENT = object()
_DISALLOWED = (
    "The operation is disallowed on this registry, repository or image. View troubleshooting steps at "
    "https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation"
)


class EmulatorError(Exception):
    """The emulator cannot run as asked; the text is for the person who started it."""


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure of the emulator
    """An answer in which the registry says no."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: object = _ABSENT,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.headers = headers or {}
        error = {"code": code, "message": message}
        self.document = {"errors": [error if detail is _ABSENT else {**error, "detail": detail}]}


def repository_unknown(name: str) -> Refusal:
    """Source: recording test_get_misspell_property."""
    return Refusal(404, "NAME_UNKNOWN", f'repository "{name}" is not found')


def repository_unknown_on_delete(name: str) -> Refusal:
    """Source: recording test_delete_repository_does_not_exist."""
    return Refusal(404, "NAME_UNKNOWN", "repository name not known to registry", detail={"name": name})


def tag_unknown() -> Refusal:
    """Also where the repository is unknown. Source: recording test_delete_tag_does_not_exist."""
    return Refusal(404, "TAG_UNKNOWN", "the specified tag does not exist")


def manifest_unknown(digest: str = "") -> Refusal:
    """Source: recordings of `_manifests/{digest}` (no digest in the text) and of DELETE `/v2` (with it)."""
    return Refusal(404, "MANIFEST_UNKNOWN", f"manifest {digest} is not found" if digest else "manifest unknown")


def manifest_unknown_by_tag(tag: str) -> Refusal:
    """Source: recording of GET `/v2/{name}/manifests/{tag}`."""
    return Refusal(404, "MANIFEST_UNKNOWN", f'manifest tagged by "{tag}" is not found', detail={"Tag": tag})


def disallowed() -> Refusal:
    """A lock. Source: Azure/azure-sdk-for-net#22827, whole answer; Azure/acr-cli#70, code and message."""
    return Refusal(405, "REGISTRY_DISALLOWED_OPERATION", _DISALLOWED, detail={})


def delete_by_tag() -> Refusal:
    """Source: recording of DELETE `/v2/{name}/manifests/{tag}`."""
    return Refusal(405, "UNSUPPORTED", "A manifest can only be deleted by digest.")


def manifest_invalid(reason: str = "") -> Refusal:
    """Source: recording of a PUT whose media type contradicts its body; reasons are the emulator's own."""
    return Refusal(400, "MANIFEST_INVALID", "manifest invalid", detail={"Reason": {"text": reason} if reason else {}})


def digest_invalid(reason: str) -> Refusal:
    """Source: recording of an upload with a wrong digest; `detail` is a string."""
    return Refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content", detail=reason)


def content_unknown(digest: str) -> Refusal:
    """A manifest names a part that is not there. Source: OCI distribution specification 1.1, error codes."""
    return Refusal(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", detail={"digest": digest})


def blob_unknown(digest: str) -> Refusal:
    """Source: OCI distribution specification 1.1, error codes."""
    return Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry", detail={"digest": digest})


def upload_unknown() -> Refusal:
    """Source: OCI distribution specification 1.1, error codes."""
    return Refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")


def upload_out_of_order(headers: dict[str, str]) -> Refusal:
    """Not where the last chunk ended. Source: OCI distribution specification 1.1, "Pushing a blob in chunks"."""
    return Refusal(416, "RANGE_INVALID", "invalid content range", headers=headers)


def too_large(limit_bytes: int) -> Refusal:
    """Source: OCI distribution specification 1.1, error codes."""
    return Refusal(413, "SIZE_INVALID", f"the content is larger than {limit_bytes} bytes")


def name_invalid(name: str) -> Refusal:
    """Source: OCI distribution specification 1.1, error codes."""
    return Refusal(400, "NAME_INVALID", "invalid repository name", detail={"name": name})


def bad_request(message: str) -> Refusal:
    """No recording shows what ACR says to a malformed PATCH or page; the status is an assumption."""
    return Refusal(400, "BAD_REQUEST", message)


def unsupported() -> Refusal:
    """A known path with a method that it does not have. Source: distribution, registry/api/errcode."""
    return Refusal(405, "UNSUPPORTED", "The operation is unsupported.")


def behind_firewall(address: str) -> Refusal:
    """Also where tokens are made. Source: container-registry-troubleshoot-access.md, "Symptoms"."""
    message = f"client with IP '{address}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."
    return Refusal(403, "DENIED", message)


def too_many_requests(retry_after_s: int) -> Refusal:
    """The code is of the OCI distribution specification 1.1; no recording shows ACR's body."""
    return Refusal(429, "TOOMANYREQUESTS", "too many requests", headers={"retry-after": str(retry_after_s)})
