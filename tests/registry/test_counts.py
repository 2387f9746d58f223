"""Lists are compared with what the repository counts; what is not there is asked for by its name."""

from __future__ import annotations

from collections import Counter

import pytest
from servers import DIGEST, FLAGS, catalog, refusal, reply, repository, tag, tags

from reconciler.errors import ProtocolError
from reconciler.model.desired import Declaration, DesiredState, Origin, RepositoryRule, TagRule
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import compile_pattern
from reconciler.planning.base import NoBase
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
    await refresh(
        client, index, NoBase(), concurrency=2, receive=lambda _, live, __: received.update({live.name: live})
    )
    return received["team/app"]


def _asked(emulator) -> dict[str, int]:
    kinds = {
        "/acr/v1/team/app": "repository",
        "/acr/v1/team/app/_tags": "tags",
        "/acr/v1/team/app/_manifests": "manifests",
        "/acr/v1/_catalog": "catalog",
    }
    return dict(Counter(kinds.get(request.path, "tag") for request in emulator.requests()))


def _manifests(*letters: str):
    rows = [{"digest": "sha256:" + letter * 64, "changeableAttributes": FLAGS} for letter in letters]
    return reply(200, {"imageName": "team/app", "manifests": rows})


def _manifest_count(count: object):
    return reply(200, {"imageName": "team/app", "manifestCount": count, "changeableAttributes": FLAGS})


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
    """A whole list shows that they are not there, at the price of a count before and one after it."""
    live = await _read(client, "v1", "nightly", "edge", match="team/*")

    assert "v1" in live.tags
    assert () == live.missing_tags
    assert {"catalog": 1, "tags": 1, "repository": 2} == _asked(three_tags)


async def test_they_are_asked_for_where_something_is_hidden(three_tags, client):
    """It may be one of them."""
    three_tags.patch("team/app:v2", listEnabled=False)
    three_tags.clear_requests()

    live = await _read(client, "v1", "v2", "nightly", match="team/*")

    assert {"v1", "v2", "v3"} == set(live.tags)
    assert {"catalog": 1, "tags": 1, "repository": 2, "tag": 2} == _asked(three_tags)


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


@pytest.mark.parametrize("counts", [(3, 2), (1, 4)], ids=["deleted", "pushed twice"])
async def test_a_count_on_either_side_explains_a_list_in_between(registry, connect, counts):
    """Whoever pushes or deletes changes what is counted, and we look at a moment in between."""
    registry.on(APP, *(repository("team/app", tag_count=count) for count in counts))
    registry.on(APP_TAGS, tags("team/app", "v1", "v2"))

    async with connect() as client:
        live = await _read(client, "v*", attributes=True)

    assert "" == live.incomplete
    assert (3, 1) == (registry.count(), registry.count("GET", APP_TAGS))


async def test_a_count_from_before_the_second_look_does_not_explain_what_it_shows(registry, connect):
    """Fewer were counted at first; ever since, more are counted than are listed."""
    registry.on(APP, *(repository("team/app", tag_count=count) for count in (1, 3, 4)))
    registry.on(APP_TAGS, tags("team/app"), tags("team/app", "v1", "v2"))

    async with connect() as client:
        live = await _read(client, "v*", attributes=True)

    assert live.incomplete.startswith("of its tags 2 were found and the registry counts 4; ")


async def test_a_tag_that_the_list_lacks_is_read_where_a_rule_names_it(three_tags, client):
    """The list is cut off without a word (Azure/acr#257), and the count with that tag is right."""
    three_tags.faults.tags_without = ("team/app:v2",)

    by_pattern = await _read(client, "v*")
    three_tags.clear_requests()
    by_name = await _read(client, "v*", "v2")

    assert "of its tags 2 were found and the registry counts 3" in by_pattern.incomplete
    assert ("", {"v1", "v2", "v3"}) == (by_name.incomplete, set(by_name.tags))
    assert {"repository": 1, "tags": 1, "tag": 1} == _asked(three_tags)


async def test_a_name_that_explains_only_a_part_leaves_the_read_incomplete(three_tags, client):
    """Two are hidden, and one of them is named."""
    for name in ("v1", "v2"):
        three_tags.patch(f"team/app:{name}", listEnabled=False)

    live = await _read(client, "v*", "v2", match="team/*")

    assert "of its tags 2 were found and the registry counts 3" in live.incomplete
    assert {"v2", "v3"} == set(live.tags)


async def test_names_next_to_a_pattern_are_asked_for_only_where_something_is_hidden(three_tags, client):
    """For many repositories; a list that agrees with its count needs none of them."""
    whole = await _read(client, "v*", "nightly", "edge", match="team/*")
    asked_of_whole = _asked(three_tags)
    three_tags.patch("team/app:v2", listEnabled=False)
    three_tags.clear_requests()
    hidden = await _read(client, "v*", "v2", "nightly", match="team/*")

    assert {"catalog": 1, "repository": 1, "tags": 1} == asked_of_whole
    assert ((), "") == (whole.missing_tags, whole.incomplete)
    assert (("nightly",), "") == (hidden.missing_tags, hidden.incomplete)
    assert 2 == _asked(three_tags)["tag"]


async def test_a_list_of_tags_without_an_end_gets_two_looks(three_tags, client):
    """The first page leads to itself; that is told as what it is."""
    three_tags.faults.links = "loop"

    live = await _read(client, "v*")

    assert "the list leads back to a page that was read" in live.unread
    assert {"tags": 2} == _asked(three_tags)


async def test_a_catalog_without_an_end_gets_two_looks(three_tags, client):
    """What it lacks cannot be known, so nothing is planned."""
    three_tags.faults.links = "loop"

    with pytest.raises(ProtocolError, match="the list leads back to a page that was read"):
        await _read(client, "v1", match="team/*")

    assert 2 == _asked(three_tags)["catalog"]


async def test_a_catalog_that_stays_broken_ends_the_run(registry, connect):
    """Two looks, and the reason."""
    registry.on("/acr/v1/_catalog", catalog("team/app", "team/app"))

    async with connect() as client:
        with pytest.raises(ProtocolError, match="the list is not in order: a name is in it twice"):
            await _read(client, "v*", match="team/*")

    assert 2 == registry.count("GET", "/acr/v1/_catalog")


@pytest.mark.parametrize(("off", "looks"), [(0, 1), (-2, 2)])
async def test_manifests_are_looked_at_again_only_where_the_count_disagrees(three_tags, client, off, looks):
    """One page and one count where it agrees."""
    three_tags.faults.manifest_count_off = off

    _, problem = await list_manifests(client, "team/app")

    assert bool(off) == bool(problem)
    assert {"manifests": looks, "repository": 2 * looks - 1} == _asked(three_tags)


async def test_a_push_while_manifests_are_listed_explains_them(registry, connect):
    """Before it were two, afterwards three."""
    registry.on(APP, _manifest_count(2), _manifest_count(3))
    registry.on(f"{APP}/_manifests", _manifests("a", "b", "c"))

    async with connect() as client:
        manifests, problem = await list_manifests(client, "team/app")

    assert (3, "") == (len(manifests), problem)
    assert 1 == registry.count("GET", f"{APP}/_manifests")


async def test_a_broken_list_of_manifests_gets_one_more_look(registry, connect):
    """The second may be whole; where it is not, that is the error."""
    registry.on(APP, _manifest_count(1))
    registry.on(f"{APP}/_manifests", _manifests("a", "a"), _manifests("a"), _manifests("a", "a"))

    async with connect() as client:
        manifests, problem = await list_manifests(client, "team/app")
        with pytest.raises(ProtocolError, match="the list is not in order: a name is in it twice"):
            await list_manifests(client, "team/app")

    assert ([DIGEST], "") == (list(manifests), problem)
    assert 4 == registry.count("GET", f"{APP}/_manifests")


async def test_a_count_of_either_kind_says_nothing_about_the_other(three_tags, client):
    """Tags that are miscounted leave the manifests whole."""
    three_tags.faults.tag_count_off = 5

    manifests, problem = await list_manifests(client, "team/app")

    assert (3, "") == (len(manifests), problem)


async def test_a_count_that_is_no_longer_told_explains_nothing(registry, connect):
    """Five were counted, two are listed, and then the registry does not say."""
    registry.on(APP, *(repository("team/app", tag_count=count) for count in (5, None)))
    registry.on(APP_TAGS, tags("team/app", "v1", "v2"))

    async with connect() as client:
        live = await _read(client, "v*", attributes=True)

    assert live.incomplete.startswith("of its tags 2 were found and the registry counts 5; ")
    assert 2 == registry.count("GET", APP_TAGS)


async def test_a_push_while_the_list_is_read_does_not_hide_what_a_rule_names(registry, connect):
    """Two before, one of them hidden; one is pushed; the list shows two. The names are asked for."""
    registry.on("/acr/v1/_catalog", catalog("team/app"))
    registry.on(APP, repository("team/app", tag_count=2), repository("team/app", tag_count=3))
    registry.on(APP_TAGS, tags("team/app", "v1", "v2"))
    registry.on(f"{APP_TAGS}/hidden", tag("team/app", "hidden"))
    for name in ("other", "third"):
        registry.on(f"{APP_TAGS}/{name}", refusal(404, "TAG_UNKNOWN"))

    async with connect() as client:
        live = await _read(client, "hidden", "other", "third", match="team/*", attributes=True)

    assert "hidden" in live.tags
