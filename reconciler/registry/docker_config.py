"""
What `docker login` and `az acr login` left behind: the credential in Docker's config.json.

Docker looks in one place only: the helper program that `credHelpers` names for the
registry, else the one in `credsStore`, else the entry in `auths`. A helper that holds
nothing is the end of it; `auths` is not asked then, and neither is it here. What is
found belongs to the host and port that it was stored for, and to no other.

Sources: docker/cli cli/config/configfile/file.go (getConfiguredCredentialStore,
decodeAuth), cli/config/credentials/file_store.go and native_store.go.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import orjson

from reconciler.errors import RefusedError
from reconciler.registry.credential_helper import WITHOUT_DOCKER, ask_helper
from reconciler.registry.credentials import REFRESH_TOKEN_USER, Password, RefreshToken
from reconciler.registry.exchange import printable

_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_TOKEN_USER = "<token>"  # noqa: S105 - the user that says that the secret is a token
_MAX_BYTES = 1 << 20  # of the file; it is a few kilobytes
_BYTES = "surrogateescape"  # a password may be bytes that are no UTF-8


async def docker_credential(
    host: str, environment: Mapping[str, str], *, timeout_s: float
) -> Password | RefreshToken | None:
    """
    The credential that Docker holds for `host`; None where it holds none.

    Args:
        host: Host and port, as in contoso.azurecr.io or 127.0.0.1:5000.
        environment: Says where config.json is (DOCKER_CONFIG, HOME) and where helper programs are (PATH).
        timeout_s: How long a helper program may take.

    Raises:
        RefusedError: config.json cannot be understood, or the helper that it names is missing or fails.
    """
    path = _config_path(environment)
    document = _read_config(path) if path else None
    if path is None or document is None:
        return None
    config = _Config(path, document)
    helper = config.helper_of(host)
    if not helper:
        return config.stored_for(host)
    held = await ask_helper(config.find_helper(helper, environment), host, environment, timeout_s=timeout_s)
    return _credential(held.username, held.secret) if held else None


@attrs.frozen
class _Config:
    """What config.json holds. Only the parts that are needed have to be sound."""

    path: Path
    document: dict[str, object] = attrs.field(repr=False)

    def helper_of(self, host: str) -> str:
        """The name of the helper that is responsible for `host`; empty where none is."""
        helpers = self._object("credHelpers")
        name = helpers[host] if host in helpers else self.document.get("credsStore") or ""
        if not isinstance(name, str) or (name and not _HELPER_NAME.fullmatch(name)):
            raise _problem(self.path, "names a credential helper that cannot be: letters, digits, '.', '_' and '-'")
        return name

    def find_helper(self, name: str, environment: Mapping[str, str]) -> str:
        """The path of a helper; relative folders in PATH are left out, as where one stands decides what they hold."""
        folders = environment.get("PATH", os.defpath).split(os.pathsep)
        program = f"docker-credential-{name}"
        found = shutil.which(program, path=os.pathsep.join(folder for folder in folders if Path(folder).is_absolute()))
        if not found:
            raise _problem(self.path, f"names the credential helper {program}, which is not on the PATH")
        return found

    def stored_for(self, host: str) -> Password | RefreshToken | None:
        """The credential for `host` in the file itself; a key that is just the host comes first."""
        entries = self._object("auths")
        keys = sorted((key for key in entries if _hostname(key) == host.lower()), key=lambda key: key != host)
        found = (self._entry(host, entries[key]) for key in keys)
        return next((credential for credential in found if credential), None)

    def _entry(self, host: str, entry: object) -> Password | RefreshToken | None:
        members = entry if isinstance(entry, dict) else {"auth": entry}
        values = [members.get(name) or "" for name in ("identitytoken", "auth", "username", "password")]
        token, pair, username, password = (value if isinstance(value, str) else "" for value in values)
        if token:
            return RefreshToken(token)
        if pair:
            username, password = _decode_pair(pair)
        is_sound = isinstance(entry, dict) and all(isinstance(value, str) for value in values)
        if not is_sound or (not username and (pair or password)):
            raise _problem(self.path, f"the entry for {host} is damaged; docker login writes it anew")
        return _credential(username, password)

    def _object(self, name: str) -> dict[str, object]:
        value = self.document.get(name)
        if value is not None and not isinstance(value, dict):
            raise _problem(self.path, f'"{name}" is not an object')
        return value or {}


def _config_path(environment: Mapping[str, str]) -> Path | None:
    folder, home = environment.get("DOCKER_CONFIG"), environment.get("HOME")
    if folder:
        return Path(folder, "config.json")
    return Path(home, ".docker", "config.json") if home else None


def _read_config(path: Path) -> dict[str, object] | None:
    """What stands in the file; None where there is none, or one with nothing in it, which Docker takes as well."""
    try:
        content = _read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _problem(path, f"cannot be read: {error.strerror}") from None
    if not content.strip():
        return None
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:  # only the place is told, as the text may be a secret's
        raise _problem(path, f"is not JSON, from line {error.lineno} on") from None
    if not isinstance(document, dict):
        raise _problem(path, "is not a JSON object")
    return document


def _read_file(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for without end
        raise _problem(path, "is not a file")
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise _problem(path, f"is larger than {_MAX_BYTES} bytes")
    return content


def _hostname(key: str) -> str:
    """
    Host and port that a key of `auths` is about, in lower case; older keys are URLs such as https://host/v1/.

    Source: docker/cli cli/config/credentials/file_store.go, ConvertToHostname.
    """
    if "://" not in key:
        return key.partition("/")[0].lower()
    try:
        return urlsplit(key).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _decode_pair(pair: str) -> tuple[str, str]:
    """User and password of an `auth`; two empty texts where it holds none."""
    try:
        decoded = base64.b64decode("".join(pair.split()), validate=True).decode(errors=_BYTES)
    except ValueError:
        return "", ""
    username, colon, password = decoded.partition(":")
    return (username, password.strip("\0")) if colon else ("", "")


def _credential(username: str, secret: str) -> Password | RefreshToken | None:
    if not secret:
        return None
    if username in (REFRESH_TOKEN_USER, _HELPER_TOKEN_USER):
        return RefreshToken(secret)
    return Password(username, secret)


def _problem(path: Path, what: str) -> RefusedError:
    return RefusedError(f"{printable(str(path))}: {what}\n  {WITHOUT_DOCKER}")
