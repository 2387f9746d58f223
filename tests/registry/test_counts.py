"""Lists are compared with what the repository counts; what is not there is asked for by its name."""

from __future__ import annotations

from collections import Counter

import pytest
from servers import catalog, repository, tags

from reconciler.model.desired import Declaration, DesiredState, Origin, RepositoryRule, TagRule
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import compile_pattern
from reconciler.registry.listing import list_manifests
from reconciler.registry.reader import refresh

HERE = Origin("registry.yaml", 1, 1)
LOCKED = (Declaration("deleteEnabled", False, HERE),)
APP, APP_TAGS = "/acr/v1/team%2Fapp", "/acr/v1/team%2Fapp/_tags"


@pytest.fixture
async def client(emulator, connect_to):
    """Signed in as nobody, which is enough here."""
    async with connect_to(emulator.url) as connected:
        yield connected


@pytest.fixture
def three_tags(emulator):
    """One repository with three tags."""
    for name in ("v1", "v2", "v3"):
        emulator.push(f"team/app:{name}", content=name.encode())
    emulator.clear_requests()
    return emulator


async def _read(client, *names: str, match: str = "team/app", attributes: bool = False):
    """What a refresh shows of team/app, with rules for these tags."""
    rules = (TagRule(tuple(map(compile_pattern, names)), (), LOCKED, HERE),)
    rule = RepositoryRule((compile_pattern(match),), (), LOCKED if attributes else (), rules, HERE)
    received = {}
    index = DesiredIndex(DesiredState(None, (rule,)))
    await refresh(client, index, concurrency=2, receive=lambda _, live: received.update({live.name: live}))
    return received["team/app"]


def _asked(emulator) -> dict[str, int]:
    kinds = {"/acr/v1/team/app": "repository", "/acr/v1/team/app/_tags": "tags", "/acr/v1/_catalog": "catalog"}
    return dict(Counter(kinds.get(request.path, "tag") for request in emulator.requests()))


async def test_a_list_that_agrees_is_not_looked_at_again(three_tags, client):
    """One page and one count; where the repository is read anyway, that is the count."""
    live = await _read(client, "v*")
    alone = _asked(three_tags)
    three_tags.clear_requests()
    await _read(client, "v*", attributes=True)

    assert (["v1", "v2", "v3"], "") == (list(live.tags), live.incomplete)
    assert {"repository": 1, "tags": 1} == alone == _asked(three_tags)


@pytest.mark.parametrize(("off", "counted"), [(2, 5), (-1, 2)])
async def test_a_count_that_disagrees_for_good_is_told(three_tags, client, off, counted):
    """After a second look; what was seen stays."""
    three_tags.faults.tag_count_off = off

    live = await _read(client, "v*")

    assert live.incomplete.startswith(f"of its tags 3 were found and the registry counts {counted}; ")
    assert ["v1", "v2", "v3"] == list(live.tags)
    assert {"repository": 3, "tags": 2} == _asked(three_tags)


async def test_a_push_while_the_list_is_read_explains_it(registry, connect):
    """Before it were two, afterwards three, and the list has three: nothing is missing."""
    registry.on(APP, repository("team/app", tag_count=2), repository("team/app", tag_count=3))
    registry.on(APP_TAGS, tags("team/app", "v1", "v2", "v3"))

    async with connect() as client:
        live = await _read(client, "v*", attributes=True)

    assert "" == live.incomplete
    assert 1 == registry.count("GET", APP_TAGS)


async def test_a_list_that_is_whole_at_the_second_look_is_believed(registry, connect):
    """The first one was cut off."""
    registry.on(APP, repository("team/app", tag_count=2))
    registry.on(APP_TAGS, tags("team/app", "v1"), tags("team/app", "v1", "v2"))

    async with connect() as client:
        live = await _read(client, "v*", attributes=True)

    assert (["v1", "v2"], "") == (list(live.tags), live.incomplete)


async def test_a_registry_that_does_not_count_is_believed(registry, connect):
    """There is nothing to compare with."""
    registry.on(APP, repository("team/app", tag_count=None))
    registry.on(APP_TAGS, tags("team/app", "v1"))

    async with connect() as client:
        live = await _read(client, "v*")

    assert (["v1"], "") == (list(live.tags), live.incomplete)


async def test_a_hidden_tag_makes_the_read_incomplete_unless_a_rule_names_it(three_tags, client):
    """By its name it can be read, and then the count is explained."""
    three_tags.patch("team/app:v2", listEnabled=False)

    by_pattern = await _read(client, "v*")
    by_name = await _read(client, "v*", "v2")
    in_pattern = await _read(client, "v*", "v2", match="team/*")

    assert "of its tags 2 were found and the registry counts 3" in by_pattern.incomplete
    assert ("", {"v1", "v2", "v3"}) == (by_name.incomplete, set(by_name.tags))
    assert ("", {"v1", "v2", "v3"}) == (in_pattern.incomplete, set(in_pattern.tags))


async def test_names_for_many_repositories_are_not_asked_for_where_nothing_is_hidden(three_tags, client):
    """A whole list shows that they are not there, at the price of one count."""
    live = await _read(client, "v1", "nightly", "edge", match="team/*")

    assert "v1" in live.tags
    assert () == live.missing_tags
    assert {"catalog": 1, "tags": 1, "repository": 1} == _asked(three_tags)


async def test_they_are_asked_for_where_something_is_hidden(three_tags, client):
    """It may be one of them."""
    three_tags.patch("team/app:v2", listEnabled=False)
    three_tags.clear_requests()

    live = await _read(client, "v2", "nightly", match="team/*")

    assert {"v1", "v2", "v3"} == set(live.tags)
    assert {"catalog": 1, "tags": 1, "repository": 1, "tag": 2} == _asked(three_tags)


async def test_a_broken_list_gets_a_second_look(registry, connect):
    """A name that comes twice is nothing to build on, and may have been a moment's."""
    registry.on(APP, repository("team/app", tag_count=2))
    registry.on(APP_TAGS, tags("team/app", "v1", "v1"), tags("team/app", "v1", "v2"))

    async with connect() as client:
        live = await _read(client, "v*", attributes=True)

    assert (["v1", "v2"], "", "") == (list(live.tags), live.incomplete, live.unread)


async def test_a_list_that_stays_broken_is_not_used(registry, connect):
    """Two looks, and the reason."""
    registry.on(APP, repository("team/app", tag_count=2))
    registry.on(APP_TAGS, tags("team/app", "v2", "v1"))

    async with connect() as client:
        live = await _read(client, "v*", attributes=True)

    assert "the list is not in order: v1 comes after v2" in live.unread
    assert {} == live.tags
    assert 2 == registry.count("GET", APP_TAGS)


async def test_a_broken_catalog_gets_a_second_look(registry, connect):
    """Each repository is read once all the same."""
    registry.on("/acr/v1/_catalog", catalog("team/app", "team/app"), catalog("team/app"))
    registry.on(APP, repository("team/app", tag_count=1))
    registry.on(APP_TAGS, tags("team/app", "v1"))

    async with connect() as client:
        live = await _read(client, "v*", match="team/*", attributes=True)

    assert ["v1"] == list(live.tags)
    assert 2 == registry.count("GET", "/acr/v1/_catalog")
    assert 1 == registry.count("GET", APP_TAGS)


@pytest.mark.parametrize(("off", "why"), [(0, ""), (1, "3 were found and the registry counts 4")])
async def test_manifests_are_counted_too(three_tags, client, off, why):
    """Untagged ones are in both."""
    three_tags.faults.manifest_count_off = off

    manifests, problem = await list_manifests(client, "team/app")

    assert (3, why) == (len(manifests), problem)
