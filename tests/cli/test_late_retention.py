"""Retention by place, carried out late: what was to go may be the last that is left."""

from __future__ import annotations

import json
import re

import pytest

KEEP = {"match": "web/api", "tags": [{"match": "b*", "keep": {"last": 2}}]}
SWEEP = {"match": "web/api", "manifests": [{"tagged": False, "keep": {"last": 2}}]}


@pytest.fixture
def planned(emulator, reconciler, tmp_path):
    """A function that pushes tags, one after the other, and saves the plan for an entry; then a function of `apply`."""

    def run(entry):
        (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [entry]}))
        done = reconciler("plan", "registry.json", "--registry", emulator.url, "--out", "plan.json")
        assert 0 == done.code, done.stderr
        emulator.clear_requests()
        return lambda: reconciler("apply", "plan.json", "--registry", emulator.url, "--auto-approve")

    return run


def _push(emulator, number):
    digests = [emulator.push(f"web/api:b{each}", content=f"{each}".encode()) for each in range(number)]
    emulator.push("web/api:other", content=b"other")
    return digests


def test_the_newest_are_counted_again(emulator, planned):
    """With one request; nothing has changed, so what was to go goes."""
    _push(emulator, 5)
    apply = planned(KEEP)

    done = apply()

    assert 0 == done.code, done.stdout
    assert [None] * 3 == [emulator.tag(f"web/api:b{each}") for each in range(3)]
    assert 1 == sum("orderby=timedesc" in request.query for request in emulator.requests("GET"))


def test_what_is_among_the_newest_by_now_stays(emulator, planned):
    """Somebody deleted those that were kept: of five tags the last two would be gone as well."""
    _push(emulator, 5)
    apply = planned(KEEP)
    for each in (3, 4):
        emulator.delete(f"web/api:b{each}")

    done = apply()

    assert 1 == done.code
    assert [False, True, True] == [emulator.tag(f"web/api:b{each}") is not None for each in range(3)]
    assert re.search(r"registry\.json:1:\d+ keeps it by now", " ".join(done.stdout.split()))


def test_what_a_rule_decides_by_itself_takes_no_place_then_either(emulator, planned):
    """The newest is pinned; of the others two stay, whatever became of those that were to."""
    _push(emulator, 5)
    pinned = {"match": "b4", "digest": emulator.tag("web/api:b4")["digest"]}
    apply = planned({**KEEP, "tags": [*KEEP["tags"], pinned]})
    for each in (2, 3):
        emulator.delete(f"web/api:b{each}")

    done = apply()

    assert 1 == done.code
    assert [True, True] == [emulator.tag(f"web/api:b{each}") is not None for each in range(2)]


def test_what_a_rule_decides_takes_no_place_whoever_pushed_it_when(emulator, planned):
    """Two releases came since, and what was to be kept is gone: two of the others stay."""
    _push(emulator, 5)
    apply = planned(
        {"match": "web/api", "tags": [{"match": "**", "keep": {"last": 3}}, {"match": "v*", "protect": "immutable"}]}
    )
    for each in (3, 4):
        emulator.delete(f"web/api:b{each}")
        emulator.push(f"web/api:v{each}", content=b"release")

    apply()

    assert [False, True, True] == [emulator.tag(f"web/api:b{each}") is not None for each in range(3)]


def test_two_entries_that_overlap_are_no_reason_to_be_stale(emulator, reconciler, tmp_path):
    """What one of them keeps the other may let go, then as before."""
    _push(emulator, 3)
    tags = [{"match": "**", "keep": {"last": 2}}, {"match": "b*", "keep": {"last": 2}}]
    (tmp_path / "registry.json").write_text(
        json.dumps({"version": 1, "repositories": [{"match": "web/api", "tags": tags}]})
    )

    done = reconciler("apply", "registry.json", "--registry", emulator.url, "--auto-approve")
    again = reconciler("plan", "registry.json", "--registry", emulator.url, "--detailed-exitcode")

    assert (0, 0) == (done.code, again.code), done.stdout


def test_a_signature_stays_where_somebody_tagged_its_image_since(emulator, planned):
    """It was to go with the last tag at that image."""
    image = emulator.push("web/api:b0", content=b"image")
    emulator.push(f"web/api:{image.replace(':', '-')}.sig", content=b"signature")
    _push(emulator, 4)
    apply = planned({"match": "web/api", "tags": [{"match": "**", "keep": {"last": 2}}]})
    emulator.push("web/api:release", content=b"image")

    done = apply()

    assert 1 == done.code
    assert emulator.tag(f"web/api:{image.replace(':', '-')}.sig") is not None


def test_a_manifest_goes_with_its_tag_in_a_saved_plan(emulator, planned):
    """It has a tag when the plan is looked at again, and the plan takes that away."""
    digests = _push(emulator, 3)
    apply = planned({**KEEP, "manifests": [{"tagged": False, "ensure": "absent"}]})

    done = apply()

    assert 0 == done.code, done.stdout
    assert (None, None) == (emulator.tag("web/api:b0"), emulator.manifest(f"web/api@{digests[0]}"))


def test_so_do_manifests(emulator, planned):
    """Those without a tag are counted, and no others."""
    digests = _push(emulator, 5)
    for each in range(5):
        emulator.delete(f"web/api:b{each}")
    apply = planned(SWEEP)
    for each in (3, 4):
        emulator.delete(f"web/api@{digests[each]}")

    done = apply()

    assert 1 == done.code
    assert [False, True, True] == [emulator.manifest(f"web/api@{each}") is not None for each in digests[:3]]


def test_nothing_is_deleted_by_a_clock_that_is_ahead(emulator, reconciler, tmp_path):
    """Also where the files are applied at once; what an exception opens then can be tried."""
    emulator.push("web/api:b0")
    entry = {"match": "web/api", "tags": [{"match": "b*", "keep": {"newerThan": "30d"}}]}
    (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [entry]}))

    done = reconciler(
        *("apply", "registry.json", "--registry", emulator.url, "--auto-approve"), RECONCILER_NOW="2090-01-01T00:00:00Z"
    )

    assert (1, True) == (done.code, emulator.tag("web/api:b0") is not None)
    assert "error: the plan is for a time to come, 2090-01-01T00:00:00Z; nothing was changed" in done.stderr
