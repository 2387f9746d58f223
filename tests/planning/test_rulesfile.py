"""Rules as plain values and back: a memory keeps them, a digest covers them."""

from __future__ import annotations

from builders import desired_state
from hypothesis import given, settings
from test_protection_properties import RULES

from reconciler.planning.planfile import desired_digest
from reconciler.planning.rulesfile import rules_document, rules_from_bytes, rules_to_bytes


@settings(max_examples=200)
@given(RULES)
def test_rules_come_back_from_a_memory_as_they_were(rule):
    """Levels, pins, absence, retention and selectors included."""
    desired = desired_state(rule)

    read = rules_from_bytes(rules_to_bytes(desired))

    assert rules_document(desired) == rules_document(read)
    assert desired_digest(desired) == desired_digest(read)


def test_entries_of_few_words_keep_the_digest_that_they_had():
    """What an entry does not say is not in it, so that a newer version takes the same files for the same."""
    document = rules_document(desired_state({"match": "app", "tags": [{"match": "v1", "deleteEnabled": False}]}))

    tag = {"match": ["v1"], "exclude": [], "attributes": {"deleteEnabled": False}}
    assert [{"match": ["app"], "exclude": [], "attributes": {}, "tags": [tag]}] == document
