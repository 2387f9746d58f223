"""What holds for every desired state and every registry, tried on many that nobody would think of."""

from __future__ import annotations

import attrs
from builders import desired_state, digest, index, plan_of
from examples import some
from hypothesis import given, settings, strategies as st

from reconciler.model.attributes import REPOSITORY_ATTRIBUTES, TAG_ATTRIBUTES
from reconciler.model.desired import DesiredState
from reconciler.model.live import LiveRepository
from reconciler.planning.patch import apply_patch, failed_tests, make_patch, request_body
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import desired_digest, plan_from_json, plan_to_json
from reconciler.planning.rules import declare, values

REPOSITORIES = ("app", "app-2", "team/app", "team/web", "team/web/ui", "prod/api")
TAGS = ("v1", "v1.10", "v2", "latest", "V1", "pr-7")
REPOSITORY_PATTERNS = (*REPOSITORIES, "**", "*", "team/*", "team/**", "a*", "{app,prod/*}", "regex:team/.*", "absent")
TAG_PATTERNS = (*TAGS, "*", "v*", "v[12]", "{latest,pr-*}", "regex:v.*", "absent")


def _attributes(names):
    return st.dictionaries(st.sampled_from(names), st.booleans(), max_size=4)


def _entry(patterns, names, **others):
    some = st.lists(st.sampled_from(patterns), min_size=1, max_size=2)
    excluded = st.lists(st.sampled_from(patterns), max_size=1)
    entry = st.fixed_dictionaries({"match": some, "exclude": excluded, **others})
    return st.builds(lambda fields, attributes: {**fields, **attributes}, entry, _attributes(names))


RULES = st.lists(
    _entry(
        REPOSITORY_PATTERNS,
        REPOSITORY_ATTRIBUTES,
        tags=st.lists(_entry(TAG_PATTERNS, TAG_ATTRIBUTES), max_size=3),
    ),
    max_size=5,
)
DOCUMENTS = _attributes(TAG_ATTRIBUTES)
TAG_DOCUMENTS = st.builds(lambda letter, flags: {"digest": digest(letter), **flags}, st.sampled_from("abc"), DOCUMENTS)
LIVE = st.lists(
    st.builds(
        LiveRepository,
        st.sampled_from(REPOSITORIES),
        _attributes(REPOSITORY_ATTRIBUTES),
        st.dictionaries(st.sampled_from(TAGS), TAG_DOCUMENTS, max_size=4),
        unread=st.sampled_from(("", "", "", "401")),
    ),
    unique_by=lambda repository: repository.name,
    max_size=5,
)
few = settings(max_examples=some(50))


def _applied(plan: Plan, live: list[LiveRepository]) -> list[LiveRepository]:
    """What the registry holds once every change of the plan has been made."""
    changes = {change.address: change for change in plan.changes}

    def after(address, document):
        change = changes.get(address)
        return apply_patch(change.patch, document) if change else document

    from reconciler.model.address import Address

    return [
        attrs.evolve(
            each,
            document=after(Address(each.name), each.document),
            tags={name: after(Address(each.name, tag=name), document) for name, document in each.tags.items()},
        )
        for each in live
    ]


@few
@given(rules=RULES, live=LIVE)
def test_a_plan_that_was_applied_leaves_nothing_to_do(rules, live):
    """Planning again shows no change, and the same notes: apply converges in one step."""
    desired = desired_state(*rules)
    first = plan_of(desired, *live)

    second = plan_of(desired, *_applied(first, live))

    assert () == second.changes
    assert (first.blocked, first.unknown, first.missing) == (second.blocked, second.unknown, second.missing)
    assert first.summary.managed == second.summary.managed


@few
@given(rules=RULES, live=LIVE)
def test_a_change_does_what_its_documents_say(rules, live):
    """On the live document every test holds; the request has what differs, exactly; before becomes after."""
    plan = plan_of(desired_state(*rules), *live)

    documents = {each.name: each for each in live}
    for change in plan.changes:
        repository = documents[change.address.repository]
        document = repository.tags[change.address.tag] if change.address.tag else repository.document
        assert () == failed_tests(change.patch, document)
        assert {name: change.after[name] for name in change.attributes} == request_body(change.patch)
        assert {} != request_body(change.patch)
        assert "digest" not in request_body(change.patch)
        assert change.after == apply_patch(change.patch, change.before)
        assert request_body(change.patch).keys() <= document.keys()


@few
@given(rules=RULES, live=LIVE, data=st.data())
def test_the_order_of_attributes_in_an_entry_changes_nothing(rules, live, data):
    """Attributes of one entry are a mapping: people may write them in any order."""
    shuffled = [dict(data.draw(st.permutations(list(rule.items())))) for rule in rules]

    first, second = plan_of(desired_state(*rules), *live), plan_of(desired_state(*shuffled), *live)

    assert first == second


@few
@given(rules=RULES, live=LIVE, data=st.data())
def test_the_order_in_which_repositories_arrive_changes_nothing(rules, live, data):
    """Reads end in any order; plans and their bytes do not show it."""
    shuffled = data.draw(st.permutations(live))
    desired = desired_state(*rules)

    first, second = plan_of(desired, *live), plan_of(desired, *shuffled)

    assert plan_to_json(first) == plan_to_json(second)


@few
@given(rules=RULES, live=LIVE, attribute=st.sampled_from(TAG_ATTRIBUTES), value=st.booleans())
def test_a_rule_for_one_attribute_never_changes_another(rules, live, attribute, value):
    """One more entry at the end decides its own attribute and leaves each other one as the plan had it."""
    more = {"match": "**", attribute: value, "tags": [{"match": "*", attribute: value}]}

    without, with_more = (plan_of(desired_state(*each), *live) for each in (rules, [*rules, more]))

    assert _deeds(without, attribute) == _deeds(with_more, attribute)
    said = {change.after[attribute] for change in with_more.changes if attribute in change.attributes}
    assert said <= {value}


def _deeds(plan: Plan, but_for: str) -> set[tuple[str, str, object]]:
    return {
        (str(change.address), name, change.after[name])
        for change in plan.changes
        for name in change.attributes
        if name != but_for
    }


@few
@given(rules=RULES, name=st.sampled_from(TAGS))
def test_what_is_declared_is_said_by_the_last_rule_that_speaks(rules, name):
    """The declared document is the entries written over each other, in file order."""
    matching = index(*rules).for_repository("team/app").for_tag(name)
    expected = {}
    for rule in matching:
        expected.update({each.attribute: each.value for each in rule.attributes})

    declared = values(declare(matching))

    assert expected == declared


@few
@given(rules=RULES, live=LIVE)
def test_rules_say_the_same_every_time(rules, live):
    """Two plans of the same input are equal to the byte, and come back from a file as they were."""
    first, second = (plan_of(desired_state(*rules), *live) for _ in range(2))

    assert plan_to_json(first) == plan_to_json(second)
    assert first == plan_from_json(plan_to_json(second), "plan.json")


@few
@given(rules=RULES, live=LIVE)
def test_every_resource_that_was_read_is_counted_once(rules, live):
    """Managed and unmanaged together are all repositories and tags that could be read."""
    plan = plan_of(desired_state(*rules), *live)

    seen = sum(1 + len(each.tags) for each in live if not each.unread)
    assert seen == plan.summary.managed + plan.summary.unmanaged
    assert len(plan.changes) <= plan.summary.managed


@few
@given(rules=RULES)
def test_the_digest_of_desired_state_ignores_where_things_stand(rules):
    """Another file name and other lines are the same desired state."""
    here, there = desired_state(*rules, file="a.yaml"), _moved(desired_state(*rules, file="b/c.yaml"))

    assert desired_digest(here) == desired_digest(there)


def _moved(desired: DesiredState) -> DesiredState:
    def moved(value):
        return attrs.evolve(value, origin=attrs.evolve(value.origin, line=value.origin.line + 100, column=1))

    def entry(rule, **others):
        return attrs.evolve(moved(rule), attributes=tuple(map(moved, rule.attributes)), **others)

    repositories = tuple(entry(rule, tags=tuple(map(entry, rule.tags))) for rule in desired.repositories)
    return attrs.evolve(desired, repositories=repositories)


@few
@given(before=DOCUMENTS, data=st.data())
def test_a_patch_leads_from_before_to_after(before, data):
    """Whatever differs, the patch applied to before gives after, and to anything else that differs nothing."""
    after = {name: data.draw(st.booleans()) for name in before}

    patch = make_patch(before, after)

    assert after == apply_patch(patch, before)
    assert {name: after[name] for name in after if after[name] != before[name]} == request_body(patch)
    assert [] == [operation["op"] for operation in patch if operation["op"] not in ("test", "replace")]
    assert sorted(patch, key=lambda operation: (operation["op"] != "test", operation["path"])) == list(patch)
