"""Which manifests may have to go, and what is asked about them, counted."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest
from servers import challenge, refusal, reply

from reconciler.emulator.fault_settings import Rule
from reconciler.errors import ThrottledError, UnauthorizedError
from reconciler.model.desired import (
    Absent,
    Declaration,
    DesiredState,
    Keep,
    ManifestRule,
    Origin,
    RepositoryRule,
    TagRule,
)
from reconciler.model.last_applied import RememberedRepository
from reconciler.model.live import INDEXES, LiveRepository, Moment
from reconciler.model.matching import DesiredIndex, RepositoryRules
from reconciler.model.pattern import compile_pattern
from reconciler.registry.candidates import candidates, without_what_stays
from reconciler.registry.reader import read_repository
from reconciler.registry.relations import Relations, relations
from reconciler.registry.resources import Content, Manifest

HERE = Origin("registry.yaml", 1, 1)
OPEN = {"deleteEnabled": True, "writeEnabled": True, "listEnabled": True, "readEnabled": True}
LOCKED = {**OPEN, "deleteEnabled": False}
GONE, UNLOCKED = Absent(unlock=False, origin=HERE), Absent(unlock=True, origin=HERE)
IMAGE = "application/vnd.oci.image.manifest.v1+json"
DAY_S = 86_400
NOW_NS = 100 * DAY_S * 10**9
A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def _patterns(*texts: str):
    return tuple(map(compile_pattern, texts))


def _tags(*names: str, **said) -> TagRule:
    return TagRule(_patterns(*names), (), said.pop("attributes", ()), HERE, **said)


def _manifests(*digests: str, **said) -> ManifestRule:
    return ManifestRule(_patterns(*(digests or ("**",))), (), said.pop("attributes", ()), HERE, **said)


def _keep(last: int | None = None, days: int | None = None) -> Keep:
    return Keep(last, days * DAY_S if days is not None else None, HERE)


def _rules(*entries: TagRule | ManifestRule, match: str = "team/app") -> RepositoryRules:
    tags = tuple(entry for entry in entries if isinstance(entry, TagRule))
    manifests = tuple(entry for entry in entries if isinstance(entry, ManifestRule))
    rule = RepositoryRule(_patterns(match), (), (), tags, HERE, manifests)
    return DesiredIndex(DesiredState(None, (rule,))).for_repository("team/app")


def _manifest(digest: str, *, day: int | None = None, document=OPEN, tags: tuple[str, ...] = ()) -> Manifest:
    updated = "" if day is None else f"1970-{1 + day // 28:02d}-{1 + day % 28:02d}T00:00:00Z"
    return Manifest(digest, document, media_type=IMAGE, tags=tags, updated=updated)


def _found(*manifests: Manifest) -> dict[str, Manifest]:
    return {manifest.digest: manifest for manifest in manifests}


UNTAGGED = _manifests(tagged=False, ensure=GONE)


@pytest.mark.parametrize(
    ("rules", "tags", "manifests", "expected"),
    [
        ((UNTAGGED,), {}, _found(_manifest(A)), {A}),
        ((UNTAGGED,), {"v1": {"digest": A, **OPEN}}, _found(_manifest(A), _manifest(B)), {B}),
        ((UNTAGGED,), {}, _found(_manifest(A, tags=("unseen",))), set()),
        ((UNTAGGED,), {}, _found(_manifest(A, document=LOCKED)), set()),
        ((_manifests(ensure=UNLOCKED),), {}, _found(_manifest(A, document=LOCKED)), {A}),
        ((_manifests(tagged=True, ensure=GONE),), {}, _found(_manifest(A)), set()),
        ((_manifests(A, ensure=GONE),), {}, _found(_manifest(A), _manifest(B)), {A}),
        ((_manifests(media_type=_patterns(INDEXES[0]), ensure=GONE),), {}, _found(_manifest(A)), set()),
        (
            (UNTAGGED, _manifests(A, attributes=(Declaration("deleteEnabled", False, HERE),))),
            {},
            _found(_manifest(A), _manifest(B)),
            {B},
        ),
    ],
    ids=[
        "nobody points at it",
        "a tag points at it",
        "an unseen tag points at it",
        "locked",
        "locked, and unlocked by the rule",
        "only tagged ones, which a tag keeps",
        "named",
        "of another type",
        "a later rule locks it",
    ],
)
def test_what_stays_anyway_is_no_candidate(rules, tags, manifests, expected):
    """Tags, locks and later rules keep it, whatever else is found out."""
    assert expected == candidates(_rules(*rules), tags, {}, manifests, NOW_NS)


@pytest.mark.parametrize(
    ("rule", "document", "expected"),
    [
        (_tags("v1", ensure=GONE), OPEN, {A}),
        (_tags("v1", ensure=GONE), LOCKED, set()),
        (_tags("v1", ensure=UNLOCKED), LOCKED, {A}),
        (_tags("v1", digest=Declaration("digest", B, HERE)), OPEN, {A}),
        (_tags("v1", digest=Declaration("digest", A, HERE)), OPEN, set()),
        (_tags("v1", keep=_keep(days=10)), OPEN, {A}),
        (_tags("v1", keep=_keep(days=90)), OPEN, set()),
        (_tags("v1", keep=_keep(last=1)), OPEN, set()),
        (_tags("v1", keep=_keep(days=10)), LOCKED, set()),
    ],
    ids=range(9),
)
def test_a_tag_that_may_leave_does_not_keep_its_manifest(rule, document, expected):
    """It is deleted, pointed elsewhere or outdated; locked ones are not."""
    tags, times = {"v1": {"digest": A, **document}}, {"v1": Moment("", 50 * DAY_S * 10**9)}

    assert expected == candidates(_rules(UNTAGGED, rule), tags, times, _found(_manifest(A, tags=("v1",))), NOW_NS)


@pytest.mark.parametrize(
    ("keep", "now_ns", "expected"),
    [
        (_keep(last=1), NOW_NS, {A, B}),
        (_keep(last=3), NOW_NS, set()),
        (_keep(days=95), NOW_NS, {A}),
        (_keep(days=89), NOW_NS, {A, B}),
        (_keep(last=2, days=1), NOW_NS, {A}),
        (_keep(days=95), None, {A, B, C}),
    ],
    ids=range(6),
)
def test_what_retention_keeps_is_no_candidate(keep, now_ns, expected):
    """The newest and the young stay; without a moment nothing is young."""
    manifests = _found(_manifest(A, day=3), _manifest(B, day=9), _manifest(C, day=20))

    assert expected == candidates(_rules(_manifests(keep=keep)), {}, {}, manifests, now_ns)


def test_what_has_no_time_is_kept_by_retention():
    """Nobody knows how old it is."""
    assert set() == candidates(_rules(_manifests(keep=_keep(last=0))), {}, {}, _found(_manifest(A)), NOW_NS)


def test_what_an_index_that_stays_is_made_of_stays():
    """Also through an index that might have gone; and all of it where one cannot be read."""
    children = {A: (B,), B: (C,), C: ()}

    assert {B, C} == without_what_stays({B, C}, [B, C], children.get)
    assert set() == without_what_stays({B, C}, [A, B, C], children.get)
    assert set() == without_what_stays({B, C}, [B, C], {B: None, C: ()}.get)


@pytest.fixture
async def client(emulator, connect_to):
    """Signed in as nobody, which is enough here."""
    async with connect_to(emulator.url) as connected:
        yield connected


async def _read(client, *entries: TagRule | ManifestRule, now_ns: int | None = None) -> LiveRepository:
    return await read_repository(client, "team/app", _rules(*entries), RememberedRepository(), now_ns=now_ns)


def _asked(emulator) -> dict[str, int]:
    parts = (
        ("/_manifests/", "manifest"),
        ("/_manifests", "manifests"),
        ("/_tags", "tags"),
        ("/referrers/", "referrers"),
        ("/v2/", "content"),
        ("", "repository"),
    )
    return dict(Counter(next(kind for part, kind in parts if part in each.path) for each in emulator.requests()))


def _image(emulator, content: str) -> str:
    return emulator.push("team/app", content=content.encode())


def _index_of(emulator, tag: str, *digests: str) -> str:
    return emulator.push_index(f"team/app:{tag}" if tag else "team/app", [f"team/app@{digest}" for digest in digests])


async def _sign(client, emulator, subject: str) -> str:
    """Push a manifest that is about another one, without a tag."""
    document = json.loads((await client.content("team/app", _image(emulator, "signature"))).body)
    document["subject"] = {"mediaType": IMAGE, "digest": subject, "size": 1}
    body = json.dumps(document).encode()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    await client.put_content("team/app", digest, Content(digest, IMAGE, body))
    emulator.delete(f"team/app@{_image(emulator, 'signature')}")
    emulator.clear_requests()
    return digest


async def test_retention_reads_every_index_and_asks_about_what_nothing_keeps(emulator, client):
    """Three indexes of two images, of which two are tagged; two loose images, one of them tagged."""
    parts = [_image(emulator, f"part {number}") for number in range(6)]
    indexes = [_index_of(emulator, tag, *parts[2 * at : 2 * at + 2]) for at, tag in enumerate(("m0", "m1", ""))]
    loose = _image(emulator, "loose")
    emulator.push("team/app:v1", content=b"tagged")

    live = await _read(client, UNTAGGED)

    about = {digest for digest, manifest in live.manifests.items() if manifest.subject == ""}
    assert {loose, indexes[2], *parts[4:]} == about == {d for d, m in live.manifests.items() if m.referrers == ()}
    assert all(manifest.children is not None for manifest in live.manifests.values())
    assert {"repository": 1, "tags": 1, "manifests": 1, "manifest": 3, "content": 4, "referrers": 4} == _asked(emulator)


async def test_where_nothing_can_go_no_index_is_read(emulator, client):
    """Everything is tagged."""
    image = emulator.push("team/app:v1")
    _index_of(emulator, "multi", image)

    live = await _read(client, UNTAGGED)

    assert 2 == len(live.manifests)
    assert {"repository": 1, "tags": 1, "manifests": 1} == _asked(emulator)


async def test_what_is_too_young_to_go_is_not_asked_about(emulator, client):
    """Pushed just now; at the beginning of time that is the future."""
    _image(emulator, "young")

    await _read(client, _manifests(tagged=False, keep=_keep(days=1)), now_ns=NOW_NS)

    assert {"repository": 1, "tags": 1, "manifests": 1} == _asked(emulator)


async def test_a_signature_and_what_it_is_about_know_each_other(emulator, client):
    """Whichever of the two may go."""
    image = emulator.push("team/app:v1", content=b"signed")
    loose = _image(emulator, "loose")
    of_tagged, of_loose = await _sign(client, emulator, image), await _sign(client, emulator, loose)

    live = await _read(client, UNTAGGED)

    assert (image, loose) == (live.manifests[of_tagged].subject, live.manifests[of_loose].subject)
    assert ((of_tagged,), (of_loose,)) == (live.manifests[image].referrers, live.manifests[loose].referrers)
    assert None is live.manifests[image].subject


async def test_a_locked_signature_is_found_by_what_it_is_about(emulator, client):
    """It does not go itself, so it is not asked."""
    loose = _image(emulator, "loose")
    signature = await _sign(client, emulator, loose)
    emulator.patch(f"team/app@{signature}", deleteEnabled=False)

    live = await _read(client, UNTAGGED)

    assert ((signature,), None) == (live.manifests[loose].referrers, live.manifests[signature].subject)


async def test_what_may_not_be_pulled_leaves_its_subject_unknown(emulator, client):
    """The others are known."""
    hidden, other = _image(emulator, "not to be pulled"), _image(emulator, "other")
    emulator.patch(f"team/app@{hidden}", readEnabled=False)

    live = await _read(client, UNTAGGED)

    assert (None, "") == (live.manifests[hidden].subject, live.manifests[other].subject)
    assert ("", {}) == (live.unread, live.unread_manifests)


async def test_who_may_not_pull_is_refused_once(emulator, client):
    """Forty could be asked about; after the first few it is clear."""
    for number in range(40):
        _image(emulator, str(number))
    emulator.faults.add(Rule("refuse", status=401, path="/v2/"))

    live = await _read(client, UNTAGGED)

    assert {(None, None)} == {(manifest.subject, manifest.referrers) for manifest in live.manifests.values()}
    assert _asked(emulator)["content"] <= 16


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"subject": null}', ""),
        (b'{"subject": {"digest": "%s"}}' % B.encode(), B),
        (b'{"subject": {"digest": "../../etc"}}', None),
        (b'{"subject": "everything"}', None),
        (b"[]", None),
        (b"\xff", None),
    ],
)
async def test_a_subject_that_is_no_digest_is_not_known(registry, connect, body, expected):
    """Not known is not none: who is about something may be a signature."""
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    registry.on(f"/v2/team/app/manifests/{digest}", reply(200, body))
    registry.on(f"/v2/team/app/referrers/{digest}", reply(200, {"manifests": []}))

    async with connect() as client:
        found = await relations(client, "team/app", [digest])

    assert {digest: Relations(expected, ())} == found


async def test_throttling_of_content_that_does_not_end_ends_the_run(registry, connect):
    """To ask about the next manifest would take as long again."""
    registry.on("*", refusal(429, "TOOMANYREQUESTS", retry_after="3600"))

    async with connect() as client:
        with pytest.raises(ThrottledError):
            await relations(client, "team/app", [A])


async def test_a_refused_sign_in_ends_the_run(registry, connect):
    """It is no answer about one manifest."""
    registry.on("*", challenge(f"{registry.url}/oauth2/token", "s"))
    registry.on("/oauth2/token", refusal(401, "UNAUTHORIZED"))

    async with connect(password="wrong") as client:
        with pytest.raises(UnauthorizedError, match="user name or password"):
            await relations(client, "team/app", [A])


async def test_an_index_that_cannot_be_read_leaves_all_others_unasked(emulator, client):
    """What may go may be a child of it."""
    index = _index_of(emulator, "multi", _image(emulator, "child"))
    _image(emulator, "loose")
    emulator.faults.add(Rule("refuse", status=403, path=f"/acr/v1/team/app/_manifests/{index}"))

    live = await _read(client, UNTAGGED)

    assert (None, [index]) == (live.manifests[index].children, list(live.unread_manifests))
    assert {None} == {manifest.subject for manifest in live.manifests.values()}


async def test_a_named_manifest_is_asked_about_even_where_an_index_keeps_it(emulator, client):
    """So that what keeps it can be told."""
    child = _image(emulator, "child")
    index = _index_of(emulator, "multi", child)

    live = await _read(client, _manifests(child, ensure=GONE))

    assert ("", (child,)) == (live.manifests[child].subject, live.manifests[index].children)


async def test_where_not_all_can_be_seen_nothing_is_asked_about(emulator, client):
    """Hidden tags and hidden manifests may need what is seen."""
    _image(emulator, "loose")
    emulator.push("team/app:v1", content=b"other")
    emulator.patch("team/app:v1", listEnabled=False)
    emulator.patch(f"team/app@{_image(emulator, 'hidden')}", listEnabled=False)

    live = await _read(client, UNTAGGED)

    assert live.incomplete.startswith("of its tags 0 were found and the registry counts 1; ")
    assert live.incomplete_manifests.startswith("of its manifests 2 were found and the registry counts 3; ")
    assert {"content", "referrers", "manifest"}.isdisjoint(_asked(emulator))


async def test_a_hidden_manifest_with_a_tag_is_seen(emulator, client):
    """The tag names it, so it is no reason to keep everything else."""
    hidden, loose = emulator.push("team/app:v1", content=b"hidden"), _image(emulator, "loose")
    emulator.patch(f"team/app@{hidden}", listEnabled=False)

    live = await _read(client, UNTAGGED)

    assert ("", {hidden, loose}) == (live.incomplete_manifests, set(live.manifests))
    assert "" == live.manifests[loose].subject


async def test_times_of_tags_are_told_where_retention_asks_for_them(emulator, client):
    """As the registry wrote them, and in nanoseconds; in the order of the pushes."""
    for name in ("v2", "v1"):
        emulator.push(f"team/app:{name}")

    kept = await _read(client, _tags("v*", keep=_keep(last=1)))
    named = await _read(client, _tags("v1", keep=_keep(last=1)))
    others = await _read(client, _tags("v*", attributes=(Declaration("deleteEnabled", False, HERE),)))

    assert ["v2", "v1"] == sorted(kept.tag_times, key=lambda name: kept.tag_times[name].ns)
    assert {"v1": kept.tag_times["v1"]} == named.tag_times
    assert kept.tag_times["v1"].text.endswith("Z")
    assert {} == others.tag_times
