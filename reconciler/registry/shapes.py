"""
Read ACR's answers: JSON into documents, refusals into errors.

The shapes are those of real recordings, and tolerant the way they vary: unknown
members, lists that are null or left out, attributes that a registry does not
have. What is there and wrong is refused: a name that was not asked for, a flag
that is no boolean. Planning on a misread answer is worse than not planning.
"""

from __future__ import annotations

from typing import Any

import orjson

from reconciler.errors import (
    ApiError,
    DisallowedError,
    NotFoundError,
    ProtocolError,
    ThrottledError,
    UnauthorizedError,
)
from reconciler.model.address import Address, is_digest, is_repository_name, is_tag_name
from reconciler.model.attributes import DIGEST, REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES, Document, Value
from reconciler.registry.exchange import Answer, printable
from reconciler.registry.patience import retry_after

_ATTRIBUTES = "changeableAttributes"
_BOOLEAN = frozenset({bool})
_SIGNATURE = "docker-distribution-api-version"
_ERRORS: dict[int, type[ApiError]] = {
    401: UnauthorizedError,
    403: UnauthorizedError,
    404: NotFoundError,
    405: DisallowedError,
    429: ThrottledError,
}
_SERVER_ERROR = 500
_ADVICE: dict[str | int, str] = {  # by code, otherwise by status
    401: "Nobody signed in, or who did may not do this: RECONCILER_USERNAME, RECONCILER_PASSWORD.",
    403: "A firewall or a missing permission; the registry's message tells which.",
    "REGISTRY_DISALLOWED_OPERATION": (
        "A lock on it or on its repository forbids this; so do quarantine and a full storage quota."
    ),
    429: "The registry is asked more than it answers. Try again later, or with a lower --concurrency.",
    _SERVER_ERROR: "The registry has a problem of its own. Try again later.",
}
_ADDRESS = "That is not how Azure Container Registry answers. Is this the registry's own address?"
_JSON = "application/json"


def repository_names(answer: Answer) -> list[str]:
    """The names on a page of the catalog. Source: recording test_list_repository_names_by_page."""
    names = _list(answer, _object(answer), "repositories")
    for name in names:
        if not isinstance(name, str) or not is_repository_name(name):
            raise _misread(answer, f"{_shown(name)} is not the name of a repository")
    return names


def repository_document(answer: Answer, name: str) -> Document:
    """The attributes of repository `name`. Source: recording test_get_repository_properties."""
    return _attributes(answer, _object_about(answer, name), REPOSITORY_ATTRIBUTES)


def tag_documents(answer: Answer, repository: str) -> list[tuple[str, Document]]:
    """Name and document of each tag on a page. Source: recording test_list_tag_properties."""
    return [_tag(answer, tag) for tag in _list(answer, _object_about(answer, repository), "tags")]


def tag_document(answer: Answer, address: Address) -> Document:
    """The document of the tag at `address`. Source: recording test_update_tag_properties."""
    found, document = _tag(answer, _object_about(answer, address.repository).get("tag"))
    if found != address.tag:
        raise _misread(answer, f"asked for tag {address.tag}, and got {_shown(found)}")
    return document


def api_error(answer: Answer, *, advice: str = "") -> ApiError:
    """The refusal in `answer`, with ACR's own code and message where it has them."""
    code, message, otherwise = "", "", ""
    try:
        first = orjson.loads(answer.body)["errors"][0]
        code, message = str(first["code"]), str(first["message"])
    except (ValueError, LookupError, TypeError):
        looks = _what_it_looks_like(answer)
        message = f"{'JSON of another shape' if looks == _JSON else looks} instead of ACR's answer"
        otherwise = _ADDRESS
    kind = _ERRORS.get(answer.status, ApiError)
    return kind(
        method=answer.method,
        url=answer.url,
        status=answer.status,
        code=printable(code),
        message=printable(message),
        advice=advice or _ADVICE.get(code) or _ADVICE.get(min(answer.status, _SERVER_ERROR), otherwise),
        retry_after_s=retry_after(answer.headers),
    )


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = orjson.loads(answer.body)
    except ValueError:
        looks = _what_it_looks_like(answer)
        raise _misread(answer, "damaged JSON" if looks == _JSON else f"{looks} instead of JSON") from None
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
    if values is None and name not in found and _SIGNATURE not in answer.headers:
        raise _misread(answer, f"{name} is missing")
    return values or []


def _tag(answer: Answer, tag: Any) -> tuple[str, Document]:
    """Name and document of one tag. Called once for each tag of a registry, so it tries the usual shape first."""
    try:
        name, digest, attributes = tag["name"], tag[DIGEST], tag[_ATTRIBUTES]
        is_known = is_tag_name(name) and is_digest(digest)
        document: dict[str, Value] = {known: attributes[known] for known in TAG_ATTRIBUTES}
    except (KeyError, TypeError):
        return _unusual_tag(answer, tag)
    if not is_known or not _BOOLEAN.issuperset(map(type, document.values())):
        return _unusual_tag(answer, tag)
    document[DIGEST] = digest
    return name, document


def _unusual_tag(answer: Answer, tag: Any) -> tuple[str, Document]:
    try:
        name, digest = tag["name"], tag[DIGEST]
        if not is_tag_name(name) or not is_digest(digest):
            raise _misread(answer, f"{_shown(name)} at {_shown(digest)} is not a tag")
    except (KeyError, TypeError):
        raise _misread(answer, f"{_shown(tag)} is not a tag") from None
    return name, {DIGEST: digest, **_attributes(answer, tag, TAG_ATTRIBUTES)}


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
    return ProtocolError(f"{answer.method} {answer.url}: {answer.status}: {what}\n  {_ADDRESS}")


def _what_it_looks_like(answer: Answer) -> str:
    if not answer.body.strip():
        return "an empty body"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return printable({"text/html": "an HTML page", "text/plain": "plain text"}.get(kind, kind or "something else"))


def _shown(value: object) -> str:
    return printable(repr(value))[:80]
