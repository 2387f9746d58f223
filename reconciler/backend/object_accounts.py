"""
Credentials for object stores, as the tools of each store find them.

The library below reads the environment variables of its own; what `az storage`, the
Azure SDKs and the AWS tools read besides is added here. No credential is ever part of
a location, and none gets into a message.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import BackendError

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Bucket

_URL_SECRETS = re.compile(r"\?[^\s\"'<>)]*")
_HEADER_SECRETS = re.compile(
    r"(?i)\b(authorization|x-amz-security-token|signature|sig|accountkey)\b([\"':= ]+)[^\s,;\"']+"
)
_ELEMENT_SECRETS = re.compile(
    r"(?is)<(AWSAccessKeyId|SignatureProvided|StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes)>.*?(?:</\1>|$)"
)
_MAC = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?!=)")  # 32 bytes: what Azure says the signature was
_SECRET_VARIABLES = re.compile(r"(?i)^(?:AZURE|AWS|GOOGLE)_.*(?:KEY|SECRET|TOKEN|CONNECTION_STRING|SERVICE_ACCOUNT)")
_USER_INFO = re.compile(r"//[^/\s@\"']*@")
_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
_SHORTEST_SECRET = 6
_MAX_SAID = 400


def account_for(scheme: str, bucket: str, client: Any, retry: Any) -> Bucket:
    """
    The bucket, signed in to as the environment says.

    Raises:
        BackendError: something that is needed is not set.
    """
    from obstore.store import AzureStore, GCSStore, S3Store

    if scheme == "az":
        config, provider = _azure(os.environ)
        options: Any = {**client, "allow_http": str(config.get("endpoint", "")).startswith("http://")}
        return AzureStore(
            bucket, config=config, client_options=options, retry_config=retry, credential_provider=provider
        )
    if scheme == "s3":
        config, provider = _amazon(os.environ)
        options = {**client, "allow_http": str(config.get("endpoint", "")).startswith("http://")}
        return S3Store(bucket, config=config, client_options=options, retry_config=retry, credential_provider=provider)
    return GCSStore(bucket, client_options=client, retry_config=retry)


def masked(text: str) -> str:
    """What a store said, without what could be a credential, on a few lines at most."""
    for name, value in os.environ.items():
        if _SECRET_VARIABLES.match(name):
            parts = _connection_string(value)
            for secret in (value, parts.get("accountkey", ""), parts.get("sharedaccesssignature", "")):
                text = text.replace(secret, "***") if len(secret) >= _SHORTEST_SECRET else text
    text = _MAC.sub("***", _ELEMENT_SECRETS.sub(r"<\1>***", text))
    text = _HEADER_SECRETS.sub(r"\1\2***", _URL_SECRETS.sub("?***", _USER_INFO.sub("//***@", text)))
    said = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return said if len(said) <= _MAX_SAID else f"{said[:_MAX_SAID]}…"


def _azure(environment: Mapping[str, str]) -> tuple[Any, Any]:
    """
    Account, endpoint and credential.

    Source: environment variables of `az storage` (Azure CLI, "Authorize access to blob data") and of azure-identity.
    """
    parts = _connection_string(environment.get("AZURE_STORAGE_CONNECTION_STRING", ""))
    found = {
        "account_name": parts.get("accountname")
        or _first(environment, "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"),
        "account_key": parts.get("accountkey") or _first(environment, "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"),
        "sas_key": parts.get("sharedaccesssignature")
        or _first(environment, "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"),
        "endpoint": parts.get("blobendpoint")
        or _endpoint_of(parts)
        or _first(environment, "AZURE_STORAGE_ENDPOINT", "AZURE_STORAGE_SERVICE_ENDPOINT"),
    }
    config = {name: value for name, value in found.items() if value}
    _check_endpoint(config.get("endpoint", ""))
    if "account_name" not in config:
        raise BackendError("the storage account is not named: set AZURE_STORAGE_ACCOUNT")
    is_signed = "account_key" in config or "sas_key" in config
    return config, None if is_signed else _entra(environment)


def _endpoint_of(parts: Mapping[str, str]) -> str:
    """Where the account of a connection string is, which another cloud than the public one may hold."""
    account, suffix = parts.get("accountname"), parts.get("endpointsuffix")
    return f"{parts.get('defaultendpointsprotocol', 'https')}://{account}.blob.{suffix}" if account and suffix else ""


def _entra(environment: Mapping[str, str]) -> Any:
    """Microsoft Entra, as azure-identity finds it; without that package, as the library below does."""
    if importlib.util.find_spec("azure") is None or importlib.util.find_spec("azure.identity") is None:
        return None
    logging.getLogger("azure").addHandler(logging.NullHandler())  # the error says it all; this would print it too
    from azure.identity import DefaultAzureCredential
    from obstore.auth.azure import AzureCredentialProvider

    tenant = environment.get("AZURE_TENANT_ID")
    return AzureCredentialProvider(DefaultAzureCredential(), tenant_id=tenant)


def _amazon(environment: Mapping[str, str]) -> tuple[Any, Any]:
    """Endpoint and credential: keys of the environment, or profiles and single sign-on where boto3 is installed."""
    endpoint = _first(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    _check_endpoint(endpoint)
    region = _first(environment, "AWS_REGION", "AWS_DEFAULT_REGION")
    config = {name: value for name, value in (("endpoint", endpoint), ("region", region)) if value}
    if environment.get("AWS_ACCESS_KEY_ID") or importlib.util.find_spec("boto3") is None:
        return config, None
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

    session = boto3.Session()
    if session.get_credentials() is None:
        return config, None
    return config, Boto3CredentialProvider(session)


def _check_endpoint(endpoint: str) -> None:
    """Refuse what is no plain address; it is not repeated, for it may hold a password."""
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        raise BackendError("the endpoint in the environment is not an address: http(s)://HOST[:PORT], without a user")


def _connection_string(text: str) -> dict[str, str]:
    """The parts of a connection string, by their names in lower case."""
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _first(environment: Mapping[str, str], *names: str) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
