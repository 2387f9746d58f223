"""Plans as comments on pull requests: what they say first, that they fit, and that text stays text."""

from __future__ import annotations

import re

import attrs
import pytest
from builders import OPEN, desired_state, plan_of, repository, tag
from example_plans import hostile_plan, typical_plan
from goldens import golden
from hypothesis import given, settings, strategies as st
from pages import HOSTILE, HOSTILE_LINES, Page

from reconciler.model.address import Address
from reconciler.planning.plan import Blocked, Drift, Finding, Plan, Unknown
from reconciler.render.plan_markdown import marker, render_plan_markdown
from reconciler.render.words import safe

MOST = 65_536  # characters of a comment on GitHub


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def in_sync() -> Plan:
    """Nothing differs."""
    return plan_of(desired_state({"match": "**", "deleteEnabled": True}), repository("team/app", OPEN))


def _among_10_000() -> Plan:
    """Ten thousand changes in a thousand repositories; one of them deletes, and has a name that sorts last."""
    desired = desired_state(
        {"match": "**", "tags": [{"match": "v*", "deleteEnabled": False}, {"match": "z", "ensure": "absent"}]},
    )
    plan = plan_of(desired, repository("zoo/app", OPEN, {"v1": tag(), "z": tag()}))
    tightens, deletes = plan.changes
    addresses = (Address(f"team{number // 10:03}/app", tag=f"v{number}") for number in range(9_999))
    return attrs.evolve(plan, changes=(*(attrs.evolve(tightens, address=each) for each in addresses), deletes))


@pytest.mark.parametrize("plan", [typical_plan, hostile_plan, in_sync])
def test_a_plan_is_a_comment(plan):
    """Headline, verdict, notes, the gravest, all by repository, and how to apply just that."""
    assert golden(f"{plan.__name__}.md") == render_plan_markdown(plan())


def test_a_plan_that_does_not_fit_shows_the_gravest_and_counts_the_rest():
    """Of 10,000 changes the delete stands first, what is left out is the least grave, and it says how to see all."""
    shown = render_plan_markdown(_among_10_000())

    rows = re.findall(r"^\| (?:\*\*delete\*\*|tighten) \|.*", shown, re.MULTILINE)
    assert "| **delete** | `zoo/app:z` |" in rows[0]
    assert shown.index("<summary><code>zoo/app</code>: 1 delete") < shown.index("<summary><code>team000/app</code>")
    left_out = 10_000 - (len(rows) - 1)
    assert (
        f"\n**{left_out:,} of 10,000 rows are left out below**, the least grave: {left_out:,} tighten."
        " `reconciler plan FILE... --full` shows all.\n"
    ) in shown
    assert 50_000 < _units(shown) < MOST
    assert "\nreconciler apply FILE... --expect sha256:" in shown


@pytest.mark.parametrize("text", [HOSTILE, HOSTILE_LINES])
def test_what_comes_from_elsewhere_stays_text(text):
    """No element, no link, no comment and no mention comes of it; it is read as it was written."""
    desired = desired_state({"match": "app", "deleteEnabled": False, "listEnabled": True}, file=text)
    plan = attrs.evolve(
        plan_of(desired, repository("app", {**OPEN, "listEnabled": False})),
        registry=text,
        blocked=(Blocked(Address("app"), text, text),),
        unknown=(Unknown(Address("web"), text),),
        findings=(Finding(text, text), Finding("loosen-limit", text)),
        complete=False,
    )

    page = Page(render_plan_markdown(plan))

    assert set() == page.foreign
    assert [f"{marker(text)[4:-3]}"] == page.comments
    # The origin, twice, and what is blocked, unknown and found, each with its code; the registry is cut.
    assert 8 == page.text.count(safe(HOSTILE).strip())


def test_the_marker_is_one_comment_whatever_the_registry_is_called():
    """Different registries have different ones, also where a name is too long."""
    assert "<!-- reconciler:plan contoso.azurecr.io -->" == marker("contoso.azurecr.io")
    assert "<!-- reconciler:plan http://[::1]:5000 -->" == marker("http://[::1]:5000")
    assert "<!-- reconciler:plan a%2D-%3E%3C%21%2D-%0Ab -->" == marker("a--><!--\nb")
    assert marker("a" * 1000) != marker("a" * 1001)
    assert len(marker("a" * 1001)) < 300


_WORST = [HOSTILE, HOSTILE_LINES, "|" * 600, "`|" * 300, "\U0001f600" * 600]
_TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(_WORST))


@given(registry=_TEXTS, texts=st.lists(_TEXTS, min_size=1, max_size=4), times=st.sampled_from([1, 30, 100]))
@settings(max_examples=6)
def test_any_plan_fits_and_parses(registry, texts, times):
    """Whatever stands in it, and however often."""
    many = texts * times
    plan = attrs.evolve(
        typical_plan(),
        registry=registry,
        blocked=tuple(Blocked(Address("app"), text, text) for text in many),
        unknown=tuple(Unknown(Address("web"), text) for text in many),
        findings=tuple(Finding(code, text) for text in many for code in (text, "loosen-limit")),
        drift=tuple(Drift(Address("app", tag="v1"), {"digest": text}, None, (text,)) for text in many),
        changes=tuple(attrs.evolve(change, origins=tuple(many[:40])) for change in typical_plan().changes) * times,
    )

    shown = render_plan_markdown(plan)

    assert _units(shown) < MOST
    assert len(shown.encode()) < 262_144
    assert set() == Page(shown).foreign
