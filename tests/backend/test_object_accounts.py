"""Where credentials of object stores come from, and that none of them gets into a message."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reconciler.backend.object_accounts import _amazon, _azure, masked
from reconciler.errors import BackendError

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def _named(found):
    """The configuration, and whether nobody else is asked for a credential."""
    config, provider = found
    return config, provider is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("GET https://a/b?sv=1&sig=abcdef%3D failed", "GET https://a/b?*** failed"),
        ("Authorization: SharedKey abc:def", "Authorization: *** abc:def"),
        ("<Code>X</Code><StringToSign>GET\nsecret</StringToSign>", "<Code>X</Code><StringToSign>***"),
        (f"The MAC found in the HTTP request '{'A' * 43}=' is not", "The MAC found in the HTTP request '***' is not"),
        ("GET http://u:hunter2@127.0.0.1:9/x failed", "GET http://***@127.0.0.1:9/x failed"),
        ("two\nlines\x1b[2J", "two lines [2J"),
    ],
)
def test_what_could_be_a_credential_is_masked(said, expected):
    """However the store repeats it."""
    assert expected == masked(said)


def test_a_long_answer_is_cut():
    """Nobody reads a page of XML."""
    assert 401 == len(masked("word " * 200))


def test_without_a_key_microsoft_entra_is_asked():
    """As azure-identity finds it, when the first token is wanted."""
    config, provider = _azure({"AZURE_STORAGE_ACCOUNT": "contoso"})

    assert ({"account_name": "contoso"}, "AzureCredentialProvider") == (config, type(provider).__name__)


def test_without_an_account_azure_is_not_asked():
    """The message names the variable."""
    with pytest.raises(BackendError, match="set AZURE_STORAGE_ACCOUNT"):
        _azure({})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"AZURE_STORAGE_ACCOUNT": "contoso", "AZURE_STORAGE_KEY": KEY},
            {"account_name": "contoso", "account_key": KEY},
        ),
        (
            {"AZURE_STORAGE_ACCOUNT_NAME": "contoso", "AZURE_STORAGE_SAS_TOKEN": "sv=1&sig=x"},
            {"account_name": "contoso", "sas_key": "sv=1&sig=x"},
        ),
        (
            {
                "AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=https;AccountName=contoso;"
                f"AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn"
            },
            {
                "account_name": "contoso",
                "account_key": KEY,
                "endpoint": "https://contoso.blob.core.chinacloudapi.cn",
            },
        ),
    ],
)
def test_azure_takes_what_az_storage_takes(environment, expected):
    """A key or a signature signs by itself, so nobody else is asked for a token."""
    assert (expected, True) == _named(_azure(environment))


def test_amazon_takes_what_its_tools_take():
    """Another server, a region, and keys of the environment."""
    environment = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }

    assert ({"endpoint": "http://127.0.0.1:9", "region": "eu-west-1"}, True) == _named(_amazon(environment))


@pytest.mark.parametrize(
    "endpoint", ["http://u:hunter2@127.0.0.1:9", "http://u:hunter2 x@[127.0.0.1:9", "127.0.0.1:9", "ftp://a"]
)
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AZURE_STORAGE_ENDPOINT"])
def test_an_endpoint_that_is_no_plain_address_is_refused_without_repeating_it(name, endpoint):
    """A password in it would be sent in the clear, and printed."""
    script = (
        "from reconciler.backend.location import open_store\n"
        "from reconciler.errors import BackendError\n"
        "try:\n"
        f"    open_store('{'s3' if name.startswith('AWS') else 'az'}://state/prod.json').read('')\n"
        "except BackendError as error:\n"
        "    print(error)\n"
    )
    environment = {name: endpoint, "AZURE_STORAGE_ACCOUNT": "a", "AZURE_STORAGE_KEY": "x", "AWS_ACCESS_KEY_ID": "a"}

    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert "the endpoint in the environment is not an address" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
