"""All that can be asked of a registry, asked of the emulator: what comes back, and what is there afterwards."""

from __future__ import annotations

import hashlib

import httpx
import orjson
import pytest
from servers import DIGEST, FLAGS, reply, tag_object

from reconciler.errors import DisallowedError, NotFoundError, ProtocolError, RefusedError
from reconciler.model.address import Address
from reconciler.registry.client import Client
from reconciler.registry.resources import Content, Deleted, Manifest, Reference, Referrer

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


def _manifest_object(**members: object) -> dict[str, object]:
    return {"digest": DIGEST, "changeableAttributes": FLAGS, **members}


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
        with pytest.raises(ProtocolError, match=f"digest {content.digest}, not {NOWHERE}, which was asked for"):
            await client.content("team/app", NOWHERE)
        with pytest.raises(ProtocolError, match=f"digest {content.digest}, not {NOWHERE}, as the registry says"):
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


async def test_a_list_of_manifests_shows_ten_tags_of_each_at_most(emulator, client):
    """One without a tag is in it all the same (Azure/acr#529)."""
    emulator.push("team/app:v", content=b"moved")
    untagged = emulator.tag("team/app:v")["digest"]
    emulator.push("team/app:v", content=b"one")
    many = emulator.push_many("team/app", [f"v{number:02}" for number in range(12)], content=b"many")

    listed = {each.digest: each for each in await _all(client.manifests("team/app"))}

    assert () == listed[untagged].tags
    assert tuple(f"v{number:02}" for number in range(10)) == listed[many].tags
    assert 3 == len(listed)


async def test_a_manifest_tells_of_its_quarantine(emulator, client):
    """In a list as well as alone; it is no attribute that anybody declares."""
    address = Address("team/app", digest=emulator.push("team/app:v1"))
    free = await client.manifest(address)
    emulator.faults.quarantine_state = "Passed"

    alone, listed = await client.manifest(address), await _all(client.manifests("team/app"))

    assert ["", "Passed", "Passed"] == [each.quarantine_state for each in (free, alone, *listed)]
    assert OPEN == alone.document


async def test_an_index_is_taken_byte_for_byte(emulator, client):
    """By tag and by digest, as any other client gets it."""
    emulator.push("team/app:amd64")
    digest = emulator.push_index("team/app:v1", ["team/app:amd64"])
    async with httpx.AsyncClient() as other:
        sent = await other.get(f"{emulator.url}/v2/team/app/manifests/v1", headers={"accept": INDEX})

    taken = [await client.content("team/app", reference) for reference in ("v1", digest)]

    assert [Content(digest, INDEX, sent.content)] * 2 == taken


async def test_a_tag_goes_back_to_what_it_was(emulator, client):
    """The bytes that it once pointed at are put under it again; both manifests stay."""
    first = emulator.push("team/app:v1", content=b"first")
    second = emulator.push("team/app:v1", content=b"second")

    await client.put_content("team/app", "v1", await client.content("team/app", first))

    assert first == emulator.tag("team/app:v1")["digest"]
    assert {first, second} == {each.digest for each in await _all(client.manifests("team/app"))}


async def test_what_is_locked_is_neither_pushed_to_nor_pulled(emulator, client):
    """Both are told as a lock, and the tag stays where it is."""
    digest = emulator.push("team/app:v1")
    emulator.push("team/app:v2", content=b"other")
    content = await client.content("team/app", "v2")
    emulator.patch("team/app:v1", writeEnabled=False, readEnabled=False)

    with pytest.raises(DisallowedError, match="A lock on it"):
        await client.put_content("team/app", "v1", content)
    with pytest.raises(DisallowedError, match="A lock on it"):
        await client.content("team/app", "v1")

    assert digest == emulator.tag("team/app:v1")["digest"]


async def test_content_is_put_under_a_name_or_nowhere(registry, connect):
    """Without one it would be a request about something else."""
    async with connect() as client:
        with pytest.raises(RefusedError, match=r"^team/app: neither a tag nor a digest is named$"):
            await client.put_content("team/app", "", _content(b"{}"))

    assert [] == registry.requests


async def test_times_are_kept_as_they_are_sent(registry, connect):
    """Seven digits, of which Python's own type would lose one; an update may lie before the creation."""
    created, updated = "2022-01-12T23:07:41.1234567Z", "2022-01-12T23:07:40.7654321Z"
    times = {"createdTime": created, "lastUpdateTime": updated}
    registry.on("/acr/v1/team%2Fapp", reply(200, {**times, "changeableAttributes": FLAGS}))
    registry.on("/acr/v1/team%2Fapp/_tags", reply(200, {"tags": [tag_object("v1", **times)]}))
    registry.on("/acr/v1/team%2Fapp/_manifests", reply(200, {"manifests": [_manifest_object(**times)]}))

    async with connect() as client:
        repository = await client.repository("team/app")
        tags, manifests = await _all(client.tags("team/app")), await _all(client.manifests("team/app"))

    assert [(created, updated)] * 3 == [(each.created, each.updated) for each in (repository, *tags, *manifests)]


@pytest.mark.parametrize("time", [None, 5, ["2022"], {}])
async def test_a_time_that_is_none_is_not_told(registry, connect, time):
    """Nobody decides by it, so it is no reason to refuse the rest."""
    times = {"createdTime": time, "lastUpdateTime": time}
    registry.on("/acr/v1/team%2Fapp/_tags", reply(200, {"tags": [tag_object("v1", **times)]}))
    registry.on("/acr/v1/team%2Fapp/_manifests", reply(200, {"manifests": [_manifest_object(**times)]}))

    async with connect() as client:
        found = [*await _all(client.tags("team/app")), *await _all(client.manifests("team/app"))]

    assert [("", "")] * 2 == [(each.created, each.updated) for each in found]


@pytest.mark.parametrize("absent", [{}, {"tags": None, "references": None}, {"tags": [], "references": []}])
async def test_what_a_manifest_does_not_tell_is_empty(registry, connect, absent):
    """Lists are null or left out, and members that we do not know do not matter."""
    sent = _manifest_object(**absent, newInTwoYears={"deep": [1]})
    registry.on("*", reply(200, {"registry": "r", "imageName": "team/app", "manifest": sent, "more": 1}))

    async with connect() as client:
        manifest = await client.manifest(Address("team/app", digest=DIGEST))

    assert Manifest(DIGEST, FLAGS) == manifest


@pytest.mark.parametrize("page", [{"manifests": None}, {"manifests": []}, {"manifests": None, "more": 1}])
async def test_an_empty_list_of_manifests_or_referrers_is_null_or_empty(registry, connect, page):
    """It is an answer, not a failure."""
    registry.on("*", reply(200, page))

    async with connect() as client:
        manifests = await _all(client.manifests("team/app"))
        referrers = await client.referrers(Address("team/app", digest=DIGEST))

    assert ([], []) == (manifests, referrers)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"digest": None}, "is not a manifest"),
        ({"digest": "sha256:abc"}, "is not a manifest"),
        ({"digest": ["a"]}, "is not a manifest"),
        ({"digest": NOWHERE}, f"asked for manifest {DIGEST}, and got {NOWHERE}"),
        ({"imageSize": "10"}, "imageSize is '10', not a number"),
        ({"imageSize": -1}, "imageSize is -1, not a number"),
        ({"tags": "v1"}, "tags is not a list"),
        ({"tags": [".."]}, r"'\.\.' is not the name of a tag"),
        ({"tags": [1]}, "1 is not the name of a tag"),
        ({"references": {}}, "references is not a list"),
        ({"references": ["x"]}, "'x' is not a reference to a manifest"),
        ({"references": [{"digest": "x"}]}, "is not a reference to a manifest"),
        ({"changeableAttributes": None}, "changeableAttributes is missing"),
    ],
)
async def test_a_manifest_that_is_misread_is_refused(registry, connect, wrong, why):
    """What is there and wrong is worse than what is not there."""
    registry.on("*", reply(200, {"imageName": "team/app", "manifest": _manifest_object(**wrong)}))

    async with connect() as client:
        with pytest.raises(ProtocolError, match=why):
            await client.manifest(Address("team/app", digest=DIGEST))


@pytest.mark.parametrize("row", [None, "x", {}, {"digest": 1}, {"digest": "x"}, {"digest": DIGEST, "size": "1"}])
async def test_a_referrer_that_is_misread_is_refused(registry, connect, row):
    """A signature that is left out would look like one that nobody made."""
    registry.on("*", reply(200, {"manifests": [row]}))

    async with connect() as client:
        with pytest.raises(ProtocolError, match=r"is not a referrer|size is '1', not a number"):
            await client.referrers(Address("team/app", digest=DIGEST))


@pytest.mark.parametrize("member", ["tagCount", "manifestCount"])
@pytest.mark.parametrize("count", ["3", 1.5, -1, True, []])
async def test_a_count_is_a_number(registry, connect, member, count):
    """Lists are compared with it."""
    registry.on("*", reply(200, {"changeableAttributes": FLAGS, member: count}))

    async with connect() as client:
        with pytest.raises(ProtocolError, match=f"{member} is .*, not a number"):
            await client.repository("team/app")


@pytest.mark.parametrize("gone", [{}, {"manifestsDeleted": None, "tagsDeleted": None}, {"tagsDeleted": [], "more": 1}])
async def test_a_repository_that_held_nothing_is_deleted_too(registry, connect, gone):
    """Lists are null or left out."""
    registry.on("*", reply(202, gone))

    async with connect() as client:
        deleted = await client.delete_repository("team/app")

    assert Deleted((), ()) == deleted


@pytest.mark.parametrize("gone", [{"manifestsDeleted": 5}, {"tagsDeleted": "v1"}, [], b"<html>"])
async def test_an_answer_to_a_deletion_that_is_misread_is_refused(registry, connect, gone):
    """In our own words, and asked once."""
    registry.on("*", reply(202, gone))

    async with connect() as client:
        with pytest.raises(ProtocolError, match=r"DELETE .*: 202: "):
            await client.delete_repository("team/app")

    assert 1 == registry.count("DELETE")


@pytest.mark.parametrize("flags", [{}, {"teleportEnabled": False}, {"teleportEnabled": True}])
async def test_an_attribute_that_a_registry_does_not_have_is_not_reported(registry, connect, flags):
    """Absent is not false."""
    registry.on("*", reply(200, {"changeableAttributes": {**FLAGS, **flags}}))

    async with connect() as client:
        document = await client.read(Address("team/app"))

    assert {**FLAGS, **flags} == document
