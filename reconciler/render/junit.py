"""
JUnit's XML, which every CI shows as tests: one case for each resource that somebody should look at.

Written as Jenkins' schema wants it. Source:
https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal
from xml.etree import ElementTree

import attrs

from reconciler.model.address import Address
from reconciler.render.words import safe

Result = Literal["passed", "failure", "error", "skipped"]


@attrs.frozen
class Case:
    """One test: a claim about something, and whether it holds."""

    about: str  # a repository, or the registry; viewers group by it
    claim: str
    result: Result = "passed"
    kind: str = ""  # of failure or error
    message: str = ""  # why it does not hold
    details: tuple[str, ...] = ()  # more lines


def case_about(address: Address, claim: str, result: Result, kind: str, message: str, *details: str) -> Case:
    """A case about one resource; further lines of the message become details."""
    first, *more = message.split("\n")
    return Case(address.repository, f"{address} {claim}", result, kind, first, (*more, *details))


def to_junit(name: str, registry: str, cases: Iterable[Case], properties: Mapping[str, str], otherwise: str) -> bytes:
    """
    One suite as XML, UTF-8, ending in a newline.

    Args:
        name: What was run: plan, apply or drift.
        registry: Where.
        cases: In their order.
        properties: What to know about the suite.
        otherwise: What is claimed, and holds, where no case failed; viewers complain of a suite without cases.
    """
    all_cases = list(cases)
    if all(case.result == "skipped" for case in all_cases):
        all_cases.append(Case(registry, otherwise))
    results = Counter(case.result for case in all_cases)
    counts = {"tests": str(len(all_cases)), "failures": str(results["failure"]), "errors": str(results["error"])}
    root = ElementTree.Element("testsuites", {"name": "reconciler", **counts})
    suite = ElementTree.SubElement(
        root, "testsuite", {"name": f"{name} {safe(registry)}", **counts, "skipped": str(results["skipped"])}
    )
    if properties:
        known = ElementTree.SubElement(suite, "properties")
        for key, value in properties.items():
            ElementTree.SubElement(known, "property", {"name": key, "value": safe(value)})
    for case in all_cases:
        _add(case, suite)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, "utf-8", xml_declaration=True)) + b"\n"


def _add(case: Case, suite: ElementTree.Element) -> None:
    # What XML 1.0 cannot hold does not print either, so nothing of it is left after `safe`.
    shown = ElementTree.SubElement(suite, "testcase", {"classname": safe(case.about), "name": safe(case.claim)})
    if case.result != "passed":
        said = {"type": case.kind, "message": case.message}
        result = ElementTree.SubElement(shown, case.result, {key: safe(text) for key, text in said.items() if text})
        result.text = "\n".join(safe(line) for line in case.details) or None
