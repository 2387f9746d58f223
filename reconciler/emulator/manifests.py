"""
Read what a manifest says: what it is made of, and what it describes.

The bytes of a manifest are kept as they came; this is only what the registry has to
know about them. A manifest that is not what its media type claims is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs
import orjson

from reconciler.emulator.errors import manifest_invalid
from reconciler.emulator.names import is_digest

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"  # withdrawn before OCI 1.1, and still pushed by some

_INDEXES = (DOCKER_LIST, OCI_INDEX)
_MEDIA_TYPES = (DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX, OCI_ARTIFACT)
_MUST_REPEAT_MEDIA_TYPE = (DOCKER_MANIFEST, DOCKER_LIST, OCI_ARTIFACT)
_IMAGE_CONFIGS = ("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json")
_MAX_SIZE = 2**53  # what JSON numbers hold exactly

JsonObject: TypeAlias = dict[str, Any]


@attrs.frozen
class Child:
    """An entry of an index."""

    digest: str
    architecture: str
    os: str


@attrs.frozen
class Content:
    """What the bytes of a manifest say."""

    media_type: str
    blobs: tuple[str, ...]  # digests that the repository must hold
    children: tuple[Child, ...]  # of an index
    image_size: int  # bytes
    config: str  # digest of an image's config, which knows the platform; may be empty
    config_media_type: str
    artifact_type: str
    subject: str  # digest of the manifest that this one is about; may be empty
    annotations: Mapping[str, str]


def read_manifest(content_type: str, body: bytes) -> Content:
    """
    What `body` says, which was sent as `content_type`.

    Raises:
        Refusal: it is no manifest, or not of that type.
    """
    document = _object(body)
    media_type = _media_type(content_type, document)
    if media_type != OCI_ARTIFACT and document.get("schemaVersion") != 2:  # noqa: PLR2004 - the version there is
        raise manifest_invalid("schemaVersion is not 2")
    config = _descriptor(document, "config") if media_type in (DOCKER_MANIFEST, OCI_MANIFEST) else {}
    layers = (
        [] if media_type in _INDEXES else _descriptors(document, "blobs" if media_type == OCI_ARTIFACT else "layers")
    )
    children = _descriptors(document, "manifests") if media_type in _INDEXES else []
    parts = [config, *layers] if config else layers
    return Content(
        media_type=media_type,
        # A layer with urls lives elsewhere. Source: OCI image specification 1.1, "Descriptor properties".
        blobs=tuple(part["digest"] for part in parts if not part.get("urls")),
        children=tuple(_child(part) for part in children),
        image_size=sum(part["size"] for part in [*parts, *children]),
        config=config["digest"] if config and config["mediaType"] in _IMAGE_CONFIGS else "",
        config_media_type=config["mediaType"] if config else "",
        artifact_type=_text(document, "artifactType"),
        subject=_descriptor(document, "subject")["digest"] if document.get("subject") is not None else "",
        annotations=_annotations(document),
    )


def platform_of(config: bytes) -> tuple[str, str]:
    """Architecture and operating system that an image's config tells; empty where it does not."""
    try:
        document = _parse(config)
    except ValueError:
        return "", ""
    return _text(document, "architecture"), _text(document, "os")


def _media_type(content_type: str, document: JsonObject) -> str:
    claimed = content_type.partition(";")[0].strip()
    written = document.get("mediaType")
    if claimed not in _MEDIA_TYPES:
        raise manifest_invalid("the content type is not that of a manifest")
    if written != claimed and (written is not None or claimed in _MUST_REPEAT_MEDIA_TYPE):
        raise manifest_invalid()
    return claimed


def _object(body: bytes) -> JsonObject:
    try:
        return _parse(body)
    except ValueError:
        raise manifest_invalid("not a JSON object") from None


def _parse(text: bytes) -> JsonObject:
    document = orjson.loads(text)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - as orjson's own error is
    return document


def _descriptors(document: JsonObject, member: str) -> list[JsonObject]:
    found = document.get(member)
    if not isinstance(found, list):
        raise manifest_invalid(f"{member} is not a list")
    return [_checked(part, member) for part in found]


def _descriptor(document: JsonObject, member: str) -> JsonObject:
    return _checked(document.get(member), member)


def _checked(part: object, member: str) -> JsonObject:
    """`part`, which is a descriptor. Source: OCI image specification 1.1, "OCI Content Descriptors"."""
    if not isinstance(part, dict):
        raise manifest_invalid(f"{member} is not a descriptor")
    media_type, digest, size = part.get("mediaType"), part.get("digest"), part.get("size")
    if not isinstance(media_type, str) or not isinstance(digest, str) or not is_digest(digest):
        raise manifest_invalid(f"{member} lacks a media type or a digest")
    if type(size) is not int or not 0 <= size < _MAX_SIZE:
        raise manifest_invalid(f"{member} lacks a size")
    return part


def _child(part: JsonObject) -> Child:
    platform = part.get("platform")
    platform = platform if isinstance(platform, dict) else {}
    return Child(part["digest"], _text(platform, "architecture"), _text(platform, "os"))


def _annotations(document: JsonObject) -> dict[str, str]:
    found = document.get("annotations")
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _text(document: JsonObject, member: str) -> str:
    value = document.get(member)
    return value if isinstance(value, str) else ""
