"""
Repositories, tags and manifests as they are kept, without any rule about who may change what.

Each list is one statement over an index, whatever its order, because a registry may
hold 100,000 tags in one repository and a page must not cost more than its rows.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

import attrs

from reconciler.emulator.blobs import Blobs
from reconciler.emulator.database import Database
from reconciler.emulator.permissions import EVERYTHING
from reconciler.emulator.timestamps import Clock

BY_NAME, BY_TIME, BY_TIME_DESCENDING = "", "timeasc", "timedesc"

# Those who may be listed have bit 8, which is `listEnabled`.
_TAG_PAGES = {
    BY_NAME: (
        "SELECT name, digest, created, updated, permissions FROM tags WHERE repository = :repository"
        " AND permissions & 8 AND (:digest = '' OR digest = :digest) AND name > :key ORDER BY name LIMIT :limit"
    ),
    BY_TIME: (
        "SELECT name, digest, created, updated, permissions FROM tags WHERE repository = :repository"
        " AND permissions & 8 AND (:digest = '' OR digest = :digest) AND (updated, name) > (:time, :key)"
        " ORDER BY updated, name LIMIT :limit"
    ),
    BY_TIME_DESCENDING: (
        "SELECT name, digest, created, updated, permissions FROM tags WHERE repository = :repository"
        " AND permissions & 8 AND (:digest = '' OR digest = :digest) AND (updated, name) < (:time, :key)"
        " ORDER BY updated DESC, name DESC LIMIT :limit"
    ),
}
_MANIFEST_PAGES = {
    BY_NAME: (
        "SELECT * FROM listed_manifests WHERE repository = :repository AND digest > :key ORDER BY digest LIMIT :limit"
    ),
    BY_TIME: (
        "SELECT * FROM listed_manifests WHERE repository = :repository AND (updated, digest) > (:time, :key)"
        " ORDER BY updated, digest LIMIT :limit"
    ),
    BY_TIME_DESCENDING: (
        "SELECT * FROM listed_manifests WHERE repository = :repository AND (updated, digest) < (:time, :key)"
        " ORDER BY updated DESC, digest DESC LIMIT :limit"
    ),
}


@attrs.frozen
class Repository:
    """A repository; times are in ticks of 100 ns."""

    name: str
    created: int
    updated: int
    permissions: int


@attrs.frozen
class Tag:
    """A tag of some repository; times are in ticks of 100 ns."""

    name: str
    digest: str
    created: int
    updated: int
    permissions: int


@attrs.frozen
class Manifest:
    """A manifest of some repository, without its bytes; times are in ticks of 100 ns."""

    digest: str
    media_type: str
    image_size: int
    architecture: str
    os: str
    config_media_type: str
    created: int
    updated: int
    permissions: int
    tags: tuple[str, ...]  # in a list: the first ten


@attrs.frozen
class Position:
    """Where a page starts: after the item with this time (where the order has one) and this name or digest."""

    key: str
    time: int = 0


class Store:
    """What an emulated registry holds."""

    def __init__(self, path: Path | None) -> None:
        """
        Open the store in the file `path`, or in memory where it is None.

        Raises:
            EmulatorError: the file cannot be used.
        """
        self._database = Database(path)
        self.blobs = Blobs(self._database)
        ((latest,),) = self._database.rows("SELECT coalesce(max(updated), 0) FROM repositories")
        self._clock = Clock(after=latest)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[None]:
        """What happens inside happens as a whole; many pushes in one are a hundred times faster."""
        return self._database.transaction()

    def is_empty(self) -> bool:
        """No repository is there."""
        return self._database.row("SELECT 1 FROM repositories LIMIT 1") is None

    def repository(self, name: str) -> Repository | None:
        """The repository of that name."""
        row = self._database.row("SELECT * FROM repositories WHERE name = ?", name)
        return None if row is None else Repository(*row)

    def tag(self, repository: str, name: str) -> Tag | None:
        """The tag of that name."""
        row = self._database.row(
            "SELECT name, digest, created, updated, permissions FROM tags WHERE repository = ? AND name = ?",
            repository,
            name,
        )
        return None if row is None else Tag(*row)

    def manifest(self, repository: str, digest: str) -> Manifest | None:
        """The manifest of that digest, with all its tags."""
        row = self._database.row(
            "SELECT digest, media_type, image_size, architecture, os, config_media_type, created, updated, permissions"
            " FROM manifests WHERE repository = ? AND digest = ?",
            repository,
            digest,
        )
        return None if row is None else Manifest(*(*row, self._tag_names(repository, digest)))

    def manifest_body(self, repository: str, digest: str) -> bytes:
        """The exact bytes of a manifest that is there."""
        ((body,),) = self._database.rows(
            "SELECT body FROM manifests WHERE repository = ? AND digest = ?", repository, digest
        )
        return bytes(body)

    def repository_names(self, after: str, limit: int) -> list[str]:
        """Names of listed repositories, in order."""
        statement = "SELECT name FROM repositories WHERE permissions & 8 AND name > ? ORDER BY name LIMIT ?"
        return [name for (name,) in self._database.rows(statement, after, limit)]

    def tags(self, repository: str, order: str, after: Position, *, limit: int, digest: str = "") -> list[Tag]:
        """Listed tags in `order`, of one manifest where `digest` is not empty."""
        values = _page_values(repository, after, limit) | {"digest": digest}
        return [Tag(*row) for row in self._database.rows(_TAG_PAGES[order], **values)]

    def manifests(self, repository: str, order: str, after: Position, limit: int) -> list[Manifest]:
        """Listed manifests in `order`, each with its first ten tags."""
        return [
            Manifest(*(*row[1:-1], tuple(json.loads(row[-1]))))
            for row in self._database.rows(_MANIFEST_PAGES[order], **_page_values(repository, after, limit))
        ]

    def referrers(self, repository: str, subject: str) -> list[str]:
        """Digests of the manifests that name `subject` as theirs."""
        statement = (
            "SELECT digest FROM manifests WHERE repository = ? AND subject = ? AND subject <> '' ORDER BY digest"
        )
        return [digest for (digest,) in self._database.rows(statement, repository, subject)]

    def graph_of(self, repository: str, digest: str) -> list[str]:
        """The manifest, what refers to it, what refers to that, and so on."""
        statement = (
            "WITH RECURSIVE graph (digest) AS (VALUES (:digest) UNION SELECT manifests.digest FROM graph JOIN manifests"
            " ON repository = :repository AND subject = graph.digest AND subject <> '') SELECT digest FROM graph"
        )
        return [found for (found,) in self._database.rows(statement, repository=repository, digest=digest)]

    def counts(self, repository: str) -> tuple[int, int]:
        """How many manifests and how many tags there are, listed or not."""
        ((manifests, tags),) = self._database.rows(
            "SELECT (SELECT count(*) FROM manifests WHERE repository = ?),"
            " (SELECT count(*) FROM tags WHERE repository = ?)",
            repository,
            repository,
        )
        return manifests, tags

    def contents_of(self, repository: str) -> tuple[list[str], list[str]]:
        """All digests and all tag names, sorted."""
        digests = self._database.rows("SELECT digest FROM manifests WHERE repository = ? ORDER BY digest", repository)
        names = self._database.rows("SELECT name FROM tags WHERE repository = ? ORDER BY name", repository)
        return [digest for (digest,) in digests], [name for (name,) in names]

    def has_locked_content(self, repository: str) -> bool:
        """Some tag or manifest lacks write (2) or delete (1)."""
        statement = (
            "SELECT 1 FROM tags WHERE repository = :name AND permissions & 3 <> 3"
            " UNION ALL SELECT 1 FROM manifests WHERE repository = :name AND permissions & 3 <> 3 LIMIT 1"
        )
        return bool(self._database.rows(statement, name=repository))

    def put_manifest(self, repository: str, manifest: Manifest, *, body: bytes, subject: str) -> None:
        """Keep a manifest and the repository around it; times in `manifest` are ignored."""
        now = self._clock.tick()
        with self.transaction():
            self._database.change(
                "INSERT INTO repositories VALUES (?1, ?2, ?2, ?3) ON CONFLICT DO UPDATE SET updated = ?2",
                repository,
                now,
                EVERYTHING,
            )
            self._database.change(
                "INSERT INTO manifests VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11)"
                " ON CONFLICT DO UPDATE SET updated = ?9, media_type = ?3",
                *(repository, manifest.digest, manifest.media_type, manifest.image_size, manifest.architecture),
                *(manifest.os, manifest.config_media_type, subject, now, EVERYTHING, body),
            )

    def put_tag(self, repository: str, name: str, digest: str) -> None:
        """Point a tag at a manifest; a tag that moves keeps its attributes and its time of creation."""
        self._database.change(
            "INSERT INTO tags VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT DO UPDATE SET digest = ?3, updated = ?4",
            repository,
            name,
            digest,
            self._clock.tick(),
            EVERYTHING,
        )

    def permit_repository(self, name: str, permissions: int) -> None:
        """Change attributes, and no time with them. Source: recording test_update_repository_properties."""
        self._database.change("UPDATE repositories SET permissions = ? WHERE name = ?", permissions, name)

    def permit_tag(self, repository: str, name: str, permissions: int) -> None:
        """Change attributes, and no time with them. Source: recording test_update_tag_properties."""
        statement = "UPDATE tags SET permissions = ? WHERE repository = ? AND name = ?"
        self._database.change(statement, permissions, repository, name)

    def permit_manifest(self, repository: str, digest: str, permissions: int) -> None:
        """Change attributes, and no time with them. Source: recording CanSetManifestProperties."""
        statement = "UPDATE manifests SET permissions = ? WHERE repository = ? AND digest = ?"
        self._database.change(statement, permissions, repository, digest)

    def delete_tag(self, repository: str, name: str) -> None:
        """Remove a tag; its manifest stays."""
        self._database.change("DELETE FROM tags WHERE repository = ? AND name = ?", repository, name)

    def delete_manifest(self, repository: str, digest: str) -> None:
        """Remove a manifest, what refers to it, and their tags; a repository goes with its last manifest."""
        with self.transaction():
            for found in self.graph_of(repository, digest):
                self._database.change("DELETE FROM tags WHERE repository = ? AND digest = ?", repository, found)
                self._database.change("DELETE FROM manifests WHERE repository = ? AND digest = ?", repository, found)
            if self.counts(repository)[0] == 0:
                self.delete_repository(repository)

    def delete_repository(self, name: str) -> None:
        """Remove a repository and all that is in it."""
        with self.transaction():
            self._database.change("DELETE FROM tags WHERE repository = ?", name)
            self._database.change("DELETE FROM manifests WHERE repository = ?", name)
            self._database.change("DELETE FROM repositories WHERE name = ?", name)
            self.blobs.delete_all(name)

    def _tag_names(self, repository: str, digest: str) -> tuple[str, ...]:
        statement = "SELECT name FROM tags WHERE repository = ? AND digest = ? ORDER BY name"
        return tuple(name for (name,) in self._database.rows(statement, repository, digest))


def _page_values(repository: str, after: Position, limit: int) -> dict[str, object]:
    return {"repository": repository, "key": after.key, "time": after.time, "limit": limit}
