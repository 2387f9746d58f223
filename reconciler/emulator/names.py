"""
What repositories, tags and manifests may be called, and the references people write.

A path whose parts do not match these is no route at all: the real registry answers
it with a plain-text 404 before it asks who is calling.
"""

from __future__ import annotations

import hashlib
import re

import attrs

from reconciler.emulator.errors import EmulatorError

# Source: github.com/distribution/reference, regexp.go; ACR's data plane is built on distribution.
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"{_PART}(?:/{_PART})*"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}"
MAX_REPOSITORY_LENGTH = 255

_REFERENCE = re.compile(rf"(?P<repository>{REPOSITORY})(?::(?P<tag>{TAG})|@(?P<digest>{DIGEST}))?")
_DIGEST = re.compile(DIGEST)


@attrs.frozen
class Reference:
    """A repository, one of its tags, or one of its manifests."""

    repository: str
    tag: str = ""
    digest: str = ""


def parse_reference(text: str) -> Reference:
    """
    The reference that `text` spells: `team/app`, `team/app:v1` or `team/app@sha256:…`.

    Raises:
        EmulatorError: it spells none.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None or len(match["repository"]) > MAX_REPOSITORY_LENGTH:
        raise EmulatorError(
            f'"{text}": not a repository, tag or manifest\n  write team/app, team/app:v1 or team/app@sha256:…'
        )
    return Reference(match["repository"], match["tag"] or "", match["digest"] or "")


def is_digest(text: str) -> bool:
    """`text` is a digest, and so not a tag."""
    return _DIGEST.fullmatch(text) is not None


def digest_of(content: bytes) -> str:
    """The digest that names `content`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
