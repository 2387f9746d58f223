"""`drift --alert`: who is told, once, and what becomes of it when somebody cannot be told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from servers import refusal, reply, scripted

TAG = "/_tags/v1"


@pytest.fixture
def released(emulator, reconciler, releases):
    """A registry with two releases that were protected by an apply; runs the command there."""
    for name in ("v1", "v2"):
        emulator.push(f"shop/api:{name}", content=name.encode())

    def run(*arguments: str, **environment: str):
        return reconciler(*arguments, RECONCILER_REGISTRY=emulator.url, **environment)

    assert 0 == run("apply", releases, "--auto-approve").code
    return run


def _patch(emulator, **flags: bool) -> None:
    """What somebody does behind our back."""
    assert 200 == httpx.patch(f"{emulator.url}/acr/v1/shop%2Fapi{TAG}", json=flags).status_code


def _told(folder: Path) -> list[tuple[str, str]]:
    """What stands in the file of alerts."""
    path = folder / "told.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(each["subject"], each["data"]["status"]) for each in map(json.loads, lines)]


DRIFT = ("drift", "registry.yaml", "--alert", "jsonlines:told.jsonl")


def test_a_drift_is_told_once_and_so_is_its_end(released, emulator, tmp_path):
    """Whatever the number of runs; the event says what heals it, and that command does."""
    _patch(emulator, deleteEnabled=True)
    codes = [released(*DRIFT).code for _ in range(3)]
    event = json.loads((tmp_path / "told.jsonl").read_text())["data"]
    heal = event["heal"].split()
    healed = released(*heal[1:])
    codes += [released(*DRIFT).code for _ in range(2)]

    assert ["reconciler", "drift", "registry.yaml", "--registry", emulator.url, "--heal", "--target"] == heal[:-1]
    assert 0 == healed.code
    assert [2, 2, 2, 0, 0] == codes
    assert [("shop/api:v1", "firing"), ("shop/api:v1", "resolved")] == _told(tmp_path)


def test_healing_tells_what_it_found_and_that_it_is_over(released, emulator, tmp_path):
    """Somebody unlocked a release: that it is locked again is no reason to keep it quiet."""
    _patch(emulator, deleteEnabled=True)

    done = released(*DRIFT, "--heal")

    assert 0 == done.code
    assert [("shop/api:v1", "firing"), ("shop/api:v1", "resolved")] == _told(tmp_path)


def test_a_part_of_the_registry_ends_nothing(released, emulator, tmp_path):
    """What was left out may drift still."""
    _patch(emulator, deleteEnabled=True)
    released(*DRIFT)
    _patch(emulator, deleteEnabled=False)
    part = released(*DRIFT, "--target", "shop/api:v2")
    everything = released(*DRIFT)

    assert [0, 0] == [part.code, everything.code]
    assert [("shop/api:v1", "firing"), ("shop/api:v1", "resolved")] == _told(tmp_path)


def test_a_run_that_could_not_read_everything_ends_nothing(released, emulator, tmp_path):
    """The drift that it does not see is not over."""
    _patch(emulator, deleteEnabled=True)
    released(*DRIFT)
    _patch(emulator, deleteEnabled=False)
    emulator.faults.load({"tag_count_off": 1})
    broken = released(*DRIFT)

    assert 1 == broken.code
    assert [("shop/api:v1", "firing")] == _told(tmp_path)


def test_without_a_memory_each_run_tells_it(released, emulator, tmp_path):
    """There is nowhere to note that it was told."""
    _patch(emulator, deleteEnabled=True)
    for _ in range(2):
        released(*DRIFT, "--state", "none")

    assert 2 * [("shop/api:v1", "firing")] == _told(tmp_path)


def test_repeat_tells_again_what_is_old(released, emulator, tmp_path):
    """The time of the last telling stands beside the memory."""
    _patch(emulator, deleteEnabled=True)
    released(*DRIFT)
    ledger = tmp_path / ".reconciler" / "state.json.alerts"
    document = json.loads(ledger.read_text())
    (telling,) = document["alerts"][0]["told"].values()
    telling["at"] = "2026-01-01T00:00:00Z"
    ledger.write_text(json.dumps(document))
    released(*DRIFT, "--repeat", "52w")
    before = _told(tmp_path)
    released(*DRIFT)

    assert [("shop/api:v1", "firing")] == before
    assert 2 * [("shop/api:v1", "firing")] == _told(tmp_path)


def test_a_sink_that_fails_hides_nothing(released, emulator, tmp_path):
    """The drift is shown, the others are told, the failure stands in the report, and the next run tells it again."""
    _patch(emulator, deleteEnabled=True)
    with scripted() as server:
        server.on("*", refusal(403, "NO"))
        hook = ("--alert", f"webhook+{server.url}/hook?token=s3cr3t")
        failed = released(*DRIFT, *hook, "--format", "json")
        server.on("*", reply(202, {}))
        again = released(*DRIFT, *hook, "--format", "json")
        calm = released(*DRIFT, *hook, "--format", "json")

    report = json.loads(failed.stdout)
    assert [2, 2, 2] == [failed.code, again.code, calm.code]
    assert ["shop/api:v1"] == [each["address"] for each in report["drift"]]
    assert [(1, 0, ""), (1, 0)] == [
        (report["alerts"][0]["firing"], report["alerts"][0]["resolved"], report["alerts"][0]["error"]),
        (report["alerts"][1]["firing"], report["alerts"][1]["resolved"]),
    ]
    assert "403" in report["alerts"][1]["error"]
    assert "was not told of 1 alert: " in failed.stderr
    assert "s3cr3t" not in failed.stdout + failed.stderr
    assert [("shop/api:v1", "firing")] == _told(tmp_path)
    assert [(1, 0, "")] == [
        (each["firing"], each["resolved"], each["error"]) for each in json.loads(again.stdout)["alerts"]
    ]
    assert [] == json.loads(calm.stdout)["alerts"]
    assert 2 == server.count("POST", "/hook")


def test_what_was_healed_while_a_sink_was_away_is_told_by_the_next_run(released, emulator):
    """Its beginning and its end: that a release was unlocked is worth knowing, however short it was."""
    _patch(emulator, deleteEnabled=True)
    with scripted() as server:
        hook = ("--alert", f"webhook+{server.url}/hook")
        server.on("*", refusal(403, "NO"))
        healed = released("drift", "registry.yaml", *hook, "--heal")
        server.on("*", reply(202, {}))
        later = released("drift", "registry.yaml", *hook)
        told = [each["data"]["status"] for each in json.loads(server.requests[-1].body)]

    assert [1, 0] == [healed.code, later.code]
    assert "The next run tells it again." in healed.stderr
    assert ["firing", "resolved"] == told


def test_a_sink_that_somebody_else_is_telling_is_left_to_them(released, emulator, tmp_path):
    """It is said so, and what is left is told by the next run."""
    _patch(emulator, deleteEnabled=True)
    released(*DRIFT)
    ledger = tmp_path / ".reconciler" / "state.json.alerts"
    document = json.loads(ledger.read_text())
    (key,) = document["alerts"][0]["told"]
    until = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    ledger.write_text(json.dumps({**document, "busy": {key: until}}))
    _patch(emulator, deleteEnabled=False)
    busy = released(*DRIFT)
    before = _told(tmp_path)
    ledger.write_text(json.dumps({**json.loads(ledger.read_text()), "busy": {}}))
    released(*DRIFT)

    assert "note: another run is telling jsonlines told.jsonl, or died while it did" in busy.stderr
    assert [("shop/api:v1", "firing")] == before
    assert [("shop/api:v1", "firing"), ("shop/api:v1", "resolved")] == _told(tmp_path)


def test_what_moved_while_the_files_moved_too_says_what_was_applied(released, emulator, tmp_path):
    """Of a conflict the event tells three values, and not the new one twice."""
    first, second, third = (emulator.push(f"shop/api:{name}", content=name.encode()) for name in ("a", "b", "c"))
    file = tmp_path / "registry.yaml"
    rules = file.read_text()
    pin = f"  - match: shop/api\n    tags:\n      - match: stable\n        digest: {first}\n"
    file.write_text(rules + pin)
    assert 0 == released("apply", "registry.yaml", "--auto-approve").code
    file.write_text(rules + pin.replace(first, second))
    emulator.push("shop/api:stable", content=b"c")

    done = released(*DRIFT, "--format", "json")

    (found,) = json.loads(done.stdout)["drift"]
    values = found["attributes"]["digest"]
    assert ("conflict", first, third, second) == (
        found["cause"],
        values["last_applied"],
        values["live"],
        values["desired"],
    )


def test_a_failing_sink_is_an_error_where_nothing_else_is(released, emulator):
    """The end of a drift that cannot be told is no success."""
    _patch(emulator, deleteEnabled=True)
    with scripted() as server:
        server.on("*", reply(202, {}), refusal(403, "NO"))
        hook = ("--alert", f"webhook+{server.url}/hook")
        codes = [released("drift", "registry.yaml", *hook).code]
        _patch(emulator, deleteEnabled=False)
        codes.append(released("drift", "registry.yaml", *hook).code)

    assert [2, 1] == codes


@pytest.mark.parametrize("content", ["{", '{"kind": "acr-reconciler alerts", "format_version": "2.0"}'])
def test_a_ledger_that_cannot_be_read_silences_nobody(released, emulator, tmp_path, content):
    """A damaged one is begun anew; one of a later version is left as it is."""
    _patch(emulator, deleteEnabled=True)
    ledger = tmp_path / ".reconciler" / "state.json.alerts"
    ledger.write_text(content)
    done = [released(*DRIFT) for _ in range(2)]

    is_later = "2.0" in content
    assert [2, 2] == [each.code for each in done]
    assert "warning: what was told about drift" in done[0].stderr
    assert (2 if is_later else 1) * [("shop/api:v1", "firing")] == _told(tmp_path)
    assert is_later == (content == ledger.read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--alert", "jsonlines:a", "--alert", "jsonlines:a"), "would be told twice"),
        (("--alert", "jsonlines:a", "--repeat", "soon"), "--repeat: "),
        (("--repeat", "24h"), "--repeat: nobody is told"),
        (("--alert", "slack+env:NOT_SET"), "NOT_SET"),
        (("--alerts", "none.yaml"), "none.yaml"),
    ],
)
def test_what_cannot_be_told_is_refused_before_anything_is_read(reconciler, emulator, releases, arguments, message):
    """A run of minutes must not find that out at its end."""
    done = reconciler("drift", releases, "--registry", emulator.url, *arguments)

    assert 1 == done.code
    assert message in done.stderr
    assert 0 == len(emulator.requests())


def test_a_file_of_alerts_names_them(released, emulator, tmp_path):
    """With how often to tell again, and from which severity on."""
    (tmp_path / "alerts.yaml").write_text(
        "version: 1\nrepeat: 7d\nsinks:\n  - jsonlines: {path: told.jsonl}\n"
        "  - jsonlines: {path: grave.jsonl}\n    severity: critical\n"
    )
    assert 200 == httpx.patch(f"{emulator.url}/acr/v1/shop%2Fapi/_tags/v2", json={"listEnabled": True}).status_code
    _patch(emulator, deleteEnabled=True)

    released("drift", "registry.yaml", "--alerts", "alerts.yaml")

    assert [("shop/api:v1", "firing")] == _told(tmp_path)
    assert 1 == len((tmp_path / "grave.jsonl").read_text().splitlines())
