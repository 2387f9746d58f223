"""Part of a registry: what a target covers, what an exclusion takes out, and what is read for it."""

from __future__ import annotations

import pytest
from builders import OPEN, desired_state, digest, manifest, repository, selection, tag
from hypothesis import given, strategies as st

from reconciler.errors import RefusedError
from reconciler.model.address import parse_address
from reconciler.model.selection import SelectedIndex, Unmatched

A = digest("a")


@pytest.mark.parametrize(
    ("targets", "excludes", "address", "expected"),
    [
        ([], [], "app:v1", True),
        (["app"], [], "app", True),
        (["app"], [], "app:v1", True),
        (["app"], [], f"app@{A}", True),
        (["app"], [], "app2", False),
        (["app:v*"], [], "app:v1", True),
        (["app:v*"], [], "app", False),
        (["app:v*"], [], f"app@{A}", False),
        (["team/*:{v1,v2}"], [], "team/web:v2", True),
        ([f"app@{A}"], [], f"app@{A}", True),
        ([], ["app:v1"], "app:v1", False),
        ([], ["app:v1"], "app:v2", True),
        (["app"], ["app:v*"], "app:v2", False),
        (["app"], ["app"], "app:v2", False),
        (["a", "b"], [], "b:x", True),
    ],
)
def test_a_repository_stands_for_all_in_it(targets, excludes, address, expected):
    """A tag or a digest stands for itself; an exclusion takes out what a target covers."""
    assert expected == selection(*targets, exclude=excludes).selects(parse_address(address))


REPOSITORIES, PARTS = st.sampled_from(["app", "web", "a*", "**"]), st.sampled_from(["", ":v1", ":v*", f"@{A}", "@**"])
PATTERNS = st.lists(st.builds(str.__add__, REPOSITORIES, PARTS), max_size=4)


@given(
    PATTERNS, PATTERNS, st.sampled_from(["app", "app:v1", "app:x", f"app@{A}", "web", "web:v2", f"web@{digest('b')}"])
)
def test_many_targets_mean_what_each_of_them_does(targets, excludes, text):
    """However they are arranged to be asked about many addresses."""
    address = parse_address(text)

    def one(pattern):
        return selection(pattern).selects(address)

    assert selection(*targets, exclude=excludes).selects(address) == (
        (not targets or any(map(one, targets))) and not any(map(one, excludes))
    )


def test_only_selected_repositories_are_read():
    """By their names where all are spelled, so that nobody lists a whole registry for one of them."""
    desired = desired_state({"match": "**", "deleteEnabled": False}, {"match": "app", "writeEnabled": False})

    named = SelectedIndex(desired, selection("app", "web:v1"))
    matched = SelectedIndex(desired, selection("team/*"))

    assert (False, ("app", "web")) == (named.needs_catalog, named.exact_repositories)
    assert (True, ()) == (matched.needs_catalog, matched.exact_repositories)
    assert (0, 1, 2) == tuple(len(named.for_repository(name).rules) for name in ("other", "web", "app"))


def test_a_repository_that_is_excluded_as_a_whole_is_not_read():
    """One of which only some tags are excluded is."""
    selected = selection(exclude=["app", "web:v1"])

    assert (False, True) == (selected.selects_in("app"), selected.selects_in("web"))


@pytest.mark.parametrize("text", ["", "regex:app", "app:", "[z-a]", ":v1", "app@", "App", "app:a/b", "app:regex:v1"])
def test_what_can_select_nothing_is_refused(text):
    """An option that is a typing error must not widen a run to everything, nor narrow it to nothing."""
    with pytest.raises(RefusedError, match="--target "):
        selection(text)


@pytest.mark.parametrize(
    ("targets", "excludes", "unmatched"),
    [
        (["app", "app:v*", f"app@{A}", "old"], ["app:v1", "gone"], ()),
        (
            ["ap?:x", "other"],
            ["app:x", "other"],
            ("--target ap?:x", "--target other", "--exclude app:x", "--exclude other"),
        ),
        (["app:later"], [], ()),
        (["wild"], [], ("--target wild",)),
    ],
)
def test_a_pattern_that_selects_nothing_is_known(targets, excludes, unmatched):
    """A name that a rule spells is something, also where the registry does not hold it yet."""
    desired = desired_state({"match": "**", "deleteEnabled": False}, {"match": "old", "deleteEnabled": False})
    selected = selection(*targets, exclude=excludes)
    index = SelectedIndex(desired, selected)
    noted = Unmatched(selected, index)
    tags = {"v1": tag()}
    live = (
        repository("app", OPEN, tags, missing_tags=("later",), manifests={A: manifest()}),
        repository("old", missing=True),
        repository("wild", missing=True),
    )

    index.for_repository("gone")
    for each in live:
        noted.see(index.for_repository(each.name), each)

    assert unmatched == noted.told()
