"""Images that others pushed, planned and applied by us, read back by others."""

from __future__ import annotations

import json

import oras.client
import pytest
from azure.containerregistry import ContainerRegistryClient
from pushing import push_image, push_index

FLAGS = {
    "can_delete": "deleteEnabled",
    "can_write": "writeEnabled",
    "can_list": "listEnabled",
    "can_read": "readEnabled",
}


def _as_the_sdk_reads(client: ContainerRegistryClient, address: str) -> dict[str, bool]:
    repository, _, tag = address.partition(":")
    found = client.get_tag_properties(repository, tag) if tag else client.get_repository_properties(repository)
    return {name: getattr(found, theirs) for theirs, name in FLAGS.items()}


def test_microsofts_sdk_reads_what_the_plan_promised(over_tls, reconciler, releases):
    """A multi-arch index among them; over TLS and with tokens; and the plan after the apply is empty."""
    emulator, authority = over_tls
    arguments = (releases, "--registry", emulator.url)
    trust = {"SSL_CERT_FILE": str(authority)}
    with ContainerRegistryClient(emulator.url, connection_verify=str(authority), retry_total=0) as client:
        push_index(client, "web/api", (b"one", b"two"), tag="v1")
        push_image(client, "web/api", b"three", tag="latest")
        push_image(client, "base/python", b"four", tag="v3.12")

        planned = reconciler("plan", *arguments, "--out", "plan.json", "--format", "json", **trust)
        applied = reconciler("apply", "plan.json", "--auto-approve", **trust)
        again = reconciler("plan", *arguments, "--detailed-exitcode", **trust)

        changes = json.loads(planned.stdout)["changes"]
        promised = {c["address"]: {n: v for n, v in c["after"].items() if n != "digest"} for c in changes}
        read = {address: _as_the_sdk_reads(client, address) for address in promised}
        latest = _as_the_sdk_reads(client, "web/api:latest")

    assert (0, 0, 0) == (planned.code, applied.code, again.code), planned.stderr + applied.stderr + again.stderr
    assert {"base/python", "base/python:v3.12", "web/api", "web/api:v1"} == set(promised)
    assert promised == {
        address: {n: v for n, v in flags.items() if n in promised[address]} for address, flags in read.items()
    }
    assert dict.fromkeys(FLAGS.values(), True) == latest


def test_an_artifact_that_oras_pushed_is_protected(emulator, reconciler, releases, tmp_path):
    """Attributes belong to tags, whatever these point at; oras cannot overwrite it afterwards."""
    (tmp_path / "notes.txt").write_text("release notes")
    client = oras.client.OrasClient(insecure=True)
    target = f"{emulator.host}/web/notes:v1"
    push = {"files": [f"{tmp_path / 'notes.txt'}:text/plain"], "disable_path_validation": True}
    client.push(target, **push)

    applied = reconciler("apply", releases, "--registry", emulator.url, "--auto-approve")
    again = reconciler("plan", releases, "--registry", emulator.url, "--detailed-exitcode")
    (tmp_path / "notes.txt").write_text("forged notes")
    with pytest.raises(ValueError, match="Method Not Allowed"):
        client.push(target, **push)

    assert (0, 0) == (applied.code, again.code)
