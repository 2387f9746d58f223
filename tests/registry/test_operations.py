"""All that can be asked of a registry, asked of the emulator: what comes back, and what is there afterwards."""

from __future__ import annotations

import hashlib

import orjson
import pytest
from servers import reply

from reconciler.errors import DisallowedError, NotFoundError, ProtocolError, RefusedError
from reconciler.model.address import Address
from reconciler.registry.client import Client
from reconciler.registry.resources import Content, Deleted, Reference, Referrer

OPEN = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
NOWHERE = "sha256:" + "0" * 64


@pytest.fixture
async def client(emulator, connect_to):
    """Signed in as nobody, which is enough here."""
    async with connect_to(emulator.url) as connected:
        yield connected


def _content(body: bytes, media_type: str = MANIFEST) -> Content:
    return Content(f"sha256:{hashlib.sha256(body).hexdigest()}", media_type, body)


async def _all(pages) -> list:
    return [item async for page, _ in pages for item in page]


async def _with_subject(client: Client, subject: str, artifact_type: str) -> str:
    """Put a manifest that refers to another one; its digest."""
    image = orjson.loads((await client.content("team/app", subject)).body)
    about = {"mediaType": MANIFEST, "digest": subject, "size": 1}
    content = _content(orjson.dumps({**image, "artifactType": artifact_type, "subject": about}))
    await client.put_content("team/app", content.digest, content)
    return content.digest


async def test_a_repository_tells_how_much_it_holds(emulator, client):
    """With its attributes and times; two tags may share a manifest."""
    emulator.push_many("team/app", ["v1", "v2"])
    emulator.push("team/app:v3", content=b"other")

    repository = await client.repository("team/app")

    assert ("team/app", OPEN, 3, 2) == (
        repository.name,
        repository.document,
        repository.tag_count,
        repository.manifest_count,
    )
    assert ("Z", "Z") == (repository.created[-1], repository.updated[-1])


async def test_a_tag_tells_its_digest_and_attributes(emulator, client):
    """As one document: what it points at, and how it is protected."""
    digest = emulator.push("team/app:v1")
    emulator.patch("team/app:v1", writeEnabled=False)

    tag = await client.tag(Address("team/app", tag="v1"))

    assert ("v1", {**OPEN, "writeEnabled": False, "digest": digest}) == (tag.name, tag.document)
    assert tag.document == await client.read(Address("team/app", tag="v1"))


async def test_a_manifest_tells_its_kind_and_tags(emulator, client):
    """With what the configuration says about its platform."""
    digest = emulator.push_many("team/app", ["v1", "v2"])

    manifest = await client.manifest(Address("team/app", digest=digest))

    assert (digest, OPEN, MANIFEST, ("v1", "v2"), ()) == (
        manifest.digest,
        manifest.document,
        manifest.media_type,
        manifest.tags,
        manifest.references,
    )
    assert manifest.size > 0


async def test_an_index_tells_its_children(emulator, client):
    """Only where it is asked for alone; a list leaves them out."""
    children = sorted(emulator.push(f"team/app:{arch}", content=arch.encode()) for arch in ("amd64", "arm64"))
    digest = emulator.push_index("team/app:v1", ["team/app:amd64", "team/app:arm64"])

    manifest = await client.manifest(Address("team/app", digest=digest))
    listed = {each.digest: each for each in await _all(client.manifests("team/app"))}

    assert (INDEX, children) == (manifest.media_type, sorted(each.digest for each in manifest.references))
    assert {Reference} == set(map(type, manifest.references))
    assert ((), sorted([digest, *children])) == (listed[digest].references, sorted(listed))


@pytest.mark.parametrize("attribute", OPEN)
async def test_each_attribute_of_each_kind_is_changed_alone(emulator, client, attribute):
    """The body has just what changes; the others stay, and so do those of the neighbours."""
    digest = emulator.push("team/app:v1")
    addresses = (Address("team/app", digest=digest), Address("team/app", tag="v1"), Address("team/app"))
    shown = []

    for address in addresses:
        await client.update(address, {attribute: False})
        shown.append({name: value for name, value in (await client.read(address)).items() if name != "digest"})
        await client.update(address, {attribute: True})

    assert [{**OPEN, attribute: False}] * 3 == shown
    assert [OPEN] * 2 == [emulator.repository("team/app"), emulator.manifest(f"team/app@{digest}")]


async def test_a_tag_is_removed_and_its_manifest_stays(emulator, client):
    """Whether it was there is told; a second time it was not, and that is no error."""
    digest = emulator.push("team/app:v1")

    was_there = [await client.delete_tag(Address("team/app", tag="v1")) for _ in range(2)]

    assert [True, False] == was_there
    assert (None, OPEN) == (emulator.tag("team/app:v1"), emulator.manifest(f"team/app@{digest}"))


async def test_a_manifest_is_deleted_with_its_tags(emulator, client):
    """By its digest; others stay."""
    digest = emulator.push_many("team/app", ["v1", "v2"])
    emulator.push("team/app:v3", content=b"other")

    was_there = [await client.delete_manifest(Address("team/app", digest=digest)) for _ in range(2)]

    assert [True, False] == was_there
    assert [None, None, True] == [
        emulator.tag("team/app:v1"),
        emulator.tag("team/app:v2"),
        emulator.tag("team/app:v3") is not None,
    ]


async def test_a_repository_is_deleted_with_all_that_it_holds(emulator, client):
    """What went is told, once."""
    digest = emulator.push_many("team/app", ["v1", "v2"])

    first, second = [await client.delete_repository("team/app") for _ in range(2)]

    assert (Deleted((digest,), ("v1", "v2")), None) == (first, second)
    assert emulator.repository("team/app") is None


async def test_what_is_locked_is_not_deleted(emulator, client):
    """The error is that of a lock, which no repeat would help; it is asked once."""
    digest = emulator.push("team/app:v1")
    emulator.patch("team/app:v1", deleteEnabled=False)
    emulator.patch(f"team/app@{digest}", deleteEnabled=False)

    for delete in (
        lambda: client.delete_tag(Address("team/app", tag="v1")),
        lambda: client.delete_manifest(Address("team/app", digest=digest)),
        lambda: client.delete_repository("team/app"),
    ):
        with pytest.raises(DisallowedError, match="REGISTRY_DISALLOWED_OPERATION"):
            await delete()

    assert (3, True) == (len(emulator.requests("DELETE")), emulator.tag("team/app:v1") is not None)


@pytest.mark.parametrize("status", [404, 405])
async def test_a_delete_that_somebody_else_answers_has_not_happened(registry, connect, status):
    """A proxy's 404 is not the registry's "there is none"."""
    registry.on("*", reply(status, b"nope", content_type="text/plain"))

    async with connect() as client:
        with pytest.raises(NotFoundError if status == 404 else Exception, match=f"{status} plain text"):
            await client.delete_tag(Address("team/app", tag="v1"))

    assert 1 == registry.count("DELETE")


async def test_an_address_that_is_no_manifest_is_never_deleted_as_one(emulator, client):
    """A tag there would be 405, and nothing at all another request."""
    emulator.push("team/app:v1")

    for address in (Address("team/app"), Address("team/app", tag="v1")):
        with pytest.raises(RefusedError, match="not the address of a manifest"):
            await client.delete_manifest(address)
        with pytest.raises(RefusedError, match="not the address of a manifest"):
            await client.referrers(address)
    with pytest.raises(RefusedError, match="neither a tag nor a digest"):
        await client.content("team/app", "")

    assert 0 == len(emulator.requests())


async def test_lists_go_on_after_a_thousand(emulator, client):
    """Each tag is there once, in order; whether there is more is told with each page."""
    names = [f"v{number:04}" for number in range(2_300)]
    emulator.push_many("team/app", names)

    pages = [([tag.name for tag in page], has_next) async for page, has_next in client.tags("team/app")]

    assert [(1000, True), (1000, True), (300, False)] == [(len(page), has_next) for page, has_next in pages]
    assert names == [name for page, _ in pages for name in page]


@pytest.mark.parametrize("order", ["timeasc", "timedesc"])
async def test_lists_come_in_the_order_of_time_where_it_is_asked_for(emulator, client, order):
    """The second page is asked for with the registry's own cursor."""
    pushed = [f"v{number:04}" for number in reversed(range(1_002))]
    emulator.push_many("team/app", pushed[1:])
    emulator.push(f"team/app:{pushed[0]}", content=b"newest")

    tags = [tag.name for tag in await _all(client.tags("team/app", order=order))]
    manifests = await _all(client.manifests("team/app", order=order))

    assert sorted(pushed) == sorted(tags)
    assert pushed[0] == tags[-1 if order == "timeasc" else 0]
    assert pushed[0] in manifests[-1 if order == "timeasc" else 0].tags


async def test_all_tags_of_a_manifest_are_found(emulator, client):
    """Its own list is cut off after ten, and from the second page on the registry forgets the filter."""
    wanted = [f"v{number:04}" for number in range(1_500)]
    digest = emulator.push_many("team/app", wanted)
    emulator.push_many("team/app", [f"v{number:04}-other" for number in range(1_400, 1_500)], content=b"other")

    tags = await client.tags_at("team/app", digest)

    assert wanted == [tag.name for tag in tags]
    assert {digest} == {tag.document["digest"] for tag in tags}


async def test_the_catalog_is_read_to_its_end(emulator, client):
    """All names, each once, in order."""
    for name in ("b", "team/app", "a"):
        emulator.push(f"{name}:v1")

    assert [["a", "b", "team/app"]] == [page async for page in client.catalog()]


async def test_content_is_taken_and_put_byte_for_byte(emulator, client):
    """White space and the order of members make the digest; under a new tag it is the same image."""
    digest = emulator.push("team/app:v1")
    body = orjson.dumps(orjson.loads((await client.content("team/app", "v1")).body), option=orjson.OPT_INDENT_2)
    odd = _content(b"\n" + body + b"\n \n")

    await client.put_content("team/app", "copy", await client.content("team/app", digest))
    await client.put_content("team/app", "odd", odd)
    read = [await client.content("team/app", reference) for reference in ("odd", odd.digest)]

    assert digest == emulator.tag("team/app:copy")["digest"]
    assert [odd, odd] == read
    assert odd.digest == emulator.tag("team/app:odd")["digest"]


async def test_content_of_another_digest_than_was_asked_for_is_refused(registry, connect):
    """Whoever put it under a tag would publish something else."""
    body = b'{"schemaVersion":2}'
    content = _content(body)
    registry.on("*", reply(200, body, content_type=MANIFEST))
    registry.on("/v2/team/app/manifests/said", reply(200, body, docker_content_digest=NOWHERE))

    async with connect() as client:
        by_tag = await client.content("team/app", "v1")
        with pytest.raises(ProtocolError, match=f"the content has the digest {content.digest}"):
            await client.content("team/app", NOWHERE)
        with pytest.raises(ProtocolError, match=f"the content has the digest {content.digest}, not {NOWHERE}"):
            await client.content("team/app", "said")

    assert content == by_tag


async def test_a_registry_that_takes_content_as_something_else_is_an_error(registry, connect):
    """What it holds then is not what was sent."""
    registry.on("*", reply(201, docker_content_digest=NOWHERE))

    async with connect() as client:
        with pytest.raises(ProtocolError, match=f"took it as {NOWHERE}, and it is {_content(b'{}').digest}"):
            await client.put_content("team/app", "v1", _content(b"{}"))

    assert 1 == registry.count("PUT")


async def test_what_refers_to_a_manifest_is_found_by_type(emulator, client):
    """Signatures, bills of materials; each with its type."""
    subject = emulator.push("team/app:v1")
    signature = await _with_subject(client, subject, "application/vnd.example.signature")
    bill = await _with_subject(client, subject, "application/vnd.example.bill+json")
    address = Address("team/app", digest=subject)

    everything = await client.referrers(address)
    bills = await client.referrers(address, "application/vnd.example.bill+json")
    nothing = await client.referrers(Address("team/app", digest=bill))

    assert {signature, bill} == {each.digest for each in everything}
    assert ([bill], []) == ([each.digest for each in bills], nothing)
    assert {Referrer} == set(map(type, everything))


async def test_a_registry_that_does_not_filter_referrers_leaves_it_to_us(registry, connect):
    """The specification lets it."""
    rows = [
        {"mediaType": MANIFEST, "digest": "sha256:" + letter * 64, "size": 1, "artifactType": kind}
        for letter, kind in (("a", "x"), ("b", "y"))
    ]
    registry.on("*", reply(200, {"schemaVersion": 2, "mediaType": INDEX, "manifests": rows}))

    async with connect() as client:
        found = await client.referrers(Address("team/app", digest=NOWHERE), "y")

    assert ["sha256:" + "b" * 64] == [each.digest for each in found]
    assert f"/v2/team/app/referrers/{NOWHERE}?artifactType=y" == registry.requests[0].target


async def test_what_is_not_there_is_told_by_the_registrys_code(emulator, client):
    """Each kind has its own, and each of them is certain."""
    emulator.push("team/app:v1")
    codes = []

    for address in (Address("team/x"), Address("team/app", tag="v9"), Address("team/app", digest=NOWHERE)):
        with pytest.raises(NotFoundError) as raised:
            await client.read(address)
        codes.append((raised.value.code, raised.value.is_certain))

    assert [("NAME_UNKNOWN", True), ("TAG_UNKNOWN", True), ("MANIFEST_UNKNOWN", True)] == codes


async def test_a_ping_says_whether_it_is_there(emulator, client):
    """One request, and no answer that matters."""
    await client.ping()

    assert [("GET", "/v2/")] == [(request.method, request.path) for request in emulator.requests()]
    assert (1, False, None) == (client.request_count, client.is_encrypted, client.signed_in)
