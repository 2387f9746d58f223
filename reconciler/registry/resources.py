"""
What the registry holds, as it says it: repositories, tags, manifests and their content.

Times are kept as the registry spells them. They have seven fractional digits, of
which Python's own type would lose one, and a PATCH does not change them: they say
nothing about locks (recordings test_update_tag_properties, CanSetManifestProperties).
"""

from __future__ import annotations

import attrs

from reconciler.model.attributes import Document


@attrs.frozen
class Repository:
    """A repository and how much it holds."""

    name: str
    document: Document  # its attributes
    tag_count: int | None  # None: not told
    manifest_count: int | None
    created: str = ""  # RFC 3339, as sent; empty: not told
    updated: str = ""  # may lie before `created` (recording test_get_repository_properties)


@attrs.frozen
class Tag:
    """A tag."""

    name: str
    document: Document  # the digest that it points at, and its attributes
    created: str = ""
    updated: str = ""


@attrs.frozen
class Reference:
    """A child of an index, as its manifest names it."""

    digest: str
    architecture: str = ""  # of images; empty: not told
    os: str = ""


@attrs.frozen
class Manifest:
    """A manifest, without its bytes."""

    digest: str
    document: Document  # its attributes
    media_type: str = ""
    config_media_type: str = ""
    size: int = 0  # bytes of the image; 0 for an index
    architecture: str = ""
    os: str = ""
    tags: tuple[str, ...] = ()  # in a list about ten at most (Azure/acr#529)
    references: tuple[Reference, ...] = ()  # children of an index; only in the answer about one manifest
    quarantine_state: str = ""
    created: str = ""
    updated: str = ""


@attrs.frozen
class Deleted:
    """What went with a repository."""

    manifests: tuple[str, ...]  # digests
    tags: tuple[str, ...]


@attrs.frozen
class Content:
    """The exact bytes of a manifest."""

    digest: str  # of the bytes
    media_type: str
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Referrer:
    """A manifest that names another one as its subject: a signature, a bill of materials."""

    digest: str
    media_type: str
    artifact_type: str = ""
    size: int = 0  # bytes of the manifest
