"""
Who is to be told, from one text on the command line.

What is wrong with such a text is told without showing more of it than its beginning: it may
be a URL that is a secret.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from reconciler.alerts.kinds import KINDS, Environment, made
from reconciler.alerts.posting import Patience
from reconciler.alerts.references import checked_url, named_secret, written_url
from reconciler.alerts.sink import Sink
from reconciler.errors import RefusedError
from reconciler.files.values import Refused
from reconciler.files.wording import quote

_SCHEME = re.compile("[a-z+]{1,20}")
_SLACK_HOST = "hooks.slack.com"
_WITHOUT_URL = ("pagerduty", "apprise")  # what they need is a secret of another shape


def sink_from_text(text: str, environment: Environment, patience: Patience | None = None) -> Sink:
    """
    The sink that a short form names: `slack+env:NAME`, `alertmanager+http://host:9093`, `jsonlines:drift.jsonl`.

    Args:
        text: Such as these.
        environment: Where secrets are.
        patience: How long services are waited for.

    Raises:
        RefusedError: it names none, or its secret is not there.
    """
    kind, rest = _parted(text)
    if kind is None:
        forms = "\n".join(f"  {each.example}" for each in KINDS.values())
        raise RefusedError(f"alert {quote(_beginning(text))}: there is no such sink; there are:\n{forms}")
    try:
        values = _main_value(kind, rest, environment)
        return made(kind, values, environment, patience or Patience())
    except Refused as refused:
        hint = f"\n  {refused.hint}" if refused.hint else ""
        raise RefusedError(f"alert {kind}: {refused.message}{hint}") from None


def _parted(text: str) -> tuple[str | None, str]:
    """The kind that a short form names, and the rest of it; a kind of None where it names none."""
    if text.startswith(f"https://{_SLACK_HOST}/"):
        return "slack", text
    for separator in "+:":
        kind, found, rest = text.partition(separator)
        if found and kind in KINDS:
            return kind, rest
    return (text, "") if text in KINDS else (None, "")


def _beginning(text: str) -> str:
    """As much of a text as holds no secret, whatever it was meant to be."""
    scheme, found, _ = text.partition("://")
    if not _SCHEME.fullmatch(scheme):
        return "…"
    if not found:
        return scheme
    try:
        return f"{scheme}://{urlsplit(text).hostname or ''}/…"
    except ValueError:
        return f"{scheme}://…"


def _main_value(kind: str, rest: str, environment: Environment) -> dict[str, Any]:
    main = KINDS[kind].main
    if not main:
        return {}
    example = f"such as {KINDS[kind].example}"
    place, _, name = rest.partition(":")
    if kind == "jsonlines":
        return {main: KINDS[kind].fields[main](rest or None, environment)}
    if place in ("env", "file"):
        found = named_secret(place, name, environment)
        is_url = kind not in _WITHOUT_URL
        return {main: checked_url(found.value, found.reference) if is_url else found}
    if place in ("http", "https") and kind not in _WITHOUT_URL:
        return {main: written_url(rest)}
    raise Refused("it is not said where it is", example)
