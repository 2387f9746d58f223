"""
Names of repositories, tags and manifests, and the address that says which is meant.

An address is written as people write images: `team/app`, `team/app:v1`,
`team/app@sha256:…`. Names are checked wherever they come from, a file or the
registry: a name with `..`, a control character or an empty part would turn into
a request for something else.
"""

from __future__ import annotations

import re
from typing import Literal

import attrs

from reconciler.errors import AddressError

Kind = Literal["repository", "tag", "manifest"]

# Source: OCI distribution specification 1.1, "Pulling manifests"; ACR documents the same letters
# (container-registry-faq.yml). Separators may repeat, which is looser than OCI and safe in a URL.
REPOSITORY_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
# 12:30:45 is no tag that a registry can hold. Written in a file it is a name that is missing, and not a number of
# seconds, which older YAML makes of it.
TAG_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|[0-9]{1,9}(?::[0-9]{1,9}){1,9}")
DIGEST_NAME = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_BEGINNING = re.compile(r"(?P<repository>[^@]+)@(?P<digest>sha256:(?P<digits>[0-9a-f]{0,63}))")
_LEAST_DIGITS = 6  # of a digest: fewer tell too few manifests apart
_MAX_REPOSITORY_LENGTH = 256


def is_repository_name(name: str) -> bool:
    """`name` can be the name of a repository."""
    return len(name) <= _MAX_REPOSITORY_LENGTH and REPOSITORY_NAME.fullmatch(name) is not None


def is_tag_name(name: str) -> bool:
    """`name` can be the name of a tag."""
    return TAG_NAME.fullmatch(name) is not None


def is_digest(text: str) -> bool:
    """`text` is the digest of a manifest."""
    return DIGEST_NAME.fullmatch(text) is not None


@attrs.frozen
class Address:
    """Which resource is meant: a repository, one of its tags, or one of its manifests."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def kind(self) -> Kind:
        """What the address names."""
        if self.tag:
            return "tag"
        return "manifest" if self.digest else "repository"

    @property
    def order(self) -> tuple[str, str, str]:
        """Sort key: a repository comes first, then its tags, and no other repository between them."""
        return (self.repository, self.digest, self.tag)

    def __str__(self) -> str:
        if self.tag:
            return f"{self.repository}:{self.tag}"
        return f"{self.repository}@{self.digest}" if self.digest else self.repository


def parse_address(text: str) -> Address:
    """
    The address that `text` spells.

    An empty tag or digest is refused, not read as the repository: `az acr
    repository update --image app:` locks the whole repository (Azure/azure-cli#31878).

    Raises:
        AddressError: `text` is not an address.
    """
    repository, at, digest = text.partition("@")
    tag, colon = "", ""
    if not at:
        repository, colon, tag = text.partition(":")
    if not is_repository_name(repository):
        raise AddressError(
            f'"{text}": not an address: "{repository}" cannot be the name of a repository\n'
            "  repository names are lower-case letters, digits, . - _ and /"
        )
    if colon and not is_tag_name(tag):
        raise AddressError(f'"{text}": not an address: "{tag}" cannot be the name of a tag')
    if at and not is_digest(digest):
        raise AddressError(f'"{text}": not an address: a digest looks like sha256: and 64 hexadecimal digits')
    return Address(repository, tag=tag, digest=digest)


def parse_beginning(text: str) -> Address | None:
    """
    The address of a manifest with no more than the beginning of its digest; None: `text` is no such thing.

    Raises:
        AddressError: it is too short a beginning.
    """
    parts = _BEGINNING.fullmatch(text)
    if parts is None or not is_repository_name(parts["repository"]):
        return None
    if len(parts["digits"]) < _LEAST_DIGITS:
        raise AddressError(f'"{text}": not an address: at least {_LEAST_DIGITS} digits of a digest are needed')
    return Address(parts["repository"], digest=parts["digest"])
