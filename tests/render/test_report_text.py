"""Reports of an apply for people: what went wrong in full, what went well as a number."""

from __future__ import annotations

import re

import pytest
from builders import OPEN, desired_state, digest, manifest, plan_of, repository, tag
from example_plans import HOSTILE
from goldens import golden

from reconciler.events import Outcome
from reconciler.render.report_text import render_report
from reconciler.render.words import painter

PLAIN, COLOUR = painter(color=False), painter(color=True)
REFUSED = (
    "PATCH https://contoso.azurecr.io/acr/v1/r2: 405 REGISTRY_DISALLOWED_OPERATION: The operation is disallowed on "
    "this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq\n"
    "  A lock on it or on its repository forbids this; so do quarantine and a full storage quota."
)
ENDS = [
    ("verified", ""),
    ("stale", "deleteEnabled was true, is now false. It changed after the plan was made; make a new plan."),
    ("blocked", REFUSED),
    ("failed", "PATCH https://contoso.azurecr.io/acr/v1/r3: 400 NAME_INVALID: invalid name"),
    ("unconfirmed", "accepted, but 10 s later the registry shows deleteEnabled true"),
    ("not-attempted", "interrupted"),
    ("verified", ""),
]


def _outcomes(ends) -> list[Outcome]:
    """One change for each end, of repositories r0, r1, …"""
    live = [repository(f"r{number}", OPEN) for number in range(len(ends))]
    changes = plan_of(desired_state({"match": "**", "deleteEnabled": False}), *live).changes
    return [Outcome(change, status, message) for change, (status, message) in zip(changes, ends, strict=True)]


@pytest.mark.parametrize(("name", "full"), [("report.txt", False), ("report_in_full.txt", True)])
def test_a_report_is_shown_as_in_its_file(name, full):
    """Every change that did not end verified has its reason; verified ones are shown when asked for."""
    text = render_report("contoso.azurecr.io", _outcomes(ENDS), PLAIN, full=full)

    assert golden(name) == text
    assert [] == [line for line in text.splitlines() if len(line) > 80]


def test_colour_adds_nothing_but_colour_to_a_report():
    """Without its codes the coloured report is the plain one."""
    coloured = render_report("contoso.azurecr.io", _outcomes(ENDS), COLOUR, full=True)

    assert golden("report_in_full.txt") == re.sub(r"\x1b\[[0-9]+m", "", coloured)
    assert "\x1b[" in coloured


def test_a_report_of_success_is_one_line():
    """Nothing went wrong, so there is nothing to read."""
    text = render_report("contoso.azurecr.io", _outcomes([("verified", "")] * 3), PLAIN, full=False)

    assert "Applied to contoso.azurecr.io: 3 verified.\n" == text


def test_a_manifest_is_named_by_its_first_digits():
    """And by all of them where that was asked for."""
    live = repository("app", OPEN, {"v1": tag("a")}, manifests={digest("a"): manifest(tags=("v1",))})
    [change] = plan_of(desired_state({"match": "app", "manifests": [{"deleteEnabled": False}]}), live).changes
    outcomes = [Outcome(change, "stale", "it changed")]

    short, full = (render_report("contoso.azurecr.io", outcomes, PLAIN, full=full) for full in (False, True))

    assert short.startswith("stale          app@sha256:aaaaaa\n")
    assert full.startswith(f"stale          app@{digest('a')}\n")


def test_a_report_of_nothing_says_so():
    """A plan without changes has no outcomes."""
    assert "Applied to contoso.azurecr.io: nothing.\n" == render_report("contoso.azurecr.io", (), PLAIN, full=False)


def test_one_change_is_not_called_changes():
    """A single failure is told in the singular."""
    text = render_report("contoso.azurecr.io", _outcomes([("failed", "")]), PLAIN, full=False)

    assert (
        "failed         r0\n"
        "\n"
        "Applied to contoso.azurecr.io: 1 failed.\n"
        "  1 change did not end verified.\n"
        "  Running it again does what is left.\n"
    ) == text


@pytest.mark.parametrize(("full", "shown"), [(False, 20), (True, 1500)])
def test_a_long_report_is_cut_unless_asked_for_in_full(full, shown):
    """The first twenty are shown, the others counted; all counts are there either way."""
    text = render_report("contoso.azurecr.io", _outcomes([("failed", "no")] * 1500), PLAIN, full=full)

    assert shown == len(re.findall(r"^failed ", text, flags=re.MULTILINE))
    assert full is ("… and 1,480 more; --full shows all\n" not in text)
    assert "Applied to contoso.azurecr.io: 1,500 failed.\n" in text


def test_the_one_stale_change_stands_before_all_that_was_left_because_of_it():
    """These are counted, with their one reason; --full names them."""
    left = ("not-attempted", "something is stale; nothing was begun")
    ends = [left] * 4 + [("stale", "it moved")] + [left] * 3 + [("not-attempted", "interrupted")]

    text = render_report("contoso.azurecr.io", _outcomes(ends), PLAIN, full=False)

    assert text.startswith(
        "stale          r4\n"
        "    it moved\n"
        "not-attempted  7 changes; --full names them\n"
        "    something is stale; nothing was begun\n"
        "not-attempted  r8\n"
        "    interrupted\n"
        "\n"
    )


def test_hostile_messages_forge_no_line_of_a_report():
    """A registry's words stay indented text, whatever they are made of."""
    text = render_report(HOSTILE, _outcomes([("failed", HOSTILE)]), PLAIN, full=False)

    assert [] == [character for character in text if not character.isprintable() and character != "\n"]
    assert ["failed", "Applied"] == re.findall(r"^\w+", text, flags=re.MULTILINE)
