"""While a lock is owed, commands that only look tell what holds once it is paid: the next apply pays first."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from reconciler.backend.local import FileStore
from reconciler.cli.debts import DebtBook, read_debts
from reconciler.model.address import parse_address
from reconciler.planning.patch import make_patch
from reconciler.planning.plan import Unlock
from reconciler.registry.looks import Look

RUN = "20261126T201003Z-c0ffee"
LOCKED = {"deleteEnabled": False, "writeEnabled": False}


@pytest.fixture
def store(tmp_path):
    """The memory that the commands take where none is named."""
    return FileStore(str(tmp_path / ".reconciler" / "state.json"))


@pytest.fixture
def run(emulator, reconciler):
    """A function that runs the command against the emulator."""
    return lambda *arguments: reconciler(*arguments, RECONCILER_REGISTRY=emulator.url)


@pytest.fixture
def frozen(emulator, run, tmp_path, store):
    """A frozen repository with a locked tag, both unlocked by a run that died; the digests of two images."""
    digests = emulator.push("web/api:v1", content=b"one"), emulator.push("web/api:next", content=b"two")
    _declare(tmp_path)
    assert 0 == run("apply", "registry.json", "--auto-approve").code
    _unlock(emulator, store, "web/api", "")
    _unlock(emulator, store, "web/api:v1", "/_tags/v1")
    return digests


def _declare(tmp_path, **pin):
    entry = {"match": "web/api", "protect": "frozen", "tags": [{"match": "v1", "protect": "immutable", **pin}]}
    (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [entry]}))


def _unlock(emulator, store, text, target):
    """What a run does that is then killed."""
    shown = httpx.get(f"{emulator.url}/acr/v1/web%2Fapi{target}").json()
    created = shown.get("tag", shown)["createdTime"]
    before, after = {"writeEnabled": False}, {"writeEnabled": True}
    announced = Unlock(parse_address(text), before, after, make_patch(before, after), ())
    asyncio.run(DebtBook(store, emulator.url, RUN).owe(announced, Look({}, 0.0, created=created)))
    emulator.patch(text, writeEnabled=True)


def test_a_plan_is_made_for_what_holds_once_it_is_paid(run, frozen):
    """Nothing to change, and a note."""
    done = run("plan", "registry.json", "--format", "json")

    assert [] == json.loads(done.stdout)["changes"]
    assert f"note: web/api:v1: writeEnabled is owed since run {RUN}; the next apply locks it first\n" in done.stderr


def test_what_is_owed_is_no_drift_and_no_peace_either(run, frozen):
    """Nobody but an earlier run of ours took it off; whoever is on call hears of it all the same."""
    done = run("drift", "registry.json")
    told = json.loads(run("drift", "registry.json", "--format", "json").stdout)
    healed = run("drift", "registry.json", "--heal")

    assert (2, 0) == (done.code, healed.code), done.stdout
    assert "2 resources are still unlocked by a run that did not end: web/api, web/api:v1." in done.stdout
    assert ([], [("web/api", RUN), ("web/api:v1", RUN)]) == (
        told["drift"],
        [(each["address"], each["run"]) for each in told["owed"]],
    )
    assert 0 == run("drift", "registry.json").code


def test_explain_tells_that_it_is_open_now_and_locked_after_apply(run, frozen):
    """Now is now."""
    done = run("explain", "web/api:v1", "registry.json")

    assert 0 == done.code, done.stderr
    assert "note: web/api:v1: writeEnabled is owed" in done.stderr
    assert "writeEnabled     true   → false" in done.stdout
    assert "overwritten               yes → no" in done.stdout


def test_explain_offline_asks_no_memory(run, frozen):
    """It is about what the files say."""
    done = run("explain", "web/api:v1", "registry.json", "--offline")

    assert (0, "") == (done.code, done.stderr)


def test_a_plan_that_was_saved_while_something_was_owed_is_applied(emulator, run, frozen, tmp_path, store):
    """It is paid first, and then everything is as the plan was made for."""
    _declare(tmp_path, digest=frozen[1])
    saved = run("plan", "registry.json", "--out", "plan.json", "--format", "json")

    done = run("apply", "plan.json", "--auto-approve")

    assert ["web/api", "web/api:v1"] == [unlock["address"] for unlock in json.loads(saved.stdout)["unlocks"]]
    assert 0 == done.code, done.stdout + done.stderr
    tag = emulator.tag("web/api:v1")
    assert (frozen[1], LOCKED) == (tag["digest"], {name: tag[name] for name in LOCKED})
    assert emulator.repository("web/api")["writeEnabled"] is False
    assert () == read_debts(store, emulator.url)


def test_a_plan_that_was_approved_while_something_was_owed_is_the_one_that_is_made(run, frozen, tmp_path):
    """Its fingerprint is the same once it is paid."""
    _declare(tmp_path, digest=frozen[1])
    fingerprint = json.loads(run("plan", "registry.json", "--format", "json").stdout)["fingerprint"]

    done = run("apply", "registry.json", "--expect", fingerprint, "--auto-approve")

    assert 0 == done.code, done.stdout + done.stderr


@pytest.mark.parametrize("applied", ["registry.json", "plan.json"])
def test_the_journal_tells_what_was_paid_and_what_came_off_for_a_moment(run, frozen, tmp_path, applied):
    """As text and as JSON, whether files or a saved plan were applied."""
    _declare(tmp_path, digest=frozen[1])
    run("plan", "registry.json", "--out", "plan.json")
    run("apply", applied, "--auto-approve")

    line = json.loads(run("state", "log", "latest", "--format", "json").stdout)
    text = run("state", "log", "latest").stdout

    both, locked = ["web/api", "web/api:v1"], {"attributes": ["writeEnabled"]}
    assert [{"address": each, **locked, "status": "paid", "run": RUN} for each in both] == line["paid"]
    assert [{"address": each, **locked, "status": "restored"} for each in both] == line["unlocked"]
    assert f"paid           web/api:v1: writeEnabled, owed since run {RUN}, locked again\n" in text
    assert "unlocked       web/api: writeEnabled for a moment, locked again\n" in text


def test_the_journal_tells_what_was_paid_before_drift_was_healed(emulator, run, frozen):
    """That run pays first as well."""
    emulator.patch("web/api:v1", deleteEnabled=True)
    run("drift", "registry.json", "--heal")

    line = json.loads(run("state", "log", "latest", "--format", "json").stdout)

    assert ("drift --heal", ["web/api", "web/api:v1"]) == (
        line["operation"],
        [each["address"] for each in line["paid"]],
    )


def test_a_rollback_is_made_for_what_holds_once_it_is_paid(emulator, run, frozen, store):
    """What a run of ours took off for a moment is nothing that somebody changed since."""
    made = run("rollback", "latest", "--out", "undo.json")
    done = run("apply", "undo.json", "--auto-approve", "--max-loosen", "9")

    assert "changed since" not in made.stderr
    assert 0 == done.code, done.stdout + done.stderr
    assert emulator.tag("web/api:v1")["writeEnabled"] is True
    assert () == read_debts(store, emulator.url)


def test_what_was_made_anew_is_planned_as_it_is(emulator, run, frozen):
    """Nothing is owed for it, so it is the plan that locks it."""
    emulator.patch("web/api:v1", deleteEnabled=True)
    emulator.delete("web/api:v1")
    emulator.push("web/api:v1", content=b"two")

    plan = json.loads(run("plan", "registry.json", "--format", "json").stdout)

    changes = {change["address"]: change["after"] for change in plan["changes"]}
    assert LOCKED.items() <= changes["web/api:v1"].items()


def test_it_takes_one_request_for_each_debt(emulator, run, frozen):
    """That tells whether it is still the resource that was unlocked."""
    emulator.clear_requests()
    run("plan", "registry.json")
    with_debts = len(emulator.requests())
    emulator.clear_requests()

    run("plan", "registry.json", "--state", "none")

    assert 2 == with_debts - len(emulator.requests())


def test_the_memory_shows_what_is_owed(emulator, run, frozen, store):
    """Which locks, of what, since when and by which run; for people and for programs."""
    since = {str(debt.address): debt.since for debt in read_debts(store, emulator.url)}

    text, document = run("state", "show").stdout, json.loads(_shown(run))

    assert [
        {"address": address, "locks": ["writeEnabled"], "run": RUN, "since": since[address]}
        for address in ("web/api", "web/api:v1")
    ] == document["owed"]
    assert "Owed      web/api: writeEnabled\n            since 20" in text
    assert "\n          web/api:v1: writeEnabled\n            since 20" in text
    assert f" by run {RUN}\n          which the next apply locks before it does anything else\n" in text
    assert [] == [line for line in text.partition("Owed")[2].splitlines() if len(line) > 80]


def _shown(run):
    return run("state", "show", "--format", "json").stdout


def test_a_record_that_cannot_be_read_does_not_hide_the_memory(run, frozen, tmp_path):
    """Whoever looks for the id of a run lock finds it."""
    (tmp_path / ".reconciler" / "state.json.debts").write_text("half a rec")

    text, document = run("state", "show"), json.loads(_shown(run))

    assert "Owed      not readable\n" in text.stdout
    assert "warning: " in text.stderr
    assert (0, None) == (text.code, document["owed"])
