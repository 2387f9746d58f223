"""`watch`: drift is told once, healed where that is asked for, and nothing ends the watch but being asked to."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest
from servers import free_port
from watches import watching

from reconciler.backend.local import FileStore
from reconciler.backend.lock import acquire

TAG = "shop/api:v1"


@pytest.fixture
def released(emulator, reconciler, releases, tmp_path):
    """A registry with two releases that were protected by an apply; a folder with its memory."""
    for name in ("v1", "v2"):
        emulator.push(f"shop/api:{name}", content=name.encode())
    assert 0 == reconciler("apply", releases, "--auto-approve", RECONCILER_REGISTRY=emulator.url).code
    return tmp_path


def _told(folder: Path) -> list[tuple[str, str]]:
    path = folder / "told.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(each["subject"], each["data"]["status"]) for each in map(json.loads, lines)]


def test_a_watch_tells_each_drift_once_and_takes_files_as_they_change(released, emulator):
    """Broken files are told, in metrics too, and not taken; pages answer meanwhile; SIGTERM ends it with 0."""
    file, url = released / "registry.yaml", f"http://127.0.0.1:{free_port()}"
    good = file.read_text()
    listen = ("--listen", url.removeprefix("http://"))
    with watching(released, emulator.url, "--alert", "jsonlines:told.jsonl", *listen) as watch:
        watch.until(lambda: " no drift; " in watch.stderr)
        ready = httpx.get(f"{url}/readyz")
        emulator.patch(TAG, deleteEnabled=True)
        watch.until(lambda: len(_told(released)) == 1)
        metrics = httpx.get(f"{url}/metrics").text
        file.write_text(good + "  - match: [")
        watch.until(lambda: "error: the files have changed, and are not taken" in watch.stderr)
        failed = f'reconciler_last_run_success{{command="watch",registry="{emulator.url}"}} 0.0'
        watch.until(lambda: failed in httpx.get(f"{url}/metrics").text)
        file.write_text(good.replace('"v*"', '"v2"'))
        watch.until(lambda: len(_told(released)) == 2)
        code = watch.stop()

    assert 0 == code
    assert (200, "ok\n") == (ready.status_code, ready.text)
    assert 'cause="drift",command="watch",' in metrics
    assert [(TAG, "firing"), (TAG, "resolved")] == _told(released)
    assert 1 == watch.stdout.count("~ :v1  loosened")
    assert "No drift at " in watch.stdout
    assert watch.stderr.endswith("Stopped\n")


def test_a_watch_that_heals_tells_what_it_found_and_that_it_is_over(released, emulator):
    """Under the run lock, which it leaves free; a tag that was moved though locked is left to a person."""
    with watching(released, emulator.url, "--heal", "--alert", "jsonlines:told.jsonl") as watch:
        watch.until(lambda: " no drift; " in watch.stderr)
        emulator.patch(TAG, deleteEnabled=True)
        watch.until(lambda: len(_told(released)) == 2)
        emulator.push("shop/api:v2", content=b"another")
        watch.until(lambda: len(_told(released)) == 3)
        code = watch.stop(signal.SIGINT)

    assert 0 == code
    assert [(TAG, "firing"), (TAG, "resolved"), ("shop/api:v2", "firing")] == _told(released)
    assert False is emulator.tag(TAG)["deleteEnabled"]
    assert not (released / ".reconciler" / "state.json.lock").exists()


def test_drift_that_cannot_be_healed_now_is_told_all_the_same(released, emulator):
    """Somebody else holds the run lock; when it is free, the drift is healed and its end is told."""
    store = FileStore(released / ".reconciler" / "state.json")
    with watching(released, emulator.url, "--heal", "--alert", "jsonlines:told.jsonl") as watch:
        watch.until(lambda: " no drift; " in watch.stderr)
        with acquire(store, registry=emulator.url, operation="apply", timeout_s=0, tell=str):
            emulator.patch(TAG, deleteEnabled=True)
            watch.until(lambda: "the run lock" in watch.stderr and _told(released))
        watch.until(lambda: len(_told(released)) == 2)
        watch.stop()

    assert [(TAG, "firing"), (TAG, "resolved")] == _told(released)
    assert False is emulator.tag(TAG)["deleteEnabled"]


def test_a_watch_whose_answers_nobody_takes_still_tells_and_heals(released, emulator):
    """What it would say on stdout goes to stderr; a broken file of alerts and a sink that fails delay nothing."""
    alerts = released / "alerts.yaml"
    good = 'version: 1\nsinks:\n  - jsonlines: {path: told.jsonl}\n  - webhook: {url: "http://127.0.0.1:1/"}\n'
    alerts.write_text(good)
    with watching(released, emulator.url, "--heal", "--alerts", "alerts.yaml", stdout="/dev/full") as watch:
        watch.until(lambda: " no drift; " in watch.stderr)
        alerts.write_text("version: [")
        watch.until(lambda: "those are told who were before" in watch.stderr)
        emulator.patch(TAG, deleteEnabled=True)
        watch.until(lambda: len(_told(released)) == 2)
        code = watch.stop()

    assert 0 == code
    assert [(TAG, "firing"), (TAG, "resolved")] == _told(released)
    assert "~ :v1  loosened" in watch.stderr
    assert "webhook" in watch.stderr
    assert False is emulator.tag(TAG)["deleteEnabled"]


def test_a_watch_outlives_a_registry_that_is_away_and_stops_in_the_middle_of_a_run(released, emulator):
    """A failure is told and counted; a run that hangs does not keep it from stopping."""
    listen = f"127.0.0.1:{free_port()}"
    with watching(released, emulator.url, "--listen", listen, "--timeout", "30") as watch:
        watch.until(lambda: " no drift; " in watch.stderr)
        emulator.faults.load({"firewall": True})
        watch.until(lambda: "error: " in watch.stderr)
        metrics = httpx.get(f"http://{listen}/metrics").text
        emulator.faults.load({"requests": [{"do": "hang", "path": "/acr", "times": 1}]})
        watch.until(lambda: not httpx.get(f"{emulator.url}/emulator/faults").json()["requests"])
        code = watch.stop()
        emulator.faults.clear()

    assert 0 == code
    assert f'reconciler_last_run_success{{command="watch",registry="{emulator.url}"}} 0.0' in metrics
    assert "Traceback" not in watch.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("watch", "-"), "standard input can be read once only"),
        (("watch", "none.yaml"), "none.yaml"),
        (("watch", "registry.yaml", "--heal", "--state", "none"), "--heal: nothing is remembered with --state none"),
        (("watch", "registry.yaml", "--interval", "soon"), "--interval: "),
        (("watch", "registry.yaml", "--listen", "here"), "--listen: not a host and a port"),
        (("watch", "registry.yaml", "--alert", "nobody:"), "there is no such sink"),
        (("watch", "registry.yaml", "--registry", "a b"), "a b"),
        (("watch", "registry.yaml", "--max-loosen", "lots"), "--max-loosen"),
    ],
)
def test_what_no_later_run_can_mend_ends_it_at_once(reconciler, emulator, releases, arguments, message):
    """It is told before the first run."""
    done = reconciler(*arguments, RECONCILER_REGISTRY=emulator.url)

    assert 1 == done.code
    assert message in done.stderr
    assert 0 == len(emulator.requests())
