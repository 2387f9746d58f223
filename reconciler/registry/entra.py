"""
Tokens of Microsoft Entra, from whichever identity this machine offers.

Microsoft's own library knows the ways: a service principal in the environment, a
workload identity, a managed identity, the login of `az`, PowerShell or `azd`, in the
order of its DefaultAzureCredential. It is an optional extra and takes a tenth of a
second to import, so it is imported when a token is asked for.

The ways are asked here one by one, and not by the library: what it says when none
succeeds cannot be told apart, and runs over twenty lines.

Which audience: a registry takes tokens of its own audience always, and those of Azure
Resource Manager unless its owner has turned that off (Source: Microsoft,
container-registry-disable-authentication-as-arm.md). Its own comes first and is the
same in all clouds (Sources: azure-containerregistry 1.2, _helpers.py, "the default
audience used for all clouds"; azure-cli 2.91, _docker_utils.py, `_resolve_acr_scope`).
Azure Resource Manager's is for where Entra does not know it, as in Azure Local (Source:
Azure/azure-cli#33674, AADSTS50001); azure-cli to 2.80 asked for it first.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import logging
import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import attrs
import orjson

from reconciler.errors import RefusedError
from reconciler.registry.entra_refusals import advice_for, code_of, concerns_audience, in_one_line
from reconciler.registry.exchange import printable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.identity.aio import DefaultAzureCredential

REGISTRY_AUDIENCE = "https://containerregistry.azure.net"

_MANAGED = "managed identity"
_MAX_GUESS_S = 5.0  # an identity of a virtual machine answers at once, if there is one

# What the library calls the ways, and what people call them.
_WAYS = {
    "EnvironmentCredential": "environment variables",
    "WorkloadIdentityCredential": "workload identity",
    "AsyncFailedDACCredential": "workload identity",
    "ManagedIdentityCredential": _MANAGED,
    "AzureCliCredential": "Azure CLI",
    "AzurePowerShellCredential": "Azure PowerShell",
    "AzureDeveloperCliCredential": "Azure Developer CLI",
}
_PROGRAMS = ("Azure CLI", "Azure PowerShell", "Azure Developer CLI")
_WHO = ("upn", "unique_name", "appid", "oid")
_NOBODY = "nobody is signed in to Microsoft Entra on this machine"
_HELP = "Sign in: az login, or AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET; see docs/sign-in.md."
_VARIABLES = "Look at the variables that begin with AZURE_."
_INSTALL = "azure-identity is not installed\n  pip install azure-identity"
_QUIET = logging.NullHandler()


class IdentityError(RefusedError):
    """There is an identity, and it gets no token."""

    def __init__(self, message: str, *, code: str = "") -> None:
        self.code = code  # such as AADSTS7000215; may be empty
        super().__init__(message)

    @property
    def concerns_audience(self) -> bool:
        """Only this audience is refused; another may not be."""
        return concerns_audience(self.code)


class NoIdentityError(RefusedError):
    """Nobody is signed in to Microsoft Entra on this machine."""


@attrs.frozen
class EntraToken:
    """A token, and what it says about its holder. Nothing of that is checked: it is for people to read."""

    value: str = attrs.field(repr=False)
    audience: str
    tenant: str = ""  # the id of the tenant
    subject: str = ""  # a user's name, else an application's or an object's id


@attrs.frozen
class _Cloud:
    """One of Azure's clouds. Source: az cloud list, and azure-identity's AzureAuthorityHosts."""

    authority: str
    arm_audience: str


_PUBLIC = _Cloud("login.microsoftonline.com", "https://management.azure.com")
_CLOUDS = {
    ".azurecr.cn": _Cloud("login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
    ".azurecr.us": _Cloud("login.microsoftonline.us", "https://management.usgovcloudapi.net"),
}


def audiences(host: str) -> tuple[str, ...]:
    """Whom a token for the registry at `host` may be for, in the order to try."""
    return (REGISTRY_AUDIENCE, _cloud_of(host).arm_audience)


def is_available() -> bool:
    """The library is installed."""
    try:
        return importlib.util.find_spec("azure.identity") is not None
    except ModuleNotFoundError:
        return False


class EntraIdentity:
    """Whoever this machine is signed in as; found at the first token, and kept."""

    def __init__(self, origin_host: str, *, timeout_s: float) -> None:
        """`origin_host` is the registry's, and tells the cloud unless AZURE_AUTHORITY_HOST does."""
        self._host = origin_host
        self._timeout_s = timeout_s
        self._chain: DefaultAzureCredential | None = None
        self._found: AsyncTokenCredential | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; the identity can be used again afterwards, and is then looked for anew."""
        chain, self._chain, self._found = self._chain, None, None
        if chain is not None:
            await chain.close()

    async def token(self, audience: str) -> EntraToken:
        """
        A token for `audience`, made or renewed as needed.

        Raises:
            NoIdentityError: nobody is signed in, or azure-identity is not installed.
            IdentityError: somebody is, and gets no token, or none in time.
        """
        if not is_available():
            raise NoIdentityError(_INSTALL)
        asked: list[str] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                value = await self._ask(audience, asked)
        except TimeoutError:
            raise IdentityError(
                f"{asked[-1]}: no token for {audience} within {self._timeout_s:g} s\n"
                "  AZURE_TOKEN_CREDENTIALS can name the one way to ask, such as AzureCliCredential."
            ) from None
        claims = _claims(value)
        subject = next((claims[name] for name in _WHO if name in claims), "")
        return EntraToken(value, audience, tenant=claims.get("tid", ""), subject=subject)

    async def _ask(self, audience: str, asked: list[str]) -> str:
        """The first token that one of the ways gives; `asked` receives their names."""
        refusals: list[IdentityError | NoIdentityError] = []
        for way in self._ways():
            name = _WAYS.get(type(way).__name__, type(way).__name__)
            asked.append(name)
            outcome = await _ask_way(way, name, audience, guess_s=min(_MAX_GUESS_S, self._timeout_s / 4))
            if isinstance(outcome, str):
                self._found = way
                return outcome
            refusals.append(outcome)
            if isinstance(outcome, IdentityError) and name not in _PROGRAMS:
                raise outcome  # this machine is meant to be that identity; a person's login is no substitute
        failed = [refusal for refusal in refusals if isinstance(refusal, IdentityError)]
        raise failed[0] if failed else NoIdentityError("\n  ".join([_NOBODY, *map(str, refusals), _HELP]))

    def _ways(self) -> tuple[AsyncTokenCredential, ...]:
        if self._found is not None:
            return (self._found,)
        if self._chain is None:
            self._chain = _make_chain(self._host, self._timeout_s)
        return cast("tuple[AsyncTokenCredential, ...]", self._chain.credentials)


def _cloud_of(host: str) -> _Cloud:
    return next((cloud for suffix, cloud in _CLOUDS.items() if host.lower().endswith(suffix)), _PUBLIC)


def _make_chain(host: str, timeout_s: float) -> DefaultAzureCredential:
    # The library warns of each way that is not there. Without any handler, Python writes that to stderr.
    for name in ("azure", "msal"):
        logging.getLogger(name).addHandler(_QUIET)
    from azure.identity.aio import DefaultAzureCredential

    try:
        return DefaultAzureCredential(
            authority=os.environ.get("AZURE_AUTHORITY_HOST") or _cloud_of(host).authority,
            exclude_shared_token_cache_credential=True,  # of Visual Studio, on Windows
            exclude_visual_studio_code_credential=True,  # needs a broker that is for Windows
            process_timeout=timeout_s / 2,  # a program that hangs is ended by the library, if it may do that in time
        )
    except (OSError, ValueError) as error:  # a variable that means nothing, a certificate that cannot be read
        raise IdentityError(f"Microsoft Entra: {in_one_line(str(error), os.environ)}\n  {_VARIABLES}") from None


async def _ask_way(
    way: AsyncTokenCredential, name: str, audience: str, *, guess_s: float
) -> str | IdentityError | NoIdentityError:
    """A token; or why not, which is told apart: nobody is signed in this way, or somebody is and gets none."""
    from azure.core.exceptions import AzureError
    from azure.identity import CredentialUnavailableError

    is_guess = name == _MANAGED and not _is_managed(os.environ)
    try:
        async with asyncio.timeout(guess_s if is_guess else None):
            return (await way.get_token(f"{audience}/.default")).token
    except (AzureError, OSError, ValueError) as error:
        told = str(getattr(error, "message", "") or error) or f"no answer within {guess_s:g} s"
        code = code_of(told)  # also on what the library takes for a way that is not there
        is_missing = not code and (is_guess or isinstance(error, CredentialUnavailableError))
    text, advice = in_one_line(told, os.environ), advice_for(code)
    if is_missing:
        return NoIdentityError(f"{name}: {text}")
    return IdentityError("\n  ".join(filter(None, [f"{name}: no token for {audience}: {text}", advice])), code=code)


def _is_managed(environment: Mapping[str, str]) -> bool:
    """
    The environment says that there is a managed identity.

    Otherwise it is a guess that this is a virtual machine, whose identity is asked for at a
    fixed address; elsewhere nobody answers there, or a proxy does, and the library repeats
    that for 24 seconds (measured with azure-identity 1.27).
    """
    named = environment.get("AZURE_TOKEN_CREDENTIALS", "").strip().lower() == "managedidentitycredential"
    return named or any(environment.get(name) for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT"))


def _claims(token: str) -> dict[str, str]:
    """What a token says about its holder; nothing where it is not of that kind."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return {name: printable(claims[name]) for name in ("tid", *_WHO) if isinstance(claims.get(name), str)}
    except (IndexError, ValueError, AttributeError):
        return {}
