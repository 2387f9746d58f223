"""What is read for which rules, counted; and what is concluded from what comes back."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from servers import Received, Reply, catalog, challenge, html, raw, refusal, reply, repository, tag, tag_object, tags

from reconciler.errors import ThrottledError, UnauthorizedError, UnreachableError
from reconciler.model.desired import Declaration, DesiredState, Origin, RepositoryRule, TagRule
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import compile_pattern
from reconciler.planning.base import NoBase
from reconciler.registry.reader import refresh

HERE = Origin("registry.yaml", 1, 1)
LOCKED = (Declaration("deleteEnabled", False, HERE),)
APP, APP_TAGS = "/acr/v1/team%2Fapp", "/acr/v1/team%2Fapp/_tags"
UNKNOWN = refusal(404, "NAME_UNKNOWN", 'repository "team/app" is not found')
TAG_UNKNOWN = refusal(404, "TAG_UNKNOWN", "the specified tag does not exist")


def _index(match: str, *, attributes: bool = True, tags: tuple[str, ...] = ()) -> DesiredIndex:
    tag_rules = (TagRule(tuple(map(compile_pattern, tags)), (), LOCKED, HERE),) if tags else ()
    rule = RepositoryRule((compile_pattern(match),), (), LOCKED if attributes else (), tag_rules, HERE)
    return DesiredIndex(DesiredState(None, (rule,)))


async def _refresh(client, index: DesiredIndex, concurrency: int = 4):
    received = {}
    await refresh(
        client, index, NoBase(), concurrency=concurrency, receive=lambda _, live, __: received.update({live.name: live})
    )
    return received


def _kind(request: Received) -> str:
    for part, kind in (("_catalog", "catalog"), ("/_tags/", "tag"), ("/_tags", "tags")):
        if part in request.target:
            return kind
    return "repository"


@pytest.fixture
def three(registry):
    """A registry of three repositories with two tags each."""
    names = ["team/app", "team/web", "team/x"]
    registry.on("/acr/v1/_catalog", catalog(*names))
    for name in names:
        path = f"/acr/v1/{name.replace('/', '%2F')}"
        registry.on(path, repository(name, tag_count=2))
        registry.on(f"{path}/_tags", tags(name, "v1", "v2"))
        for each in ("v1", "v2"):
            registry.on(f"{path}/_tags/{each}", tag(name, each))
        registry.on(f"{path}/_tags/v9", TAG_UNKNOWN)
    return registry


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (_index("team/app"), {"repository": 1}),
        (_index("team/app", tags=("v*",)), {"repository": 1, "tags": 1}),
        (_index("team/app", attributes=False, tags=("v*",)), {"repository": 1, "tags": 1}),
        (_index("team/app", attributes=False, tags=("v1",)), {"tag": 1}),
        (_index("team/app", attributes=False, tags=("v1", "v2")), {"tags": 1}),
        (_index("team/app", attributes=False, tags=("v1", "v2", "v9")), {"tags": 1, "tag": 1}),
        (_index("team/app", attributes=False, tags=("v9",)), {"tag": 1}),
        (_index("**"), {"catalog": 1, "repository": 3}),
        (_index("**", tags=("v*",)), {"catalog": 1, "repository": 3, "tags": 3}),
        (_index("**", attributes=False, tags=("v1",)), {"catalog": 1, "tag": 3}),
        (_index("**", attributes=False, tags=("v1", "v9")), {"catalog": 1, "tags": 3, "tag": 3}),
        (_index("other/*"), {"catalog": 1}),
        (_index("team/a*", tags=("v*",)), {"catalog": 1, "repository": 1, "tags": 1}),
        (_index("**", attributes=False), {"catalog": 1}),
    ],
    ids=range(14),
)
async def test_only_what_the_rules_talk_about_is_asked_for(three, connect, index, expected):
    """
    No catalog for exact names, no list without rules for tags, one tag alone.

    A repository without declared attributes is asked for where its count tells that the list is whole.
    """
    async with connect() as client:
        await _refresh(client, index)

    assert expected == Counter(_kind(request) for request in three.requests)


async def test_an_exact_name_that_the_catalog_does_not_list_is_asked_for(registry, connect):
    """Lists hide and truncate; only a GET of the repository says that there is none."""
    rules = DesiredState(
        None,
        tuple(
            RepositoryRule((compile_pattern(match),), (), LOCKED, (), HERE)
            for match in ("**", "team/app", "team/hidden")
        ),
    )
    registry.on("/acr/v1/_catalog", catalog())
    registry.on("/acr/v1/team%2Fhidden", repository("team/hidden"))
    registry.on(APP, UNKNOWN)

    async with connect() as client:
        received = await _refresh(client, DesiredIndex(rules))

    assert (True, False) == (received["team/app"].missing, received["team/hidden"].missing)
    assert received["team/hidden"].document


async def test_an_exact_tag_that_the_list_does_not_show_is_asked_for(three, connect):
    """It may be hidden; a GET says that it is missing, or what it is."""
    three.on(f"{APP_TAGS}", tags("team/app", "v2"))

    async with connect() as client:
        received = await _refresh(client, _index("team/app", attributes=False, tags=("v1", "v2", "v9")))

    live = received["team/app"]
    assert (["v1", "v2"], ("v9",)) == (sorted(live.tags), live.missing_tags)


async def test_a_name_is_read_once_however_often_the_catalog_is_looked_at(registry, connect):
    """A list that repeats itself gets a second look, which shows again what the first one showed."""
    broken = catalog("team/app", link='</acr/v1/_catalog?last=x>; rel="next"')
    registry.on("/acr/v1/_catalog", broken, catalog("team/app", "team/b"), catalog("team/app"))
    registry.on(APP, repository("team/app"))

    async with connect() as client:
        received = await _refresh(client, _index("**"))

    assert (["team/app"], 1) == (list(received), registry.count("GET", APP))
    assert 3 == registry.count("GET", "/acr/v1/_catalog")


async def test_tags_that_pages_repeat_are_asked_for_once_more(registry, connect):
    """ACR's lists go on where they stopped; one that does not is not believed, and a second look may be better."""
    broken = tags("team/app", "v1", link=f'<{APP_TAGS}?last=v0>; rel="next"')
    registry.on(APP, repository("team/app", tag_count=2))
    registry.on(APP_TAGS, broken, tags("team/app", "v1", "v2"), tags("team/app", "v1", "v2"))

    async with connect() as client:
        received = await _refresh(client, _index("team/app", attributes=False, tags=("v*",)))

    live = received["team/app"]
    assert (["v1", "v2"], "", "") == (list(live.tags), live.unread, live.incomplete)


async def test_tags_that_pages_repeat_again_are_not_read(registry, connect):
    """What a broken list lacks cannot be known."""
    page = {"imageName": "team/app", "tags": [tag_object("v1", digest="sha256:" + "b" * 64), tag_object("v2")]}
    broken = tags("team/app", "v1", link=f'<{APP_TAGS}?last=v0>; rel="next"')
    registry.on(APP_TAGS, broken, reply(200, page), broken, reply(200, page))

    async with connect() as client:
        received = await _refresh(client, _index("team/app", attributes=False, tags=("v*",)))

    assert "the list is not in order: v1 is in it twice" in received["team/app"].unread
    assert 4 == registry.count("GET", APP_TAGS)


@pytest.mark.parametrize(
    "answer", [html(404), refusal(404, "UNKNOWN"), refusal(404, "MANIFEST_UNKNOWN"), reply(404)], ids=range(4)
)
async def test_a_404_of_somebody_else_is_no_proof_of_absence(registry, connect, answer: Reply):
    """A proxy does not know what the registry holds; not read is not missing."""
    registry.on(APP, answer)

    async with connect() as client:
        received = await _refresh(client, _index("team/app"))

    assert (False, True) == (received["team/app"].missing, bool(received["team/app"].unread))


async def test_tags_of_a_repository_that_is_gone_mean_a_missing_repository(registry, connect):
    """Where only tags are declared, the repository itself is asked before that is concluded."""
    registry.on(APP_TAGS, UNKNOWN)
    registry.on(APP, UNKNOWN)

    async with connect() as client:
        received = await _refresh(client, _index("team/app", attributes=False, tags=("v*",)))

    assert received["team/app"].missing


async def test_a_repository_that_contradicts_itself_is_not_read(registry, connect):
    """It is there, and its tags say that it is not."""
    registry.on(APP_TAGS, UNKNOWN)
    registry.on(APP, repository("team/app"))

    async with connect() as client:
        received = await _refresh(client, _index("team/app", tags=("v*",)))

    assert "team/app: the registry answers that it is there and that it is not" == received["team/app"].unread


async def test_throttling_that_does_not_end_ends_the_run(three, connect):
    """To ask for the next repository would take as long again, for each of them."""
    three.on(APP, refusal(429, "TOOMANYREQUESTS", retry_after="3600"))

    async with connect() as client:
        with pytest.raises(ThrottledError):
            await _refresh(client, _index("**"), concurrency=1)

    assert 1 == three.count("GET", "/acr/v1/team")


async def test_a_wrong_password_is_not_tried_for_each_repository(registry, connect):
    """Refused for all repositories and for one, it ends the run; accounts get locked that way."""
    names = [f"team/app-{number}" for number in range(50)]
    rules = tuple(RepositoryRule((compile_pattern(name),), (), LOCKED, (), HERE) for name in names)
    registry.on("*", challenge(f"{registry.url}/oauth2/token", "s"))
    registry.on("/oauth2/token", refusal(401, "UNAUTHORIZED"))

    async with connect(password="wrong") as client:
        with pytest.raises(UnauthorizedError, match="user name or password"):
            await _refresh(client, DesiredIndex(DesiredState(None, rules)), concurrency=1)

    assert (1, 2) == (registry.count("GET"), registry.count("POST"))


async def test_a_registry_that_goes_away_ends_the_run(three, connect):
    """One error, out of those of all workers."""
    three.on("*", raw())
    for name in ("app", "web", "x"):
        three.on(f"/acr/v1/team%2F{name}", raw())

    async with connect(timeout_s=0.3) as client:
        with pytest.raises(UnreachableError, match="closed without an answer"):
            await _refresh(client, _index("**"))


async def test_each_repository_is_handed_on_before_the_list_of_repositories_ends(registry, connect):
    """Nothing waits for the whole registry: the last page comes when the first has been received."""
    seen_first = asyncio.Event()
    loop = asyncio.get_running_loop()
    names = [f"a{number:02}" for number in range(40)]
    next_page = {"link": '</acr/v1/_catalog?last=x>; rel="next"'}

    def last_page(_: Received) -> Reply:
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(seen_first.wait(), 1.5), loop).result()
        return catalog("b")

    registry.on("/acr/v1/_catalog", catalog(*names, **next_page), last_page)
    registry.on("*", lambda request: repository(request.target.rpartition("/")[2]))
    received = []

    def receive(_, live, __) -> None:
        received.append(live.name)
        seen_first.set()

    async with connect() as client:
        await refresh(client, _index("**"), NoBase(), concurrency=2, receive=receive)

    assert sorted([*names, "b"]) == sorted(received)
