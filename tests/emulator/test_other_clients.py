"""Clients that others wrote, against the emulator."""

from pathlib import Path

import oras.client
import pytest
from azure.containerregistry import ArtifactTagOrder, ContainerRegistryClient
from azure.core.exceptions import HttpResponseError
from pushing import push_image, push_index


def test_microsofts_sdk_pushes_reads_and_protects(over_tls):
    """Images and an index go up; their properties come back as they were set, and a locked tag stays."""
    emulator, authority = over_tls
    with ContainerRegistryClient(emulator.url, connection_verify=str(authority), retry_total=0) as client:
        digest, children = push_index(client, "web/api", (b"one" * 2_000_000, b"two"), tag="multi")
        push_image(client, "web/api", b"two", tag="v2")

        updated = client.update_tag_properties("web/api", "multi", can_write=False, can_delete=False)
        client.update_manifest_properties("web/api", digest, can_delete=False)
        client.update_repository_properties("web/api", can_delete=False)
        with pytest.raises(HttpResponseError) as refused:
            client.delete_tag("web/api", "multi")

        tags = list(
            client.list_tag_properties(
                "web/api", order_by=ArtifactTagOrder.LAST_UPDATED_ON_DESCENDING, results_per_page=1
            )
        )
        manifests = {found.digest: found for found in client.list_manifest_properties("web/api", results_per_page=2)}
        repository = client.get_repository_properties("web/api")

        assert (False, False, True) == (updated.can_write, updated.can_delete, updated.can_read)
        assert 405 == refused.value.status_code
        assert [("v2", True), ("multi", False)] == [(tag.name, tag.can_write) for tag in tags]
        assert {digest, *children} == set(manifests)
        assert (["multi"], False) == (manifests[digest].tags, manifests[digest].can_delete)
        assert ("arm64", "linux") == (
            manifests[children[0]].architecture,
            manifests[children[0]].operating_system,
        )
        assert (3, 2, False) == (repository.manifest_count, repository.tag_count, repository.can_delete)
        index = client.get_manifest("web/api", "multi").manifest
        assert children == [child["digest"] for child in index["manifests"]]
        layer = client.get_manifest("web/api", children[0]).manifest["layers"][0]["digest"]
        assert b"one" * 2_000_000 == b"".join(client.download_blob("web/api", layer))


def test_microsofts_sdk_deletes(over_tls):
    """Tags, manifests, blobs and repositories, and what is gone already is no error to it."""
    emulator, authority = over_tls
    emulator.push("web/api:v1", b"one")
    second = emulator.push("web/api:v2", b"two")
    with ContainerRegistryClient(emulator.url, connection_verify=str(authority), retry_total=0) as client:
        client.delete_tag("web/api", "v1")
        client.delete_tag("web/api", "v1")
        client.delete_manifest("web/api", second)
        client.delete_manifest("web/api", second)
        client.delete_repository("web/api")
        client.delete_repository("web/api")

        assert [] == list(client.list_repository_names())


@pytest.mark.parametrize("in_chunks", [False, True])
def test_oras_pushes_and_pulls_an_artifact(emulator, tmp_path, in_chunks):
    """The file comes back as it was."""
    (tmp_path / "notes.txt").write_text("release notes")
    client = oras.client.OrasClient(insecure=True)
    target = f"{emulator.host}/web/notes:v1"

    pushed = client.push(
        target,
        files=[f"{tmp_path / 'notes.txt'}:text/plain"],
        disable_path_validation=True,
        do_chunked=in_chunks,
        chunk_size=5,
    )
    pulled = client.pull(target, outdir=str(tmp_path / "out"))

    assert 201 == pushed.status_code
    assert ["release notes"] == [Path(path).read_text() for path in pulled]
    assert ["v1"] == client.get_tags(target)
