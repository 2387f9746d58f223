"""
Identities from a JSON file, so that no password stands on a command line.

    {"identityHeader": "…",
     "identities": [
        {"kind": "admin", "name": "contoso", "password": "…"},
        {"kind": "scope-map", "name": "ci", "password": "…",
         "repositories": {"team/*": ["content/read", "metadata/read"]}},
        {"kind": "entra", "name": "…", "objectId": "…", "repositories": {"*": ["pull"]}, "catalog": true}]}

Actions may be written as scope maps or as tokens do. A message never shows a value
of the file that could be a secret.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.identities import Identity
from reconciler.emulator.json_file import Object, object_of, read_json

_MEMBERS = ("kind", "name", "password", "repositories", "catalog", "objectId")


@attrs.frozen
class IdentitiesFile:
    """What such a file holds."""

    identities: tuple[Identity, ...]
    identity_header: str = attrs.field(default="", repr=False)


def read_identities(path: Path) -> IdentitiesFile:
    """
    The identities in the file.

    Raises:
        EmulatorError: the file cannot be read, or holds something else; the text says where.
    """
    document = read_json(path)
    try:
        return _parsed(document)
    except EmulatorError as error:
        raise EmulatorError(f"{path}: {error}") from error


def _parsed(document: object) -> IdentitiesFile:
    content = object_of(document, "the file", ("identities", "identityHeader"))
    entries = content.get("identities", [])
    if not isinstance(entries, list):
        raise EmulatorError("identities: not a list")
    identities = tuple(_identity(entry, f"identities[{index}]") for index, entry in enumerate(entries))
    return IdentitiesFile(identities, _text(content, "identityHeader", "the file"))


def _identity(given: object, place: str) -> Identity:
    entry = object_of(given, place, _MEMBERS)
    catalog = entry.get("catalog", False)
    if not isinstance(catalog, bool):
        raise EmulatorError(f"{place}.catalog: not true or false")
    name, kind, password = (_text(entry, member, place) for member in ("name", "kind", "password"))
    object_id = _text(entry, "objectId", place)
    options = {"object_id": object_id} if object_id else {}
    repositories = _repositories(entry, place)
    try:
        return Identity(name, kind, password, repositories, catalog, **options)
    except EmulatorError as error:
        raise EmulatorError(f"{place}: {error}") from error


def _repositories(entry: Object, place: str) -> dict[str, list[str]]:
    repositories = object_of(entry.get("repositories", {}), f"{place}.repositories")
    for pattern, actions in repositories.items():
        if not isinstance(actions, list) or not all(isinstance(action, str) for action in actions):
            raise EmulatorError(f"{place}.repositories.{pattern}: not a list of actions")
    return repositories


def _text(entry: Object, member: str, place: str) -> str:
    value = entry.get(member, "")
    if not isinstance(value, str):
        raise EmulatorError(f"{place}.{member}: not a text")
    return value
