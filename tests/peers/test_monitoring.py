"""What Prometheus and its kin make of our metrics, and of the alert rules that we ship."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from clients import PROTECTED, program
from commands import run_reconciler
from monitoring import RULES, until
from servers import reply, scripted

from reconciler.emulator import EmbeddedEmulator

pytestmark = pytest.mark.peer

CRITICAL = 'reconciler_drifting_resources{cause="drift",severity="critical"}'
SUCCESS = "reconciler_last_success_timestamp_seconds"
Drift = Callable[..., int]


@pytest.fixture
def drift(emulator: EmbeddedEmulator, tmp_path: Path) -> Drift:
    """A function that runs `reconciler drift`, and returns its exit code; all was applied, and then changed."""
    (tmp_path / "registry.yaml").write_text(PROTECTED)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}

    def run(*options: str, command: str = "drift") -> int:
        arguments = (command, "registry.yaml", "--registry", emulator.url, *options)
        return run_reconciler(*arguments, cwd=tmp_path, env=kept).returncode

    for name in ("v1", "v2"):
        emulator.push(f"web/api:{name}")
    assert 0 == run("--auto-approve", command="apply")
    emulator.patch("web/api:v1", writeEnabled=True)
    return run


def _promtool(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program("promtool"), *arguments], input=given, capture_output=True, timeout=60, check=False)


def _pushed(content: str, name: str) -> float:
    """The value of the one series of that name."""
    (line,) = [line for line in content.splitlines() if line.startswith(f"{name}{{")]
    return float(line.rpartition(" ")[2])


def test_promtool_has_nothing_to_say_about_the_metrics_of_a_run(drift, tmp_path: Path):
    """Neither about their syntax nor about their names, units and help."""
    code = drift("--metrics", "drift.prom")

    checked = _promtool("check", "metrics", given=(tmp_path / "drift.prom").read_bytes())

    assert (2, 0, b"", b"") == (code, checked.returncode, checked.stdout, checked.stderr)


def test_the_alert_rules_say_what_they_mean():
    """By the tests beside them."""
    checked = _promtool("check", "rules", str(RULES))
    tested = _promtool("test", "rules", str(RULES.with_suffix(".test.yaml")))

    assert (0, 0) == (checked.returncode, tested.returncode), checked.stderr + tested.stdout
    assert b"7 rules found" in checked.stdout


def test_a_pushgateway_keeps_what_a_run_pushed(drift, pushgateway, emulator, tmp_path: Path):
    """In the group of its registry; a run that fails then leaves the time of the last success."""
    pushed = drift("--metrics", pushgateway.url)
    before = pushgateway.metrics()
    (tmp_path / "broken.json").write_text("{")
    failed = drift("--metrics", pushgateway.url, "--state", "broken.json")
    after = pushgateway.metrics()

    assert (2, 1) == (pushed, failed)
    series = (
        f'reconciler_drifting_resources{{cause="drift",command="drift",instance="",job="reconciler",'
        f'registry="{emulator.url}",severity="critical"}} 1\n'
    )
    assert series in before
    assert series in after
    assert _pushed(before, SUCCESS) == _pushed(after, SUCCESS)
    assert (1.0, 0.0) == tuple(_pushed(text, "reconciler_last_run_success") for text in (before, after))


def test_a_drift_is_one_alert_until_it_is_healed(drift, emulator, alertmanager, start_prometheus, tmp_path: Path):
    """It fires once, stays the same one when more drifts, and is gone after the heal."""
    place = tmp_path / "drift.prom"
    with scripted() as node:
        node.on("/metrics", lambda _: reply(200, place.read_bytes(), content_type="text/plain; version=0.0.4"))
        codes = [drift("--metrics", place.name)]
        prometheus = start_prometheus(node.host, alertmanager)
        (first,) = until(alertmanager.alerts)
        emulator.patch("web/api:v2", deleteEnabled=True)
        codes.append(drift("--metrics", place.name))
        until(lambda: prometheus.value(CRITICAL), lambda value: value == 2)
        (second,) = until(alertmanager.alerts, lambda alerts: alerts and "2 resources" in _summary(alerts[0]))
        codes.append(drift("--metrics", place.name, "--heal"))
        until(alertmanager.alerts, lambda alerts: not alerts)

    assert [2, 2, 0] == codes
    assert {"alertname": "ReconcilerCriticalDrift", "registry": emulator.url, "severity": "critical"} == first["labels"]
    assert first["fingerprint"] == second["fingerprint"]
    assert first["startsAt"] == second["startsAt"]


def _summary(alert: dict[str, dict[str, str]]) -> str:
    return alert["annotations"]["summary"]
