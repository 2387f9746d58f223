"""Runs that tell Prometheus what they came to, in a file or at a Pushgateway."""

from __future__ import annotations

import base64
import re
from collections import Counter
from pathlib import Path

import pytest
from servers import ScriptedServer, catalog, refusal, reply, scripted

from reconciler import __version__
from reconciler.emulator import EmbeddedEmulator, Settings

GOLDEN = Path(__file__).parent / "metrics.prom"
USER = {"RECONCILER_METRICS_USERNAME": "ci", "RECONCILER_METRICS_PASSWORD": "pa:ss wörd"}
HEADER = "Basic " + base64.b64encode("ci:pa:ss wörd".encode()).decode()
TAKEN = reply(200)


@pytest.fixture
def registry():
    """A registry that holds nothing."""
    with scripted() as server:
        server.on("/acr/v1/_catalog", catalog())
        yield server


@pytest.fixture
def gateway():
    """A Pushgateway; it answers what the test scripts."""
    with scripted() as server:
        yield server


@pytest.fixture
def drifting(start_emulator, reconciler, releases) -> EmbeddedEmulator:
    """A registry that wants tokens, after an apply that wrote `apply.prom`, and a change behind our back."""
    emulator = start_emulator(Settings(auth="token"))
    for name in ("v1", "v2", "latest"):
        emulator.push(f"team/app:{name}")
    done = reconciler("apply", releases, "--registry", emulator.url, "--auto-approve", "--metrics", "apply.prom")
    assert 0 == done.code, done.stderr
    emulator.patch("team/app:v1", writeEnabled=True)
    emulator.patch("team/app:v2", deleteEnabled=True)
    emulator.clear_requests()
    return emulator


def _class(method: str, path: str) -> str:
    return "sign-in" if path.startswith("/oauth2/") else {"GET": "read"}.get(method, "write")


def _value(content: str, name: str, *labels: str) -> float:
    """The value of the one series of that name that has all these labels."""
    (line,) = [
        line for line in content.splitlines() if line.startswith(f"{name}{{") and all(label in line for label in labels)
    ]
    return float(line.rpartition(" ")[2])


def _both(one: str, other: str, *what: str) -> tuple[float, float]:
    return _value(one, *what), _value(other, *what)


def test_a_drift_run_writes_what_it_found(drifting, reconciler, releases, tmp_path: Path):
    """Every series, whole, and the requests as the registry counted them."""
    done = reconciler("drift", releases, "--registry", drifting.url, "--metrics", "drift.prom")

    assert 2 == done.code, done.stderr
    content = (tmp_path / "drift.prom").read_text()
    masked = content.replace(drifting.url, "REGISTRY").replace(f'version="{__version__}"', 'version="VERSION"')
    masked = re.sub(r"(_(?:timestamp|duration)_seconds\{.*\}) \S+", r"\1 SECONDS", masked)
    assert GOLDEN.read_text() == masked
    asked = Counter((_class(request.method, request.path), request.status) for request in drifting.requests())
    assert dict(asked) == {
        (kind, int(status)): int(float(count))
        for kind, status, count in re.findall(r'requests_total\{class="(.*?)".*status="(\d+)"\} (\S+)', content)
        if float(count)
    }


def test_an_apply_and_a_heal_tell_how_their_changes_ended(drifting, reconciler, releases, tmp_path: Path):
    """What was planned, what came of it, that the writes it took were answered; and what drifts then: nothing."""
    done = reconciler("drift", releases, "--registry", drifting.url, "--heal", "--metrics", "drift.prom")

    assert 0 == done.code, done.stderr
    applied, healed = ((tmp_path / name).read_text() for name in ("apply.prom", "drift.prom"))
    assert (3.0, 2.0) == _both(applied, healed, "reconciler_planned_changes", 'action="update"')
    assert (3.0, 2.0) == _both(applied, healed, "reconciler_changes_total", 'action="update"', 'status="verified"')
    assert (3.0, 2.0) == _both(applied, healed, "reconciler_requests_total", 'class="write"', 'status="200"')
    assert "drifting" not in applied
    assert 0.0 == _value(healed, "reconciler_drifting_resources", 'cause="drift"', 'severity="critical"')


def test_the_last_success_is_kept_when_a_run_fails(registry, reconciler, releases, tmp_path: Path):
    """And so are counters, through two runs that failed: at the registry, and before it was known which one it is."""
    run = ("drift", releases, "--state", "none", "--quiet", "--metrics", "drift.prom")
    declared = (tmp_path / releases).read_text()
    (tmp_path / releases).write_text(f"{declared}registry: {registry.url}\n")
    first = reconciler(*run)
    before = (tmp_path / "drift.prom").read_text()
    registry.on("/acr/v1/_catalog", refusal(403, "DENIED"))

    second = reconciler(*run)
    (tmp_path / releases).write_text("version: 2\n")
    third = reconciler(*run)

    assert [0, 1, 1] == [first.code, second.code, third.code], first.stderr
    assert "warning" not in first.stderr + second.stderr + third.stderr
    after = (tmp_path / "drift.prom").read_text()
    success = "reconciler_last_success_timestamp_seconds"
    assert _value(before, success) == _value(after, success) < _value(after, "reconciler_last_run_timestamp_seconds")
    assert (1.0, 0.0) == tuple(_value(text, "reconciler_last_run_success") for text in (before, after))
    assert (1.0, 1.0) == tuple(_value(after, "reconciler_requests_total", f'status="{n}"') for n in (200, 403))


def test_a_run_is_pushed(registry, gateway, reconciler, releases):
    """In one POST to the group of its registry and command, signed in, and no word about it."""
    gateway.on("*", TAKEN)
    place = f"{gateway.url}/push/"

    done = _drift(reconciler, releases, registry, place)

    assert (0, "") == (done.code, done.stderr)
    (pushed,) = gateway.requests
    group = base64.urlsafe_b64encode(registry.url.encode()).decode()
    assert ("POST", f"/push/metrics/job/reconciler/registry@base64/{group}/command/drift") == (
        pushed.method,
        pushed.target,
    )
    assert HEADER == pushed.header("authorization")
    assert 1.0 == _value(pushed.body.decode(), "reconciler_last_run_success")
    assert "" == "".join(request.header("authorization") for request in registry.requests)


def test_a_run_that_failed_is_pushed_without_a_success(registry, gateway, reconciler, releases):
    """The gateway keeps the time of the last one, as nothing else is said."""
    registry.on("/acr/v1/_catalog", refusal(403, "DENIED"))
    gateway.on("*", TAKEN)

    done = _drift(reconciler, releases, registry, gateway.url)

    assert 1 == done.code
    pushed = gateway.requests[0].body.decode()
    assert 0.0 == _value(pushed, "reconciler_last_run_success")
    assert "last_success" not in pushed


def test_a_push_that_fails_is_a_warning(registry, gateway, reconciler, releases):
    """In one line, without credentials even where the gateway repeats them; the run ends as it would."""
    gateway.on("*", reply(400, f"no: {HEADER}".encode()))

    done = _drift(reconciler, releases, registry, gateway.url)

    assert 0 == done.code
    assert "No drift" in done.stdout
    where = f"{gateway.url}{gateway.requests[0].target}"
    assert f"warning: the metrics were not pushed: POST {where}: 400 no: Basic ***\n" == done.stderr


def test_a_place_that_cannot_be_is_refused(registry: ScriptedServer, reconciler, releases):
    """Before anything is read, and without what stands before the host."""
    done = _drift(reconciler, releases, registry, "https://ci:secret@push.example.com")

    assert (1, []) == (done.code, registry.requests)
    assert (
        "error: a Pushgateway is named without a user\n"
        "  RECONCILER_METRICS_USERNAME and RECONCILER_METRICS_PASSWORD say who pushes.\n" == done.stderr
    )


def _drift(reconciler, releases: str, registry: ScriptedServer, place: str, *more: str):
    common = ("drift", releases, "--state", "none", "--registry", registry.url, "--quiet")
    return reconciler(*common, "--metrics", place, *more, **USER)
