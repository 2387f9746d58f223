"""Which rules speak of a name: their order, exclusions, exact names, and what asking costs."""

from __future__ import annotations

import pytest
from builders import desired_state, index

from reconciler.model.desired import Origin, TagRule
from reconciler.model.matching import DesiredIndex, RuleIndex
from reconciler.model.pattern import Pattern

HERE = Origin("registry.yaml", 1, 1)


def _lines(rules) -> list[int]:
    return [rule.origin.line for rule in rules]


def _rule(*patterns: Pattern) -> TagRule:
    return TagRule(patterns, (), (), HERE)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prod/api", [1, 3, 4, 6]),
        ("prod/web", [1, 4]),
        ("prod/api/v2", [1]),
        ("dev/api", [1, 5]),
        ("prod/secret", [1, 4]),
        ("unheard-of", [1]),
    ],
)
def test_rules_come_in_file_order_whether_exact_or_not(name, expected):
    """An exact rule between wildcard rules keeps its place, and an exclusion takes its rule away."""
    rules = index(
        {"match": "**"},
        {"match": "prod/**", "exclude": "**"},
        {"match": "prod/api"},
        {"match": "prod/*"},
        {"match": ["dev/*", "dev/api"]},
        {"match": ["prod/secret", "prod/api"], "exclude": ["prod/se*"]},
    )

    assert expected == _lines(rules.for_repository(name).rules)


def test_a_rule_that_matches_twice_counts_once():
    """Several patterns of one entry may match the same name."""
    rules = index({"match": ["v1", "v*", "**", "v1"]})

    assert [1] == _lines(rules.for_repository("v1").rules)


def test_an_excluded_name_is_not_asked_for():
    """An exact name that its own entry excludes is nobody's; one that another entry still names is."""
    rules = index(
        {"match": ["a", "b", "c"], "exclude": ["b", "[c]"]},
        {"match": ["c", "a"]},
    )

    assert ("a", "c") == rules.exact_repositories


def test_the_catalog_is_needed_only_for_wildcards():
    """A registry whose repositories are all named is read without its catalog."""
    needed = [index({"match": text}).needs_catalog for text in ("a", "a*", "{a,b}", "regex:a", "**")]

    assert [False, True, True, True, True] == needed


def test_tag_rules_of_all_matching_entries_apply_in_file_order():
    """Tags are spoken of by every entry that matches their repository, one after another."""
    rules = index(
        {"match": "**", "tags": [{"match": "v*"}, {"match": "latest"}]},
        {"match": "other/*", "tags": [{"match": "v*"}]},
        {"match": "team/*", "tags": [{"match": "v1", "exclude": "v*"}, {"match": "v1"}]},
    ).for_repository("team/app")

    said = {name: _lines(rules.for_tag(name)) for name in ("v1", "v2", "latest", "dev")}

    assert {"v1": [2, 8], "v2": [2], "latest": [3], "dev": []} == said


def test_exact_tags_of_all_entries_are_known_once():
    """The names that are worth a direct read, each once and without what is excluded."""
    rules = index(
        {"match": "**", "tags": [{"match": ["v1", "v2"]}, {"match": ["v1", "x"], "exclude": "x"}]},
        {"match": "team/app", "tags": [{"match": ["v3", "v1"]}]},
    ).for_repository("team/app")

    assert ("v1", "v2", "v3") == rules.exact_tags
    assert (True, False) == (rules.named_exactly, rules.has_tag_wildcards)


def test_nothing_is_said_about_a_repository_that_no_rule_matches():
    """It has no rules, declares nothing, and is not worth a request."""
    rules = index({"match": "prod/*", "deleteEnabled": False, "tags": [{"match": "*"}]}).for_repository("dev/app")

    assert ((), False, False, False) == (
        rules.rules,
        rules.declares_attributes,
        rules.declares_tags,
        rules.named_exactly,
    )


class _Counted(str):
    """A name that counts how often it is compared with another."""

    __slots__ = ()
    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        _Counted.comparisons += 1
        return str.__eq__(self, other)


class _Matcher:
    """What a wildcard pattern asks; counts the questions."""

    def __init__(self) -> None:
        self.questions = 0

    def fullmatch(self, name: str) -> object:
        self.questions += 1
        return name.startswith("v")


def test_exact_names_are_looked_up_and_not_tried_one_after_another():
    """100,000 rules and 100,000 names: each name is compared a few times, not once with every rule."""
    rules = RuleIndex([_rule(Pattern(f"v{number}")) for number in range(100_000)])
    names = [_Counted(f"v{number}") for number in range(100_000)]
    _Counted.comparisons = 0

    found = sum(len(rules.matching(name)) for name in names)

    assert 100_000 == found
    assert _Counted.comparisons < 10 * 100_000


def test_a_name_is_tried_on_wildcard_patterns_alone():
    """The cost of a name grows with the wildcard patterns: three here, whatever the 10,000 exact rules."""
    matcher = _Matcher()
    wildcards = [_rule(Pattern("v*", matcher), Pattern("w*", matcher)), _rule(Pattern("x*", matcher))]
    exact = [_rule(Pattern(f"name{number}")) for number in range(10_000)]
    rules = RuleIndex([*exact, *wildcards])

    for number in range(500):
        rules.matching(f"v{number}")

    assert 3 * 500 == matcher.questions


def test_desired_state_of_the_same_text_can_be_indexed_twice():
    """An index changes nothing about the rules that it arranges."""
    desired = desired_state({"match": "**", "tags": [{"match": "v*"}]})

    first, second = (DesiredIndex(desired).for_repository("a").for_tag("v1") for _ in range(2))

    assert first == second


@pytest.mark.parametrize("entries", [1, 8, 9, 200])
def test_however_many_entries_speak_of_a_repository_their_tag_rules_apply_in_file_order(entries):
    """A generator writes one entry for each tag; they are arranged once, and say what they say one by one."""
    own = [{"match": "team/app", "tags": [{"match": f"v{n}", "deleteEnabled": False}]} for n in range(entries)]
    everything = {"match": "**", "tags": [{"match": "v*", "writeEnabled": False}]}
    rules = index(everything, *own, everything).for_repository("team/app")

    found = rules.for_tag(f"v{entries - 1}")

    assert 3 == len(found)
    assert _lines(found) == sorted(_lines(found))
    assert 2 == len(rules.for_tag("v-other"))
    assert () == rules.for_tag("latest")
