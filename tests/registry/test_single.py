"""One resource with all that it depends on, as it is read to be explained."""

from __future__ import annotations

import hashlib
import json

import pytest

from reconciler.emulator.fault_settings import Rule
from reconciler.errors import RefusedError
from reconciler.model.address import Address
from reconciler.model.desired import DesiredState
from reconciler.model.matching import DesiredIndex
from reconciler.registry.resources import Content
from reconciler.registry.single import read_around, whole_address

NO_RULES = DesiredIndex(DesiredState(None, ())).for_repository("team/app")
IMAGE = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
async def client(emulator, connect_to):
    """Signed in as nobody, which is enough here."""
    async with connect_to(emulator.url) as connected:
        yield connected


async def _signature(client, emulator, subject: str) -> str:
    content = await client.content("team/app", emulator.push("team/app:other", content=b"signature"))
    document = {**json.loads(content.body), "subject": {"mediaType": IMAGE, "digest": subject, "size": 1}}
    body = json.dumps(document).encode()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    await client.put_content("team/app", digest, Content(digest, IMAGE, body))
    return digest


async def test_a_manifest_is_read_with_what_it_is_about_and_the_tags_there(emulator, client):
    """A signature of a signature of an image that has a tag."""
    image = emulator.push("team/app:v1", content=b"image")
    first = await _signature(client, emulator, image)
    second = await _signature(client, emulator, first)

    live = await read_around(client, Address("team/app", digest=second), NO_RULES, 0)

    assert {second: first, first: image, image: ""} == {each: known.subject for each, known in live.manifests.items()}
    assert ["v1"] == list(live.tags)


async def test_a_tag_is_read_with_the_tags_at_the_children_of_its_index(emulator, client):
    """One of them may be locked, and keep its manifest."""
    child = emulator.push("team/app:part", content=b"part")
    emulator.push_index("team/app:v1", [f"team/app@{child}"])

    live = await read_around(client, Address("team/app", tag="v1"), NO_RULES, 0)

    assert {"v1", "part"} == live.tags.keys()


async def test_who_may_not_pull_is_told_that_it_is_not_known_what_a_manifest_is_about(emulator, client):
    """All the rest is read."""
    image = emulator.push("team/app:v1", content=b"image")
    emulator.faults.add(Rule("refuse", status=403, path="/v2/team/app/manifests/"))

    live = await read_around(client, Address("team/app", digest=image), NO_RULES, 0)

    assert (None, ["v1"]) == (live.manifests[image].subject, list(live.tags))


async def test_the_beginning_of_a_digest_names_the_one_manifest_that_begins_so(emulator, client):
    """Whoever reads a short digest can ask for it."""
    image = emulator.push("team/app:v1", content=b"image")
    emulator.push("team/app:v2", content=b"another")

    assert Address("team/app", digest=image) == await whole_address(client, Address("team/app", digest=image[:13]))


async def test_where_several_digests_begin_so_they_are_named(emulator, client):
    """Or it would be a guess."""
    digests = sorted(emulator.push(f"team/app:v{number}", content=bytes([number])) for number in range(12))

    with pytest.raises(RefusedError) as refused:
        await whole_address(client, Address("team/app", digest="sha256:"))

    lines = str(refused.value).splitlines()
    assert "team/app@sha256:: 12 manifests begin so; give more of it" == lines[0]
    assert [*(f"  {digest}" for digest in digests[:10]), "  and 2 more"] == lines[1:]


@pytest.mark.parametrize("repository", ["team/app", "no/such"])
async def test_where_no_digest_begins_so_that_is_said(emulator, client, repository):
    """In a repository that is there, and in one that is not."""
    emulator.push("team/app:v1", content=b"image")

    with pytest.raises(RefusedError, match="shows none that begins so"):
        await whole_address(client, Address(repository, digest="sha256:000000"))
