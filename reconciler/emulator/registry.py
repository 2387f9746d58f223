"""
What can be done to the registry, and which lock forbids it.

Locks follow container-registry-image-lock.md: a resource without write can neither
be overwritten nor deleted, one without delete cannot be deleted, and a repository
without write takes no push at all. Tag and manifest have attributes of their own.
Everything that is refused is refused before anything has changed.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from reconciler.emulator import errors
from reconciler.emulator.manifests import Content, platform_of, read_manifest
from reconciler.emulator.names import digest_of, is_digest
from reconciler.emulator.permissions import Permission, with_changes
from reconciler.emulator.store import Manifest, Repository, Store, Tag

_MAX_CONFIG_BYTES = 1 << 20


@attrs.frozen
class Pushed:
    """What became of a push."""

    digest: str
    subject: str  # digest of the manifest that the new one is about; may be empty


class Registry:
    """The operations of an emulated registry."""

    def __init__(self, store: Store, *, strict_repository_lock: bool = True) -> None:
        self.store = store
        self._strict_repository_lock = strict_repository_lock

    def repository(self, name: str) -> Repository:
        """The repository; refused where there is none."""
        repository = self.store.repository(name)
        if repository is None:
            raise errors.repository_unknown(name)
        return repository

    def tag(self, repository: str, name: str) -> Tag:
        """The tag; refused where there is none, whether or not there is a repository."""
        tag = self.store.tag(repository, name)
        if tag is None:
            raise errors.tag_unknown()
        return tag

    def manifest(self, repository: str, digest: str) -> Manifest:
        """The manifest; refused where there is none, whether or not there is a repository."""
        manifest = self.store.manifest(repository, digest)
        if manifest is None:
            raise errors.manifest_unknown()
        return manifest

    def patch_repository(self, name: str, changes: Mapping[str, bool]) -> None:
        """Change attributes of a repository; always allowed, or it could not be unlocked."""
        with self.store.transaction():
            self.store.permit_repository(name, with_changes(self.repository(name).permissions, changes))

    def patch_tag(self, repository: str, name: str, changes: Mapping[str, bool]) -> None:
        """Change attributes of a tag."""
        with self.store.transaction():
            tag = self.tag(repository, name)
            self._require_patchable(repository)
            self.store.permit_tag(repository, name, with_changes(tag.permissions, changes))

    def patch_manifest(self, repository: str, digest: str, changes: Mapping[str, bool]) -> None:
        """Change attributes of a manifest."""
        with self.store.transaction():
            manifest = self.manifest(repository, digest)
            self._require_patchable(repository)
            self.store.permit_manifest(repository, digest, with_changes(manifest.permissions, changes))

    def pull(self, repository: str, reference: str) -> Manifest:
        """The manifest that a tag or digest names, to hand out."""
        tag = None if is_digest(reference) else self.store.tag(repository, reference)
        if tag is None and not is_digest(reference):
            raise errors.manifest_unknown_by_tag(reference)
        digest = tag.digest if tag else reference
        manifest = self.store.manifest(repository, digest)
        if manifest is None:
            raise errors.manifest_unknown(digest)
        _require(Permission.READ, self.store.repository(repository), tag, manifest)
        return manifest

    def push(self, repository: str, reference: str, content_type: str, body: bytes) -> Pushed:
        """Take a manifest, under a tag or its own digest."""
        content, digest = read_manifest(content_type, body), digest_of(body)
        if is_digest(reference) and reference != digest:
            raise errors.digest_invalid(f"the manifest has the digest {digest}")
        with self.store.transaction():
            # That a tag may be put on a locked manifest is an inference: the attributes of the two are independent.
            target = self.store.manifest(repository, digest) if is_digest(reference) else None
            _require(Permission.WRITE, self.store.repository(repository), self.store.tag(repository, reference), target)
            self.require_content(repository, content)
            self.keep(repository, content, body, tag="" if is_digest(reference) else reference)
        return Pushed(digest, content.subject)

    def keep(self, repository: str, content: Content, body: bytes, *, tag: str = "") -> str:
        """Put a manifest, and a tag on it, whatever is locked; its digest."""
        digest = digest_of(body)
        architecture, os = self._platform(repository, content)
        manifest = Manifest(
            digest,
            content.media_type,
            content.image_size,
            architecture=architecture,
            os=os,
            config_media_type=content.config_media_type,
            created=0,
            updated=0,
            permissions=0,
            tags=(),
        )
        with self.store.transaction():
            self.store.put_manifest(repository, manifest, body=body, subject=content.subject)
            if tag:
                self.store.put_tag(repository, tag, digest)
        return digest

    def require_content(self, repository: str, content: Content) -> None:
        """Refuse a manifest with parts that the repository does not hold."""
        for digest in content.blobs:
            if self.store.blobs.size(repository, digest) is None:
                raise errors.content_unknown(digest)
        for child in content.children:
            if self.store.manifest(repository, child.digest) is None:
                raise errors.content_unknown(child.digest)

    def is_readable(self, repository: str) -> bool:
        """Something may be pulled from it, as far as the repository itself is concerned."""
        found = self.store.repository(repository)
        return found is None or bool(found.permissions & Permission.READ)

    def require_readable(self, repository: str) -> None:
        """Refuse a pull of anything from a repository without read; one that is unknown has nothing to refuse."""
        _require(Permission.READ, self.store.repository(repository))

    def require_writable(self, repository: str) -> None:
        """Refuse a push of anything to a repository without write; one that is unknown is about to be born."""
        _require(Permission.WRITE, self.store.repository(repository))

    def delete_tag(self, repository: str, name: str) -> str:
        """Remove a tag; the digest that it pointed at."""
        with self.store.transaction():
            tag = self.tag(repository, name)
            self.require_writable(repository)
            _require(Permission.WRITE | Permission.DELETE, tag)
            self.store.delete_tag(repository, name)
        return tag.digest

    def delete_manifest(self, repository: str, digest: str) -> None:
        """
        Remove a manifest with its tags and what refers to it, unless any of these is locked.

        Source: Microsoft, container-registry-manage-artifact.md, "Deleting all artifacts in the graph". That a
        locked referrer keeps it is an inference, and so is that its tags do (seen in a third-party lab).
        """
        with self.store.transaction():
            if self.store.manifest(repository, digest) is None:
                raise errors.manifest_unknown(digest)
            self.require_writable(repository)
            for found in self.store.graph_of(repository, digest):
                self._require_deletable(self.manifest(repository, found), repository)
            self.store.delete_manifest(repository, digest)

    def delete_repository(self, name: str) -> tuple[list[str], list[str]]:
        """Remove a repository, unless something in it is locked; the digests and tags that went with it."""
        with self.store.transaction():
            repository = self.store.repository(name)
            if repository is None:
                raise errors.repository_unknown_on_delete(name)
            _require(Permission.WRITE | Permission.DELETE, repository)
            # Source: MicrosoftDocs/SupportArticles-docs, azure-container-registry, delete-operation-issues.
            if self.store.has_locked_content(name):
                raise errors.disallowed()
            deleted = self.store.contents_of(name)
            self.store.delete_repository(name)
        return deleted

    def _require_deletable(self, manifest: Manifest, repository: str) -> None:
        tags = [self.store.tag(repository, name) for name in manifest.tags]
        _require(Permission.WRITE | Permission.DELETE, manifest, *tags)

    def _require_patchable(self, repository: str) -> None:
        if self._strict_repository_lock:
            self.require_writable(repository)

    def _platform(self, repository: str, content: Content) -> tuple[str, str]:
        size = self.store.blobs.size(repository, content.config) if content.config else None
        if size is None or size > _MAX_CONFIG_BYTES:
            return "", ""
        return platform_of(b"".join(self.store.blobs.read(repository, content.config, 0, size - 1)))


def _require(needed: Permission, *resources: Repository | Tag | Manifest | None) -> None:
    """Refuse unless each resource that exists permits all that is needed."""
    if any(resource is not None and resource.permissions & needed != needed for resource in resources):
        raise errors.disallowed()
