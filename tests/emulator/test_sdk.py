"""
Repositories, tags and manifests, read, changed and locked by Microsoft's SDK over HTTPS.

Each test runs with the client that blocks and with the one that does not; against a
registry that lets everybody in, against one that wants tokens, which the client asks
for as nobody, and with an identity whose token it exchanges.
"""

from __future__ import annotations

import pytest
from azure.containerregistry import (
    ArtifactManifestOrder,
    ArtifactTagOrder,
    RepositoryProperties,
)
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from sdk import make_client

from reconciler.emulator import Settings

NOWHERE = "sha256:" + "0" * 64


def _paths(sdk):
    return {request.path.partition("?")[0] for request in sdk.emulator.requests()}


async def test_repositories_are_listed_page_by_page(sdk):
    """Each page as large as asked for, in order."""
    for name in ("web/api", "base", "web/ui"):
        sdk.emulator.push(f"{name}:v1")

    pages = await sdk.pages("list_repository_names", results_per_page=2)

    assert [["base", "web/api"], ["web/ui"]] == pages


async def test_an_empty_registry_has_no_repositories(sdk):
    """The list that is null is none to the SDK."""
    assert [] == await sdk.all("list_repository_names")


async def test_a_repository_has_properties(sdk):
    """Its counts, its times and what may be done to it."""
    sdk.emulator.push_many("web/api", ["v1", "v2"])

    found = await sdk.do("get_repository_properties", "web/api")

    assert ("web/api", 1, 2) == (found.name, found.manifest_count, found.tag_count)
    assert (True, True, True, True) == (found.can_delete, found.can_write, found.can_read, found.can_list)
    assert 0 <= (found.last_updated_on - found.created_on).total_seconds() < 60


async def test_a_repository_is_changed_by_name_and_by_an_object(sdk):
    """What is not named stays."""
    sdk.emulator.push("web/api:v1")

    first = await sdk.do("update_repository_properties", "web/api", can_delete=False)
    second = await sdk.do("update_repository_properties", "web/api", RepositoryProperties(can_list=False))

    assert (False, True) == (first.can_delete, first.can_list)
    assert {"deleteEnabled": False, "writeEnabled": True, "readEnabled": True, "listEnabled": False} == (
        sdk.emulator.repository("web/api")
    )
    assert (False, False) == (second.can_delete, second.can_list)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, ["a", "b", "c"]),
        (ArtifactTagOrder.LAST_UPDATED_ON_ASCENDING, ["b", "c", "a"]),
        (ArtifactTagOrder.LAST_UPDATED_ON_DESCENDING, ["a", "c", "b"]),
    ],
)
async def test_tags_are_listed_in_every_order(sdk, order, expected):
    """Across pages of two; they come with their digest, times and attributes."""
    digests = {tag: sdk.emulator.push(f"web/api:{tag}", tag.encode()) for tag in ("b", "c", "a")}
    sdk.emulator.patch("web/api:b", writeEnabled=False)
    order_by = {} if order is None else {"order_by": order}

    pages = await sdk.pages("list_tag_properties", "web/api", results_per_page=2, **order_by)

    tags = [tag for page in pages for tag in page]
    assert [2, 1] == [len(page) for page in pages]
    assert expected == [tag.name for tag in tags]
    assert digests == {tag.name: tag.digest for tag in tags}
    assert ["b"] == [tag.name for tag in tags if not tag.can_write]


async def test_a_repository_without_tags_lists_none(sdk):
    """A missing list is none to the SDK. Source: Azure/azure-sdk-for-python#28234."""
    await sdk.push("web/api")

    tags = await sdk.all("list_tag_properties", "web/api")
    manifests = await sdk.all("list_manifest_properties", "web/api")

    assert [] == tags
    assert [None] == [manifest.tags for manifest in manifests]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, None),
        (ArtifactManifestOrder.LAST_UPDATED_ON_ASCENDING, [0, 1, 2]),
        (ArtifactManifestOrder.LAST_UPDATED_ON_DESCENDING, [2, 1, 0]),
    ],
)
async def test_manifests_are_listed_in_every_order(sdk, order, expected):
    """Across pages of two; without an order by digest."""
    digests = [sdk.emulator.push(f"web/api:v{number}", b"%d" % number) for number in range(3)]
    order_by = {} if order is None else {"order_by": order}

    pages = await sdk.pages("list_manifest_properties", "web/api", results_per_page=2, **order_by)

    assert [2, 1] == [len(page) for page in pages]
    in_order = sorted(digests) if expected is None else [digests[number] for number in expected]
    assert in_order == [manifest.digest for page in pages for manifest in page]


async def test_a_tag_has_properties_that_can_be_changed(sdk):
    """By name and by the object that was read."""
    digest = sdk.emulator.push("web/api:v1")

    found = await sdk.do("get_tag_properties", "web/api", "v1")
    locked = await sdk.do("update_tag_properties", "web/api", "v1", can_write=False, can_delete=False)
    found.can_list = False
    hidden = await sdk.do("update_tag_properties", "web/api", "v1", found)

    assert ("v1", digest, True) == (found.name, found.digest, found.can_write)
    assert (False, False, True) == (locked.can_write, locked.can_delete, locked.can_list)
    assert (True, True, False) == (hidden.can_write, hidden.can_delete, hidden.can_list)
    assert found.last_updated_on == hidden.last_updated_on


@pytest.mark.parametrize("by_tag", [True, False])
async def test_a_manifest_has_properties_that_can_be_changed(sdk, by_tag):
    """By its digest, and by a tag, which the SDK looks up."""
    digest = await sdk.push("web/api", tag="v1")
    reference = "v1" if by_tag else digest

    found = await sdk.do("get_manifest_properties", "web/api", reference)
    changed = await sdk.do("update_manifest_properties", "web/api", reference, can_delete=False)

    assert (digest, ["v1"], "arm64", "linux") == (
        found.digest,
        found.tags,
        found.architecture,
        found.operating_system,
    )
    assert found.size_in_bytes > 0
    assert (True, False) == (found.can_delete, changed.can_delete)
    assert sdk.emulator.tag("web/api:v1")["deleteEnabled"] is True


async def test_what_is_not_there_is_a_resource_not_found(sdk):
    """For repositories, tags, manifests and blobs, read or changed."""
    sdk.emulator.push("web/api:v1")
    calls = [
        ("get_repository_properties", "ghost", "NAME_UNKNOWN"),
        ("update_repository_properties", "ghost", "NAME_UNKNOWN"),
        ("get_tag_properties", "web/api", "v9", "TAG_UNKNOWN"),
        ("update_tag_properties", "web/api", "v9", "TAG_UNKNOWN"),
        ("get_tag_properties", "ghost", "v1", "TAG_UNKNOWN"),
        ("get_manifest_properties", "web/api", NOWHERE, "MANIFEST_UNKNOWN"),
        ("get_manifest_properties", "web/api", "v9", "TAG_UNKNOWN"),
        ("update_manifest_properties", "web/api", NOWHERE, "MANIFEST_UNKNOWN"),
        ("get_manifest", "web/api", "v9", "MANIFEST_UNKNOWN"),
        ("get_manifest", "web/api", NOWHERE, "MANIFEST_UNKNOWN"),
        ("download_blob", "web/api", NOWHERE, "BLOB_UNKNOWN"),
    ]

    refusals = [await sdk.refusal(*call[:-1]) for call in calls]

    assert [(ResourceNotFoundError, 404, call[-1]) for call in calls] == refusals


@pytest.mark.parametrize("method", ["list_tag_properties", "list_manifest_properties"])
async def test_lists_of_an_unknown_repository_are_a_resource_not_found(sdk, method):
    """They are not empty."""
    with pytest.raises(ResourceNotFoundError):
        await sdk.all(method, "ghost")


async def test_a_lock_is_a_response_error(sdk):
    """Of 405, with the code of locks, whatever is attempted; nothing has changed then."""
    digest = sdk.emulator.push("web/api:v1")
    sdk.emulator.patch("web/api:v1", writeEnabled=False)
    manifest = await sdk.image("web/api", b"other")

    refusals = [
        await sdk.refusal("delete_tag", "web/api", "v1"),
        await sdk.refusal("delete_manifest", "web/api", "v1"),
        await sdk.refusal("delete_repository", "web/api"),
        await sdk.refusal("set_manifest", "web/api", manifest, tag="v1"),
    ]

    assert [(HttpResponseError, 405, "REGISTRY_DISALLOWED_OPERATION")] * 4 == refusals
    assert digest == sdk.emulator.tag("web/api:v1")["digest"]


async def test_the_sdk_signs_in_as_it_does_elsewhere(sdk, request):
    """Not at all where nothing is asked; as nobody with a password of nothing; or by exchange."""
    sdk.emulator.push("web/api:v1")

    await sdk.do("get_repository_properties", "web/api")

    expected = {
        "open": set(),
        "anonymous": {"/oauth2/token"},
        "identity": {"/oauth2/exchange", "/oauth2/token"},
    }[request.node.callspec.params["sdk"][1]]
    assert expected == {path for path in _paths(sdk) if path.startswith("/oauth2/")}


async def test_nobody_is_refused_where_a_password_is_needed(start_emulator, certificate):
    """The SDK says that it could not sign in."""
    settings = Settings(auth="token", username="ci", password="secret")
    emulator = start_emulator(settings, certificate=certificate.chain)
    client = make_client("sync", emulator.url, str(certificate.authority), has_credential=False)

    with client, pytest.raises(ClientAuthenticationError):
        client.get_repository_properties("web/api")
