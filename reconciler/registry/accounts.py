"""
Who signs in: what the person gave, what was found on the machine, or nobody.

The order is fixed and documented (docs/sign-in.md). What was given is the one that
is used, and a refusal of it is an error. What was merely found (a login of `az`, an
entry in Docker's config.json) may be meant for something else, so a refusal leads to
the next one, and is told if none of them is let in.

A Microsoft Entra token is good for every registry that its holder may use, so it is
offered to Azure's own hosts only, or where the person says so with `--auth entra`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal, TypeAlias

import attrs

from reconciler.errors import RefusedError
from reconciler.registry.credentials import Password, RefreshToken
from reconciler.registry.docker_config import docker_credential
from reconciler.registry.entra import EntraIdentity, is_available
from reconciler.registry.location import Location

Way = Literal["password", "refresh-token", "entra", "docker", "anonymous"]
NAMES: dict[Way, str] = {
    "password": "user name and password",
    "refresh-token": "refresh token",
    "entra": "Microsoft Entra",
    "docker": "Docker's config.json",
    "anonymous": "anonymous",
}
_MAX_SEARCH_S = 30.0  # for credentials on this machine; who asks for less waits for less
_NOT_OFFERED = "not offered to a host that is none of Azure's own; --auth entra does"
_INSTALL = "azure-identity is not installed: pip install azure-identity"


@attrs.frozen
class Account:
    """Somebody who may sign in."""

    way: Way
    credential: Password | RefreshToken | EntraIdentity | None = None  # None: nobody
    is_given: bool = True  # a refusal is an error; otherwise it leads to the next one
    problem: str = ""  # why this way is closed; what it says is shown if no other is open


Accounts: TypeAlias = Callable[[], AsyncIterator[Account]]


@attrs.frozen
class SignIn:
    """What the person gave, and how to look for more."""

    way: Way | None = None  # None: in the fixed order
    username: str = ""
    password: str = attrs.field(default="", repr=False)
    refresh_token: str = attrs.field(default="", repr=False)
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    timeout_s: float = 60.0

    @property
    def gives_credentials(self) -> bool:
        """Whoever is named as the registry would be given something secret."""
        return bool(self.username or self.password or self.refresh_token) or self.way == "entra"


def only(credential: Password | RefreshToken | None) -> Accounts:
    """Just this one."""

    async def one() -> AsyncIterator[Account]:
        yield _given(credential)

    return one


def accounts_for(location: Location, sign_in: SignIn) -> Accounts:
    """
    A function that looks for accounts, in order, one at a time.

    Raises:
        RefusedError: what was given is not enough to sign in with, now or when its turn comes.
    """
    check(sign_in)

    async def accounts() -> AsyncIterator[Account]:
        given = _what_was_given(sign_in)
        if given is not None:
            yield given
            return
        if sign_in.way in (None, "entra"):
            yield _entra(location, sign_in)
        if sign_in.way in (None, "docker"):
            async for account in _docker(location, sign_in):
                yield account
        if sign_in.way in (None, "anonymous"):
            yield Account("anonymous", is_given=sign_in.way == "anonymous")

    return accounts


def check(sign_in: SignIn) -> None:
    """
    Refuse what is not enough to sign in with.

    Raises:
        RefusedError: half of a user name and password, or less than `--auth` asks for.
    """
    wants_password = sign_in.way == "password" or (sign_in.way is None and bool(sign_in.username or sign_in.password))
    if wants_password and not (sign_in.username and sign_in.password):
        missing = "RECONCILER_PASSWORD" if sign_in.username else "RECONCILER_USERNAME"
        raise RefusedError(
            f"{missing} is not set\n  Signing in takes a user name and a password, or neither;"
            " --password-stdin reads the password."
        )
    if sign_in.way == "refresh-token" and not sign_in.refresh_token:
        raise RefusedError("RECONCILER_REFRESH_TOKEN is not set\n  --auth refresh-token needs it.")
    if sign_in.way == "entra" and not is_available():
        raise RefusedError(f"--auth entra: {_INSTALL}")


def _what_was_given(sign_in: SignIn) -> Account | None:
    if sign_in.way in (None, "password") and sign_in.username:
        return _given(Password(sign_in.username, sign_in.password))
    if sign_in.way in (None, "refresh-token") and sign_in.refresh_token:
        return _given(RefreshToken(sign_in.refresh_token))
    return None


def _given(credential: Password | RefreshToken | None) -> Account:
    if credential is None:
        return Account("anonymous")
    return Account("password" if isinstance(credential, Password) else "refresh-token", credential)


def _entra(location: Location, sign_in: SignIn) -> Account:
    if sign_in.way is None and not location.is_azure:
        return Account("entra", is_given=False, problem=_NOT_OFFERED)
    if not is_available():
        return Account("entra", is_given=False, problem=_INSTALL)
    identity = EntraIdentity(location.host, timeout_s=min(_MAX_SEARCH_S, sign_in.timeout_s))
    return Account("entra", identity, is_given=sign_in.way == "entra")


async def _docker(location: Location, sign_in: SignIn) -> AsyncIterator[Account]:
    is_given = sign_in.way == "docker"
    try:
        found = await docker_credential(
            location.authority, sign_in.environment, timeout_s=min(_MAX_SEARCH_S, sign_in.timeout_s)
        )
    except RefusedError as error:
        if is_given:
            raise
        yield Account("docker", is_given=False, problem=str(error).partition("\n")[0])
        return
    if found is not None:
        yield Account("docker", found, is_given=is_given)
    elif is_given:
        raise RefusedError(f"--auth docker: Docker's config.json holds nothing for {location.authority}")
