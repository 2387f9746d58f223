"""
The documents of `/acr/v1`, with the names and the order of members that ACR sends.

Source: recordings test_get_repository_properties, test_update_tag_properties,
test_list_registry_artifacts and CanSetManifestProperties.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from reconciler.emulator.manifests import Child
from reconciler.emulator.permissions import ATTRIBUTES, REPOSITORY_ATTRIBUTES, attributes_of
from reconciler.emulator.store import Manifest, Repository, Tag
from reconciler.emulator.timestamps import rfc3339

Document: TypeAlias = dict[str, Any]


def repository_document(
    registry: str, repository: Repository, counts: tuple[int, int], *, teleport: bool = False
) -> Document:
    """A repository; `counts` are those of its manifests and its tags."""
    manifest_count, tag_count = counts
    return {
        "registry": registry,
        "imageName": repository.name,
        "createdTime": rfc3339(repository.created),
        "lastUpdateTime": rfc3339(repository.updated),
        "manifestCount": manifest_count,
        "tagCount": tag_count,
        "changeableAttributes": attributes_of(
            repository.permissions, REPOSITORY_ATTRIBUTES if teleport else ATTRIBUTES
        ),
    }


def tag_document(tag: Tag) -> Document:
    """A tag, as it stands in a list and in the answer about one tag."""
    return {
        "name": tag.name,
        "digest": tag.digest,
        "createdTime": rfc3339(tag.created),
        "lastUpdateTime": rfc3339(tag.updated),
        "signed": False,
        "changeableAttributes": attributes_of(tag.permissions),
    }


def manifest_document(manifest: Manifest, children: Sequence[Child] = ()) -> Document:
    """A manifest; what it has none of is left out, `tags` too. `children` belong to the answer about one index."""
    document: Document = {
        "digest": manifest.digest,
        "imageSize": manifest.image_size,
        "createdTime": rfc3339(manifest.created),
        "lastUpdateTime": rfc3339(manifest.updated),
        "architecture": manifest.architecture,
        "os": manifest.os,
        "mediaType": manifest.media_type,
        "configMediaType": manifest.config_media_type,
        "tags": manifest.tags,
        "changeableAttributes": attributes_of(manifest.permissions),
        "references": [_reference(child) for child in children],
    }
    optional = ("architecture", "os", "configMediaType", "tags", "references")
    return {name: value for name, value in document.items() if value or name not in optional}


def _reference(child: Child) -> Document:
    found = {"digest": child.digest, "architecture": child.architecture, "os": child.os}
    return {name: value for name, value in found.items() if value}
