"""Live state: what the registry holds, one repository at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from reconciler.model.attributes import Document

# Source: OCI image specification 1.1, "Media Types"; Docker image manifest version 2, schema 2.
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


# Signatures and the like that name what they are about. Source: sigstore/cosign, SIGNATURE_SPEC.md and its
# ATTESTATION_SPEC.md; without a suffix it is the referrers tag schema of the OCI distribution specification 1.1.
_ENDINGS = (".sig", ".att", ".sbom", "")
ABOUT = "sha"  # what the names of all of them begin with


def tags_about(digest: str) -> Iterator[str]:
    """The names that a tag has which is about a manifest."""
    return (f"{digest.replace(':', '-', 1)}{suffix}" for suffix in _ENDINGS)


@attrs.frozen
class Moment:
    """A time that the registry told."""

    text: str  # RFC 3339, as sent
    ns: int  # nanoseconds since 1970


@attrs.frozen(eq=False)
class LiveManifest:
    """A manifest."""

    document: Document
    media_type: str = ""
    updated: Moment | None = None  # when it was last; None: not told
    children: tuple[str, ...] | None = None  # digests; None: not asked for, or not readable
    subject: str | None = None  # the digest of what it is about; empty: of nothing; None: not asked for, or unreadable
    # Digests of what is about it; of one that cannot go only those that can. None: not asked for, or not readable.
    referrers: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()  # in a list ten at most (Azure/acr#529)

    @property
    def is_index(self) -> bool:
        """It stands for other manifests, its children."""
        return self.media_type in INDEXES or bool(self.children)


@attrs.frozen(eq=False)
class LiveRepository:
    """
    What a read of one repository showed; only what the rules talk about was read.

    A tag that is in neither `tags` nor `missing_tags` was not seen, which says
    nothing about whether it exists: lists hide and truncate. The same holds for
    manifests.
    """

    name: str
    document: Document | None  # None: not asked for
    tags: Mapping[str, Document]
    missing: bool = False  # a direct GET said that there is no such repository
    missing_tags: tuple[str, ...] = ()  # exact names for which a direct GET said the same
    gone_tags: tuple[str, ...] = ()  # remembered names for which it did, and of which rules speak
    unread: str = ""  # why it could not be read; empty: it was
    incomplete: str = ""  # why there may be tags that were not seen; empty: what a list can show was seen
    tag_times: Mapping[str, Moment] = attrs.field(factory=dict)  # when each was updated; only where rules ask for it
    manifests: Mapping[str, LiveManifest] = attrs.field(factory=dict)  # by digest
    missing_manifests: tuple[str, ...] = ()  # digests that something names and for which a direct GET said: none
    unread_manifests: Mapping[str, str] = attrs.field(factory=dict)  # digests that could not be read, and why
    incomplete_manifests: str = ""  # why there may be manifests that were not seen; empty: all were that are needed
    tag_count: int | None = None  # as the registry counts; None: not asked for, or not told
    manifest_count: int | None = None
    updated: str = ""  # when something in it last was, as the registry tells it
