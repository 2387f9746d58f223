"""
Small images made from nothing but a content, the same each time.

An image here is a real one, a layer that is a tar file with one file in it, a config
and a manifest, so that other clients can pull what a test or a seed has put. It goes
into the store directly: no lock forbids it, as no lock forbids `az acr import --force`.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence

import orjson

from reconciler.emulator.manifests import OCI_INDEX, OCI_MANIFEST, read_manifest
from reconciler.emulator.names import digest_of
from reconciler.emulator.registry import Registry
from reconciler.emulator.store import Manifest

_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def push_image(registry: Registry, repository: str, tag: str, content: bytes, subject: Manifest | None = None) -> str:
    """
    Make an image around `content` and put `tag` on it, unless `tag` is empty; its digest.

    With `subject` it is about that manifest, as a signature is.
    """
    layer = _tar(content)
    config = orjson.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        }
    )
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(_CONFIG, config),
        "layers": [_descriptor(_LAYER, layer)],
    }
    if subject is not None:
        about = registry.store.manifest_body(repository, subject.digest)
        document["subject"] = _descriptor(subject.media_type, about)
    with registry.store.transaction():
        registry.store.blobs.put(repository, config)
        registry.store.blobs.put(repository, layer)
        return _keep(registry, repository, tag, document)


def push_index(registry: Registry, repository: str, tag: str, children: Sequence[Manifest]) -> str:
    """Make an index of manifests that the repository holds, and put `tag` on it; its digest."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [_entry(registry, repository, child) for child in children],
    }
    return _keep(registry, repository, tag, document)


def _keep(registry: Registry, repository: str, tag: str, document: dict[str, object]) -> str:
    body = orjson.dumps(document)
    return registry.keep(repository, read_manifest(str(document["mediaType"]), body), body, tag=tag)


def _entry(registry: Registry, repository: str, child: Manifest) -> dict[str, object]:
    entry = _descriptor(child.media_type, registry.store.manifest_body(repository, child.digest))
    platform = {"architecture": child.architecture, "os": child.os}
    return {**entry, "platform": platform} if child.architecture else entry


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _tar(content: bytes) -> bytes:
    header = tarfile.TarInfo("content")
    header.size = len(content)
    padding = -len(content) % tarfile.BLOCKSIZE
    return header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(padding + 2 * tarfile.BLOCKSIZE)
