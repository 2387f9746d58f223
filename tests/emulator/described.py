"""The calls that `specs/registry.openapi.yaml` describes, made and compared with it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

DOCUMENT = Path(__file__).parents[2] / "specs" / "registry.openapi.yaml"
SCHEMA = schemathesis.openapi.from_path(DOCUMENT)
OPERATIONS: list[APIOperation] = [found.ok() for found in SCHEMA.get_all_operations()]
LIMIT_S = 5.0  # a registry that thinks longer hangs

_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
_EVERYWHERE = {"docker-distribution-api-version": ["registry/2.0"], "x-content-type-options": ["nosniff"]}


def statuses(operation: APIOperation) -> set[str]:
    """The statuses that the document promises of a call."""
    return set(operation.definition.raw["responses"])


def those_with(status: str) -> list[str]:
    """Which calls the document says can answer with `status`."""
    return [operation.definition.raw["operationId"] for operation in OPERATIONS if status in statuses(operation)]


def call(url: str, operation_id: str, **parts: object) -> Response:
    """
    Make one call and compare its answer with the document.

    Args:
        url: Where the registry is.
        operation_id: Which call it is.
        parts: `query`, `headers`, `body` and `media_type`; whatever else is a part of the path, not yet encoded.
    """
    request = {part: parts.pop(part) for part in ("query", "headers", "body", "media_type") if part in parts}
    path = {name: quote(str(value), safe="") for name, value in parts.items()}
    operation = SCHEMA.find_operation_by_id(operation_id)
    return send(url, operation.Case(path_parameters=path, **{"body": NOT_SET, **request}))


def send(url: str, case: Case) -> Response:
    """Send a request and compare its answer with the document."""
    answer = case.call(url, timeout=LIMIT_S, allow_redirects=False)
    case.validate_response(answer, checks=_CHECKS)
    if "Invalid HTTP request" not in answer.text:  # which is said before there is anybody to add headers
        assert _EVERYWHERE == {name: answer.headers.get(name) for name in _EVERYWHERE}
    return answer
