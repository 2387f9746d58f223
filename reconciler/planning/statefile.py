"""
Last applied as bytes: one line about the whole, one with the rules, one for each repository.

Most tags of a repository are alike, so what they have in common stands once, before
the names and the digests of all of them: 100,000 tags take 9 MB. The first line has a
checksum over the others and their number. Bytes that were cut, mixed up or changed
by hand are refused whole, because half a memory would blame somebody for the other half.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any

import orjson

from reconciler.errors import StateError
from reconciler.model.address import is_digest, is_repository_name
from reconciler.model.attributes import Document
from reconciler.model.last_applied import Counts, LastApplied, LastRun, Remembered, RememberedRepository

STATE_FORMAT_VERSION = "1.0"
_MOST = 2**53  # what every reader of JSON takes for a whole number
_KIND = "acr-reconciler last applied"
_RESTORE = (
    "  What was remembered before may stand in {place}.backup;\n"
    "  copy it over this file. Or move the file away: the memory starts anew, and only\n"
    "  causes are lost, no protection. --state none works without a memory."
)


def state_to_bytes(last: LastApplied) -> bytes:
    """The state file: UTF-8, lines of JSON, sorted by repository."""
    body = b"\n".join([last.rules or b"null", *(line for _, line in sorted(last.repositories.items()))])
    head = {
        "kind": _KIND,
        "format_version": STATE_FORMAT_VERSION,
        "tool_version": last.tool_version,
        "registry": last.registry,
        "lineage": last.lineage,
        "serial": last.serial,
        "written": last.written,
        "desired_digest": last.desired_digest,
        "run": None if last.run is None else _run_document(last.run),
        "counts": {
            "repositories": last.counts.repositories,
            "tags": last.counts.tags,
            "manifests": last.counts.manifests,
        },
        "lines": len(last.repositories) + 1,
    }
    return b"%b\n%b\n" % (orjson.dumps({**head, "checksum": _checksum(head, body)}), body)


def state_from_bytes(content: bytes, place: str) -> LastApplied:
    """
    The memory in a state file; its repositories are not looked into yet.

    Args:
        content: What the file holds.
        place: What to call it in an error.

    Raises:
        StateError: it is none, of a later version, cut or changed.
    """
    if not content:
        raise _damaged(place, "it is empty")
    first, _, rest = content.partition(b"\n")
    head = _head(first, place)
    if not rest.endswith(b"\n"):
        raise _damaged(place, "its end is missing")
    body = rest.removesuffix(b"\n")
    lines = body.split(b"\n")
    if len(lines) != head.get("lines"):
        raise _damaged(place, f"it should hold {head.get('lines')} lines after the first, and holds {len(lines):,}")
    if _checksum(head, body) != head.get("checksum"):
        raise _damaged(place, "its checksum does not fit")
    try:
        return _last_applied(head, lines)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(place, _printable(str(error))) from None


def repository_to_line(name: str, remembered: RememberedRepository) -> bytes:
    """One repository as a line of a state file; equal ones give equal bytes."""
    document = {
        "repository": name,
        "attributes": remembered.attributes,
        "tags": _groups(remembered.tags),
        "manifests": _groups(remembered.manifests),
    }
    if remembered.children:
        document["children"] = {index: list(children) for index, children in remembered.children.items()}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def repository_from_line(line: bytes) -> RememberedRepository:
    """
    The repository in a line of a state file.

    Raises:
        StateError: it is none; somebody made the checksum fit.
    """
    try:
        document = orjson.loads(line)
        attributes = _attributes(document["attributes"])
        tags, manifests = _resources(document["tags"]), _resources(document["manifests"])
        return RememberedRepository(attributes, tags, manifests, _children(document.get("children", {})))
    except (ValueError, KeyError, TypeError):
        raise StateError(
            "what is remembered of a repository cannot be read\n"
            "  --state none works without a memory; only causes are lost, no protection."
        ) from None


def counts_of(line: bytes) -> Counts:
    """How many resources a line holds."""
    known = repository_from_line(line)
    return Counts(1 if known.attributes else 0, len(known.tags), len(known.manifests))


def _run_document(run: LastRun) -> dict[str, object]:
    return {
        "id": run.id,
        "fingerprint": run.fingerprint,
        "base_serial": run.base_serial,
        "finished": run.is_finished,
        "serial": run.serial,
    }


def _head(line: bytes, place: str) -> dict[str, Any]:
    try:
        head = orjson.loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("kind") != _KIND:
        raise StateError(
            f"{place}: not a state file of this program; it is left as it is\n"
            "  --state LOCATION names another place; what stands here may belong to another program."
        )
    version = head.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != STATE_FORMAT_VERSION.partition(".")[0]:
        raise StateError(
            f'{place}: state format "{_printable(str(version))}"; this version reads {STATE_FORMAT_VERSION}\n'
            f"  It was written by version {_printable(str(head.get('tool_version')))}; use that or a later one."
        )
    return head


def _last_applied(head: Mapping[str, Any], lines: list[bytes]) -> LastApplied:
    run = head["run"]
    repositories = {_name(line): line for line in lines[1:]}
    if len(repositories) != len(lines) - 1:
        raise ValueError("a repository stands in it twice")
    return LastApplied(
        registry=_text(head["registry"]),
        lineage=_text(head["lineage"]),
        serial=_number(head["serial"]),
        written=_text(head["written"]),
        tool_version=_text(head["tool_version"]),
        desired_digest=_text(head["desired_digest"]),
        run=None if run is None else _last_run(run),
        rules=b"" if lines[0] == b"null" else lines[0],
        repositories=repositories,
        counts=Counts(*(_number(head["counts"][kind]) for kind in ("repositories", "tags", "manifests"))),
    )


def _last_run(run: Mapping[str, Any]) -> LastRun:
    serial = run["base_serial"]
    return LastRun(
        id=_text(run["id"]),
        fingerprint=_text(run["fingerprint"]),
        base_serial=None if serial is None else _number(serial),
        is_finished=run["finished"] is True,
        serial=_number(run["serial"]),
    )


def _name(line: bytes) -> str:
    """The name in a line, without reading all of it: keys are sorted, and the name is what stands between them."""
    start, end = line.find(_BEFORE_NAME), line.find(_AFTER_NAME)
    name = line[start + len(_BEFORE_NAME) : end].decode() if 0 <= start < end else ""
    if not is_repository_name(name):
        raise ValueError("a line names no repository")
    return name


# No name of a resource holds a quotation mark, so these stand in a line once.
_BEFORE_NAME, _AFTER_NAME = b'"repository":"', b'","tags":'


def _groups(resources: Mapping[str, Remembered]) -> list[dict[str, Any]]:
    """Resources by what their attributes are; groups and the names in them sorted."""
    groups: dict[tuple[tuple[str, object], ...], list[str]] = {}
    known: dict[int, tuple[tuple[str, object], ...]] = {}  # many resources share one document
    for name, remembered in resources.items():
        identity = id(remembered.attributes)
        if identity not in known:
            known[identity] = tuple(sorted(remembered.attributes.items()))
        groups.setdefault(known[identity], []).append(name)
    return [_group(attributes, sorted(names), resources) for attributes, names in sorted(groups.items())]


def _group(
    attributes: tuple[tuple[str, object], ...], names: list[str], resources: Mapping[str, Remembered]
) -> dict[str, Any]:
    return {"attributes": dict(attributes), "names": names, "digests": [resources[name].digest for name in names]}


def _resources(groups: Iterable[Mapping[str, Any]]) -> dict[str, Remembered]:
    found: dict[str, Remembered] = {}
    for group in groups:
        if set(map(type, (*group["names"], *group["digests"]))) - {str}:
            raise TypeError("a name or a digest is no text")
        alike = map(Remembered, repeat(_attributes(group["attributes"])), group["digests"])
        found.update(zip(group["names"], alike, strict=True))
    return found


def _children(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict) or not all(
        map(is_digest, (*value, *(each for some in value.values() for each in some)))
    ):
        raise TypeError("children are digests")
    return {index: tuple(children) for index, children in value.items()}


def _attributes(value: object) -> Document:
    if not isinstance(value, dict) or set(map(type, value.values())) - {bool}:
        raise TypeError("attributes are true or false")
    return value


def _checksum(head: Mapping[str, Any], body: bytes) -> str:
    """Over everything but itself; the members of the first line may stand in any order."""
    about = {name: value for name, value in head.items() if name != "checksum"}
    digest = hashlib.sha256(orjson.dumps(about, option=orjson.OPT_SORT_KEYS))
    digest.update(body)
    return f"sha256:{digest.hexdigest()}"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < _MOST:
        raise TypeError("a number is missing")
    return value


def _damaged(place: str, how: str) -> StateError:
    return StateError(f"{place}: damaged: {how}; it is left as it is\n{_RESTORE.format(place=place)}")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
