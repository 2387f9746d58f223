"""Reports of an apply for programs."""

from __future__ import annotations

import json

from builders import OPEN, desired_state, plan_of, repository, tag
from example_plans import HOSTILE
from goldens import golden

from reconciler import __version__
from reconciler.events import STATUSES, Outcome, Unlocked
from reconciler.model.address import Address
from reconciler.planning.planfile import fingerprint
from reconciler.render.report_json import report_to_json


def _plan():
    desired = desired_state({"match": "**", "deleteEnabled": False, "tags": [{"match": "*", "writeEnabled": False}]})
    return plan_of(desired, repository("app", OPEN, {"v1": tag()}))


def test_a_report_has_the_shape_that_programs_rely_on():
    """Outcomes in the order of the plan, every status counted, and the plan that it was."""
    plan = _plan()
    outcomes = (Outcome(plan.changes[0], "verified"), Outcome(plan.changes[1], "stale", "digest was a, is now b"))

    written = report_to_json(plan, outcomes, interrupted=False).decode()

    expected = golden("report.json").replace("VERSION", __version__)
    assert expected == written


def test_a_report_names_the_plan_that_was_applied():
    """Its fingerprint is the one in the plan file; and what was unlocked for a moment, and still is."""
    plan = _plan()
    unlocked = Unlocked(Address("app"), ("writeEnabled",), "open", "no answer")
    report = json.loads(report_to_json(plan, (), interrupted=True, unlocked=[unlocked]))

    told = {"address": "app", "attributes": ["writeEnabled"], "status": "open", "message": "no answer"}
    assert [told] == report["unlocked"]
    assert (fingerprint(plan), True, []) == (report["fingerprint"], report["interrupted"], report["outcomes"])
    assert dict.fromkeys(STATUSES, 0) == report["summary"]


def test_a_report_tells_what_the_plan_could_not_do():
    """Nothing of it was tried, so no outcome tells why a run without any has failed."""
    desired = desired_state({"match": "app", "ensure": "absent"})
    plan = plan_of(desired, repository("app", OPEN, {"v1": tag(deleteEnabled=False)}, tag_count=1, manifest_count=1))

    report = json.loads(report_to_json(plan, (), interrupted=False))

    assert [("app", "locked")] == [(each["address"], each["reason_code"]) for each in report["blocked"]]
    assert "v1" in report["blocked"][0]["message"]
    assert [] == report["outcomes"]


def test_messages_are_passed_on_unchanged():
    """JSON escapes what a terminal would obey, and a program gets it back."""
    plan = _plan()
    outcomes = (Outcome(plan.changes[0], "failed", HOSTILE),)

    written = report_to_json(plan, outcomes, interrupted=False)

    assert HOSTILE == json.loads(written)["outcomes"][0]["message"]
    assert b"\x1b" not in written
