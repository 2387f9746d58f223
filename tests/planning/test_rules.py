"""What the rules say about one resource, taken together."""

from __future__ import annotations

from builders import desired_state, index

from reconciler.planning.rules import contributions, declare, values

RULES = (
    {"match": "**", "deleteEnabled": False, "writeEnabled": False},
    {"match": "team/*", "writeEnabled": True},
    {"match": "team/app", "deleteEnabled": False, "listEnabled": False},
    {"match": "other", "readEnabled": False},
)


def test_a_later_rule_wins_attribute_by_attribute():
    """Each attribute has the value of the last rule that speaks of it; the others keep theirs."""
    rules = index(*RULES).for_repository("team/app").rules

    assert {"deleteEnabled": False, "writeEnabled": True, "listEnabled": False} == values(declare(rules))


def test_a_specific_rule_does_not_win_over_a_later_general_one():
    """Order is the only notion of precedence: an exact name is as good as a wildcard."""
    rules = index({"match": "team/app", "writeEnabled": True}, {"match": "**", "writeEnabled": False})

    declared = declare(rules.for_repository("team/app").rules)

    assert ({"writeEnabled": False}, "registry.yaml:2:5") == (values(declared), str(declared["writeEnabled"].origin))


def test_no_rules_declare_nothing():
    """Without a rule there is nothing declared, which is not the same as a default."""
    assert {} == declare(())


def test_every_contribution_is_told_with_what_overrode_it():
    """In file order, and a value that was repeated by a later rule counts as overridden too."""
    rules = index(*RULES).for_repository("team/app").rules

    told = [
        (str(each.declaration.origin), each.declaration.attribute, each.declaration.value, str(each.overridden_by))
        for each in contributions(rules)
    ]

    assert [
        ("registry.yaml:1:5", "deleteEnabled", False, "registry.yaml:3:5"),
        ("registry.yaml:1:5", "writeEnabled", False, "registry.yaml:2:5"),
        ("registry.yaml:2:5", "writeEnabled", True, "None"),
        ("registry.yaml:3:5", "deleteEnabled", False, "None"),
        ("registry.yaml:3:5", "listEnabled", False, "None"),
    ] == told


def test_rules_can_be_given_as_an_iterator():
    """Contributions look at the rules twice, and still need them only once."""
    rules = desired_state(*RULES).repositories

    assert contributions(rules) == contributions(iter(rules))
