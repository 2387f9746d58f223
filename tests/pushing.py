"""Push images with Microsoft's SDK, so that what the tests read was not written by ourselves."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from azure.containerregistry import ContainerRegistryClient

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def push_image(
    client: ContainerRegistryClient, name: str, content: bytes, *, tag: str | None = None
) -> tuple[str, int]:
    """Push an image for arm64; its digest, and the size of its manifest in bytes."""
    config = json.dumps({"architecture": "arm64", "os": "linux"}).encode()
    config_digest, config_size = client.upload_blob(name, io.BytesIO(config))
    layer_digest, layer_size = client.upload_blob(name, io.BytesIO(content))
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config_digest,
            "size": config_size,
        },
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": layer_size}],
    }
    return client.set_manifest(name, manifest, tag=tag), len(json.dumps(manifest))


def push_index(
    client: ContainerRegistryClient, name: str, contents: Sequence[bytes], *, tag: str
) -> tuple[str, list[str]]:
    """Push an image for each of `contents`, and an index of them; the digests of the index and of its children."""
    children = [push_image(client, name, content) for content in contents]
    platform = {"architecture": "arm64", "os": "linux"}
    manifests = [
        {"mediaType": OCI_MANIFEST, "digest": digest, "size": size, "platform": platform} for digest, size in children
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    digest = client.set_manifest(name, index, tag=tag, media_type=OCI_INDEX)
    return digest, [child for child, _ in children]
