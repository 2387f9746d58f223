"""What `rollback` undoes, what it leaves because something needs it, and what that costs."""

from __future__ import annotations

import json
import re

import pytest

from reconciler.model.address import parse_address
from reconciler.planning.debts import Debt, debts_to_bytes

LOCKED = {"deleteEnabled": False, "writeEnabled": False}
OPEN = {"deleteEnabled": True, "writeEnabled": True}


@pytest.fixture
def run(emulator, reconciler, tmp_path):
    """A function that runs the command against the emulator, `registry.json` being written from `tags` before."""

    def run(*arguments: str, tags: list | None = None, **repository):
        if tags is not None:
            entry = {"match": "web/api", "tags": tags, **repository}
            (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [entry]}))
        done = reconciler(*arguments, RECONCILER_REGISTRY=emulator.url)
        assert 0 == done.code, done.stdout + done.stderr
        return done

    return run


def _apply(run, tags, **repository):
    return run("apply", "registry.json", "--auto-approve", tags=tags, **repository)


def _rolled_back(run, name="latest"):
    """The plan that was made, and what was told beside it, on one line; it is carried out."""
    done = run("rollback", name, "--out", "undo.json", "--format", "json")
    run("apply", "undo.json", "--auto-approve", "--max-loosen", "50", "--max-move", "50")
    return json.loads(done.stdout), " ".join(done.stderr.split())


def _locks(emulator, reference):
    found = emulator.manifest(reference) if "@" in reference else emulator.tag(reference)
    return {name: found[name] for name in LOCKED}


def _pin(digest, **others):
    return {"match": "v1", "digest": digest, "protect": "immutable", **others}


def _first_run(run):
    runs = [json.loads(line) for line in run("state", "log", "--format", "json").stdout.splitlines()]
    return runs[0]["run"]


def test_a_tag_that_was_moved_goes_back_with_its_attributes(emulator, run):
    """And the manifest that was locked for it is opened, once the tag is back."""
    old, new = emulator.push("web/api:v1", content=b"old"), emulator.push("web/api:next", content=b"new")
    _apply(run, [_pin(new)])
    assert (new, LOCKED) == (emulator.tag("web/api:v1")["digest"], _locks(emulator, "web/api:v1"))

    plan, told = _rolled_back(run)

    assert {"update": 1, "move": 1, "create": 0, "delete": 0} == {
        name: plan["summary"][name] for name in ("update", "move", "create", "delete")
    }
    manifest, tag = sorted(plan["changes"], key=lambda change: change["kind"])
    assert {"address": "web/api:v1", "digest": old} == manifest["via"]
    assert ("move", 2, {"digest": old, **OPEN}) == (tag["action"], tag["stage"], tag["after"])
    assert (old, OPEN) == (emulator.tag("web/api:v1")["digest"], _locks(emulator, "web/api:v1"))
    assert OPEN == _locks(emulator, f"web/api@{new}")
    assert "undone" not in told


def test_a_locked_tag_in_a_frozen_repository_goes_back(emulator, run):
    """The locks that the files declare come off for that moment, and are announced."""
    old, new = emulator.push("web/api:v1", content=b"old"), emulator.push("web/api:next", content=b"new")
    _apply(run, [_pin(old)], protect="frozen")
    _apply(run, [_pin(new)], protect="frozen")

    plan, _ = _rolled_back(run)

    assert ["web/api", "web/api:v1"] == [unlock["address"] for unlock in plan["unlocks"]]
    assert (old, LOCKED) == (emulator.tag("web/api:v1")["digest"], _locks(emulator, "web/api:v1"))
    assert emulator.repository("web/api")["writeEnabled"] is False
    assert emulator.manifest(f"web/api@{old}")["deleteEnabled"] is False
    assert emulator.manifest(f"web/api@{new}")["deleteEnabled"] is True


def test_moves_count_against_their_limit(emulator, run):
    """As those of any other plan do."""
    names = [f"v{number}" for number in range(12)]
    emulator.push_many("web/api", names, content=b"old")
    new = emulator.push("web/api:next", content=b"new")
    tags = [{"match": names, "digest": new}]
    run("apply", "registry.json", "--auto-approve", "--max-move", "50", tags=tags)

    plan = json.loads(run("rollback", "latest", "--format", "json").stdout)

    assert 12 == plan["summary"]["move"]
    assert ["move-limit"] == [finding["code"] for finding in plan["findings"]]


def test_where_the_old_image_is_gone_the_locks_below_the_tag_stay(emulator, run):
    """Nothing is less protected than it was before."""
    emulator.push("web/api:v1", content=b"old")
    new = emulator.push("web/api:next", content=b"new")
    old = emulator.tag("web/api:v1")["digest"]
    _apply(run, [_pin(new)])
    emulator.delete(f"web/api@{old}")

    plan, told = _rolled_back(run)

    assert [] == plan["changes"]
    assert (
        "Cannot be undone: 2"
        f" web/api:v1: the repository does not hold {old} any more"
        f" web/api@{new[:13]}: it was locked for v1, which is left as it is"
    ) in told
    assert emulator.manifest(f"web/api@{new}")["deleteEnabled"] is False


def test_where_the_tag_was_moved_since_the_locks_stay(emulator, run):
    """Somebody's later word about the tag is word enough about what it stood on."""
    emulator.push("web/api:v1", content=b"old")
    new = emulator.push("web/api:next", content=b"new")
    _apply(run, [_pin(new)])
    emulator.patch("web/api:v1", **OPEN)
    emulator.push("web/api:v1", content=b"other")

    plan, told = _rolled_back(run)

    assert [] == plan["changes"]
    assert "Changed since, left alone: 2 web/api:v1: deleteEnabled, digest, writeEnabled changed since" in told
    assert emulator.manifest(f"web/api@{new}")["deleteEnabled"] is False


def test_what_was_created_stays_with_its_locks(emulator, run):
    """That cannot be undone, and has a heading of its own."""
    digest = emulator.push("web/api:next", content=b"new")
    _apply(run, [_pin(digest)])

    plan, told = _rolled_back(run)

    assert [] == plan["changes"]
    assert "Cannot be undone: 2 web/api:v1: it was a create, and only updates and moves can be undone" in told
    assert "Changed since" not in told
    assert emulator.manifest(f"web/api@{digest}")["deleteEnabled"] is False


def test_a_manifest_stays_locked_for_a_tag_that_came_to_need_it(emulator, run):
    """The tag of that run is opened, as a person asked for; what another locked tag points at is not."""
    digest = emulator.push("web/api:v1")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    emulator.push("web/api:stable")
    _apply(run, [{"match": ["v1", "stable"], "protect": "immutable"}])

    plan, told = _rolled_back(run, _first_run(run))

    assert ["web/api:v1"] == [change["address"] for change in plan["changes"]]
    assert f"Needed by what is locked, left alone: 1 web/api@{digest[:13]}: stable is locked and points at it" in told
    assert OPEN == _locks(emulator, "web/api:v1")
    assert emulator.manifest(f"web/api@{digest}")["deleteEnabled"] is False


def test_a_child_stays_locked_for_an_index_that_a_locked_tag_points_at(emulator, run):
    """Whatever is part of it is as needed as the index."""
    child = emulator.push("web/api:v1")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    emulator.push_index("web/api:all", ["web/api:v1"])
    emulator.patch("web/api:all", deleteEnabled=False)

    plan, told = _rolled_back(run)

    assert ["web/api:v1"] == [change["address"] for change in plan["changes"]]
    assert f"web/api@{child[:13]}: all is locked and points at an index that it is part of" in told


def _locked_index_over_a_locked_image(emulator, run):
    """The image was locked by the first run, the index above it, which has no tag, by the second; their digests."""
    child = emulator.push("web/api:v1")
    released = {"match": "v1", "protect": "immutable"}
    _apply(run, [released])
    index = emulator.push_index("web/api:all", ["web/api:v1"])
    emulator.delete("web/api:all")
    _apply(run, [released], manifests=[{"match": index, "protect": "immutable"}])
    return child, index


def test_a_child_stays_locked_for_a_locked_index_without_a_tag(emulator, run):
    """What is part of it must not go either, and the index is named."""
    child, index = _locked_index_over_a_locked_image(emulator, run)

    plan, told = _rolled_back(run, _first_run(run))

    assert ["web/api:v1"] == [change["address"] for change in plan["changes"]]
    held = f"web/api@{child[:13]}: it is part of the index {index}, which is locked"
    assert "Needed by what is locked, left alone: 1" in told
    assert held in told
    assert "Changed since" not in told
    assert emulator.manifest(f"web/api@{child}")["deleteEnabled"] is False


def test_an_index_that_is_opened_holds_nothing(emulator, run):
    """Both were locked by the same run, and both go back."""
    child = emulator.push("web/api:v1")
    index = emulator.push_index("web/api:all", ["web/api:v1"])
    emulator.delete("web/api:all")
    _apply(run, [], manifests=[{"match": index, "protect": "immutable"}])

    plan, told = _rolled_back(run)

    assert sorted([f"web/api@{child}", f"web/api@{index}"]) == [change["address"] for change in plan["changes"]]
    assert "left alone" not in told


def test_an_index_whose_lock_is_owed_holds_its_children(emulator, run, tmp_path):
    """It is locked again before the plan is carried out."""
    child, index = _locked_index_over_a_locked_image(emulator, run)
    emulator.patch(f"web/api@{index}", **OPEN)
    debt = Debt(parse_address(f"web/api@{index}"), LOCKED, "x", "2026-01-01T00:00:00Z")
    (tmp_path / ".reconciler" / "state.json.debts").write_bytes(debts_to_bytes(emulator.url, [debt]))

    _, told = _rolled_back(run, _first_run(run))

    assert f"web/api@{child[:13]}: it is part of the index {index}, which is locked" in told


def test_a_hidden_locked_index_leaves_manifests_locked(emulator, run):
    """Where the list leaves out what nobody can name, nothing is opened."""
    child = emulator.push("web/api:v1")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    index = emulator.push_index("web/api:all", ["web/api:v1"])
    emulator.delete("web/api:all")
    emulator.patch(f"web/api@{index}", listEnabled=False, **LOCKED)

    plan, told = _rolled_back(run)

    assert ["web/api:v1"] == [change["address"] for change in plan["changes"]]
    assert "Perhaps needed by what is locked, left alone: 1" in told
    assert f"web/api@{child[:13]}: what needs it is not known: of its manifests 1 were found" in told


def test_a_hidden_manifest_that_a_tag_points_at_is_asked_for(emulator, run):
    """So one that nobody locked keeps nothing from being undone."""
    child = emulator.push("web/api:v1")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    hidden = emulator.push("web/api:other", content=b"other")
    emulator.patch(f"web/api@{hidden}", listEnabled=False)

    plan, _ = _rolled_back(run)

    assert ["web/api:v1", f"web/api@{child}"] == [change["address"] for change in plan["changes"]]


def test_a_hidden_index_that_the_memory_knows_is_asked_for(emulator, run):
    """So it hides nothing from whoever locked it."""
    child, index = _locked_index_over_a_locked_image(emulator, run)
    emulator.patch(f"web/api@{index}", listEnabled=False)

    _, told = _rolled_back(run, _first_run(run))

    assert f"web/api@{child[:13]}: it is part of the index {index}, which is locked" in told


def test_a_hidden_locked_tag_holds_what_it_points_at(emulator, run):
    """Where a list leaves out what nobody can name, nothing is opened."""
    digest = emulator.push("web/api:v1")
    emulator.push("web/api:secret")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    emulator.patch("web/api:secret", listEnabled=False, **LOCKED)

    plan, told = _rolled_back(run)

    assert ["web/api:v1"] == [change["address"] for change in plan["changes"]]
    assert re.search(f"web/api@{digest[:13]}: what needs it is not known: of its tags 1 were found", told)


def test_a_hidden_tag_that_the_memory_knows_is_asked_for(emulator, run):
    """So it hides nothing from whoever locked it."""
    digest = emulator.push("web/api:v1")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    emulator.push("web/api:stable")
    _apply(run, [{"match": ["v1", "stable"], "protect": "immutable"}])
    emulator.patch("web/api:stable", listEnabled=False)

    _, told = _rolled_back(run, _first_run(run))

    assert f"web/api@{digest[:13]}: stable is locked and points at it" in told


def test_a_repository_that_is_gone_leaves_nothing_to_undo(emulator, run):
    """That is told, and no error."""
    emulator.push("web/api:v1")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    emulator.delete("web/api")

    done = run("rollback", "latest")

    assert "Changed since, left alone: 2\n  web/api:v1: it is not there any more\n" in done.stderr


def test_an_index_that_is_refused_leaves_manifests_locked(emulator, run):
    """What a locked tag stands on is not known; the tag of that run is opened all the same."""
    emulator.push("web/api:v1")
    _apply(run, [{"match": "v1", "protect": "immutable"}])
    index = emulator.push_index("web/api:all", ["web/api:v1"])
    emulator.patch("web/api:all", deleteEnabled=False)
    emulator.faults.fail_next(9, status=403, method="GET", path_prefix=f"/acr/v1/web/api/_manifests/{index}")

    done = run("rollback", "latest", "--format", "json")

    assert ["web/api:v1"] == [change["address"] for change in json.loads(done.stdout)["changes"]]
    assert "what needs it is not known: GET http" in " ".join(done.stderr.split())


def test_a_run_of_an_older_version_is_undone_all_the_same(emulator, run, tmp_path):
    """Its journal does not tell for which tag a manifest was locked."""
    old, new = emulator.push("web/api:v1", content=b"old"), emulator.push("web/api:next", content=b"new")
    _apply(run, [_pin(new)])
    journal = tmp_path / ".reconciler" / "state.json.journal"
    document = json.loads(journal.read_text())
    for change in document["changes"]:
        change.pop("via", None)
    journal.write_text(json.dumps(document) + "\n")

    plan, _ = _rolled_back(run)

    assert [None, None] == [change.get("via") for change in plan["changes"]]
    assert old == emulator.tag("web/api:v1")["digest"]
    assert emulator.manifest(f"web/api@{new}")["deleteEnabled"] is True


def test_of_many_indexes_only_the_locked_ones_are_asked_for_their_children(emulator, run):
    """The list shows which these are, and what the memory knows is not asked for at all."""
    _locked_index_over_a_locked_image(emulator, run)
    indexes = []
    for number in range(8):
        emulator.push(f"web/api:{number}", content=b"%d" % number)
        indexes.append(emulator.push_index(f"web/api:all-{number}", [f"web/api:{number}"]))
    emulator.patch(f"web/api@{indexes[3]}", **LOCKED)
    emulator.clear_requests()

    run("rollback", _first_run(run))

    asked = [request.path.rpartition("/")[2] for request in emulator.requests() if "/_manifests" in request.path]
    assert ["_manifests", indexes[3]] == asked


def test_what_a_run_found_so_already_is_told_and_not_undone(emulator, run):
    """Such as what a killed run did before it; the first ten of it are named."""
    emulator.push_many("web/api", [f"v{number:02}" for number in range(13)])
    tags = [{"match": "v*", "attributes": {"deleteEnabled": False}}]
    run("plan", "registry.json", "--out", "plan.json", "--max-loosen", "50", tags=tags)
    for number in range(12):
        emulator.patch(f"web/api:v{number:02}", deleteEnabled=False)
    run("apply", "plan.json", "--auto-approve", "--on-stale", "skip")

    plan, told = _rolled_back(run)

    assert ["web/api:v12"] == [change["address"] for change in plan["changes"]]
    assert "Found so already by that run, not undone: 12 web/api:v00 web/api:v01" in told
    assert "web/api:v09 … and 2 more" in told
    assert emulator.tag("web/api:v00")["deleteEnabled"] is False


def test_a_manifest_that_was_opened_for_want_of_a_tag_is_locked_again(emulator, run):
    """Whether it had one is what the run rested on, and nothing that could be undone."""
    digest = emulator.push("web/api:v1", content=b"one")
    emulator.push("web/api:other", content=b"other")
    emulator.patch(f"web/api@{digest}", deleteEnabled=False)
    emulator.delete("web/api:v1")
    _apply(run, [], manifests=[{"tagged": False, "protect": "open"}])
    assert OPEN == _locks(emulator, f"web/api@{digest}")

    _rolled_back(run)

    assert {**OPEN, "deleteEnabled": False} == _locks(emulator, f"web/api@{digest}")
