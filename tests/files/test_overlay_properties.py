"""Overlays do to a file what another implementation of RFC 6902 does to the same values."""

from __future__ import annotations

import json

import jsonpatch
from examples import some
from hypothesis import given, settings, strategies as st

from reconciler.errors import DesiredStateError
from reconciler.files.load import desired_from_texts
from reconciler.files.nodes import Mapping, Sequence, origin_of, read_nodes
from reconciler.files.overlay import read_overlay
from reconciler.files.overlaying import overlay_nodes

NAMES = ["a", "b", "~", "x/y", "0"]
FILES = {0: "base", 1: "overlay"}
documents = st.recursive(
    st.sampled_from(["x", "y", "true", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=12,
)
pointers = st.lists(st.sampled_from(["a", "b", "~0", "x~1y", "0", "1", "2", "-"]), min_size=1, max_size=4).map(
    lambda tokens: "".join(f"/{token}" for token in tokens)
)


@st.composite
def operations(draw):
    """Some operation, which may have nothing to be applied to."""
    op = draw(st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]))
    made = {"op": op, "path": draw(pointers)}
    if op in {"move", "copy"}:
        made["from"] = draw(pointers)
    if op in {"add", "replace", "test"}:
        made["value"] = draw(documents)
    return made


def patched(document, patch):
    """The document after the patch; None where it cannot be applied."""
    base = read_nodes(json.dumps(document), "base", with_places=True)
    try:
        overlay = read_overlay(json.dumps(patch, indent=1), "overlay", 1)
        return overlay_nodes(base, [overlay], FILES, size=100)
    except DesiredStateError:
        return None


def plain(node):
    """A node as Python values."""
    if isinstance(node, Mapping):
        return dict(zip(node[::2], map(plain, node[1::2]), strict=True))
    return [plain(item) for item in node] if isinstance(node, Sequence) else node


def expected(document, patch):
    """What jsonpatch makes of it; None where it refuses."""
    try:
        return jsonpatch.apply_patch(document, patch)
    except Exception:  # noqa: BLE001 - it has errors of many sorts for what cannot be applied
        return None


def is_strange(patch):
    """jsonpatch and RFC 6902 differ: a move into itself, and members that a list does not have."""
    return any(each["op"] == "move" and each["path"].startswith(f"{each['from']}/") for each in patch) or any(
        "-" in each.get("from", "") or ("-" in each["path"] and each["op"] not in {"add", "move", "copy"})
        for each in patch
    )


@given(
    document=documents, patch=st.lists(operations(), min_size=1, max_size=6).filter(lambda each: not is_strange(each))
)
@settings(max_examples=some(150), deadline=20_000)
def test_a_patch_does_what_rfc_6902_says(document, patch):
    """The same values come out, or neither can apply it."""
    done = patched(document, patch)

    assert expected(document, patch) == (None if done is None else plain(done[0]))


@given(document=documents, patch=st.lists(operations(), min_size=1, max_size=6))
@settings(max_examples=some(100), deadline=20_000)
def test_every_node_keeps_a_place(document, patch):
    """After any patch each container has as many places as nodes, each of them in one of the files."""
    done = patched(document, patch)

    waiting = [] if done is None else [done]
    while waiting:
        node = waiting.pop()
        assert len(node) == len(node.places)
        assert {origin_of(place, FILES).file for place in node.places} <= {"base", "overlay"}
        waiting.extend(child for child in node if isinstance(child, list))


@given(data=st.binary(max_size=200))
@settings(max_examples=some(100), deadline=20_000)
def test_no_overlay_breaks_the_loader(data):
    """Whatever is in an overlay, it is read or refused with problems that have a place on one line."""
    try:
        desired_from_texts([("base", b"version: 1\nrepositories: []\n")], [("overlay", data)])
        problems = ()
    except DesiredStateError as error:
        problems = error.problems

    assert all("\n" not in f"{problem.file}{problem.path}{problem.message}" for problem in problems)
