"""How much one plan may do before a person has to say so: the boundaries, and the flags that move them."""

from __future__ import annotations

import attrs
import pytest
from builders import OPEN, desired_state, digest, manifest, plan_of, repository, tag

from reconciler.errors import RefusedError
from reconciler.planning.limits import Limit, Limits, check_limits, parse_limit
from reconciler.planning.plan import Finding

CLOSED = dict.fromkeys(OPEN, False)


def _plan(*, affected: int, managed: int, attribute: str, value: bool):
    """A plan that sets `attribute` of so many repositories out of so many managed ones."""
    before, after = {**OPEN, attribute: not value}, {**OPEN, attribute: value}
    live = [repository(f"r{number}", before if number < affected else after) for number in range(managed)]
    return plan_of(desired_state({"match": "**", attribute: value}), *live)


def _codes(plan, limits: Limits = Limits(), *, desired_is_empty: bool = False) -> list[str]:  # noqa: B008 - frozen
    return [finding.code for finding in check_limits(plan, limits, desired_is_empty=desired_is_empty)]


WHERE = "--max-loosen"


@pytest.mark.parametrize(
    ("affected", "managed", "expected"),
    [
        (0, 0, []),
        (0, 100, []),
        (1, 1, []),
        (10, 10, []),
        (11, 11, ["loosen-limit"]),
        (11, 36, ["loosen-limit"]),
        (11, 37, []),
        (12, 40, []),
        (13, 40, ["loosen-limit"]),
        (30, 100, []),
        (31, 100, ["loosen-limit"]),
    ],
)
def test_more_than_ten_and_more_than_thirty_percent_is_too_much(affected, managed, expected):
    """Both must be exceeded: 11 of 36 is 30.6 %, 11 of 37 is 29.7 %, and 30 % itself is allowed."""
    plan = _plan(affected=affected, managed=managed, attribute="deleteEnabled", value=True)

    assert expected == _codes(plan)


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("deleteEnabled", False, []),
        ("writeEnabled", False, []),
        ("deleteEnabled", True, ["loosen-limit"]),
        ("writeEnabled", True, ["loosen-limit"]),
        ("listEnabled", True, ["loosen-limit"]),
        ("listEnabled", False, ["hide-limit"]),
        ("readEnabled", False, ["hide-limit"]),
    ],
)
def test_loosening_and_hiding_are_limited_and_tightening_is_not(attribute, value, expected):
    """Each harm has its own limit; protection may spread as far as it likes."""
    plan = _plan(affected=20, managed=20, attribute=attribute, value=value)

    assert expected == _codes(plan)


def test_loosening_and_hiding_are_counted_each_for_itself():
    """10 loosened and 10 hidden are not 20 of anything."""
    rules = desired_state({"match": "a*", "deleteEnabled": True}, {"match": "b*", "readEnabled": False})
    live = [
        repository(f"{letter}{number}", {**OPEN, "deleteEnabled": False}) for letter in "ab" for number in range(10)
    ]

    plan = plan_of(rules, *live)

    assert [] == _codes(plan)


def test_a_change_that_loosens_and_hides_counts_for_both():
    """Its two effects are two reasons to ask."""
    rules = desired_state({"match": "**", "deleteEnabled": True, "readEnabled": False})
    live = [repository(f"r{number}", {**OPEN, "deleteEnabled": False}) for number in range(11)]

    plan = plan_of(rules, *live)

    assert ["loosen-limit", "hide-limit"] == _codes(plan)


@pytest.mark.parametrize(
    ("limit", "affected", "managed", "expected"),
    [
        ("0", 1, 1000, ["loosen-limit"]),
        ("0", 0, 1000, []),
        ("20", 20, 20, []),
        ("20", 21, 1000, ["loosen-limit"]),
        ("0%", 1, 1000, ["loosen-limit"]),
        ("1%", 10, 1000, []),
        ("1%", 11, 1000, ["loosen-limit"]),
        ("50%", 5, 10, []),
        ("50%", 6, 10, ["loosen-limit"]),
        ("100%", 500, 500, []),
        (" 20 ", 20, 20, []),
    ],
)
def test_an_explicit_limit_stands_alone(limit, affected, managed, expected):
    """A number is a number and a share is a share; the other half of the default no longer counts."""
    plan = _plan(affected=affected, managed=managed, attribute="writeEnabled", value=True)

    assert expected == _codes(plan, Limits(loosen=parse_limit(limit, WHERE)))


@pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "ten", "50 %", "50%%", "1e3", "1,000", "9999999999", "+5"])
def test_what_is_no_limit_is_refused(text):
    """The error shows both forms that are understood."""
    with pytest.raises(RefusedError) as refused:
        parse_limit(text, WHERE)

    assert (
        f'--max-loosen: "{text}" is not a limit; say a number of resources, such as 50, or a share, such as 50%'
    ) == str(refused.value)


def test_a_finding_says_how_many_of_how_many_and_which_flag_lets_it_pass():
    """The number in the advice is the one that suffices."""
    plan = _plan(affected=1200, managed=2000, attribute="writeEnabled", value=True)

    findings = check_limits(plan, Limits(), desired_is_empty=False)

    assert (
        Finding(
            "loosen-limit",
            "1,200 of 2,000 managed resources would be loosened; the limit is 10 and 30 %. "
            "If that is meant: --max-loosen 1200",
        ),
    ) == findings


def test_the_advice_of_a_finding_lets_exactly_this_plan_pass():
    """Its number is a limit that the plan keeps and that one change more would not."""
    plan = _plan(affected=12, managed=12, attribute="readEnabled", value=False)

    (finding,) = check_limits(plan, Limits(), desired_is_empty=False)
    advised = parse_limit(finding.message.rpartition("--max-hide ")[2], WHERE)

    assert ([], Limit(count=12, percent=None)) == (_codes(plan, Limits(hide=advised)), advised)


@pytest.mark.parametrize(("limits", "expected"), [(Limits(), ["empty-desired-state"]), (Limits(allow_empty=True), [])])
def test_an_empty_desired_state_is_a_finding(limits, expected):
    """Files that declare nothing look like success, and are more often a mistake."""
    plan = plan_of(desired_state())

    assert expected == _codes(plan, limits, desired_is_empty=True)


@pytest.mark.parametrize(("limits", "expected"), [(Limits(), ["incomplete"]), (Limits(allow_incomplete=True), [])])
def test_an_incomplete_plan_is_a_finding(limits, expected):
    """What could not be read may hide what else would change."""
    plan = plan_of(desired_state({"match": "**", "deleteEnabled": False}), repository("app", unread="401"))

    assert expected == _codes(plan, limits)


def test_all_findings_are_told_at_once():
    """One run shows every flag that is needed, in a fixed order."""
    plan = attrs.evolve(_plan(affected=11, managed=11, attribute="deleteEnabled", value=True), complete=False)

    assert ["loosen-limit", "empty-desired-state", "incomplete"] == _codes(plan, desired_is_empty=True)


def test_moves_and_deletes_have_limits_of_their_own():
    """Each direction is counted for itself, and each has its flag."""
    names = [f"t{number:02}" for number in range(12)]
    live = repository("app", OPEN, {name: tag("a") for name in names}, manifests={digest("b"): manifest()})
    moving = plan_of(desired_state({"match": "app", "tags": [{"match": names, "digest": digest("b")}]}), live)
    deleting = plan_of(desired_state({"match": "app", "tags": [{"match": "t*", "ensure": "absent"}]}), live)

    assert (["move-limit"], ["delete-limit"]) == (_codes(moving), _codes(deleting))
    assert [] == _codes(moving, Limits(move=Limit(12, None))) + _codes(deleting, Limits(delete=Limit(12, None)))
    assert "12 of 12 managed resources would be moved; the limit is 10 and 30 %. If that is meant: --max-move 12" == (
        check_limits(moving, Limits(), desired_is_empty=False)[0].message
    )


def test_a_repository_counts_with_all_that_goes_with_it():
    """One change may take thousands of images along."""
    live = repository("app", OPEN, {}, tag_count=7, manifest_count=4)

    plan = plan_of(desired_state({"match": "app", "ensure": "absent"}), live)

    (finding,) = check_limits(plan, Limits(), desired_is_empty=False)
    assert ("delete-limit", True) == (finding.code, finding.stops)
    assert finding.message.startswith("12 resources (1 managed) would be deleted, or go with what is;")
