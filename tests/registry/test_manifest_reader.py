"""What is read of manifests for which rules, counted; and what is told of those that cannot be read."""

from __future__ import annotations

from collections import Counter

import pytest
from servers import FLAGS, refusal, reply

from reconciler.emulator.fault_settings import Rule
from reconciler.errors import ThrottledError
from reconciler.model.desired import (
    Absent,
    Declaration,
    DesiredState,
    ManifestRule,
    Origin,
    Protect,
    RepositoryRule,
    TagRule,
)
from reconciler.model.last_applied import Remembered, RememberedRepository
from reconciler.model.live import INDEXES, LiveRepository
from reconciler.model.matching import DesiredIndex
from reconciler.model.pattern import compile_pattern
from reconciler.registry.reader import read_repository

HERE = Origin("registry.yaml", 1, 1)
LOCKED = (Declaration("deleteEnabled", False, HERE),)
UNDELETABLE = Protect("undeletable", HERE)
GONE = Absent(unlock=False, origin=HERE)
APP, OCI_INDEX = "/acr/v1/team%2Fapp", INDEXES[0]
MANIFEST_UNKNOWN = refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")


def _patterns(*texts: str):
    return tuple(map(compile_pattern, texts))


def _tags(*names: str, **said) -> TagRule:
    return TagRule(_patterns(*names), (), said.pop("attributes", ()), HERE, **said)


def _manifests(*digests: str, **said) -> ManifestRule:
    return ManifestRule(_patterns(*digests), (), said.pop("attributes", ()), HERE, **said)


def _pin(digest: str) -> Declaration:
    return Declaration("digest", digest, HERE)


async def _read(client, *, match: str = "team/app", children=None, manifests_known=(), **rules) -> LiveRepository:
    """What a read of team/app shows, for a repository entry with these `tags`, `manifests`, `ensure`."""
    known = {digest: Remembered({"deleteEnabled": False}) for digest in manifests_known}
    remembered = RememberedRepository(manifests=known, children=children or {})
    rule = RepositoryRule(_patterns(match), (), rules.pop("attributes", ()), rules.pop("tags", ()), HERE, **rules)
    return await read_repository(
        client, "team/app", DesiredIndex(DesiredState(None, (rule,))).for_repository("team/app"), remembered
    )


def _asked(emulator) -> dict[str, int]:
    """How often what was asked."""
    return dict(Counter(map(_kind, emulator.requests())))


def _kind(request) -> str:
    parts = ("/_manifests/", "manifest"), ("/_manifests", "manifests"), ("/_tags/", "tag"), ("/_tags", "tags")
    named = ("/referrers/", "referrers"), ("/v2/", "content")
    return next((kind for part, kind in (*parts, *named) if part in request.path), "repository")


def _many(emulator, count: int, of: str = "v") -> list[str]:
    return [emulator.push(f"team/app:{of}{number}", content=f"{of}{number}".encode()) for number in range(count)]


def _index_of(emulator, tag: str, *digests: str) -> str:
    return emulator.push_index(f"team/app:{tag}" if tag else "team/app", [f"team/app@{digest}" for digest in digests])


def _at(digest: str) -> str:
    return f"team/app@{digest}"


def _refuse(emulator, digest: str, status: int = 403) -> None:
    emulator.faults.add(Rule("refuse", status=status, path=f"/acr/v1/team/app/_manifests/{digest}"))


@pytest.fixture
async def client(emulator, connect_to):
    """Signed in as nobody, which is enough here."""
    async with connect_to(emulator.url) as connected:
        yield connected


async def test_attributes_of_tags_need_no_manifest(emulator, client):
    """What a tag points at matters only where a level of protection is said of it."""
    _many(emulator, 3)

    live = await _read(client, tags=(_tags("v*", attributes=LOCKED),))

    assert ({}, None) == (live.manifests, live.manifest_count)
    assert {"tags": 1, "repository": 1} == _asked(emulator)


async def test_a_protected_tag_needs_its_manifest(emulator, client):
    """One tag, one manifest, and the repository, which may be deleted as a whole."""
    (digest,) = _many(emulator, 1)

    live = await _read(client, tags=(_tags("v0", protect=UNDELETABLE),))

    assert [(digest, (), ("v0",))] == [(each, found.children, found.tags) for each, found in live.manifests.items()]
    assert (1, 1, True) == (live.tag_count, live.manifest_count, live.document["deleteEnabled"])
    assert {"repository": 1, "tag": 1, "manifest": 1} == _asked(emulator)


async def test_the_children_of_one_index_come_from_the_list(emulator, client):
    """The index by itself, which names three; a list of one page shows them at once."""
    children = _many(emulator, 3)
    index = _index_of(emulator, "multi", *children)
    emulator.push("team/app:other", content=b"other")

    live = await _read(client, tags=(_tags("multi", protect=UNDELETABLE),))

    assert {index, *children} == set(live.manifests)
    assert (tuple(children), ()) == (live.manifests[index].children, live.manifests[children[0]].children)
    assert {"repository": 1, "tag": 1, "manifest": 1, "manifests": 1} == _asked(emulator)


async def test_what_an_index_stands_for_is_asked_once_in_its_life(emulator, client):
    """A digest never changes what it stands for; attributes do, so these come from the list."""
    children = _many(emulator, 3)
    inner = _index_of(emulator, "", *children[:2])
    outer = _index_of(emulator, "multi", inner, children[2])
    remembered = {outer: (inner, children[2]), inner: tuple(children[:2])}

    live = await _read(client, tags=(_tags("multi", protect=UNDELETABLE),), children=remembered)

    assert {outer, inner, *children} <= set(live.manifests)
    assert [remembered[outer], remembered[inner]] == [live.manifests[each].children for each in (outer, inner)]
    assert {"repository": 1, "tag": 1, "manifests": 1} == _asked(emulator)


async def test_a_hidden_manifest_that_is_remembered_is_asked_for(emulator, client):
    """A rule that names no digest speaks of it, and somebody hides it."""
    hidden, *_ = _many(emulator, 3)
    emulator.patch(_at(hidden), listEnabled=False)
    entries = (ManifestRule((compile_pattern("**"),), (), LOCKED, HERE),)

    unknown = await _read(client, manifests=entries)
    known = await _read(client, manifests=entries, manifests_known=[hidden])

    assert (False, True) == (hidden in unknown.manifests, hidden in known.manifests)
    assert "" != unknown.incomplete_manifests
    assert "" == known.incomplete_manifests


async def test_the_child_of_an_index_of_one_is_asked_for(emulator, client):
    """A list would take as many requests and show more than was asked."""
    index = _index_of(emulator, "multi", *_many(emulator, 1))

    live = await _read(client, tags=(_tags("multi", protect=UNDELETABLE),))

    assert 2 == len(live.manifests)
    assert index in live.manifests
    assert {"repository": 1, "tag": 1, "manifest": 2} == _asked(emulator)


async def test_many_protected_tags_take_one_list_and_one_request_for_each_index(emulator, client):
    """Fifty tags, ten of them indexes of two images that no tag names."""
    images = _many(emulator, 40)
    parts = [emulator.push("team/app", content=f"part {number}".encode()) for number in range(20)]
    indexes = [_index_of(emulator, f"vm{at}", *parts[2 * at : 2 * at + 2]) for at in range(10)]

    live = await _read(client, tags=(_tags("v*", protect=UNDELETABLE),))

    assert {*images, *parts, *indexes} == set(live.manifests)
    assert {"repository": 1, "tags": 1, "manifests": 1, "manifest": 10} == _asked(emulator)


async def test_a_nested_index_is_followed_to_its_end(emulator, client):
    """An index of an index of two images."""
    images = _many(emulator, 2)
    inner = _index_of(emulator, "", *images)
    outer = _index_of(emulator, "outer", inner)

    live = await _read(client, tags=(_tags("outer", protect=UNDELETABLE),))

    assert {outer: (inner,), inner: tuple(images), images[0]: (), images[1]: ()} == {
        digest: manifest.children for digest, manifest in live.manifests.items()
    }
    assert {"repository": 1, "tag": 1, "manifest": 2, "manifests": 1} == _asked(emulator)


async def test_a_child_of_many_is_read_once(emulator, client):
    """Twenty indexes share an image, of which no list is read."""
    (shared,) = _many(emulator, 1)
    emulator.patch(_at(shared), listEnabled=False)
    for number in range(20):
        own = emulator.push("team/app", content=f"own {number}".encode())
        _index_of(emulator, f"m{number}", shared, own)

    live = await _read(client, tags=(_tags("m*", protect=UNDELETABLE),))

    assert 41 == len(live.manifests)
    assert {"repository": 1, "tags": 1, "manifests": 1, "manifest": 21} == _asked(emulator)


async def test_a_pin_needs_its_digest_even_where_there_is_no_tag(emulator, client):
    """Whether the repository holds it decides whether the tag can be pointed there."""
    digest, nowhere = emulator.push("team/app:v1"), "sha256:" + "f" * 64
    pins = (_tags("stable", digest=_pin(digest)), _tags("latest", digest=_pin(nowhere)))

    live = await _read(client, tags=pins)

    assert (("stable", "latest"), [digest], (nowhere,)) == (
        live.missing_tags,
        list(live.manifests),
        live.missing_manifests,
    )
    assert {"tags": 1, "tag": 2, "manifest": 2} == _asked(emulator)


async def test_a_pin_that_holds_needs_nothing(emulator, client):
    """The tag points there, so that is there."""
    digest = emulator.push("team/app:v1")

    live = await _read(client, tags=(_tags("v1", digest=_pin(digest)),))

    assert {} == live.manifests
    assert {"tag": 1} == _asked(emulator)


async def test_a_protected_pin_needs_what_is_below_both_digests(emulator, client):
    """Where it points now matters until it has moved, and where it shall point from then on."""
    old, new = emulator.push("team/app:v1"), _index_of(emulator, "", *_many(emulator, 2, of="part"))

    live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE, digest=_pin(new)),))

    assert {old, new} < set(live.manifests)
    assert 4 == len(live.manifests)


async def test_a_tag_that_shall_go_protects_nothing(emulator, client):
    """A later entry wants it absent."""
    emulator.push("team/app:v1")

    live = await _read(client, tags=(_tags("v1", protect=Protect("open", HERE)), _tags("v1", ensure=GONE)))

    assert {} == live.manifests


async def test_digests_that_rules_name_are_asked_for(emulator, client):
    """One is there and one is not."""
    digest, nowhere = emulator.push("team/app:v1"), "sha256:" + "f" * 64

    live = await _read(client, manifests=(_manifests(digest, nowhere, attributes=LOCKED),))

    assert ([digest], (nowhere,)) == (list(live.manifests), live.missing_manifests)
    assert {"manifest": 2} == _asked(emulator)


async def test_many_digests_are_looked_for_in_the_list(emulator, client):
    """Seventeen, in a repository of which nobody knows how long its list is."""
    digests = _many(emulator, 17)
    _many(emulator, 3, of="other")

    live = await _read(client, manifests=(_manifests(*digests, attributes=LOCKED),))

    assert set(digests) == set(live.manifests)
    assert {"manifests": 1} == _asked(emulator)


async def test_a_pattern_of_digests_needs_them_all(emulator, client):
    """Listed and counted; the repository is one of the counts."""
    digests = _many(emulator, 3)
    index = _index_of(emulator, "multi", *digests)

    live = await _read(client, manifests=(_manifests("**", attributes=LOCKED),))

    assert ({*digests, index}, "") == (set(live.manifests), live.incomplete_manifests)
    assert None is live.manifests[index].children
    assert {"repository": 1, "manifests": 1} == _asked(emulator)


async def test_a_protected_index_needs_its_children(emulator, client):
    """Only of those that the entry speaks of."""
    images = _many(emulator, 2)
    index = _index_of(emulator, "multi", *images)
    indexes_only = _manifests("**", media_type=_patterns("**index**"), protect=UNDELETABLE)

    live = await _read(client, manifests=(indexes_only,))

    assert tuple(images) == live.manifests[index].children
    assert {"repository": 1, "manifests": 1, "manifest": 1} == _asked(emulator)


async def test_a_repository_that_shall_go_is_read_with_all_that_is_in_it(emulator, client):
    """What is locked in it is in the way; what is below an index is not, for it goes too."""
    digests = [*_many(emulator, 3), _index_of(emulator, "multi", *_many(emulator, 2, of="part"))]
    emulator.patch(_at(digests[0]), deleteEnabled=False)

    live = await _read(client, ensure=GONE)

    assert (6, 6, 6, 6) == (live.tag_count, live.manifest_count, len(live.tags), len(live.manifests))
    assert False is live.manifests[digests[0]].document["deleteEnabled"]
    assert {"repository": 1, "tags": 1, "manifests": 1} == _asked(emulator)


async def test_a_hidden_manifest_of_a_protected_tag_is_asked_for(emulator, client):
    """The list that shows the others leaves it out."""
    digests = _many(emulator, 5)
    emulator.patch(_at(digests[2]), listEnabled=False)

    live = await _read(client, tags=(_tags("v*", protect=UNDELETABLE),))

    assert set(digests) == set(live.manifests)
    assert {"repository": 1, "tags": 1, "manifests": 1, "manifest": 1} == _asked(emulator)


async def test_a_hidden_manifest_without_a_tag_makes_the_list_incomplete(emulator, client):
    """After a second look; it is not, once a rule names the digest."""
    _many(emulator, 2)
    hidden = emulator.push("team/app", content=b"hidden")
    emulator.patch(_at(hidden), listEnabled=False)

    by_pattern = await _read(client, manifests=(_manifests("**", attributes=LOCKED),))
    by_name = await _read(client, manifests=(_manifests("**", hidden, attributes=LOCKED),))
    for_many = await _read(client, match="team/*", manifests=(_manifests("**", hidden, attributes=LOCKED),))

    assert by_pattern.incomplete_manifests.startswith("of its manifests 2 were found and the registry counts 3; ")
    assert ("", 3) == (by_name.incomplete_manifests, len(by_name.manifests))
    assert ("", 3) == (for_many.incomplete_manifests, len(for_many.manifests))


async def test_a_hidden_child_explains_the_count(emulator, client):
    """Nobody names it but its index."""
    child = emulator.push("team/app", content=b"hidden")
    index = _index_of(emulator, "multi", child)
    emulator.patch(_at(child), listEnabled=False)

    live = await _read(client, manifests=(_manifests("**", protect=UNDELETABLE),))

    assert ("", {child, index}) == (live.incomplete_manifests, set(live.manifests))


async def test_a_child_that_is_not_there_is_told(emulator, client):
    """A sparse index: its repository holds one of two children."""
    images = _many(emulator, 2)
    index = _index_of(emulator, "multi", *images)
    emulator.delete(_at(images[1]))

    live = await _read(client, tags=(_tags("multi", protect=UNDELETABLE),))

    assert ({index, images[0]}, (images[1],), {}) == (
        set(live.manifests),
        live.missing_manifests,
        live.unread_manifests,
    )
    assert tuple(images) == live.manifests[index].children


@pytest.mark.parametrize("status", [401, 403, 405, 418])
async def test_a_child_that_cannot_be_read_leaves_the_others_readable(emulator, client, status):
    """It is told with the reason, and is neither there nor missing."""
    (image,) = _many(emulator, 1)
    index = _index_of(emulator, "multi", image)
    _refuse(emulator, image, status)

    live = await _read(client, tags=(_tags("multi", protect=UNDELETABLE),))

    assert ("", (), [index]) == (live.unread, live.missing_manifests, list(live.manifests))
    assert f"_manifests/{image.replace(':', '%3A')}: {status}" in live.unread_manifests[image]


async def test_an_index_that_only_a_list_shows_has_no_known_children(emulator, client):
    """What it says of itself is known, and why the rest is not."""
    images = _many(emulator, 2)
    index = _index_of(emulator, "vm", *images)
    _refuse(emulator, index)

    live = await _read(client, tags=(_tags("v*", protect=UNDELETABLE),))

    assert (True, None) == (live.manifests[index].is_index, live.manifests[index].children)
    assert [index] == list(live.unread_manifests)


async def test_a_repository_that_is_not_there_is_missing(emulator, client):
    """One request tells, and nothing else is asked."""
    live = await _read(client, tags=(_tags("v*", protect=UNDELETABLE),), manifests=(_manifests("**", ensure=GONE),))

    assert live.missing
    assert {"repository": 1} == _asked(emulator)


def _row(digest: str, *references: str, media_type: str = OCI_INDEX) -> dict[str, object]:
    row: dict[str, object] = {"digest": digest, "mediaType": media_type, "changeableAttributes": FLAGS}
    return {**row, "references": [{"digest": each} for each in references]} if references else row


def _one(digest: str, *references: str, **more: str):
    return reply(200, {"imageName": "team/app", "manifest": _row(digest, *references, **more)})


def _page(*rows: dict[str, object]):
    return reply(200, {"imageName": "team/app", "manifests": list(rows)})


def _digest(number: int) -> str:
    return f"sha256:{number:064x}"


def _target(digest: str) -> str:
    return f"{APP}/_manifests/{digest}"


@pytest.fixture
def scripted_app(registry):
    """team/app with the tag v1 on manifest 0."""
    tag = {"name": "v1", "digest": _digest(0), "changeableAttributes": FLAGS}
    registry.on(APP, reply(200, {"imageName": "team/app", "manifestCount": 2000, "changeableAttributes": FLAGS}))
    registry.on(f"{APP}/_tags/v1", reply(200, {"imageName": "team/app", "tag": tag}))
    return registry


async def test_an_index_that_is_below_itself_is_read_once(scripted_app, connect):
    """No digest allows that, but an answer may say it."""
    scripted_app.on(_target(_digest(0)), _one(_digest(0), _digest(1)))
    scripted_app.on(_target(_digest(1)), _one(_digest(1), _digest(0), _digest(1)))

    async with connect() as client:
        live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))

    assert {_digest(0): (_digest(1),), _digest(1): (_digest(0), _digest(1))} == {
        digest: manifest.children for digest, manifest in live.manifests.items()
    }
    assert 4 == scripted_app.count()


async def test_ten_thousand_children_come_from_two_pages_and_some_requests(scripted_app, connect):
    """The list shows most of them; the others are asked for, and are not there."""
    children = [_digest(number) for number in range(1, 10_001)]
    scripted_app.on(_target(_digest(0)), _one(_digest(0), *children))
    image = {"media_type": "application/vnd.oci.image.manifest.v1+json"}
    scripted_app.on(f"{APP}/_manifests", _page(*(_row(child, **image) for child in children[:9_900])))
    for child in children[9_900:]:
        scripted_app.on(_target(child), MANIFEST_UNKNOWN)

    async with connect() as client:
        live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))

    assert (9_901, 100) == (len(live.manifests), len(live.missing_manifests))
    assert 10_000 == len(live.manifests[_digest(0)].children)
    assert 104 == scripted_app.count()


async def test_a_thousand_indexes_in_each_other_are_all_read(scripted_app, connect):
    """Level by level, however deep."""
    for number in range(1000):
        scripted_app.on(_target(_digest(number)), _one(_digest(number), _digest(number + 1)))
    scripted_app.on(_target(_digest(1000)), MANIFEST_UNKNOWN)

    async with connect() as client:
        live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))

    assert (1000, (_digest(1000),)) == (len(live.manifests), live.missing_manifests)


async def test_indexes_without_an_end_are_given_up(scripted_app, connect):
    """Each names another one; no registry holds that."""

    def next_one(request):
        number = int(request.target.rpartition(":")[2], 16)
        return _one(_digest(number), _digest(number + 1))

    scripted_app.on("*", next_one)

    async with connect() as client:
        live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))

    assert "team/app: an index has more than 2,000 levels of other indexes below it" in live.unread


async def test_answers_that_are_not_about_the_manifest_leave_it_unread(scripted_app, connect):
    """Another digest than was asked for, or references that are none."""
    scripted_app.on(_target(_digest(0)), _one(_digest(0), _digest(1), _digest(2)))
    scripted_app.on(_target(_digest(1)), _one(_digest(7)))
    scripted_app.on(_target(_digest(2)), _one(_digest(2), "../../etc"))

    async with connect() as client:
        live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))

    assert [_digest(1), _digest(2)] == list(live.unread_manifests)
    assert "asked for manifest" in live.unread_manifests[_digest(1)]
    assert "is not a reference to a manifest" in live.unread_manifests[_digest(2)]


async def test_the_404_of_somebody_else_does_not_make_a_manifest_missing(scripted_app, connect):
    """A proxy does not know what the registry holds."""
    scripted_app.on(_target(_digest(0)), reply(404, b"404 page not found\n", content_type="text/plain"))

    async with connect() as client:
        live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))

    assert ((), [_digest(0)]) == (live.missing_manifests, list(live.unread_manifests))


async def test_a_repository_that_goes_while_manifests_are_read_is_missing(scripted_app, connect):
    """The registry says in its own words that it does not know it any more."""
    unknown = refusal(404, "NAME_UNKNOWN", 'repository "team/app" is not found')
    here = reply(200, {"imageName": "team/app", "manifestCount": 1, "changeableAttributes": FLAGS})
    scripted_app.on(_target(_digest(0)), unknown)
    scripted_app.on(APP, here, unknown)

    async with connect() as client:
        live = await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))

    assert live.missing


async def test_throttling_of_a_manifest_that_does_not_end_ends_the_run(scripted_app, connect):
    """To ask for the next one would take as long again."""
    scripted_app.on(_target(_digest(0)), refusal(429, "TOOMANYREQUESTS", retry_after="3600"))

    async with connect() as client:
        with pytest.raises(ThrottledError):
            await _read(client, tags=(_tags("v1", protect=UNDELETABLE),))


async def test_an_index_that_went_after_it_was_listed_is_missing(scripted_app, connect):
    """The list showed it, and a moment later it was not there."""
    image = _row(_digest(1), media_type="application/vnd.oci.image.manifest.v1+json")
    counts = reply(200, {"imageName": "team/app", "manifestCount": 2, "changeableAttributes": FLAGS})
    scripted_app.on(APP, counts)
    scripted_app.on(f"{APP}/_manifests", _page(_row(_digest(0)), image))
    scripted_app.on(_target(_digest(0)), MANIFEST_UNKNOWN)

    async with connect() as client:
        live = await _read(client, manifests=(_manifests("**", protect=UNDELETABLE),))

    assert ([_digest(1)], (_digest(0),)) == (list(live.manifests), live.missing_manifests)
