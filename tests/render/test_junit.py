"""Plans, reports and drift as tests of a CI: which fail, which are errors, and that any text can stand in them."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

import attrs
import pytest
from builders import digest
from example_plans import hostile_plan, typical_plan
from goldens import golden
from junitparser import Error, Failure, JUnitXml, Skipped
from test_drift_text import ALL, SEEN
from test_outcomes_markdown import HEALING, outcomes
from test_plan_markdown import in_sync

from reconciler.events import Unlocked
from reconciler.model.address import Address
from reconciler.planning.debts import Debt
from reconciler.planning.plan import Drift, Unknown
from reconciler.render.drift_junit import drift_to_junit
from reconciler.render.plan_junit import plan_to_junit
from reconciler.render.report_junit import report_to_junit

UNLOCKED = (
    Unlocked(Address("prod/api"), ("writeEnabled",), "open", "403"),
    Unlocked(Address("prod/web"), ("writeEnabled",), "restored"),
)
OWED = Debt(Address("prod/api"), {"writeEnabled": False}, "0f1e", "2026-11-26T20:10:03Z", created="", digest="")
UNREAD = attrs.evolve(HEALING, complete=False, unknown=(Unknown(Address("web"), "403\n  ask for it"),))
MOVED = Drift(Address("prod/api", tag="v1"), {"digest": digest("a")}, {"digest": digest("b")}, ("registry.yaml:1:5",))
# What Jenkins' schema lets stand where; all that we write has to be in it.
SCHEMA = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}


def _results(xml: bytes) -> dict[str, type]:
    """The claims, each with what became of it."""
    (suite,) = JUnitXml.fromstring(xml)
    return {case.name: type(case.result[0]) if case.result else None for case in suite}


@pytest.mark.parametrize(
    ("name", "xml"),
    [
        ("plan", plan_to_junit(attrs.evolve(typical_plan(), drift=(MOVED,)))),
        ("report", report_to_junit(typical_plan(), outcomes(), UNLOCKED)),
        ("drift", drift_to_junit(UNREAD, ALL, SEEN, (OWED,))),
        ("hostile", plan_to_junit(hostile_plan())),
    ],
)
def test_each_is_what_the_schema_permits(name, xml):
    """The whole document, the counts that add up, and no element or attribute that Jenkins does not know."""
    root = ElementTree.fromstring(xml)
    kinds = Counter(each.tag for each in root.iter())

    assert golden(f"{name}.xml").encode() == xml
    assert all(set(each.attrib) <= SCHEMA[each.tag] for each in root.iter())
    assert {name: root[0].get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(kinds["testcase"]),
        "failures": str(kinds["failure"]),
        "errors": str(kinds["error"]),
        "skipped": str(kinds["skipped"]),
    }


def test_of_a_plan_changes_and_blocked_ones_fail_and_unread_ones_are_errors():
    """What is missing is skipped: files are merged before images are pushed."""
    found = _results(plan_to_junit(typical_plan()))

    assert Failure is found["prod/api:v1.0 is as declared"]
    assert Failure is found["prod/api can be made as declared: unsupported-attribute"]
    assert Failure is found["is within limits: loosen-limit"]
    assert Error is found["web/front can be read"]
    assert Skipped is found["prod/web is there"]


def test_of_a_report_only_what_ended_verified_passes():
    """Not attempted is skipped; all else fails, and so does what is still unlocked."""
    found = _results(report_to_junit(typical_plan(), outcomes(), UNLOCKED))

    assert Counter({Failure: 6, None: 2, Skipped: 1}) == Counter(found.values())
    assert None is found["legacy/app was made as planned (update)"]
    assert Failure is found["prod/api is locked again"]


def test_where_nothing_failed_one_case_passes():
    """A viewer that finds no case takes the report for broken."""
    plan, drift = _results(plan_to_junit(in_sync())), _results(drift_to_junit(HEALING, (), {}))
    report = _results(report_to_junit(in_sync(), ()))

    assert {"is as the files declare": None} == plan == report
    assert {"is as it was last applied": None} == drift
