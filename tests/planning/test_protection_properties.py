"""What holds for every set of intents and every repository: levels, pins, absence, retention together."""

from __future__ import annotations

import copy

import attrs
from builders import desired_state, plan_of
from examples import some
from hypothesis import assume, given, settings, strategies as st
from worlds import DAY_NS, DIGESTS, NOW_NS, TAGS, worlds

from reconciler.model.address import Address
from reconciler.model.live import LiveRepository
from reconciler.model.matching import DesiredIndex, absent
from reconciler.planning.planfile import plan_from_json, plan_to_json
from reconciler.planning.rules import declare, demand, is_lock

MANY = settings(max_examples=some(75))
FLAGS = st.dictionaries(st.sampled_from(["deleteEnabled", "writeEnabled", "listEnabled"]), st.booleans(), max_size=2)
KEEP = st.sampled_from([{"last": 1}, {"last": 2}, {"newerThan": 7 * DAY_NS // 10**9}, {"last": 1, "newerThan": 86_400}])
ABSENT = st.sampled_from([{"ensure": "absent"}, {"ensure": "absent", "unlock": True}])
TAG_PATTERNS = st.sampled_from([*TAGS, "v*", "pr-*", "**"])


def _with(key, values):
    return values.map(lambda value: {key: value})


def _entry(match, *says):
    return st.builds(lambda name, said: {"match": name, **said}, match, st.one_of(*says))


PROTECT = st.sampled_from(["immutable", "undeletable", "open"])
TAG_ENTRIES = st.lists(
    st.one_of(
        _entry(TAG_PATTERNS, FLAGS, _with("protect", PROTECT), ABSENT, _with("keep", KEEP)),
        st.builds(
            lambda name, where, flags: {"match": name, "digest": where, **flags},
            st.sampled_from(TAGS),
            st.sampled_from(DIGESTS),
            FLAGS,
        ),
    ),
    max_size=4,
)
SELECTORS = st.sampled_from(
    [{}, {"tagged": False}, {"tagged": True}, {"match": DIGESTS[0]}, {"mediaType": "*/*index*"}]
)
MANIFEST_ENTRIES = st.lists(
    st.builds(
        lambda selector, said: {**selector, **said},
        SELECTORS,
        st.one_of(FLAGS, _with("protect", PROTECT), ABSENT, _with("keep", KEEP)),
    ),
    max_size=3,
)
REPOSITORY_LEVELS = st.sampled_from([{}, {}, {"protect": "undeletable"}, {"protect": "frozen"}, {"protect": "open"}])
RULES = st.builds(
    lambda level, tags, manifests: {"match": "app", **level, "tags": tags, "manifests": manifests},
    REPOSITORY_LEVELS,
    TAG_ENTRIES,
    MANIFEST_ENTRIES,
)


@st.composite
def cases(draw):
    """Rules and a repository; it is locked as a whole only where the rules speak of that lock."""
    rule, world = draw(RULES), draw(worlds())
    if rule.get("protect") not in ("frozen", "open"):
        world.document["writeEnabled"] = True
    return rule, world


def _plan(rule, world):
    return plan_of(desired_state(rule), asked(rule, world), now_ns=NOW_NS)


def asked(rule, world) -> LiveRepository:
    """What a read shows: of names that are not there only those that a rule spells are told."""
    named = tuple(entry["match"] for entry in rule["tags"] if entry["match"] in TAGS)
    return world.read(names=named)


@MANY
@given(cases())
def test_what_was_applied_leaves_nothing_to_do(case):
    """No change, and nothing that the registry would refuse on the way: apply converges in one step."""
    rule, world = case
    first = _plan(rule, world)
    world = copy.deepcopy(world)
    world.carry_out(first)

    second = _plan(rule, world)

    assert () == second.changes


@MANY
@given(cases())
def test_a_plan_with_every_action_comes_back_from_its_file(case):
    """And passes every check of its honesty."""
    rule, world = case
    plan = _plan(rule, world)

    assert plan == plan_from_json(plan_to_json(plan), "plan.json")


@MANY
@given(cases(), st.randoms())
def test_the_order_in_which_the_registry_lists_changes_nothing(case, random):
    """Tags, manifests, children and referrers may come in any order."""
    rule, world = case
    live = asked(rule, world)

    def shuffled(mapping):
        items = list(mapping.items())
        random.shuffle(items)
        return dict(items)

    mixed = attrs.evolve(
        live, tags=shuffled(live.tags), manifests=shuffled(live.manifests), tag_times=shuffled(live.tag_times)
    )
    desired = desired_state(rule)

    assert plan_to_json(plan_of(desired, live, now_ns=NOW_NS)) == plan_to_json(plan_of(desired, mixed, now_ns=NOW_NS))


@MANY
@given(cases(), TAG_PATTERNS, st.sampled_from(["immutable", "undeletable"]))
def test_one_more_level_of_protection_never_loosens(case, match, level):
    """
    Whatever is locked with the rules as they were is locked with one more that protects, and nothing more goes.

    But for what a lock alone kept from being moved or deleted: a level says whose lock that is, and so lets it happen.
    And but for a manifest that keeps its tag by the level: other rules speak of it then.
    """
    rule, world = case
    more = {**rule, "tags": [*rule["tags"], {"match": match, "protect": level}]}
    one, other = copy.deepcopy(world), copy.deepcopy(world)
    before = _plan(rule, one)
    assume(not any(each.reason_code == "locked" and each.address.tag for each in before.blocked))
    one.carry_out(before)
    other.carry_out(_plan(more, other))
    kept_by_a_lock = {each.address for each in before.blocked if each.reason_code == "locked"}

    assert one.tags.keys() <= other.tags.keys()
    assert one.manifests.keys() <= other.manifests.keys()
    for name, document in one.tags.items():
        assert _locks(document) <= _locks(other.tags[name])
    for digest, manifest in one.manifests.items():
        is_alike = one.is_tagged(digest) == other.is_tagged(digest)
        if is_alike and Address("app", digest=digest) not in kept_by_a_lock:
            assert _locks(manifest.document) <= _locks(other.manifests[digest].document)


@MANY
@given(cases())
def test_retention_never_deletes_what_a_rule_protects(case):
    """No tag goes by retention that is locked, that rules lock, or that a rule points somewhere."""
    rule, world = case
    keeping = {**rule, "tags": [entry for entry in rule["tags"] if "ensure" not in entry]}
    rules = DesiredIndex(desired_state(keeping)).for_repository("app")

    for change in _plan(keeping, world).changes:
        if change.action == "delete" and change.kind == "tag":
            declared = declare(rules.for_tag(change.address.tag))
            assert not any(map(is_lock, declared.values()))
            assert "digest" not in declared
            assert not _locks(world.tags[change.address.tag])


@MANY
@given(cases())
def test_the_closure_never_demands_less_than_the_tag(case):
    """Where a tag with a level cannot be deleted in the end, neither can anything that it stands for."""
    rule, world = case
    rules = DesiredIndex(desired_state(rule)).for_repository("app")
    world = copy.deepcopy(world)
    world.carry_out(_plan(rule, world))

    for name, document in world.tags.items():
        matching = rules.for_tag(name)
        declared = declare(matching)
        said = demand(matching, declared)
        if said is not None and any(map(is_lock, declared.values())) and absent(matching) is None:
            for digest in _below(str(document["digest"]), world.manifests):
                assert world.manifests[digest].document["deleteEnabled"] is False


def _locks(document):
    return {name for name in ("deleteEnabled", "writeEnabled") if document[name] is False}


def _below(digest, manifests):
    seen, waiting = set(), [digest]
    while waiting:
        each = waiting.pop()
        if each in manifests and each not in seen:
            seen.add(each)
            waiting += manifests[each].children or ()
    return seen
