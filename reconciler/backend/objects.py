"""
A store in Azure Blob Storage, Amazon S3 or Google Cloud Storage.

Each of them can write on condition: only if nothing stands there, or only if what
stands there is still the version that was read. None can delete on condition, so
nothing is ever deleted: an empty object takes the place, and counts as nothing.

A write whose answer was lost is sent again by the library below, and is then refused,
because the first one did succeed. So after a refusal we look: where just our bytes
stand, we wrote them (a lock, a memory and a journal each hold something unique, and an
empty object bears a mark). Where still stands what was to be replaced, two writes met
and neither was carried out, so ours is sent again.
"""

from __future__ import annotations

import importlib.util
import os
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from reconciler.backend.object_accounts import account_for, masked
from reconciler.backend.store import MAX_BLOB_BYTES, Blob
from reconciler.errors import BackendError, ConflictError

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Bucket

_CONNECT, _WHOLE = timedelta(seconds=10), timedelta(seconds=55)
_RETRY = {"max_retries": 4, "retry_timeout": timedelta(seconds=40)}
_MAX_ATTEMPTS = 4
_MARK = "reconciler_mark"  # Azure allows only letters, digits and _ in it
_REASON = re.compile(r'\b(?:message|error): "([^"\n]+)"|\b(InvalidCertificate)\b|\bkind: (Timeout)\b')
_NAMES = {"az": "Azure Blob Storage", "s3": "S3", "gs": "Google Cloud Storage"}


@attrs.frozen
class _Extra:
    """A package that finds more credentials, and the variables that make it needless."""

    name: str
    module: str
    finds: str
    instead: tuple[str, ...]


_EXTRAS = {
    "az": _Extra(
        name="azure",
        module="azure.identity",
        finds="az login and managed identities",
        instead=("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"),
    ),
    "s3": _Extra(name="s3", module="boto3", finds="profiles and single sign-on", instead=("AWS_ACCESS_KEY_ID",)),
}


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
        standing = self._read(suffix)
        return Blob(standing.content, standing.version) if standing.content else None

    def write(self, suffix: str, content: bytes, *, replaces: str | None) -> str:
        """Put `content` there, whole or not at all, and return its version."""
        mark, expected = uuid.uuid4().hex, replaces
        for _ in range(_MAX_ATTEMPTS):
            version = self._put(suffix, content, expected, mark)
            if version is not None:
                return version
            standing = self._read(suffix)
            if standing.version not in ("", expected) and standing.is_made_of(content, mark):
                return standing.version  # our own write, whose answer was lost
            if replaces is None and not standing.content:
                expected = standing.version or None  # an empty object counts as nothing
            elif standing.version != replaces:
                break
        raise ConflictError(f"{self.name}{suffix}: somebody else wrote it meanwhile; it is left as it is")

    def delete(self, suffix: str, *, replaces: str) -> None:
        """Leave nothing there."""
        self.write(suffix, b"", replaces=replaces)

    def _read(self, suffix: str) -> _Standing:
        import obstore
        from obstore.exceptions import BaseError, NotFoundError

        try:
            got = obstore.get(self._bucket(), f"{self._path}{suffix}")
            if got.meta["size"] > MAX_BLOB_BYTES:
                raise BackendError(f"{self.name}{suffix}: more than {MAX_BLOB_BYTES:,} bytes")
            return _Standing(bytes(got.bytes()), _version(got.meta), str(got.attributes.get(_MARK, "")))
        except (NotFoundError, FileNotFoundError) as error:
            if _says_that_it_is_not_there(error):
                return _Standing(b"", "", "")
            raise self._failed(suffix, "read", error) from None
        except (BaseError, OSError) as error:
            raise self._failed(suffix, "read", error) from None

    def _put(self, suffix: str, content: bytes, replaces: str | None, mark: str) -> str | None:
        """The new version; None: what stands there is not what was to be replaced."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError

        mode: Any = "create" if replaces is None else orjson.loads(replaces)
        more: Any = {"use_multipart": False} if content else {"use_multipart": False, "attributes": {_MARK: mark}}
        try:
            done = obstore.put(self._bucket(), f"{self._path}{suffix}", content, mode=mode, **more)
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
        return BackendError(
            f"{self.name}{suffix}: cannot be {done}: {masked(_said(error))}\n"
            f"  {_NAMES[self._scheme]} takes credentials from where its own tools do, see docs/memory.md;"
            f" --state none works without a memory{_missing(self._scheme)}"
        )


@attrs.frozen
class _Standing:
    """What stands there; all of it is empty where there is not even an empty object."""

    content: bytes
    version: str
    mark: str

    def is_made_of(self, content: bytes, mark: str) -> bool:
        """It is what one write put there, and no other."""
        return self.content == content and (bool(content) or self.mark == mark)


def _version(meta: Any) -> str:
    """The version as text: what the store calls it, both of its ways."""
    named = {name: meta.get(name) for name in ("e_tag", "version")}
    return orjson.dumps({name: value for name, value in named.items() if value is not None}).decode()


def _is_conflict(error: Exception) -> bool:
    """Two conditional writes met: S3 answers 409 to the one that it does not carry out."""
    said = str(error)
    return "ConditionalRequestConflict" in said or "412 Precondition" in said


def _said(error: Exception) -> str:
    """What the library says, with the innermost reason out of the pages of structure that it appends."""
    said, _, structure = str(error).partition("Debug source:")
    reasons = [next(filter(None, found)) for found in _REASON.findall(structure)]
    return f"{said.strip()}: {reasons[-1]}" if reasons and reasons[-1] not in said else said


def _missing(scheme: str) -> str:
    """A line about the package that would find more credentials, where it is not there and none are given."""
    extra = _EXTRAS.get(scheme)
    if extra is None or any(os.environ.get(name) for name in extra.instead):
        return ""
    try:
        is_there = importlib.util.find_spec(extra.module) is not None
    except ModuleNotFoundError:  # the package that it would be in is not there either
        is_there = False
    return "" if is_there else f"\n  {extra.finds}: {extra.module} is not installed; the extra {extra.name} brings it"


def _says_that_it_is_not_there(error: Exception) -> bool:
    """The store says so of the object; a bucket that is not there, or a proxy's 404, proves nothing about it."""
    return any(code in str(error) for code in ("BlobNotFound", "NoSuchKey", "No such object"))
