"""
What Microsoft's identity library and Microsoft Entra say when there is no token, in one line.

Their own messages run over many lines, with links and trace ids. What helps is the
sentence with the AADSTS code, and what to do about it. What a server says may repeat
what it was sent, so secrets are taken out first.

Source of codes: Microsoft, entra/identity-platform/reference-error-codes.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.registry.exchange import printable

_CODE = re.compile(r"AADSTS\d+")
_JWT = re.compile(r"eyJ[\w-]{10,}(?:\.[\w-]*)*")  # a token; also the assertion of a federated credential
_PREFIX = re.compile(r"^(?:ERROR: |Authentication failed: |\w+ authentication unavailable[.,:]? *)+")
_NOISE = re.compile(r"\s*(?:Trace ID:|Correlation ID:|Timestamp:|Content: |To mitigate this issue).*", re.DOTALL)
_WHOLE_ANSWER = re.compile(r"(Unexpected (?:response|output)[^:'\"{]*).*", re.DOTALL)  # it may hold the token itself
_SENTENCE = re.compile(r"(?<=[.!?])\s+|[\r\n]+")
_SECRETS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
    "IDENTITY_HEADER",
    "MSI_SECRET",
)

_OTHER_AUDIENCE = "The tenant knows no such resource, or lets this identity have no token for it."
_SECRET = "AZURE_CLIENT_SECRET must hold the value of a secret of this application, not its id."  # noqa: S105
_APPLICATION = "Compare AZURE_CLIENT_ID and AZURE_TENANT_ID with the application's page in the portal."
_FEDERATION = "Compare issuer, subject and audience with the federated credential of the application or identity."
_STALE = "The job's own token is good for minutes only: sign in shortly before, in the same job."
_AGAIN = "Sign in again: az login"
_ADVICE = {
    "AADSTS500011": _OTHER_AUDIENCE,
    "AADSTS50001": _OTHER_AUDIENCE,
    "AADSTS65001": _OTHER_AUDIENCE,
    "AADSTS650057": _OTHER_AUDIENCE,
    "AADSTS7000215": _SECRET,
    "AADSTS7000222": "The secret has expired: make a new one, and put it into AZURE_CLIENT_SECRET.",
    "AADSTS700016": _APPLICATION,
    "AADSTS90002": _APPLICATION,
    "AADSTS900023": _APPLICATION,
    "AADSTS7000112": "The application is disabled in its tenant.",
    "AADSTS700027": "The certificate in AZURE_CLIENT_CERTIFICATE_PATH is not one of this application, or has expired.",
    "AADSTS70021": _FEDERATION,
    "AADSTS700211": _FEDERATION,
    "AADSTS700212": _FEDERATION,
    "AADSTS700213": _FEDERATION,
    "AADSTS700024": _STALE,
    "AADSTS50057": "The account is disabled.",
    "AADSTS50076": _AGAIN,
    "AADSTS50078": _AGAIN,
    "AADSTS50079": _AGAIN,
    "AADSTS50173": _AGAIN,
    "AADSTS70043": _AGAIN,
    "AADSTS700082": _AGAIN,
    "AADSTS53003": "A Conditional Access policy of the tenant forbids it from here.",
}


def code_of(text: str) -> str:
    """The AADSTS code in `text`; empty where there is none."""
    found = _CODE.search(text)
    return found[0] if found else ""


def concerns_audience(code: str) -> bool:
    """The identity is in order, but gets no token for this audience; it may get one for another."""
    return _ADVICE.get(code) == _OTHER_AUDIENCE


def advice_for(code: str) -> str:
    """What to do about a refusal; empty where nothing helpful is known."""
    return _ADVICE.get(code, "")


def in_one_line(text: str, environment: Mapping[str, str]) -> str:
    """The sentence of `text` with the AADSTS code, else the first that says something; without secrets."""
    for secret in filter(None, map(environment.get, _SECRETS)):
        text = text.replace(secret, "***")
    text = _JWT.sub("***", text)
    code = _CODE.search(text)
    text = _NOISE.sub("", text[code.start() :] if code else _WHOLE_ANSWER.sub(r"\1", text))
    sentences = _SENTENCE.split(_PREFIX.sub("", text.strip()).strip())
    return printable(sentences[0] or "no reason given")
