"""Part of a plan: what is selected is done, the rest stays as it is, and so does what the rest needs."""

from __future__ import annotations

import attrs
import pytest
from builders import OPEN, desired_state, digest, manifest, plan_of, repository, selection, tag
from hypothesis import given, strategies as st
from test_protection_properties import MANY, asked, cases
from worlds import DIGESTS, NOW_NS, TAGS

from reconciler.model.address import Address
from reconciler.model.desired import Declaration, ManifestRule, Origin, RepositoryRule
from reconciler.model.pattern import compile_pattern

A, B, C = map(digest, "abc")
HERE = Origin("registry.yaml", 9, 9)
HELD = {"manifest_count": 3, "tag_count": 1}


def _deeds(plan):
    return {str(change.address): change.action for change in plan.changes}


def _codes(plan):
    return {str(blocked.address): blocked.reason_code for blocked in plan.blocked}


def _app(*, tags=(), manifests=(), live, selected, **rule):
    desired = desired_state({"match": "app", "tags": list(tags), "manifests": list(manifests), **rule})
    return plan_of(desired, live, selected=selected)


def test_an_index_that_is_excluded_keeps_its_children():
    """It stays, so what it stands for does, too."""
    live = repository("app", OPEN, manifests={A: manifest(B), B: manifest(), C: manifest()})

    plan = _app(
        manifests=[{"tagged": False, "ensure": "absent"}], live=live, selected=selection("app", exclude=[f"app@{A}"])
    )

    assert {f"app@{C}": "delete"} == _deeds(plan)


def test_a_signature_that_is_excluded_keeps_what_it_is_about():
    """The registry would take it along."""
    live = repository("app", OPEN, manifests={A: manifest(referrers=(B,)), B: manifest(subject=A)})

    plan = _app(manifests=[{"tagged": False, "ensure": "absent"}], live=live, selected=selection(exclude=[f"app@{B}"]))

    assert {} == _deeds(plan)


def test_a_tag_that_is_excluded_keeps_its_manifest():
    """Whatever the rules want of the tag."""
    live = repository("app", OPEN, {"pr-1": tag("a")}, manifests={A: manifest()})
    rules = {"tags": [{"match": "pr-*", "ensure": "absent"}], "manifests": [{"tagged": False, "ensure": "absent"}]}

    plan = _app(**rules, live=live, selected=selection(exclude=["app:pr-1"]))

    assert ({}, 1) == (_deeds(plan), plan.summary.unselected)


@pytest.mark.parametrize("live", [{"v1": tag("b")}, {}])
def test_what_an_excluded_tag_shall_point_at_stays(live):
    """A run about that tag needs it."""
    rules = {"tags": [{"match": "v1", "digest": A}], "manifests": [{"tagged": False, "ensure": "absent"}]}
    known = repository(
        "app", OPEN, live, missing_tags=() if live else ("v1",), manifests={A: manifest(), B: manifest()}
    )

    plan = _app(**rules, live=known, selected=selection(exclude=["app:v1"]))

    assert f"app@{A}" not in _deeds(plan)


@pytest.mark.parametrize(
    ("selected", "deeds", "codes"),
    [
        (selection(exclude=["app:v1"]), {}, {"app": "excluded"}),
        (selection("app:v1"), {}, {}),
        (selection("app"), {"app": "delete"}, {}),
    ],
)
def test_a_repository_goes_only_with_all_that_is_in_it(selected, deeds, codes):
    """A delete cannot leave out a tag, and whoever selects a tag does not mean its repository."""
    plan = _app(live=repository("app", OPEN, {"v1": tag("a")}, **HELD), selected=selected, ensure="absent")

    assert (deeds, codes) == (_deeds(plan), _codes(plan))


def test_a_shared_manifest_is_protected_for_the_tag_that_is_selected():
    """Also where another tag, which is not, comes first by its name."""
    live = repository("app", OPEN, {"v1": tag("a"), "v2": tag("a")}, manifests={A: manifest()})

    plan = _app(tags=[{"match": "v*", "protect": "undeletable"}], live=live, selected=selection("app:v2"))

    assert {"app:v2": "update", f"app@{A}": "update"} == _deeds(plan)
    assert ["app:v2"] == [str(change.via.address) for change in plan.changes if change.via]


@pytest.mark.parametrize("excluded", ["app:v1", f"app@{A}"])
def test_the_manifest_of_an_excluded_tag_is_left_alone(excluded):
    """And so is a manifest that is excluded itself, whatever tag points at it."""
    live = repository("app", OPEN, {"v1": tag("a"), "v2": tag("b")}, manifests={A: manifest(), B: manifest()})

    plan = _app(tags=[{"match": "v*", "protect": "undeletable"}], live=live, selected=selection(exclude=[excluded]))

    assert f"app@{B}" in _deeds(plan)
    assert f"app@{A}" not in _deeds(plan)


def test_a_manifest_that_is_selected_itself_gets_what_tags_demand():
    """Nobody has to know which tag it is."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest()})

    plan = _app(tags=[{"match": "v*", "protect": "undeletable"}], live=live, selected=selection(f"app@{A}"))

    assert {f"app@{A}": "update"} == _deeds(plan)


def test_what_a_tag_that_is_not_selected_protects_is_not_opened():
    """Less is done than the rules say, and never something else."""
    live = repository("app", OPEN, {"v1": tag("a"), "v2": tag("a")}, manifests={A: manifest(deleteEnabled=False)})
    tags = [{"match": "v1", "protect": "undeletable"}, {"match": "v2", "protect": "open"}]

    assert {} == _deeds(_app(tags=tags, live=live, selected=selection("app:v2")))


@pytest.mark.parametrize("live", [{"stable": tag("a")}, {}])
def test_what_an_excluded_tag_shall_protect_is_not_opened(live):
    """Where it shall point counts as much as where it does."""
    known = repository(
        "app",
        OPEN,
        {"test": tag("b"), **live},
        missing_tags=() if live else ("stable",),
        manifests={A: manifest(), B: manifest(deleteEnabled=False)},
    )
    tags = [{"match": "test", "protect": "open"}, {"match": "stable", "protect": "undeletable", "digest": B}]

    assert {} == _deeds(_app(tags=tags, live=known, selected=selection(exclude=["app:stable"])))


def test_what_the_whole_leaves_locked_a_part_does_not_open():
    """The tag goes in the whole, and then nothing opens the manifest; in the part it stays."""
    live = repository("app", OPEN, {"v2": tag("a", deleteEnabled=False)}, manifests={A: manifest(deleteEnabled=False)})
    rules = {
        "tags": [{"match": "v2", "ensure": "absent", "unlock": True}],
        "manifests": [{"ensure": "absent"}, {"tagged": True, "protect": "open"}],
    }

    assert {} == _deeds(_app(**rules, live=live, selected=selection("app@**")))


def test_a_tag_that_the_whole_lets_go_demands_nothing():
    """Nor is its manifest locked for it."""
    live = repository("app", OPEN, {"v2": tag("a")}, manifests={A: manifest()})
    tags = [{"match": "v2", "protect": "undeletable"}, {"match": "v2", "ensure": "absent"}]

    assert {} == _deeds(_app(tags=tags, live=live, selected=selection("app@**")))


def test_an_exception_about_a_manifest_holds_in_part_as_well():
    """The tag is selected, and what it demands of the manifest is excepted."""
    live = repository("app", OPEN, {"v1": tag("a", deleteEnabled=False)}, manifests={A: manifest()})
    rule = desired_state({"match": "app", "tags": [{"match": "v*", "protect": "undeletable"}]})
    excepted = ManifestRule(
        (compile_pattern(A),), (), (Declaration("deleteEnabled", True, HERE),), HERE, is_exception=True
    )
    desired = attrs.evolve(
        rule,
        repositories=(*rule.repositories, RepositoryRule((compile_pattern("app"),), (), (), (), HERE, (excepted,))),
    )

    assert {} == _deeds(plan_of(desired, live, selected=selection("app:v1")))


def test_a_repository_that_is_not_selected_is_opened_only_for_a_moment():
    """The files open it for good, and nobody asked for that in this run."""
    live = repository(
        "app", {**OPEN, "writeEnabled": False}, {"v1": tag("a")}, manifests={A: manifest(), B: manifest()}
    )

    plan = _app(tags=[{"match": "v1", "digest": B}], live=live, selected=selection("app:v1"), writeEnabled=True)

    assert {"app:v1": "move"} == _deeds(plan)
    assert ["app"] == [str(unlock.address) for unlock in plan.unlocks]


def test_a_part_locks_nothing_that_the_whole_would_delete():
    """It would stay locked, and in the way."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={A: manifest(), B: manifest()})
    rules = {
        "tags": [{"match": "v1", "digest": B, "protect": "immutable"}],
        "manifests": [{"tagged": False, "ensure": "absent"}],
    }

    assert {} == _deeds(_app(**rules, live=live, selected=selection(f"app@{A}")))


def test_only_what_is_selected_is_counted():
    """What was not asked for is neither in sync nor unmanaged."""
    tags = {"v1": tag(), "v2": tag(deleteEnabled=False), "x": tag()}
    live = repository("app", {**OPEN, "deleteEnabled": False}, tags)

    plan = _app(tags=[{"match": "v*", "deleteEnabled": False}], live=live, selected=selection("app:v2"))

    assert (1, 1, 2) == (plan.summary.managed, plan.summary.unselected, plan.summary.unmanaged)


TARGETS = st.lists(
    st.sampled_from(
        ["app", "app:v*", "app:pr-1", f"app@{DIGESTS[0]}", f"app@{DIGESTS[1]}", *map("app:{}".format, TAGS)]
    ),
    max_size=2,
)


@MANY
@given(cases(), TARGETS, TARGETS.filter(lambda some: "app" not in some))
def test_a_part_does_nothing_that_the_whole_would_not(case, targets, excludes):
    """Nothing that is excluded is touched, no lock changed otherwise, nothing more deleted; and it can be done."""
    rule, world = case
    desired, live = desired_state(rule), asked(rule, world)
    selected = selection(*targets, exclude=excludes)

    whole = {change.address: change for change in plan_of(desired, live, now_ns=NOW_NS).changes}
    part = plan_of(desired, live, now_ns=NOW_NS, selected=selected)

    for change in part.changes:
        assert not selected.leaves_out(change.address)
        assert selected.selects(change.address) or _is_reached(change, selected, world)
        if change.action == "delete":
            assert "delete" == whole[change.address].action
        for name in ("deleteEnabled", "writeEnabled") if change.action == "update" else ():
            if change.before.get(name) != change.after.get(name):
                assert change.after[name] == whole[change.address].after[name]
    world.carry_out(part)


def _is_reached(change, selected, world) -> bool:
    """It is a manifest that is changed for a tag, or an index, that is selected."""
    if change.via is not None:
        return selected.selects(change.via.address)
    above, waiting = set(), [change.address.digest]
    while waiting:
        digest = waiting.pop()
        above.add(digest)
        waiting += [
            each for each, known in world.manifests.items() if digest in (known.children or ()) and each not in above
        ]
    return any(selected.selects(Address("app", digest=digest)) for digest in above)
