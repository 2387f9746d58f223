"""The schema of plan files takes every plan that is made, and refuses what is no plan by its shape."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from editors import refusals
from example_plans import hostile_plan, large_plan, typical_plan
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from test_planfile import _mutants
from test_protection_properties import _plan, cases

from reconciler.errors import PlanFileError
from reconciler.planning.base import MemoryReference, RevisionReference
from reconciler.planning.planfile import plan_from_json, plan_to_json
from reconciler.schema.plan import plan_schema

FILE = Path(__file__).with_name("plan.json")


def refused(plan):
    """What the schema refuses in a plan; of a thousand changes a hundred do."""
    plan = attrs.evolve(plan, changes=plan.changes[-100:])
    return refusals(plan_schema, json.loads(plan_to_json(plan)))


def test_the_schema_is_one():
    """It is valid JSON Schema, draft 2020-12."""
    Draft202012Validator.check_schema(plan_schema())


@pytest.mark.parametrize("make", [typical_plan, large_plan, hostile_plan])
def test_the_plans_that_tests_look_at_are_valid(make):
    """Texts that mean harm are texts."""
    assert [] == refused(make())


def test_the_plan_that_was_promised_is_valid():
    """The file whose bytes a test compares."""
    assert [] == refusals(plan_schema, json.loads(FILE.read_text()))


@pytest.mark.parametrize(
    "members",
    [
        {"base": MemoryReference("0b7e", 7)},
        {"base": RevisionReference("0" * 40)},
        {"now": "2026-12-01T18:00:00Z", "expires": "2026-12-01T19:00:00+01:00"},
    ],
)
def test_members_that_few_plans_have_are_valid(members):
    """What it was made on, and the times that it goes by."""
    assert [] == refused(attrs.evolve(typical_plan(), **members))


@given(cases())
@settings(max_examples=30)
def test_a_plan_with_every_action_is_valid(case):
    """Moves, deletes, unlocks, retention: whatever rules make of a repository."""
    assert [] == refused(_plan(*case))


def test_what_is_no_plan_by_its_shape_is_refused_by_both():
    """Of a plan with one value replaced or left out; what does not add up, the schema cannot know."""
    # Nobody reads the version of the program, and JSON Schema takes 10 to the 30th for a whole number.
    mutants = [each for each in _mutants() if isinstance(each.get("tool_version", ""), str)]
    differ = []
    for mutant in [each for each in mutants if "0" * 30 not in json.dumps(each)][::13]:
        try:
            plan_from_json(json.dumps(mutant).encode(), "plan.json")
            said = "taken"
        except PlanFileError as error:
            said = str(error)
        is_taken = not refusals(plan_schema, mutant)
        if (said == "taken" and not is_taken) or (": not a plan: " in said and is_taken):
            differ.append(said)

    assert [] == differ
