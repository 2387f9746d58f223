"""
Claims under a signature: JSON web tokens with a key that never leaves the process.

Each key is made anew for each emulator, so a token is worth nothing anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any, TypeAlias

import orjson

Claims: TypeAlias = dict[str, Any]

_HEADER = {"typ": "JWT", "alg": "HS256"}


class SigningKey:
    """Signs claims, and knows its own signature again."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, claims: Claims) -> str:
        """The token that carries `claims`."""
        signed = b".".join(_encode(orjson.dumps(part)) for part in (_HEADER, claims)).decode()
        return f"{signed}.{self._signature(signed).decode()}"

    def claims(self, token: str) -> Claims | None:
        """What a token says that was signed here and has not ended; None for any other."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed)):
            return None
        claims: Claims = orjson.loads(_decode(signed.partition(".")[2]))
        return claims if claims["exp"] > time.time() else None

    def _signature(self, signed: str) -> bytes:
        return _encode(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
