"""Reports and drift as comments: what is gravest first, and that text stays text."""

from __future__ import annotations

import attrs
from builders import digest
from example_plans import typical_plan
from goldens import golden
from pages import HOSTILE_LINES, Page
from test_drift_text import ALL, MOVED, SEEN

from reconciler.events import STATUSES, Outcome, Unlocked
from reconciler.model.address import Address
from reconciler.planning.base import MemoryReference
from reconciler.planning.compare import make_plan
from reconciler.planning.plan import Unknown
from reconciler.render.drift_markdown import render_drift_markdown
from reconciler.render.report_markdown import render_report_markdown

MESSAGES = {"failed": "PATCH https://contoso.azurecr.io/…: 500\n  Try again.", "stale": "it points elsewhere now"}
HEALING = make_plan("contoso.azurecr.io", digest("d"), [], MemoryReference("lineage", 7))


def outcomes() -> tuple[Outcome, ...]:
    """Of the typical plan each change ended in another way."""
    statuses = (*STATUSES, "verified")
    return tuple(
        Outcome(change, status, MESSAGES.get(status, ""))
        for change, status in zip(typical_plan().changes, statuses, strict=True)
    )


def test_a_report_is_a_comment():
    """What did not end verified stands first, what failed before what was not tried; what is still open is told."""
    unlocked = (Unlocked(Address("prod/api"), ("writeEnabled",), "open", "403"), Unlocked(Address("b"), (), "restored"))

    shown = render_report_markdown(typical_plan(), outcomes(), interrupted=True, unlocked=unlocked)

    assert golden("report.md") == shown


def test_a_report_of_nothing_says_so():
    """There was nothing to do."""
    shown = render_report_markdown(HEALING, (), interrupted=False)

    assert "### Applied to `contoso.azurecr.io`: nothing\n\n**Nothing was to be changed.**\n" in shown


def test_drift_is_a_comment():
    """What is hidden stands first, what was tightened last; with what it was and since when."""
    shown = render_drift_markdown(HEALING, ALL, SEEN, ["--heal undoes it for 3 resources."])

    assert golden("drift.md") == shown


def test_no_drift_says_so_only_where_everything_was_read():
    """What could not be read may have drifted."""
    unread = attrs.evolve(HEALING, complete=False, unknown=(Unknown(Address("app"), "403"),))

    assert "**Nothing drifted.**" in render_drift_markdown(HEALING, (), {})
    assert "**Nothing drifted.**" not in render_drift_markdown(unread, (), {})


def test_what_comes_from_elsewhere_stays_text_in_them_too():
    """Messages of the registry, times, and names of files."""
    change = typical_plan().changes[0]
    told = (Outcome(change, "failed", HOSTILE_LINES * 300),)
    drifted = (attrs.evolve(MOVED, origins=(HOSTILE_LINES,)),)

    report = Page(render_report_markdown(typical_plan(), told, interrupted=False))
    drift = Page(render_drift_markdown(HEALING, drifted, {MOVED.attributes[0].key: HOSTILE_LINES}, [HOSTILE_LINES]))

    assert set() == report.foreign | drift.foreign
    assert "# heading" in report.text
    assert "# heading" in drift.text
