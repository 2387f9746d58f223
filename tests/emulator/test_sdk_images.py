"""Images and their parts, pushed, pulled and deleted by Microsoft's SDK in both its forms."""

from __future__ import annotations

import io
import json

import pytest
from azure.core.exceptions import HttpResponseError
from content import digest_of
from sdk import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
@pytest.mark.parametrize("tag", ["v1", None])
async def test_an_image_is_put_and_got(sdk, media_type, tag):
    """By tag and by digest; what comes back is what was sent."""
    manifest = await sdk.image("web/api", media_type=media_type)

    digest = await sdk.do("set_manifest", "web/api", manifest, tag=tag, media_type=media_type)

    got = await sdk.do("get_manifest", "web/api", tag or digest)
    again = await sdk.do("get_manifest", "web/api", digest)
    assert (digest, manifest, media_type) == (got.digest, got.manifest, got.media_type)
    assert (digest, manifest, media_type) == (again.digest, again.manifest, again.media_type)


async def test_a_manifest_can_be_put_from_a_stream(sdk):
    """Its bytes are kept as they are, and so is its digest."""
    content = json.dumps(await sdk.image("web/api"), indent=3).encode()

    digest = await sdk.do("set_manifest", "web/api", io.BytesIO(content), tag="v1")

    assert digest_of(content) == digest


async def test_an_index_is_put_and_got(sdk):
    """Its children are manifests of the repository, which it takes no size or platform from."""
    child = await sdk.push("web/api")
    entry = {"mediaType": OCI_MANIFEST, "digest": child, "size": 1, "platform": {"architecture": "arm64"}}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}

    digest = await sdk.do("set_manifest", "web/api", index, tag="multi", media_type=OCI_INDEX)

    got = await sdk.do("get_manifest", "web/api", "multi")
    found = await sdk.do("get_manifest_properties", "web/api", digest)
    assert (digest, index, OCI_INDEX) == (got.digest, got.manifest, got.media_type)
    assert (None, ["multi"]) == (found.architecture, found.tags)


async def test_a_blob_goes_up_and_down_in_chunks(sdk):
    """The SDK sends and fetches four mebibytes at a time, the last ones less; this one takes three."""
    content = bytes(range(256)) * (36 << 10)

    uploaded = await sdk.do("upload_blob", "web/api", io.BytesIO(content))

    assert (digest_of(content), 9 << 20) == uploaded
    assert content == await sdk.download("web/api", uploaded[0])
    assert 3 == [sent.status for sent in sdk.emulator.requests("PATCH")].count(202)
    assert 3 == [sent.status for sent in sdk.emulator.requests("GET")].count(206)


async def test_everything_can_be_deleted_once_and_again(sdk):
    """Tags, manifests by tag and by digest, blobs, repositories; the SDK takes what is gone for deleted."""
    digest = await sdk.push("web/api", b"one", tag="v1")
    await sdk.push("web/api", b"two", tag="v2")
    third = await sdk.push("web/api", b"three")
    blob, _ = await sdk.do("upload_blob", "web/api", io.BytesIO(b"alone"))

    await sdk.do("delete_manifest", "web/api", "v2")
    for _ in range(2):
        await sdk.do("delete_tag", "web/api", "v1")
        await sdk.do("delete_manifest", "web/api", third)
        await sdk.do("delete_blob", "web/api", blob)
    left = [manifest.digest for manifest in await sdk.all("list_manifest_properties", "web/api")]
    for _ in range(2):
        await sdk.do("delete_repository", "web/api")

    assert [digest] == left
    assert [] == await sdk.all("list_repository_names")


async def test_a_manifest_that_contradicts_its_media_type_is_a_response_error(sdk):
    """It is refused with 400."""
    manifest = await sdk.image("web/api", media_type=DOCKER_MANIFEST)

    refusal = await sdk.refusal("set_manifest", "web/api", manifest, tag="v1", media_type=OCI_MANIFEST)

    assert (HttpResponseError, 400, "MANIFEST_INVALID") == refusal
