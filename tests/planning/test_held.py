"""Which manifests locked tags and indexes hold: directly, by an index, by an index in an index, or perhaps."""

from __future__ import annotations

import pytest
from builders import digest, manifest, repository, tag

from reconciler.model.live import LiveManifest
from reconciler.planning.held import held

A, B, C, D = map(digest, "abcd")
BELOW = {A: manifest(B), B: manifest(C), C: manifest(), D: manifest()}
INDEX = "application/vnd.oci.image.index.v1+json"


def _why(each, tags, **live):
    return held(repository("app", tags=tags, **{"manifests": BELOW, **live})).why(each)


@pytest.mark.parametrize(
    ("each", "why"),
    [
        (A, "v1 is locked and points at it"),
        (B, "v1 is locked and points at an index that it is part of"),
        (C, "v1 is locked and points at an index that it is part of"),
        (D, ""),
    ],
)
def test_a_locked_tag_holds_all_that_it_stands_on(each, why):
    """Down to the last level, and nothing else."""
    assert why == _why(each, {"v1": tag("a", deleteEnabled=False), "v2": tag("d")})


def test_the_tag_that_points_at_it_is_named_before_one_that_stands_above():
    """A person finds it sooner."""
    tags = {"v1": tag("a", writeEnabled=False), "v2": tag("b", writeEnabled=False)}

    assert "v2 is locked and points at it" == _why(B, tags)


@pytest.mark.parametrize(
    ("each", "why"),
    [
        (A, ""),
        (B, f"it is part of the index {A}, which is locked"),
        (C, f"it is part of the index {A}, which is locked"),
        (D, ""),
    ],
)
def test_a_locked_index_holds_all_that_it_stands_for(each, why):
    """Not itself, and no manifest that is no index holds anything."""
    below = {**BELOW, A: manifest(B, deleteEnabled=False), D: manifest(writeEnabled=False)}

    assert why == _why(each, {"v2": tag("d")}, manifests=below)


def test_a_locked_index_in_a_locked_index_is_held():
    """In whichever order they come."""
    for outer, inner in ((A, B), (B, A)):
        below = {outer: manifest(inner, deleteEnabled=False), inner: manifest(C, deleteEnabled=False), C: manifest()}

        assert f"it is part of the index {outer}, which is locked" == _why(inner, {}, manifests=below)
        assert _why(C, {}, manifests=below).startswith("it is part of the index")


def test_a_tag_is_named_before_an_index():
    """A person knows tags."""
    below = {**BELOW, A: manifest(B, deleteEnabled=False)}

    assert "v1 is locked and points at it" == _why(B, {"v1": tag("b", deleteEnabled=False)}, manifests=below)


@pytest.mark.parametrize(
    ("live", "why"),
    [
        ({"incomplete": "of its tags 1 were found and the registry counts 2"}, "of its tags 1 were found and"),
        ({"incomplete_manifests": "of its manifests 1 were found"}, "of its manifests 1 were found"),
        ({"unread": "GET https://r/acr/v1/app: 403"}, "GET https://r/acr/v1/app: 403"),
        ({"manifests": {A: LiveManifest({}, INDEX)}}, f"app@{A}: its children could not be read"),
        ({"manifests": {B: LiveManifest({"deleteEnabled": False}, INDEX)}}, f"app@{B}: its children could not be read"),
        ({"manifests": {}, "unread_manifests": {A: "503"}}, "503"),
    ],
)
def test_what_cannot_be_read_may_hold_anything(live, why):
    """Nothing is opened on the strength of what is not known."""
    tags = {"v1": tag("a", deleteEnabled=False)}

    assert _why(D, tags, **live).startswith(f"what needs it is not known: {why}")


def test_what_no_locked_tag_needs_is_not_asked_for():
    """Indexes that could not be read and that no locked tag points at do not matter."""
    assert "" == _why(D, {"v1": tag("a")}, manifests={A: LiveManifest({}, INDEX)}, unread_manifests={B: "503"})
