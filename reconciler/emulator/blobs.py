"""
Blobs and the uploads that become blobs.

Content is kept once per digest, in chunks of at most a mebibyte, and each repository
has its own links to it: a blob of another repository is not there until it is
mounted. An upload is content without a digest yet.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

import attrs

from reconciler.emulator.database import Database
from reconciler.emulator.names import digest_of

CHUNK_BYTES = 1 << 20


@attrs.frozen
class Upload:
    """An upload under way; `size` is how many bytes have arrived."""

    id: str
    repository: str
    content: int
    size: int


class Blobs:
    """All blobs of an emulated registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def size(self, repository: str, digest: str) -> int | None:
        """Bytes of the blob; None where the repository does not hold it."""
        row = self._database.row(
            "SELECT size FROM blobs JOIN contents ON contents.id = blobs.content"
            " WHERE repository = ? AND blobs.digest = ?",
            repository,
            digest,
        )
        return None if row is None else int(row[0])

    def read(self, repository: str, digest: str, first: int, last: int) -> Iterator[bytes]:
        """The bytes from `first` to `last`, both included, piece by piece."""
        row = self._database.row("SELECT content FROM blobs WHERE repository = ? AND digest = ?", repository, digest)
        while row and first <= last:
            found = self._chunk(row[0], first)
            if found is None:
                return
            position, data = found
            piece = data[first - position : last - position + 1]
            first += len(piece)
            yield piece

    def put(self, repository: str, content: bytes) -> str:
        """Keep `content` as a blob; its digest."""
        digest = digest_of(content)
        with self._database.transaction():
            if not self._link(repository, digest):
                number = self._database.insert(
                    "INSERT INTO contents (digest, size) VALUES (?, ?)", digest, len(content)
                )
                for start in range(0, len(content), CHUNK_BYTES):
                    piece = content[start : start + CHUNK_BYTES]
                    self._database.change("INSERT INTO chunks VALUES (?, ?, ?)", number, start, piece)
                self._link(repository, digest)
        return digest

    def mount(self, repository: str, digest: str, source: str) -> bool:
        """Make a blob of repository `source` one of `repository` too; whether it was there."""
        with self._database.transaction():
            return self.size(source, digest) is not None and self._link(repository, digest)

    def delete(self, repository: str, digest: str) -> bool:
        """Remove the blob from the repository; whether it was there."""
        with self._database.transaction():
            deleted = self._database.change("DELETE FROM blobs WHERE repository = ? AND digest = ?", repository, digest)
            self._sweep()
        return deleted == 1

    def delete_all(self, repository: str) -> None:
        """Remove the blobs of a repository that is gone."""
        with self._database.transaction():
            self._database.change("DELETE FROM blobs WHERE repository = ?", repository)
            self._sweep()

    def start_upload(self, repository: str) -> Upload:
        """A new upload, empty so far."""
        with self._database.transaction():
            content = self._database.insert("INSERT INTO contents DEFAULT VALUES")
            upload = Upload(str(uuid.uuid4()), repository, content, 0)
            self._database.change("INSERT INTO uploads VALUES (?, ?, ?)", upload.id, repository, content)
        return upload

    def upload(self, repository: str, upload_id: str) -> Upload | None:
        """The upload under way, where there is one of that name in the repository."""
        row = self._database.row(
            "SELECT uploads.id, repository, content, size FROM uploads JOIN contents ON contents.id = content"
            " WHERE uploads.id = ? AND repository = ?",
            upload_id,
            repository,
        )
        return None if row is None else Upload(*row)

    def append(self, upload_id: str, position: int, data: bytes) -> bool:
        """Add `data` at byte `position`; False where the upload does not end there."""
        with self._database.transaction():
            row = self._database.row(
                "UPDATE contents SET size = size + ? WHERE size = ? AND id = (SELECT content FROM uploads WHERE id = ?)"
                " RETURNING id",
                len(data),
                position,
                upload_id,
            )
            if row and data:
                self._database.change("INSERT INTO chunks VALUES (?, ?, ?)", row[0], position, data)
        return row is not None

    def finish(self, upload: Upload, digest: str) -> bool:
        """Make the upload a blob; False, and the upload is gone, where it does not have that digest."""
        hasher = hashlib.sha256()
        position = 0
        while found := self._chunk(upload.content, position):
            hasher.update(found[1])
            position += len(found[1])
        if f"sha256:{hasher.hexdigest()}" != digest:
            self.cancel(upload)
            return False
        with self._database.transaction():
            if self._link(upload.repository, digest):
                self.cancel(upload)
            else:
                self._become_blob(upload, digest)
        return True

    def cancel(self, upload: Upload) -> None:
        """Forget the upload and what has arrived of it."""
        with self._database.transaction():
            self._database.change("DELETE FROM uploads WHERE id = ?", upload.id)
            self._database.change("DELETE FROM contents WHERE id = ?", upload.content)

    def _chunk(self, content: int, position: int) -> tuple[int, bytes] | None:
        """The chunk that holds byte `position`, and where it starts."""
        row = self._database.row(
            "SELECT position, data FROM chunks WHERE content = ? AND position <= ? ORDER BY position DESC LIMIT 1",
            content,
            position,
        )
        return None if row is None or position >= row[0] + len(row[1]) else (row[0], row[1])

    def _link(self, repository: str, digest: str) -> bool:
        """Link known content to the repository; whether it is known."""
        row = self._database.row("SELECT id FROM contents WHERE digest = ?", digest)
        if row is None:
            return False
        self._database.change("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", repository, digest, row[0])
        return True

    def _become_blob(self, upload: Upload, digest: str) -> None:
        self._database.change("DELETE FROM uploads WHERE id = ?", upload.id)
        self._database.change("UPDATE contents SET digest = ? WHERE id = ?", digest, upload.content)
        self._link(upload.repository, digest)

    def _sweep(self) -> None:
        self._database.change("DELETE FROM contents WHERE digest IS NOT NULL AND id NOT IN (SELECT content FROM blobs)")
