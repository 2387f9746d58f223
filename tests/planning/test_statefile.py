"""State files: the bytes, the way back, and what is refused because it would blame the wrong one."""

from __future__ import annotations

import hashlib

import attrs
import orjson
import pytest
from builders import desired_state, digest
from hypothesis import given, settings, strategies as st

from reconciler.errors import StateError
from reconciler.model.attributes import TAG_ATTRIBUTES
from reconciler.model.last_applied import Counts, LastApplied, LastRun, Remembered, RememberedRepository
from reconciler.planning.rulesfile import rules_document, rules_from_bytes, rules_to_bytes
from reconciler.planning.statefile import (
    counts_of,
    repository_from_line,
    repository_to_line,
    state_from_bytes,
    state_to_bytes,
)

LOCKED = {"deleteEnabled": False}
APP = RememberedRepository(
    {"deleteEnabled": False},
    {"v1": Remembered(LOCKED, digest("a")), "v2": Remembered({**LOCKED, "writeEnabled": False}, digest("b"))},
    {digest("c"): Remembered({"deleteEnabled": False})},
    {digest("c"): (digest("b"), digest("a"))},
)
LAST = LastApplied(
    registry="contoso.azurecr.io",
    lineage="11111111-2222-3333-4444-555555555555",
    serial=7,
    written="2026-11-26T20:10:03Z",
    tool_version="0.1.0",
    desired_digest=digest("d"),
    run=LastRun("20261126T201003Z-abcdef", digest("e"), 6, is_finished=True, serial=7),
    rules=rules_to_bytes(desired_state({"match": "app", "deleteEnabled": False})),
    repositories={"app": repository_to_line("app", APP)},
    counts=Counts(1, 2, 1),
)


def test_a_state_file_is_read_as_it_was_written():
    """Everything comes back, and written again it is the same bytes."""
    content = state_to_bytes(LAST)

    read = state_from_bytes(content, "state.json")

    assert content == state_to_bytes(read)
    assert attrs.asdict(LAST) == attrs.asdict(read)


def test_the_first_line_tells_what_it_is():
    """Whoever looks into the file learns which registry it is about, and of which run it is."""
    head = orjson.loads(state_to_bytes(LAST).partition(b"\n")[0])

    assert ("acr-reconciler last applied", "1.0", "contoso.azurecr.io", 7) == (
        head["kind"],
        head["format_version"],
        head["registry"],
        head["serial"],
    )
    assert {"repositories": 1, "tags": 2, "manifests": 1} == head["counts"]


RESOURCES = st.builds(
    Remembered, st.dictionaries(st.sampled_from(TAG_ATTRIBUTES), st.booleans(), min_size=1), st.just(digest("a"))
)


@settings(max_examples=100)
@given(
    attributes=st.dictionaries(st.sampled_from(TAG_ATTRIBUTES), st.booleans()),
    tags=st.dictionaries(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True), RESOURCES),
)
def test_a_repository_comes_back_from_its_line(attributes, tags):
    """Whatever its tags are called and however they differ; and in any order it gives the same bytes."""
    line = repository_to_line("team/app", RememberedRepository(attributes, tags))

    read = repository_from_line(line)

    assert (attributes, tags) == (read.attributes, read.tags)
    backwards = dict(reversed(tags.items()))
    assert line == repository_to_line("team/app", RememberedRepository(attributes, backwards))
    assert len(tags) == counts_of(line).tags


def test_rules_come_back_without_their_places():
    """Only what they declare matters for who moved."""
    rules = {
        "match": ["app", "team/**"],
        "exclude": ["team/x"],
        "deleteEnabled": False,
        "tags": [{"match": "regex:v.*", "writeEnabled": False}],
    }
    desired = desired_state(rules)

    assert rules_document(desired) == rules_document(rules_from_bytes(rules_to_bytes(desired)))


@pytest.mark.parametrize("cut", [1, 10, 100, 400])
def test_a_file_that_was_cut_is_refused(cut):
    """Half a memory would blame somebody for the other half."""
    content = state_to_bytes(LAST)[:-cut]

    with pytest.raises(StateError, match=r"state.json: damaged|state.json: not a state file") as raised:
        state_from_bytes(content, "state.json")

    assert "\n  " in str(raised.value)


def test_a_file_that_was_changed_is_refused():
    """One flag turned by hand is found by the checksum, and the message says where the previous one is."""
    content = state_to_bytes(LAST).replace(b'"deleteEnabled":false', b'"deleteEnabled":true ', 1)

    with pytest.raises(StateError, match=r"state.json: damaged: its checksum does not fit") as raised:
        state_from_bytes(content, "state.json")

    assert "state.json.backup" in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [b"\0" * 20, b"[]\n", b"{}\n", b'{"version": 4, "serial": 3, "lineage": "x"}', "größe\n".encode("latin-1")],
)
def test_a_file_of_another_program_is_refused(content):
    """Terraform's state, for one, stands where somebody may point us by mistake."""
    with pytest.raises(StateError, match=r"state\.json: not a state file of this program; it is left as it is"):
        state_from_bytes(content, "state.json")


def test_a_later_format_is_refused_by_its_version():
    """And the message says which program wrote it."""
    head, _, body = state_to_bytes(LAST).partition(b"\n")
    later = head.replace(b'"format_version":"1.0"', b'"format_version":"2.1"').replace(b"0.1.0", b"9.9.9")

    with pytest.raises(StateError, match=r'state format "2.1"; this version reads 1.0\n.*9\.9\.9'):
        state_from_bytes(later + b"\n" + body, "state.json")


@pytest.mark.parametrize("member", ["serial", "lineage", "registry", "run", "counts", "written", "desired_digest"])
def test_a_first_line_that_was_changed_is_refused(member):
    """The serial orders runs and the counts are what limits are a share of."""
    head, _, body = state_to_bytes(LAST).partition(b"\n")
    document = orjson.loads(head)

    for changed in ({**document, member: 3}, {name: value for name, value in document.items() if name != member}):
        with pytest.raises(StateError, match="damaged: its checksum does not fit"):
            state_from_bytes(orjson.dumps(changed) + b"\n" + body, "state.json")


@pytest.mark.parametrize("change", [{"serial": 2**63}, {"serial": -1}, {"lineage": 3}, {"run": []}, {"counts": {}}])
def test_a_first_line_that_somebody_made_fit_is_refused_all_the_same(change):
    """A number that JSON cannot hold would fail only when the next run writes it."""
    with pytest.raises(StateError, match="damaged: "):
        state_from_bytes(_refit(state_to_bytes(LAST), change), "state.json")


@pytest.mark.parametrize(
    "line",
    [
        b'{"attributes":{},"manifests":[],"repository":"app","tags":5}',
        b'{"attributes":[],"manifests":[],"repository":"app","tags":[]}',
        b'{"attributes":{"deleteEnabled":"no"},"manifests":[],"repository":"app","tags":[]}',
        b'{"attributes":{},"manifests":[],"repository":"app","tags":[{"attributes":{},"digests":["x"],"names":["a","b"]}]}',
        b'{"attributes":{},"manifests":[],"repository":"app","tags":[{"attributes":{},"digests":[1],"names":["a"]}]}',
        b'{"attributes":{},"manifests":[],"repository":"app","tags":[{"attributes":{},"digests":["x"],"names":[{}]}]}',
        b'{"attributes":{},"manifests":[],"repository":"app","tags":[',
    ],
)
def test_a_line_that_holds_something_else_is_refused(line):
    """Where it is read, and where it is counted."""
    for read in (repository_from_line, counts_of):
        with pytest.raises(StateError, match="what is remembered of a repository cannot be read"):
            read(line)


def _refit(content: bytes, change) -> bytes:
    """The file with another first line, and a checksum that fits it."""
    head, _, body = content.partition(b"\n")
    document = {name: value for name, value in {**orjson.loads(head), **change}.items() if name != "checksum"}
    about = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    checksum = hashlib.sha256(about + body.removesuffix(b"\n")).hexdigest()
    return orjson.dumps({**document, "checksum": f"sha256:{checksum}"}) + b"\n" + body


@pytest.mark.parametrize("children", [[], {"v1": []}, {digest("c"): ["v1"]}, {digest("c"): [1]}, {digest("c"): 1}])
def test_children_that_are_no_digests_are_refused(children):
    """Somebody made the checksum fit."""
    line = orjson.dumps({**orjson.loads(repository_to_line("app", APP)), "children": children})

    with pytest.raises(StateError, match="cannot be read"):
        repository_from_line(line)
