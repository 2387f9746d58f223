"""How many requests `rollback` sends where a run changed much."""

from __future__ import annotations

import json
from collections import Counter

import pytest

NAMES = [f"v{number:04}" for number in range(1500)]
IMMUTABLE = [{"match": "v*", "protect": "immutable"}]
UNDELETABLE = [{"match": "v*", "attributes": {"deleteEnabled": False}}]


@pytest.fixture
def costs(emulator, reconciler, tmp_path):
    """A function that applies entries for tags, rolls that back, and returns the plan and the reads by path."""

    def costs(tags: list, *, between=lambda: None):
        entry = {"version": 1, "repositories": [{"match": "web/api", "tags": tags}]}
        (tmp_path / "registry.json").write_text(json.dumps(entry))
        run("apply", "registry.json", "--auto-approve", "-q", "--max-loosen", "100%")
        between()
        emulator.clear_requests()
        plan = json.loads(run("rollback", "latest", "--format", "json").stdout)
        return plan, Counter(each.path for each in emulator.requests() if each.path.startswith("/acr/v1"))

    def run(*arguments: str):
        done = reconciler(*arguments, RECONCILER_REGISTRY=emulator.url)
        assert 0 == done.code, done.stderr
        return done

    return costs


def test_many_tags_of_a_repository_are_read_by_pages(emulator, costs):
    """Two pages for 1,500 tags."""
    emulator.push_many("web/api", NAMES)

    plan, reads = costs(UNDELETABLE)

    assert 1500 == plan["summary"]["update"]
    assert {"/acr/v1/web/api/_tags": 2} == reads


def test_few_tags_are_read_one_by_one(emulator, costs):
    """A page of a thousand is not worth it, nor can it be told how many come before them."""
    emulator.push_many("web/api", NAMES)

    _, reads = costs([{"match": NAMES[:3], "attributes": {"deleteEnabled": False}}])

    assert {f"/acr/v1/web/api/_tags/{name}": 1 for name in NAMES[:3]} == reads


def test_what_is_not_as_the_run_left_it_is_read_by_itself(emulator, costs):
    """A list may lag behind."""
    emulator.push_many("web/api", NAMES[:40])

    plan, reads = costs(UNDELETABLE, between=lambda: emulator.patch("web/api:v0007", deleteEnabled=True))

    assert 39 == plan["summary"]["update"]
    assert {"/acr/v1/web/api/_tags": 1, "/acr/v1/web/api/_tags/v0007": 1} == reads


def test_tags_and_manifests_that_would_be_opened_are_read_once(emulator, costs):
    """The lists that show what needs a manifest show the manifest as well."""
    for number in range(20):
        emulator.push(f"web/api:v{number}", content=b"%d" % number)

    plan, reads = costs(IMMUTABLE)

    assert 40 == plan["summary"]["update"]
    assert {"/acr/v1/web/api": 1, "/acr/v1/web/api/_tags": 1, "/acr/v1/web/api/_manifests": 1} == reads


def test_many_manifests_that_would_be_locked_are_read_by_a_list(emulator, costs):
    """Nothing is opened, so nobody needs to know what needs them."""
    for number in range(20):
        emulator.push(f"web/api:v{number}", content=b"%d" % number)
        emulator.patch(f"web/api:v{number}", deleteEnabled=False)
        emulator.patch(f"web/api@{emulator.tag(f'web/api:v{number}')['digest']}", deleteEnabled=False)

    plan, reads = costs([{"match": "v*", "protect": "open"}])

    assert 40 == plan["summary"]["update"]
    assert {"/acr/v1/web/api/_tags": 1, "/acr/v1/web/api/_manifests": 1} == reads


def test_a_repository_that_is_gone_is_asked_for_once(emulator, costs):
    """None of its tags is there then."""
    for number in range(20):
        emulator.push(f"web/api:v{number}", content=b"%d" % number)

    plan, reads = costs(IMMUTABLE, between=lambda: emulator.delete("web/api"))

    assert [] == plan["changes"]
    assert {"/acr/v1/web/api": 1} == reads
