"""Explanations for people: every rule, what overrides it, and what apply would make of the resource."""

from __future__ import annotations

import re

import pytest
from builders import OPEN, desired_state, tag
from example_plans import HOSTILE
from goldens import golden

from reconciler.model.address import parse_address
from reconciler.model.matching import DesiredIndex
from reconciler.planning.rules import contributions
from reconciler.render.explain_text import render_explanation
from reconciler.render.words import painter

PLAIN, COLOUR = painter(color=False), painter(color=True)
RULES = (
    {"match": "**", "deleteEnabled": False, "tags": [{"match": "v*", "deleteEnabled": False, "writeEnabled": False}]},
    {"match": "prod/*", "teleportEnabled": False, "tags": [{"match": "v2*", "writeEnabled": True}]},
)


def _explained(text: str, live, paint=PLAIN, *, is_live_known: bool = True, file: str = "registry.yaml") -> str:
    address = parse_address(text)
    rules = DesiredIndex(desired_state(*RULES, file=file)).for_repository(address.repository)
    said = contributions(rules.for_tag(address.tag) if address.tag else rules.rules)
    return render_explanation(address, said, live, paint, is_live_known=is_live_known)


EXPLANATIONS = {
    "explain_tag.txt": ("prod/api:v2.0", tag("a", deleteEnabled=False, writeEnabled=False)),
    "explain_repository.txt": ("prod/api", OPEN),
    "explain_unmanaged.txt": ("prod/api:latest", tag("b")),
    "explain_absent.txt": ("team/app:v1", None),
}


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_an_explanation_is_shown_as_in_its_file(name):
    """Rules in file order, then what is live and what would become of it, within 80 columns."""
    text = _explained(*EXPLANATIONS[name])

    assert golden(name) == text
    assert [] == [line for line in text.splitlines() if len(line) > 80]


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_colour_adds_nothing_but_colour_to_an_explanation(name):
    """Without its codes the coloured explanation is the plain one."""
    coloured = _explained(*EXPLANATIONS[name], COLOUR)

    assert golden(name) == re.sub(r"\x1b\[[0-9]+m", "", coloured)


def test_offline_only_the_files_are_told():
    """Where no registry was asked, nothing is said about what it holds."""
    text = _explained("team/app:v1", None, is_live_known=False)

    assert (
        "team/app:v1\n  deleteEnabled    false  registry.yaml:2:5\n  writeEnabled     false  registry.yaml:2:5\n"
    ) == text


def test_a_long_place_that_overrides_gets_a_line_of_its_own():
    """Two long names do not fit beside each other, and none is cut."""
    text = _explained("prod/api:v2.0", None, is_live_known=False, file="environments/production/contoso.yaml")

    assert (
        "prod/api:v2.0\n"
        "  deleteEnabled    false  environments/production/contoso.yaml:2:5\n"
        "  writeEnabled     false  environments/production/contoso.yaml:2:5\n"
        "    overridden by environments/production/contoso.yaml:4:5\n"
        "  writeEnabled     true   environments/production/contoso.yaml:4:5\n"
    ) == text


def test_a_hostile_file_name_forges_no_line_of_an_explanation():
    """The name of a file may come with a pull request."""
    text = _explained("team/app:v1", None, is_live_known=False, file=HOSTILE)

    assert [] == [character for character in text if not character.isprintable() and character != "\n"]
    assert 3 == len(text.splitlines())
