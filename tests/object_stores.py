"""Real object stores on this machine: Azurite for Azure Blob Storage, moto's server for S3."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import attrs
import httpx
from servers import free_port

ACCOUNT = "devstoreaccount1"
# Public: Azurite's own documentation gives it to everybody.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "state"
_API = "2021-08-06"


@attrs.frozen
class ObjectStores:
    """A store that runs: where memories go, and what signs in there."""

    location: str  # a new one each time it is asked for would be another container; add a name to it
    environment: Mapping[str, str]
    wrong_environment: Mapping[str, str]


@contextmanager
def azurite(program: str) -> Iterator[ObjectStores]:
    """Azure Blob Storage."""
    port = free_port()
    options = ["--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command = [program, *options, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    with _running(command, port):
        _make_container(endpoint)
        yield ObjectStores(
            f"az://{CONTAINER}", _azure(endpoint, KEY), _azure(endpoint, base64.b64encode(b"x" * 64).decode())
        )


@contextmanager
def moto() -> Iterator[ObjectStores]:
    """S3."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    with _running([str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)], port):
        assert 200 == httpx.put(f"{endpoint}/{CONTAINER}").status_code
        yield ObjectStores(f"s3://{CONTAINER}", environment, {})


def _azure(endpoint: str, key: str) -> Mapping[str, str]:
    parts = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={endpoint};"
    return {"AZURE_STORAGE_CONNECTION_STRING": parts}


def _make_container(endpoint: str) -> None:
    """Signed as the storage service wants it: what an administrator does once."""
    date = formatdate(usegmt=True)
    signed = f"x-ms-date:{date}\nx-ms-version:{_API}\n/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    digest = hmac.new(base64.b64decode(KEY), ("PUT" + "\n" * 12 + signed).encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": _API,
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
    }
    assert 201 == httpx.put(f"{endpoint}/{CONTAINER}?restype=container", headers=headers).status_code


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        _await(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"{process.args}: does not listen")
