"""One run after another, as metrics; pure, so runs are made up."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from builders import LOCKED, OPEN, desired_state, plan_of, repository
from hypothesis import given, settings, strategies as st

from reconciler import __version__
from reconciler.errors import RefusedError
from reconciler.events import Outcome
from reconciler.metrics import Metrics, RunFacts, Seen, observe, seen_in
from reconciler.metrics.exposition import check_installed, exposition, metrics_from
from reconciler.metrics.families import FAMILIES, Family
from reconciler.metrics.textfile import read_textfile
from reconciler.planning.drift import drifted
from reconciler.registry.tally import Tally

ROOT = Path(__file__).parent.parent.parent
HERE = ("contoso.azurecr.io", "drift")
SEEN = Seen(
    managed=7,
    unmanaged=2,
    unread=0,
    planned={"update": 1},
    drifting={("drift", "critical"): 3, ("config", "warning"): 1},
)
RUN = RunFacts(
    *HERE,
    ended_s=1_000.5,
    duration_s=2.25,
    is_success=True,
    seen=SEEN,
    changes={("update", "verified"): 2},
    tally=Tally({("read", "200"): 10}, {"read": 1.5}),
)
FAILED = RunFacts(*HERE, ended_s=2_000, duration_s=1, is_success=False)


def _of(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The series of a metric with a value that is not 0, by their own labels."""
    return {labels[2:]: value for (found, labels), value in metrics.samples.items() if found == name and value}


def test_counters_add_up_and_gauges_do_not():
    """Over three runs of a process that stays."""
    metrics = observe(observe(observe(Metrics(), RUN), RUN), RUN)

    assert {("read", "200"): 30} == _of(metrics, "reconciler_requests_total")
    assert {("read",): 4.5} == _of(metrics, "reconciler_throttled_seconds_total")
    assert {("read",): 1.5} == _of(metrics, "reconciler_last_run_throttled_seconds")
    assert {("update", "verified"): 6} == _of(metrics, "reconciler_changes_total")
    assert {("drift", "critical"): 3, ("config", "warning"): 1} == _of(metrics, "reconciler_drifting_resources")


def test_a_run_that_failed_leaves_what_was_seen():
    """A registry that cannot be reached has not stopped drifting; but nothing is said to be complete."""
    metrics = observe(observe(Metrics(), RUN), FAILED)

    assert {(): 1_000.5} == _of(metrics, "reconciler_last_success_timestamp_seconds")
    assert {(): 2_000} == _of(metrics, "reconciler_last_run_timestamp_seconds")
    assert {("drift", "critical"): 3, ("config", "warning"): 1} == _of(metrics, "reconciler_drifting_resources")
    assert ({}, {}) == (_of(metrics, "reconciler_complete"), _of(metrics, "reconciler_last_run_success"))


def test_what_drifts_no_more_becomes_0():
    """Each of all combinations stays, of causes that are always told."""
    calm = attrs.evolve(RUN, seen=attrs.evolve(SEEN, drifting={}))

    metrics = observe(observe(Metrics(), RUN), calm)

    left = {labels[2:]: value for (name, labels), value in metrics.samples.items() if "drifting" in name}
    assert {
        (cause, severity) for cause in ("drift", "conflict", "unknown") for severity in ("critical", "warning")
    } == set(left)
    assert {0.0} == set(left.values())


def test_the_version_that_ran_before_is_not_told_any_more():
    """One series, or nobody knows which of them runs."""
    before = Metrics(
        {("reconciler_build_info", (*HERE, "0.0.1")): 1.0, ("reconciler_build_info", ("r", "drift", "0.0.1")): 1.0}
    )

    builds = [labels for name, labels in observe(before, RUN).samples if name == "reconciler_build_info"]

    assert [("r", "drift", "0.0.1"), (*HERE, __version__)] == builds


def test_registries_and_commands_are_kept_apart():
    """Each with its own series, in one process."""
    metrics = observe(observe(Metrics(), RUN), attrs.evolve(RUN, command="plan"))
    both = observe(metrics, attrs.evolve(RUN, registry="fabrikam.azurecr.io"))

    assert ("contoso.azurecr.io", "fabrikam.azurecr.io") == both.registries("drift")
    assert observe(Metrics(), RUN) == both.of(*HERE)


def test_what_a_heal_verified_drifts_no_more():
    """What it did not come to still does."""
    rule = {"match": "app*", "deleteEnabled": False}
    plan = plan_of(desired_state(rule), repository("app-1", OPEN, {}), repository("app-2", OPEN, {}))
    done = [Outcome(plan.changes[0], "verified"), Outcome(plan.changes[1], "failed", "no")]

    seen = seen_in(plan, drifted(plan), done)

    assert ({("unknown", "critical"): 1}, 2) == (seen.drifting, seen.planned["update"])


def test_a_plan_that_lacks_something_is_not_complete():
    """Even where it does not know what it lacks."""
    plan = attrs.evolve(plan_of(desired_state(), repository("app", LOCKED, {})), complete=False)

    assert (1, False) == (seen_in(plan, None).unread, seen_in(plan, None).is_complete)


@settings(max_examples=25)
@given(st.text(max_size=8), st.integers(0, 2**40), st.booleans())
def test_what_is_written_is_read_back(registry: str, count: int, succeeded: bool):
    """To the last digit, whatever the registry calls itself."""
    run = attrs.evolve(RUN, registry=registry, is_success=succeeded, ended_s=count / 8)
    metrics = observe(Metrics(), run)

    assert metrics == metrics_from(exposition(metrics))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"up 1\n", 'holds metrics of something else, such as "up"'),
        (b"reconciler_complete{\n", "not metrics in Prometheus' text format"),
        (b"\xff\xfe", "not metrics in Prometheus' text format"),
        (b"<html></html>\n", "not metrics in Prometheus' text format"),
    ],
    ids=["other metrics", "half a line", "no text", "a page"],
)
def test_a_file_of_others_is_not_replaced(tmp_path: Path, content, expected):
    """What could be somebody else's is refused before the run, and stays."""
    place = tmp_path / "drift.prom"
    place.write_bytes(content)

    with pytest.raises(RefusedError) as refusal:
        read_textfile(str(place))

    assert f"{place}: {expected}\n  It is not replaced. Is it another program's file?" == str(refusal.value)


def test_what_a_file_cannot_have_counted_is_not_gone_by():
    """A metric of an earlier version, and values that are none."""
    content = (
        b'reconciler_gone_total{registry="r"} 3\n'
        b'reconciler_requests_total{registry="r",command="drift",class="read",status="200"} NaN\n'
        b'reconciler_requests_total{registry="r",command="drift",class="read",status="404"} -1\n'
        b'reconciler_requests_total{registry="r",command="drift",class="read",status="405"} +Inf\n'
        b'reconciler_complete{registry="r",command="drift"} 1\n'
    )

    assert {("reconciler_complete", ("r", "drift")): 1.0} == metrics_from(content).samples


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("drift.txt", "{}: the name must end in .prom, as node_exporter reads no other file"),
        ("gone/drift.prom", "{}: the folder is not there"),
        ("folder.prom", "{}: cannot be read: Is a directory"),
    ],
    ids=["another suffix", "no folder", "a folder"],
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name, expected):
    """Before the run begins."""
    (tmp_path / "folder.prom").mkdir()
    place = str(tmp_path / name)

    with pytest.raises(RefusedError) as refusal:
        read_textfile(place)

    assert expected.format(place) == str(refusal.value)


def test_without_the_library_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    """By the option that wants it."""
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)

    with pytest.raises(RefusedError) as refusal:
        check_installed("--metrics")

    assert (
        "--metrics: the package prometheus-client is not installed\n"
        "  pip install 'acr-reconciler[metrics]' installs it." == str(refusal.value)
    )


def test_the_page_lists_every_metric():
    """Its name, its kind, its labels and what it says, in the order in which they are written."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `reconciler_")]

    assert [_row(family) for family in FAMILIES] == rows


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels or '-'} | {family.help} |"
