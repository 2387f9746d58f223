"""What goes over the wire for each call, and how often."""

from __future__ import annotations

import pytest
from servers import Reply, catalog, raw, refusal, reply, repository, tag

from reconciler.errors import ApiError, NotFoundError, ProtocolError, RefusedError, ThrottledError, UnreachableError
from reconciler.model.address import Address

APP, V1 = "/acr/v1/team%2Fapp", "/acr/v1/team%2Fapp/_tags/v1"


async def test_a_name_is_one_part_of_the_path(registry, connect):
    """Slashes in it are encoded, on the wire too, so that no name becomes another path."""
    registry.on("*", tag("team/app", "V1.0-rc_1"))

    async with connect() as client:
        await client.read(Address("team/app", tag="V1.0-rc_1"))

    assert ["/acr/v1/team%2Fapp/_tags/V1.0-rc_1"] == [request.target for request in registry.requests]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("../../v2/x", "/acr/v1/..%2F..%2Fv2%2Fx"),
        ("a?n", "/acr/v1/a%3Fn"),
        ("a#b", "/acr/v1/a%23b"),
        ("a%2Fb", "/acr/v1/a%252Fb"),
        ("a b\r\nx\r\n\r\n", "/acr/v1/a%20b%0D%0Ax%0D%0A%0D%0A"),
        ("\u00f6", "/acr/v1/%C3%B6"),
    ],
)
async def test_even_a_name_that_is_none_cannot_become_another_request(registry, connect, name, target):
    """Names are checked where they come from; should one get through, it is still just a name."""
    registry.on("*", refusal(404, "NAME_UNKNOWN"))

    async with connect() as client:
        with pytest.raises(ApiError):
            await client.read(Address(name))

    assert [target] == [request.target for request in registry.requests]
    assert registry.host == registry.requests[0].header("host")


async def test_a_request_has_the_headers_it_needs_and_no_other(registry, connect):
    """Nothing tells more about this machine than that this tool is asking."""
    registry.on(APP, repository("team/app"))

    async with connect() as client:
        await client.read(Address("team/app"))

    names = [name for name, _ in registry.requests[0].headers]
    assert {"host", "accept", "accept-encoding", "user-agent"} == set(names) - {"connection"}
    assert len(names) == len(set(names))


async def test_a_patch_is_json_and_nothing_else(registry, connect):
    """The body is what changes."""
    registry.on(V1, tag("team/app", "v1"))

    async with connect() as client:
        await client.update(Address("team/app", tag="v1"), {"writeEnabled": False})

    (request,) = registry.requests
    assert ("PATCH", V1, b'{"writeEnabled":false}') == (request.method, request.target, request.body)
    assert "application/json" == request.header("content-type")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(503, "BUSY"), ApiError),
        (refusal(500, "UNKNOWN"), ApiError),
        (raw(), UnreachableError),
        (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), UnreachableError),
        (raw(then="hold"), UnreachableError),
        (reply(302, location="/elsewhere"), ProtocolError),
    ],
    ids=["503", "500", "dropped", "half an answer", "silence", "redirect"],
)
async def test_a_patch_that_may_have_happened_is_not_repeated(registry, connect, answer: Reply, error):
    """Whoever sent it has to look first."""
    registry.on(V1, answer)

    async with connect(timeout_s=0.6) as client:
        with pytest.raises(error):
            await client.update(Address("team/app", tag="v1"), {"writeEnabled": False})

    assert 1 == registry.count("PATCH")


async def test_a_patch_that_was_throttled_is_repeated(registry, connect, pauses):
    """429 says that nothing has happened."""
    registry.on(V1, refusal(429, "TOOMANYREQUESTS", retry_after="0"), tag("team/app", "v1"))

    async with connect() as client:
        await client.update(Address("team/app", tag="v1"), {"writeEnabled": False})

    assert (2, 1) == (registry.count("PATCH"), len(pauses))


async def test_a_read_is_repeated_on_a_connection_that_was_dropped(registry, connect, pauses):
    """It is the same as asking once; nobody is told of a pause that the registry did not ask for."""
    registry.on(APP, raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), repository("team/app"))

    async with connect() as client:
        document = await client.read(Address("team/app"))

    assert (True, 2, []) == (document["writeEnabled"], client.request_count, pauses)


async def test_a_registry_that_asks_for_an_hour_is_not_waited_for(registry, connect, pauses):
    """The error says that it is throttling."""
    registry.on(APP, refusal(429, "TOOMANYREQUESTS", retry_after="3600"))

    async with connect() as client:
        with pytest.raises(ThrottledError, match="longer than the 120 s that are waited for"):
            await client.read(Address("team/app"))

    assert (1, []) == (registry.count(), pauses)


async def test_pages_are_followed_wherever_link_leads_on_the_registry(registry, connect):
    """Relative, absolute, with an opaque `last`: what the registry computes is sent back as it is."""
    registry.on(
        "/acr/v1/_catalog",
        catalog("a", link='</acr/v1/_catalog?last=a%2526b&n=1000&orderby=>; rel="next"'),
        catalog("b", link=f'<{registry.url}/acr/v1/_catalog?last=b&n=1000>; rel="next"'),
        catalog("c"),
    )

    async with connect() as client:
        pages = [page async for page in client.catalog()]

    assert [["a"], ["b"], ["c"]] == pages
    assert [
        "/acr/v1/_catalog?n=1000",
        "/acr/v1/_catalog?last=a%2526b&n=1000&orderby=",
        "/acr/v1/_catalog?last=b&n=1000",
    ] == [request.target for request in registry.requests]


async def test_a_list_that_goes_on_with_the_same_page_is_an_error(registry, connect):
    """However the registry calls the next one."""
    links = (f'</acr/v1/_catalog?last={number}>; rel="next"' for number in range(100))
    registry.on("/acr/v1/_catalog", *(catalog("a", link=link) for link in links))

    async with connect() as client:
        with pytest.raises(ProtocolError, match="it has no end"):
            [page async for page in client.catalog()]

    assert 2 == registry.count()


@pytest.mark.parametrize("body", [{}, {"error": "tenant suspended"}, {"status": "degraded", "imageName": "team/app"}])
async def test_some_json_of_a_proxy_is_no_empty_list(registry, connect, body):
    """ACR leaves empty lists out, but it signs its answers; anything else is not "nothing there"."""
    registry.on("/acr/v1/_catalog", reply(200, body))
    registry.on("/acr/v1/team%2Fapp/_tags", reply(200, body))

    async with connect() as client:
        with pytest.raises(ProtocolError, match="repositories is missing"):
            [page async for page in client.catalog()]
        with pytest.raises(ProtocolError, match="tags is missing"):
            [page async for page in client.tags("team/app")]


async def test_lists_are_null_or_left_out_where_they_are_empty(registry, connect):
    """Unknown members do not matter."""
    registry.on("/acr/v1/_catalog", reply(200, {"repositories": None, "more": 1}))
    empty = reply(200, {"registry": "r", "imageName": "team/app"}, docker_distribution_api_version="registry/2.0")
    registry.on("/acr/v1/team%2Fapp/_tags", empty)

    async with connect() as client:
        catalogs = [page async for page in client.catalog()]
        none = [page async for page in client.tags("team/app")]

    assert [[]] == catalogs
    assert [([], False)] == none


async def test_a_manifest_is_never_taken_for_its_repository(registry, connect):
    """It has a path of its own; without one, its lock would be everybody's (Azure/azure-cli#31878)."""
    manifest = Address("team/app", digest=f"sha256:{'0' * 64}")

    async with connect() as client:
        with pytest.raises(NotFoundError):
            await client.read(manifest)
        with pytest.raises(NotFoundError):
            await client.update(manifest, {"writeEnabled": False})

    target = f"/acr/v1/team%2Fapp/_manifests/sha256:{'0' * 64}"
    assert [("GET", target), ("PATCH", target)] == [(request.method, request.target) for request in registry.requests]


async def test_an_update_of_nothing_is_not_sent(registry, connect):
    """ACR answers an empty body with an error (Azure/azure-sdk#2588)."""
    async with connect() as client:
        with pytest.raises(RefusedError, match=r"^team/app:v1: there is nothing to update$"):
            await client.update(Address("team/app", tag="v1"), {})

    assert [] == registry.requests
