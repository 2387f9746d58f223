"""Plans of every action, forged with a fitting fingerprint: what is shown and what would be done must agree."""

from __future__ import annotations

import json

import pytest
from builders import LOCKED, OPEN, desired_state, digest, manifest, plan_of, repository, tag
from test_planfile import _refingerprinted as refingerprinted

from reconciler.errors import PlanFileError
from reconciler.model.live import Moment
from reconciler.planning.planfile import plan_from_json, plan_to_json

A, B, C = map(digest, "abc")


def _document():
    """A plan with an unlock, a move, a create, deletes of each kind, and a manifest that is changed for a tag."""
    desired = desired_state(
        {
            "match": "app",
            "protect": "frozen",
            "tags": [
                {"match": "stable", "digest": B, "writeEnabled": False},
                {"match": "next", "digest": B, "protect": "undeletable"},
                {"match": "pr-*", "ensure": "absent", "unlock": True},
            ],
            "manifests": [{"tagged": False, "ensure": "absent", "unlock": True}],
        },
        {"match": "builds", "tags": [{"match": "b*", "keep": {"last": 1}}]},
        {"match": "old", "ensure": "absent"},
    )
    tags = {"stable": tag("a"), "pr-1": tag("c", deleteEnabled=False)}
    live = (
        repository("app", LOCKED, tags, missing_tags=("next",), manifests=dict.fromkeys((A, B, C), manifest())),
        repository(
            "builds", OPEN, {"b1": tag(), "b2": tag()}, tag_times={f"b{n}": Moment(f"at {n}", n) for n in (1, 2)}
        ),
        repository("old", OPEN, tag_count=3, manifest_count=2),
    )
    return json.loads(plan_to_json(plan_of(desired, *live, now_ns=10)))


def _of(document, address):
    (found,) = [each for each in (*document["changes"], *document["unlocks"]) if each["address"] == address]
    return found


def test_the_plan_of_these_tests_is_a_good_one():
    """It holds every action, and comes back as it was."""
    document = _document()

    assert document == json.loads(plan_to_json(plan_from_json(refingerprinted(document), "plan.json")))
    assert {"move", "create", "delete", "update"} == {change["action"] for change in document["changes"]}
    assert ["app", "app:pr-1"] == [unlock["address"] for unlock in document["unlocks"]]


def _set(address, **members):
    return lambda document: _of(document, address).update(members)


def _within(address, member, **members):
    return lambda document: _of(document, address)[member].update(members)


def _without_test(address, path):
    def forge(document):
        change = _of(document, address)
        change["patch"] = [each for each in change["patch"] if (each["op"], each["path"]) != ("test", path)]

    return forge


FORGED = {
    "a move that is shown as an update": _set("app:stable", action="update", stage=3),
    "an update that is shown as a move": _set(f"app@{B}", action="move", stage=2),
    "a move without its test": _without_test("app:stable", "/digest"),
    "a move to what is no digest": _within("app:stable", "after", digest="latest"),
    "a create that grants": _within("app:next", "after", deleteEnabled=True),
    "a create of something that is there": _within("app:next", "before", digest=A),
    "a delete without its digest": _without_test("builds:b1", "/digest"),
    "a delete without its time": _without_test("builds:b1", "/lastUpdateTime"),
    "a delete of a manifest that is not asked for a tag": _without_test(f"app@{A}", "/tagged"),
    "a delete of a manifest whether it is tagged or not": _within(f"app@{A}", "before", tagged=True),
    "a delete of a repository that shows less": _within("old", "before", tagCount=0),
    "a delete of a repository without its counts": _without_test("old", "/tagCount"),
    "a count that is a flag": _within("old", "before", tagCount=True),
    "a delete before the moves": _set("builds:b1", stage=2),
    "a rank below all": _set(f"app@{A}", rank=-1),
    "another kind": _set("old", kind="tag"),
    "a manifest changed for a tag elsewhere": _set(f"app@{B}", via={"address": "old:v1", "digest": B}),
    "a manifest changed for no tag": _set(f"app@{B}", via={"address": "app", "digest": B}),
    "an unlock of something more": _within("app", "before", readEnabled=False),
    "an unlock that locks": _within("app", "after", writeEnabled=False),
    "an unlock that sends something else": lambda d: _of(d, "app")["patch"].append(
        {"op": "replace", "path": "/deleteEnabled", "value": True}
    ),
    "retention that counts nothing": lambda d: d["retention"][0].update(last=0),
    "retention by what is no pattern": lambda d: d["retention"][0]["of"].update(match=["[z-a]"]),
    "retention of a tag": lambda d: d["retention"][0].update(address="builds:b1"),
    "an unlock twice": lambda d: d["unlocks"].append(d["unlocks"][0]),
}


def _opening():
    """A plan that opens a manifest because it has no tag, and one that a tag points at."""
    desired = desired_state(
        {"match": "app", "manifests": [{"match": [A, B], "protect": "open"}]},
    )
    manifests = {A: manifest(deleteEnabled=False), B: manifest(deleteEnabled=False, tags=("v1",))}
    return json.loads(plan_to_json(plan_of(desired, repository("app", OPEN, {"v1": tag("b")}, manifests=manifests))))


FORGED_OPENINGS = {
    "an opening whether it is tagged or not": lambda d: [
        _of(d, f"app@{A}")[side].update(tagged=True) for side in ("before", "after")
    ],
    "an opening in spite of no tag": _set(f"app@{B}", tags=["v/1"]),
    "an opening in spite of a tag twice": _set(f"app@{B}", tags=["v1", "v1"]),
}


@pytest.mark.parametrize("forge", FORGED_OPENINGS.values(), ids=FORGED_OPENINGS.keys())
def test_what_an_opening_rests_on_is_what_this_version_writes(forge):
    """No tag at all, or tags by their names."""
    document = _opening()
    for side in ("before", "after"):
        assert _of(document, f"app@{A}")[side]["tagged"] is False
    assert ["v1"] == _of(document, f"app@{B}")["tags"]
    forge(document)
    for operation in _of(document, f"app@{A}")["patch"]:
        if operation["path"] == "/tagged":
            operation["value"] = _of(document, f"app@{A}")["before"]["tagged"]

    with pytest.raises(PlanFileError, match=r"does not match its fingerprint|not a plan"):
        plan_from_json(refingerprinted(document), "plan.json")


def test_tags_of_what_is_not_opened_are_refused():
    """They would look like a condition, and be none."""
    document = _document()
    _of(document, "app:stable")["tags"] = ["v1"]

    with pytest.raises(PlanFileError, match="does not match its fingerprint"):
        plan_from_json(refingerprinted(document), "plan.json")


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_what_a_plan_shows_is_what_it_would_do(forge):
    """A fitting fingerprint does not help."""
    document = _document()
    forge(document)

    with pytest.raises(PlanFileError, match=r"does not match its fingerprint|not a plan"):
        plan_from_json(refingerprinted(document), "plan.json")


def test_unlocks_are_part_of_what_is_approved():
    """A plan that would take a lock off is another plan than one that would not."""
    document = _document()
    with_unlocks = document["fingerprint"]
    document["unlocks"] = document["unlocks"][:1]

    assert with_unlocks != json.loads(refingerprinted(document))["fingerprint"]
