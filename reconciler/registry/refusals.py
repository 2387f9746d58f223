"""
What a refusal says: ACR's own code and message, and what would help.

Refusals come from the registry and from whatever stands in front of it, so the body
may be anything; `detail` alone may be an object, a list, a text or null.
"""

from __future__ import annotations

import orjson

from reconciler.errors import (
    ApiError,
    DisallowedError,
    NotFoundError,
    ThrottledError,
    UnauthorizedError,
)
from reconciler.registry.exchange import Answer, printable
from reconciler.registry.patience import MAX_PAUSE_S, TOO_MANY_REQUESTS, retry_after

ADDRESS = "That is not how Azure Container Registry answers. Is this the registry's own address?"
JSON = "application/json"
_ERRORS: dict[int, type[ApiError]] = {
    401: UnauthorizedError,
    403: UnauthorizedError,
    404: NotFoundError,
    405: DisallowedError,
    429: ThrottledError,
}
_SERVER_ERROR = 500
_DISALLOWED = "REGISTRY_DISALLOWED_OPERATION"
_ADVICE: dict[str | int, str] = {  # by code, otherwise by status
    401: "Nobody signed in, or who did may not do this: RECONCILER_USERNAME, RECONCILER_PASSWORD.",
    403: "A firewall or a missing permission; the registry's message tells which.",
    _DISALLOWED: ("A lock on it or on its repository forbids this; so do quarantine and a full storage quota."),
    429: "The registry is asked more than it answers. Try again later, or with a lower --concurrency.",
    _SERVER_ERROR: "The registry has a problem of its own. Try again later.",
}


def api_error(answer: Answer, *, advice: str = "") -> ApiError:
    """The refusal in `answer`, with ACR's own code and message where it has them."""
    code, message, otherwise = "", "", ""
    try:
        first = orjson.loads(answer.body)["errors"][0]
        code, message = (text if isinstance(text, str) else "" for text in (first["code"], first["message"]))
    except (ValueError, LookupError, TypeError):
        looks = what_it_looks_like(answer)
        message = f"{'JSON of another shape' if looks == JSON else looks} instead of ACR's answer"
        otherwise = ADDRESS
    kind = _ERRORS.get(answer.status, ApiError)
    if kind is DisallowedError and code != _DISALLOWED:
        kind = ApiError  # the other 405 says that there is no such call
    by_status = _ADVICE.get(min(answer.status, _SERVER_ERROR), otherwise)
    return kind(
        method=answer.method,
        url=answer.url,
        status=answer.status,
        code=printable(answer.secrets.masked(code)),
        message=printable(answer.secrets.masked(message)),
        advice=advice or _too_long(answer) or _ADVICE.get(code) or by_status,
        retry_after_s=retry_after(answer.headers),
    )


def _too_long(answer: Answer) -> str:
    """Said of a pause that nobody waits for."""
    asked_s = retry_after(answer.headers) or 0.0
    if answer.status != TOO_MANY_REQUESTS or asked_s <= MAX_PAUSE_S:
        return ""
    asked = f"It asks to wait {min(asked_s, 1e9):.0f} s"
    return f"{asked}, longer than the {MAX_PAUSE_S:.0f} s that are waited for. Try again then."


def what_it_looks_like(answer: Answer) -> str:
    """What came instead of ACR's JSON, in a word or two."""
    if not answer.body.strip():
        return "an empty body"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return printable({"text/html": "an HTML page", "text/plain": "plain text"}.get(kind, kind or "something else"))
