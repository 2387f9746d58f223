"""
Read ACR's answers: JSON into values.

The shapes are those of real recordings, and tolerant the way they vary: unknown
members, lists that are null or left out, attributes that a registry does not
have. What is there and wrong is refused: a name that was not asked for, a flag
that is no boolean. Planning on a misread answer is worse than not planning.
"""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from reconciler.errors import ProtocolError
from reconciler.model.address import Address, is_digest, is_repository_name, is_tag_name
from reconciler.model.attributes import DIGEST, REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES, Value
from reconciler.registry.exchange import Answer, printable
from reconciler.registry.refusals import ADDRESS, JSON, what_it_looks_like
from reconciler.registry.resources import Content, Deleted, Manifest, Reference, Referrer, Repository, Tag

Item = TypeVar("Item")

_ATTRIBUTES = "changeableAttributes"
_MAX_SHOWN = 80
_BOOLEAN = frozenset({bool})
SIGNATURE = "docker-distribution-api-version"


def repository_names(answer: Answer) -> list[str]:
    """The names on a page of the catalog. Source: recording test_list_repository_names_by_page."""
    names = _list(answer, _object(answer), "repositories")
    for name in names:
        if not isinstance(name, str) or not is_repository_name(name):
            raise _misread(answer, f"{_shown(name)} is not the name of a repository")
    return names


def repository_of(answer: Answer, name: str) -> Repository:
    """Repository `name`. Source: recording test_get_repository_properties."""
    found = _object_about(answer, name)
    return Repository(
        name,
        _attributes(answer, found, REPOSITORY_ATTRIBUTES),
        tag_count=_count(answer, found, "tagCount"),
        manifest_count=_count(answer, found, "manifestCount"),
        created=_text(found, "createdTime"),
        updated=_text(found, "lastUpdateTime"),
    )


def tags_of(answer: Answer, repository: str) -> list[Tag]:
    """The tags on a page. Source: recording test_list_tag_properties."""
    return [_tag(answer, tag) for tag in _list(answer, _object_about(answer, repository), "tags")]


def tag_of(answer: Answer, address: Address) -> Tag:
    """The tag at `address`. Source: recording test_update_tag_properties."""
    tag = _tag(answer, _object_about(answer, address.repository).get("tag"))
    if tag.name != address.tag:
        raise _misread(answer, f"asked for tag {address.tag}, and got {_shown(tag.name)}")
    return tag


def manifests_of(answer: Answer, repository: str) -> list[Manifest]:
    """The manifests on a page. Source: recording test_list_registry_artifacts."""
    return [_manifest(answer, found) for found in _list(answer, _object_about(answer, repository), "manifests")]


def manifest_of(answer: Answer, address: Address) -> Manifest:
    """The manifest at `address`. Source: recording CanSetManifestProperties."""
    manifest = _manifest(answer, _object_about(answer, address.repository).get("manifest"))
    if manifest.digest != address.digest:
        raise _misread(answer, f"asked for manifest {address.digest}, and got {manifest.digest}")
    return manifest


def deleted_of(answer: Answer) -> Deleted:
    """What went with a repository. Source: recording test_delete_repository."""
    found = _object(answer)
    digests, tags = (_each(answer, found, name, _as_text) for name in ("manifestsDeleted", "tagsDeleted"))
    return Deleted(digests, tags)


def content_of(answer: Answer, reference: str) -> Content:
    """
    The bytes of the manifest that `reference` names, a tag or a digest.

    What is named by a digest must have it: whoever puts these bytes under a tag
    would otherwise publish something else. Source: recording of GET `/v2/{name}/manifests/{tag}`.
    """
    algorithm = reference.partition(":")[0] if is_digest(reference) else "sha256"
    digest = f"{algorithm}:{hashlib.new(algorithm, answer.body).hexdigest()}"
    said = answer.headers.get("docker-content-digest", digest)
    if is_digest(reference) and digest != reference:
        raise _misread(answer, f"the content has the digest {digest}, not {reference}, which was asked for")
    if digest != said:
        raise _misread(answer, f"the content has the digest {digest}, not {printable(said)}, as the registry says")
    return Content(digest, answer.headers.get("content-type", "").partition(";")[0].strip(), answer.body)


def referrers_of(answer: Answer) -> list[Referrer]:
    """The referrers on a page. Source: OCI distribution specification 1.1, "Listing Referrers"."""
    return [_referrer(answer, found) for found in _list(answer, _object(answer), "manifests")]


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = orjson.loads(answer.body)
    except ValueError:
        looks = what_it_looks_like(answer)
        raise _misread(answer, "damaged JSON" if looks == JSON else f"{looks} instead of JSON") from None
    if not isinstance(found, dict):
        raise _misread(answer, "the answer is not a JSON object")
    return found


def _object_about(answer: Answer, repository: str) -> dict[str, Any]:
    found = _object(answer)
    if found.get("imageName", repository) != repository:
        raise _misread(answer, f"asked for {repository}, and got {_shown(found['imageName'])}")
    return found


def _list(answer: Answer, found: dict[str, Any], name: str) -> list[Any]:
    """Member `name`, which is null or left out where it is empty. Source: Azure/azure-cli#6885."""
    values = found.get(name)
    if values is not None and not isinstance(values, list):
        raise _misread(answer, f"{name} is not a list")
    # An empty list is what every JSON error of a proxy looks like. ACR signs its answers (all recordings).
    if values is None and name not in found and SIGNATURE not in answer.headers:
        raise _misread(answer, f"{name} is missing")
    return values or []


def _tag(answer: Answer, tag: Any) -> Tag:
    """One tag. Called once for each tag of a registry, so it tries the usual shape first."""
    try:
        name, digest, attributes = tag["name"], tag[DIGEST], tag[_ATTRIBUTES]
        created, updated = tag["createdTime"], tag["lastUpdateTime"]
        is_known = is_tag_name(name) and is_digest(digest) and isinstance(created, str) and isinstance(updated, str)
        document: dict[str, Value] = {known: attributes[known] for known in TAG_ATTRIBUTES}
    except (KeyError, TypeError):
        return _unusual_tag(answer, tag)
    if not is_known or not _BOOLEAN.issuperset(map(type, document.values())):
        return _unusual_tag(answer, tag)
    document[DIGEST] = digest
    return Tag(name, document, created, updated)


def _unusual_tag(answer: Answer, tag: Any) -> Tag:
    try:
        name, digest = tag["name"], tag[DIGEST]
        if not is_tag_name(name) or not is_digest(digest):
            raise _misread(answer, f"{_shown(name)} at {_shown(digest)} is not a tag")
    except (KeyError, TypeError):
        raise _misread(answer, f"{_shown(tag)} is not a tag") from None
    document = {DIGEST: digest, **_attributes(answer, tag, TAG_ATTRIBUTES)}
    return Tag(name, document, _text(tag, "createdTime"), _text(tag, "lastUpdateTime"))


def _manifest(answer: Answer, found: Any) -> Manifest:
    digest = found.get(DIGEST) if isinstance(found, dict) else None
    if not isinstance(digest, str) or not is_digest(digest):
        raise _misread(answer, f"{_shown(found)} is not a manifest")
    attributes = found.get(_ATTRIBUTES)
    return Manifest(
        digest,
        _attributes(answer, found, TAG_ATTRIBUTES),
        media_type=_text(found, "mediaType"),
        config_media_type=_text(found, "configMediaType"),
        size=_count(answer, found, "imageSize") or 0,
        architecture=_text(found, "architecture"),
        os=_text(found, "os"),
        tags=_each(answer, found, "tags", _tag_name),
        references=_each(answer, found, "references", _reference),
        quarantine_state=_text(attributes, "quarantineState"),
        created=_text(found, "createdTime"),
        updated=_text(found, "lastUpdateTime"),
    )


def _each(answer: Answer, found: dict[str, Any], name: str, read: Callable[[Answer, Any], Item]) -> tuple[Item, ...]:
    """Member `name`, a list that may be null or left out even in ACR's own answers."""
    values = found.get(name)
    if values is not None and not isinstance(values, list):
        raise _misread(answer, f"{name} is not a list")
    return tuple(read(answer, value) for value in values or ())


def _as_text(_: Answer, value: Any) -> str:
    return str(value)


def _tag_name(answer: Answer, name: Any) -> str:
    if not isinstance(name, str) or not is_tag_name(name):
        raise _misread(answer, f"{_shown(name)} is not the name of a tag")
    return name


def _reference(answer: Answer, found: Any) -> Reference:
    digest = found.get(DIGEST) if isinstance(found, dict) else None
    if not isinstance(digest, str) or not is_digest(digest):
        raise _misread(answer, f"{_shown(found)} is not a reference to a manifest")
    return Reference(digest, _text(found, "architecture"), _text(found, "os"))


def _referrer(answer: Answer, found: Any) -> Referrer:
    digest = found.get(DIGEST) if isinstance(found, dict) else None
    if not isinstance(digest, str) or not is_digest(digest):
        raise _misread(answer, f"{_shown(found)} is not a referrer")
    size = _count(answer, found, "size") or 0
    return Referrer(digest, _text(found, "mediaType"), _text(found, "artifactType"), size)


def _count(answer: Answer, found: dict[str, Any], name: str) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _misread(answer, f"{name} is {_shown(value)}, not a number")
    return value


def _text(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _attributes(answer: Answer, found: dict[str, Any], known: tuple[str, ...]) -> dict[str, Value]:
    attributes = found.get(_ATTRIBUTES)
    if not isinstance(attributes, dict):
        raise _misread(answer, f"{_ATTRIBUTES} is missing")
    document: dict[str, Value] = {}
    for name in known:
        value = attributes.get(name)
        if value is True or value is False:
            document[name] = value
        elif value is not None:
            raise _misread(answer, f"{name} is {_shown(value)}, not true or false")
    return document


def _misread(answer: Answer, what: str) -> ProtocolError:
    return ProtocolError(f"{answer.method} {answer.url}: {answer.status}: {answer.secrets.masked(what)}\n  {ADDRESS}")


def _shown(value: object) -> str:
    return printable(reprlib.repr(value) if isinstance(value, dict | list) else repr(value))[:_MAX_SHOWN]
