"""The registry is asked as little as possible: requests are counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

NO_ATTRIBUTES = "repositories: [{match: '**', tags: [{match: 'v*', attributes: {deleteEnabled: false}}]}]"
NO_TAGS = "repositories: [{match: '**', attributes: {deleteEnabled: false}}]"
EXACT = "repositories: [{match: [team/app-1, team/app-2], attributes: {deleteEnabled: false}}]"
ONE_TAG = "repositories: [{match: team/app-1, tags: [{match: v1, attributes: {deleteEnabled: false}}]}]"
TWO_TAGS = "repositories: [{match: team/app-1, tags: [{match: [v1, v2], attributes: {deleteEnabled: false}}]}]"
MISSING_TAG = "repositories: [{match: team/app-1, tags: [{match: [v1, v9], attributes: {deleteEnabled: false}}]}]"


def _kind(path: str) -> str:
    lists = ("_catalog", "catalog"), ("/_tags/", "tag"), ("/_tags", "tags"), ("/_manifests/", "manifest")
    for part, kind in (*lists, ("/_manifests", "manifests")):
        if part in path:
            return kind
    return "repository"


def _asked(emulator) -> dict[str, int]:
    return dict(Counter(f"{request.method} {_kind(request.path)}" for request in emulator.requests()))


def test_a_whole_registry_costs_one_page_and_two_requests_for_each_repository(emulator, reconciler, releases):
    """200 repositories of 50 tags: 1 catalog page and, for each repository, 1 GET and 1 page of tags."""
    for repository in range(200):
        for tag in range(50):
            emulator.push(f"team/app-{repository}:v{tag}", content=b"one")
    emulator.clear_requests()

    done = reconciler("plan", releases, "--registry", emulator.url)

    assert 0 == done.code
    assert {"GET catalog": 1, "GET repository": 200, "GET tags": 200} == _asked(emulator)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (NO_ATTRIBUTES, {"GET catalog": 1, "GET tags": 3, "GET repository": 3}),
        (NO_TAGS, {"GET catalog": 1, "GET repository": 3}),
        (EXACT, {"GET repository": 2}),
        (ONE_TAG, {"GET tag": 1}),
        (TWO_TAGS, {"GET tags": 1}),
        (MISSING_TAG, {"GET tags": 1, "GET tag": 1}),
    ],
    ids=["no attributes", "no tags", "exact", "one tag", "two tags", "a tag that is missing"],
)
def test_only_what_the_files_talk_about_is_read(emulator, reconciler, tmp_path: Path, declared, expected):
    """No catalog for exact names, no list without rules for tags, no repository without rules for it.

    Where all tags of a pattern are meant, the repository tells how many there are.
    """
    for repository in range(1, 4):
        for tag in (1, 2):
            emulator.push(f"team/app-{repository}:v{tag}", content=b"one")
    emulator.clear_requests()
    (tmp_path / "some.yaml").write_text(f"version: 1\n{declared}\n")

    done = reconciler("plan", "some.yaml", "--registry", emulator.url)

    assert 0 == done.code, done.stderr
    assert expected == _asked(emulator)


def test_a_change_costs_three_requests(emulator, reconciler, releases):
    """A fresh read, a PATCH with what differs, a read-back; for each change and nothing besides the plan's reads."""
    emulator.push("team/app:v1", content=b"one")
    emulator.push("team/app:v2", content=b"two")
    emulator.patch("team/app:v1", deleteEnabled=False)
    emulator.clear_requests()

    done = reconciler("apply", releases, "--registry", emulator.url, "--auto-approve")

    assert 0 == done.code
    assert {
        "GET catalog": 1,
        "GET repository": 1 + 2,
        "GET tags": 1,
        "GET tag": 2 * 2,
        "PATCH tag": 2,
        "PATCH repository": 1,
    } == _asked(emulator)
    assert [b'{"deleteEnabled":false,"writeEnabled":false}', b'{"deleteEnabled":false}', b'{"writeEnabled":false}'] == (
        sorted(request.body for request in emulator.requests("PATCH"))
    )


def test_an_index_is_read_once_in_its_life(emulator, reconciler, tmp_path: Path):
    """Twenty multi-arch tags: the plan after an apply asks for lists alone, and sees a child that was opened."""
    children = [emulator.push("team/app", content=str(each).encode()) for each in range(40)]
    for number in range(20):
        emulator.push_index(f"team/app:v{number}", [f"team/app@{each}" for each in children[number : number + 20]])
    (tmp_path / "registry.yaml").write_text(
        "version: 1\nrepositories: [{match: team/app, tags: [{match: 'v*', protect: immutable}]}]\n"
    )
    assert 0 == reconciler("apply", "registry.yaml", "--registry", emulator.url, "--auto-approve").code
    emulator.patch(f"team/app@{children[7]}", deleteEnabled=True)
    emulator.clear_requests()

    planned = reconciler("plan", "registry.yaml", "--registry", emulator.url, "--detailed-exitcode")

    assert (2, True) == (planned.code, f"@{children[7][:13]}" in planned.stdout)
    assert {"GET repository": 1, "GET tags": 1, "GET manifests": 1} == _asked(emulator)
