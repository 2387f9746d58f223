"""State files: the bytes, the way back, and what is refused because it would blame the wrong one."""

from __future__ import annotations

import attrs
import orjson
import pytest
from builders import desired_state, digest
from hypothesis import given, settings, strategies as st

from reconciler.errors import StateError
from reconciler.model.attributes import TAG_ATTRIBUTES
from reconciler.model.last_applied import Counts, LastApplied, LastRun, Remembered, RememberedRepository
from reconciler.planning.statefile import (
    counts_of,
    repository_from_line,
    repository_to_line,
    rules_document,
    rules_from_bytes,
    rules_to_bytes,
    state_from_bytes,
    state_to_bytes,
)

LOCKED = {"deleteEnabled": False}
APP = RememberedRepository(
    {"deleteEnabled": False},
    {"v1": Remembered(LOCKED, digest("a")), "v2": Remembered({**LOCKED, "writeEnabled": False}, digest("b"))},
    {digest("c"): Remembered({"deleteEnabled": False})},
)
LAST = LastApplied(
    registry="contoso.azurecr.io",
    lineage="11111111-2222-3333-4444-555555555555",
    serial=7,
    written="2026-11-26T20:10:03Z",
    tool_version="0.1.0",
    desired_digest=digest("d"),
    run=LastRun("20261126T201003Z-abcdef", digest("e"), 6, is_finished=True),
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


@settings(max_examples=100, deadline=None)
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
def test_a_first_line_without_a_member_is_refused(member):
    """A checksum does not cover the first line, so what stands there is looked at."""
    head, _, body = state_to_bytes(LAST).partition(b"\n")
    document = {name: value for name, value in orjson.loads(head).items() if name != member}

    with pytest.raises(StateError, match="damaged"):
        state_from_bytes(orjson.dumps(document) + b"\n" + body, "state.json")
