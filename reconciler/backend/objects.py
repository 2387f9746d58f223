"""
A store in Azure Blob Storage, Amazon S3 or Google Cloud Storage.

Each of them can write on condition: only if nothing stands there, or only if what
stands there is still the version that was read. None can delete on condition, so
nothing is ever deleted: an empty object takes the place, and counts as nothing.

A write whose answer was lost is sent again by the library below, and is then refused,
because the first one did succeed. So after a refusal we look: where just our bytes
stand, we wrote them (a lock, a memory and a journal each hold something unique).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from reconciler.backend.object_accounts import account_for, masked
from reconciler.backend.store import MAX_BLOB_BYTES, Blob
from reconciler.errors import BackendError, ConflictError

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Bucket

_CONNECT, _WHOLE = timedelta(seconds=10), timedelta(seconds=60)
_RETRY = {"max_retries": 4, "retry_timeout": timedelta(seconds=40)}
_NAMES = {"az": "Azure Blob Storage", "s3": "S3", "gs": "Google Cloud Storage"}


class ObjectStore:
    """Objects at one path of a bucket, told apart by what is added to it."""

    def __init__(self, scheme: str, bucket: str, path: str) -> None:
        self.name = f"{scheme}://{bucket}/{path}"
        self._scheme = scheme
        self._bucket_name = bucket
        self._path = path
        self._opened: Bucket | None = None

    def read(self, suffix: str) -> Blob | None:
        """What stands there; None: nothing."""
        content, version = self._read(suffix)
        return Blob(content, version) if content else None

    def write(self, suffix: str, content: bytes, *, replaces: str | None) -> str:
        """Put `content` there, whole or not at all, and return its version."""
        version = self._put(suffix, content, replaces)
        if version is not None:
            return version
        standing, version = self._read(suffix)
        if standing == content and version != replaces:
            return version  # our own write, whose answer was lost
        if replaces is None and version and not standing:  # what counts as nothing
            version = self._put(suffix, content, version) or ""
            if version:
                return version
        raise ConflictError(f"{self.name}{suffix}: somebody else wrote it meanwhile; it is left as it is")

    def delete(self, suffix: str, *, replaces: str) -> None:
        """Leave nothing there."""
        self.write(suffix, b"", replaces=replaces)

    def _read(self, suffix: str) -> tuple[bytes, str]:
        """What stands there and its version; both are empty where there is not even an empty object."""
        import obstore
        from obstore.exceptions import BaseError, NotFoundError

        try:
            got = obstore.get(self._bucket(), f"{self._path}{suffix}")
            if got.meta["size"] > MAX_BLOB_BYTES:
                raise BackendError(f"{self.name}{suffix}: more than {MAX_BLOB_BYTES:,} bytes")
            return bytes(got.bytes()), _version(got.meta)
        except (NotFoundError, FileNotFoundError):
            return b"", ""
        except (BaseError, OSError) as error:
            raise self._failed(suffix, "read", error) from None

    def _put(self, suffix: str, content: bytes, replaces: str | None) -> str | None:
        """The new version; None: what stands there is not what was to be replaced."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError

        mode: Any = "create" if replaces is None else orjson.loads(replaces)
        try:
            done = obstore.put(self._bucket(), f"{self._path}{suffix}", content, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            return None
        except (NotFoundError, FileNotFoundError) as error:
            if replaces is None:
                raise self._failed(suffix, "written", error) from None
            return None  # S3 says so where the object to be replaced is gone
        except (BaseError, OSError) as error:
            if _is_conflict(error):
                return None
            raise self._failed(suffix, "written", error) from None
        return _version(done)

    def _bucket(self) -> Bucket:
        if self._opened is None:
            client: Any = {"connect_timeout": _CONNECT, "timeout": _WHOLE}
            try:
                self._opened = account_for(self._scheme, self._bucket_name, client, _RETRY)
            except Exception as error:  # noqa: BLE001 - each store has errors of its own for what it cannot open
                raise self._failed("", "opened", error) from None
        return self._opened

    def _failed(self, suffix: str, done: str, error: Exception) -> BackendError:
        said = masked(str(error))
        return BackendError(
            f"{self.name}{suffix}: cannot be {done}: {said}\n"
            f"  {_NAMES[self._scheme]} takes credentials from where its own tools do, see docs/memory.md;"
            " --state none works without a memory"
        )


def _version(meta: Any) -> str:
    """The version as text: what the store calls it, both of its ways."""
    named = {name: meta.get(name) for name in ("e_tag", "version")}
    return orjson.dumps({name: value for name, value in named.items() if value is not None}).decode()


def _is_conflict(error: Exception) -> bool:
    """Two conditional writes met: S3 answers 409 to the one that it does not carry out."""
    said = str(error)
    return "ConditionalRequestConflict" in said or "412 Precondition" in said
