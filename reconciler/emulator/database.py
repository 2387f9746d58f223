"""
The file, or the memory, that an emulated registry lives in.

SQLite with a write-ahead log: what an answer has confirmed survives `kill -9`, and
a push that was cut short leaves nothing behind. One connection serves the event
loop, and the threads of tests, behind one lock: statements take microseconds.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from reconciler.emulator.errors import EmulatorError

Row: TypeAlias = tuple[Any, ...]

_VERSION = 1
_SCHEMA = """
CREATE TABLE repositories (
    name TEXT PRIMARY KEY, created INTEGER NOT NULL, updated INTEGER NOT NULL, permissions INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tags (
    repository TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, permissions INTEGER NOT NULL,
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE INDEX tags_by_time ON tags (repository, updated, name);
CREATE INDEX tags_by_digest ON tags (repository, digest, name);

CREATE TABLE manifests (
    repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, image_size INTEGER NOT NULL,
    architecture TEXT NOT NULL, os TEXT NOT NULL, config_media_type TEXT NOT NULL, subject TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, permissions INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (repository, digest)
);
-- Source for the limit: Azure/acr#529, a list shows about ten tags per manifest, confirmed there by Microsoft.
CREATE VIEW listed_manifests AS
    SELECT repository, digest, media_type, image_size, architecture, os, config_media_type,
        created, updated, permissions,
        (SELECT json_group_array(name) FROM (SELECT name FROM tags WHERE tags.repository = manifests.repository
            AND tags.digest = manifests.digest ORDER BY name LIMIT 10)) AS tags
    FROM manifests WHERE permissions & 8;
CREATE INDEX manifests_by_time ON manifests (repository, updated, digest);
CREATE INDEX manifests_by_subject ON manifests (repository, subject, digest) WHERE subject <> '';

CREATE TABLE contents (id INTEGER PRIMARY KEY, digest TEXT UNIQUE, size INTEGER NOT NULL DEFAULT 0);
CREATE TABLE chunks (
    content INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    data BLOB NOT NULL, UNIQUE (content, position)
);
CREATE TABLE blobs (
    repository TEXT NOT NULL, digest TEXT NOT NULL, content INTEGER NOT NULL REFERENCES contents (id),
    PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX blobs_by_content ON blobs (content);
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, repository TEXT NOT NULL, content INTEGER NOT NULL REFERENCES contents (id)
) WITHOUT ROWID;
"""


class Database:
    """One SQLite connection, used by several threads in turn."""

    def __init__(self, path: Path | None) -> None:
        """
        Open the file, or memory where `path` is None.

        Raises:
            EmulatorError: the file cannot be opened or is not an emulator's.
        """
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._connection = sqlite3.connect(
                path or ":memory:", timeout=1.0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise EmulatorError(f"{path}: cannot be opened: {error}") from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise EmulatorError(
                f"{path}: cannot be used: {error}\n  It must be writable, written by an emulator, and used by no other."
            ) from error

    def _prepare(self) -> None:
        # Exclusive: two emulators on one file would not see each other's changes in the order they answer.
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            self.rows(f"PRAGMA {pragma}")
        with self.transaction():
            ((version,),) = self.rows("PRAGMA user_version")
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self.rows(statement)
                self.rows(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise sqlite3.DatabaseError(f"written in format {version}, and this emulator reads {_VERSION}")

    def rows(self, statement: str, *values: object, **named: object) -> list[Row]:
        """Run one statement; all rows of its answer."""
        with self._lock:
            return self._connection.execute(statement, named or values).fetchall()

    def row(self, statement: str, *values: object) -> Row | None:
        """Run one statement; the first row of its answer."""
        with self._lock:
            row: Row | None = self._connection.execute(statement, values).fetchone()
            return row

    def change(self, statement: str, *values: object) -> int:
        """Run one statement; how many rows it changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def insert(self, statement: str, *values: object) -> int:
        """Run one insertion; the number of the new row."""
        with self._lock:
            return self._connection.execute(statement, values).lastrowid or 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; one inside another is part of it."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file; nothing can be asked afterwards."""
        with self._lock:
            self._connection.close()
