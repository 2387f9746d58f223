"""Causes, drift and healing, on the command line and against a real registry."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import httpx
import orjson
import pytest


@pytest.fixture
def released(emulator, reconciler, releases):
    """A registry with two releases that were protected by an apply; runs the command there."""
    for name in ("v1", "v2", "latest"):
        emulator.push(f"shop/api:{name}", content=name.encode())

    def run(*arguments: str, **environment: str):
        return reconciler(*arguments, RECONCILER_REGISTRY=emulator.url, **environment)

    done = run("apply", releases, "--auto-approve")
    assert 0 == done.code, done.stderr
    return run


def _patch(emulator, target: str, **flags: bool) -> None:
    """What somebody does behind our back."""
    assert 200 == httpx.patch(f"{emulator.url}/acr/v1/shop%2Fapi{target}", json=flags).status_code


def _plan(run, *arguments: str) -> dict:
    done = run("plan", "registry.yaml", "--format", "json", *arguments)
    assert 0 == done.code, done.stderr
    return json.loads(done.stdout)


def _causes(plan: dict) -> dict:
    return {change["address"]: change["causes"] for change in plan["changes"]}


def _edit(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "registry.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_somebody_else_changed_is_drift_and_what_the_files_changed_is_not(released, emulator, tmp_path):
    """Of the same tag, each attribute has its own cause, and the resource the gravest."""
    _patch(emulator, "/_tags/v1", deleteEnabled=True)
    _edit(tmp_path, "{deleteEnabled: false, writeEnabled: false}", "{deleteEnabled: false, writeEnabled: true}")

    plan = _plan(released)

    assert {
        "shop/api:v1": {"deleteEnabled": "drift", "writeEnabled": "config"},
        "shop/api:v2": {"writeEnabled": "config"},
    } == _causes(plan)
    assert ["drift", "config"] == [change["cause"] for change in plan["changes"]]


def test_without_a_memory_the_cause_is_unknown(released, emulator):
    """Everything works all the same."""
    _patch(emulator, "/_tags/v1", deleteEnabled=True)

    plan = _plan(released, "--state", "none")

    assert {"shop/api:v1": {"deleteEnabled": "unknown"}} == _causes(plan)
    assert plan["base"] is None


def test_a_plan_names_the_memory_that_it_was_made_on(released):
    """By lineage and serial, as the first line of the state file has them."""
    plan = _plan(released)

    head = json.loads(released("state", "pull").stdout.splitlines()[0])
    assert {"lineage": head["lineage"], "serial": 1} == plan["base"]


def test_a_tag_that_is_new_is_no_drift(released, emulator):
    """Nobody took a protection away that it never had."""
    emulator.push("shop/api:v3", content=b"v3")

    done = released("drift", "registry.yaml")

    assert {"shop/api:v3": {"deleteEnabled": "unknown", "writeEnabled": "unknown"}} == _causes(_plan(released))
    assert 0 == done.code
    assert "1 more resource differs from the files and did not drift: " in done.stdout


def test_a_rule_that_is_new_about_a_tag_is_config(released, tmp_path):
    """The files asked for nothing about it before."""
    _edit(tmp_path, '- match: "v*"', '- match: ["v*", latest]')

    assert {"shop/api:latest": {"deleteEnabled": "config", "writeEnabled": "config"}} == _causes(_plan(released))


def test_the_text_of_a_plan_says_drift_beside_the_attribute(released, emulator):
    """And sums it up."""
    _patch(emulator, "/_tags/v1", deleteEnabled=True)

    done = released("plan", "registry.yaml")

    assert "  ~ :v1  deleteEnabled  true → false   drift  registry.yaml:7:21" in done.stdout
    assert "  Cause: 1 drift." in done.stdout


def test_drift_exits_with_2_and_says_what_it_means(released, emulator):
    """What was last applied, what is live, and since when it was seen."""
    _patch(emulator, "/_tags/v1", deleteEnabled=True)
    _patch(emulator, "", deleteEnabled=True)

    first = json.loads(released("drift", "registry.yaml", "--format", "json").stdout)
    done = released("drift", "registry.yaml", "--format", "json")

    found = json.loads(done.stdout)
    assert 2 == done.code
    assert ["shop/api", "shop/api:v1"] == [each["address"] for each in found["drift"]]
    attribute = found["drift"][1]["attributes"]["deleteEnabled"]
    assert {"last_applied": False, "live": True, "desired": False} == {
        name: attribute[name] for name in ("last_applied", "live", "desired")
    }
    assert [["loosened"], ["loosened"]] == [each["ways"] for each in found["drift"]]
    assert [each["first_seen"] for each in first["drift"]] == [each["first_seen"] for each in found["drift"]]


def test_healing_undoes_drift_and_nothing_else(released, emulator, tmp_path):
    """What the files want changed waits for apply."""
    _patch(emulator, "/_tags/v1", deleteEnabled=True)
    _edit(tmp_path, '- match: "v*"', '- match: ["v*", latest]')
    emulator.clear_requests()

    done = released("drift", "registry.yaml", "--heal")

    assert (0, 1) == (done.code, len(emulator.requests("PATCH")))
    assert 0 == released("drift", "registry.yaml").code
    assert ["shop/api:latest"] == [change["address"] for change in _plan(released)["changes"]]
    assert {"deleteEnabled": "config", "writeEnabled": "config"} == _causes(_plan(released))["shop/api:latest"]


def test_healing_needs_something_to_heal_by(emulator, reconciler, releases):
    """Without a memory it would be an apply that nobody approved."""
    emulator.push("shop/api:v1", content=b"v1")

    done = reconciler("drift", releases, "--heal", RECONCILER_REGISTRY=emulator.url)

    assert 1 == done.code
    assert "error: nothing is remembered, so what drifted is not known\n" in done.stderr
    assert [] == emulator.requests("PATCH")


def test_drift_without_a_memory_is_not_silent(emulator, reconciler, releases):
    """An alert that knows nothing must not say that all is well."""
    emulator.push("shop/api:v1", content=b"v1")

    done = reconciler("drift", releases, RECONCILER_REGISTRY=emulator.url)

    assert 2 == done.code
    assert "Nothing is remembered, so this is all that differs from the files" in done.stdout


def test_healing_stays_within_the_limits(emulator, reconciler, tmp_path):
    """More than ten resources hidden again are too many for a night shift, too."""
    (tmp_path / "registry.yaml").write_text(
        "version: 1\nrepositories:\n  - match: '**'\n    tags: [{match: '*', attributes: {listEnabled: false}}]\n"
    )
    for number in range(12):
        emulator.push(f"shop/api:v{number}", content=b"%d" % number)
    run = {"RECONCILER_REGISTRY": emulator.url}
    assert 0 == reconciler("apply", "registry.yaml", "--auto-approve", "--max-hide", "50", **run).code
    for number in range(12):
        _patch(emulator, f"/_tags/v{number}", listEnabled=True)
    emulator.clear_requests()

    done = reconciler("drift", "registry.yaml", "--heal", **run)

    assert 1 == done.code
    assert "hide-limit: 12 of 12 managed resources" in done.stderr
    assert [] == emulator.requests("PATCH")


def test_a_tag_that_moved_though_locked_is_told_until_it_is_accepted(released, emulator):
    """An apply in between does not make the new image the released one."""
    _patch(emulator, "/_tags/v1", writeEnabled=True, deleteEnabled=True)
    emulator.push("shop/api:v1", content=b"other")

    assert 0 == released("apply", "registry.yaml", "--auto-approve").code
    found = json.loads(released("drift", "registry.yaml", "--format", "json").stdout)
    plan = released("plan", "registry.yaml", "--detailed-exitcode")
    accepted = released("apply", "registry.yaml", "--auto-approve", "--accept", "shop/api:v1")

    assert [("shop/api:v1", ["moved"], False)] == [
        (each["address"], each["ways"], each["can_heal"]) for each in found["drift"]
    ]
    assert 2 == plan.code
    assert "Drift that no change undoes" in plan.stdout
    assert (0, 0) == (accepted.code, released("drift", "registry.yaml").code)
    assert "Accepts   shop/api:v1:\n          sha256:" in accepted.stderr
    last = json.loads(released("state", "log", "--format", "json").stdout.splitlines()[-1])
    assert ["shop/api:v1"] == [each["address"] for each in last["accepted"]]


def test_what_moved_is_accepted_in_a_run_about_a_part_as_well(released, emulator):
    """And only what was selected."""
    for name in ("v1", "v2"):
        _patch(emulator, f"/_tags/{name}", writeEnabled=True, deleteEnabled=True)
        emulator.push(f"shop/api:{name}", content=b"other")

    done = released("apply", "registry.yaml", "--auto-approve", "--target", "shop/api:v1", "--accept", "shop/api:v?")
    found = json.loads(released("drift", "registry.yaml", "--format", "json").stdout)

    assert 0 == done.code, done.stderr
    assert {("shop/api:v2", "moved"), ("shop/api:v2", "loosened")} == {
        (each["address"], way) for each in found["drift"] for way in each["ways"]
    }


def test_drift_in_a_part_does_not_forget_since_when_the_rest_drifts(released, emulator, tmp_path):
    """It has not looked there."""
    for name in ("v1", "v2"):
        _patch(emulator, f"/_tags/{name}", deleteEnabled=True)
    released("drift", "registry.yaml")
    place = tmp_path / ".reconciler/state.json.drift"
    noted = json.loads(place.read_bytes())["first_seen"]

    found = released("drift", "registry.yaml", "--target", "shop/api:v1", "--target", "shop/apii")

    assert 2 == len(noted)
    assert noted == json.loads(place.read_bytes())["first_seen"]
    assert "shop/api:v2" not in found.stdout
    assert "--target shop/apii: nothing that the files speak of" in found.stdout


def test_a_locked_tag_that_was_deleted_is_told(released, emulator):
    """Its absence is asked for by name, and it stays drift."""
    _patch(emulator, "/_tags/v1", writeEnabled=True, deleteEnabled=True)
    assert 202 == httpx.delete(f"{emulator.url}/acr/v1/shop%2Fapi/_tags/v1").status_code

    done = released("drift", "registry.yaml")

    assert 2 == done.code
    assert "  - :v1  deleted, though locked  since 20" in done.stdout


def test_a_tag_that_somebody_hid_is_still_seen(released, emulator):
    """The list leaves it out; it is remembered, so it is read by its name."""
    _patch(emulator, "/_tags/v1", listEnabled=False, deleteEnabled=True)

    assert {"shop/api:v1": {"deleteEnabled": "drift"}} == _causes(_plan(released))


def test_a_second_apply_neither_writes_to_the_registry_nor_raises_the_serial(released, emulator, tmp_path):
    """What is remembered is the same, so a plan that was saved in between stays good."""
    before = (tmp_path / ".reconciler/state.json").read_bytes()
    emulator.clear_requests()

    done = released("apply", "registry.yaml", "--auto-approve")

    assert (0, []) == (done.code, emulator.requests("PATCH"))
    assert before == (tmp_path / ".reconciler/state.json").read_bytes()


def test_reading_leaves_nothing_behind(emulator, reconciler, releases, tmp_path):
    """No folder, no file: plan and drift need no right to write."""
    reconciler("plan", releases, RECONCILER_REGISTRY=emulator.url)
    reconciler("drift", releases, RECONCILER_REGISTRY=emulator.url)

    assert ["registry.yaml"] == sorted(path.name for path in tmp_path.iterdir())


def test_the_memory_of_another_registry_is_refused(released, start_emulator, reconciler, tmp_path):
    """It is left as it is, and the message has the way on."""
    other = start_emulator()
    before = (tmp_path / ".reconciler/state.json").read_bytes()

    for command in (["plan"], ["apply", "--auto-approve"], ["drift"]):
        done = reconciler(command[0], "registry.yaml", *command[1:], RECONCILER_REGISTRY=other.url)

        assert 1 == done.code
        assert f", not {other.url}; it is left as it is\n  Each registry needs a memory of its own" in done.stderr
    assert before == (tmp_path / ".reconciler/state.json").read_bytes()


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"version": 4}', b"\0\1\2"])
def test_a_damaged_memory_is_refused_and_left_as_it_is(released, tmp_path, content):
    """One that was cut to nothing too: it stops the run before anything is done."""
    (tmp_path / ".reconciler/state.json").write_bytes(content)

    done = released("apply", "registry.yaml", "--auto-approve")

    assert 1 == done.code
    assert ("not a state file of this program" if content else "damaged: it is empty") in done.stderr
    assert "; it is left as it is\n  " in done.stderr
    assert content == (tmp_path / ".reconciler/state.json").read_bytes()


def test_state_show_tells_where_and_how_much(released):
    """And with a pattern, what was last applied."""
    shown, listed = released("state", "show"), released("state", "show", "shop/api:v1")

    assert "Serial    1, written " in shown.stdout
    assert "Holds     1 repository, 2 tags\n" in shown.stdout
    assert "Run lock  free\n" in shown.stdout
    assert listed.stdout.startswith(
        "shop/api:v1\n  deleteEnabled    false\n  writeEnabled     false\n  digest           sha256:"
    )


def test_the_journal_tells_each_run_and_a_rollback_undoes_one(released, emulator, tmp_path):
    """What changed since stays as it is; the files still want what they wanted, and that is config."""
    _patch(emulator, "/_tags/v2", writeEnabled=True)
    log = released("state", "log", "--format", "json")
    (run,) = [json.loads(line) for line in log.stdout.splitlines()]

    made = released("rollback", run["run"][:20], "--out", "undo.json")
    applied = released("apply", "undo.json", "--auto-approve", "--max-loosen", "50")

    assert ({"verified": 3}, 3) == (run["summary"], len(run["changes"]))
    assert "shop/api:v2: writeEnabled changed since" in made.stderr
    assert (0, 0) == (made.code, applied.code)
    causes = _causes(_plan(released))
    assert {"deleteEnabled": "config"} == causes["shop/api"]
    assert {"deleteEnabled": "config", "writeEnabled": "config"} == causes["shop/api:v1"]
    assert {"writeEnabled": "drift"} == causes["shop/api:v2"]


def test_a_run_that_changed_nothing_is_in_the_journal_too(released):
    """It ran, and that may be what somebody wants to know."""
    released("apply", "registry.yaml", "--auto-approve")

    runs = released("state", "log").stdout

    assert 1 == runs.count("apply, 3 verified")
    assert 1 == runs.count("apply, nothing to change")


def test_the_memory_and_git_are_not_asked_together(released):
    """Which of them would count?"""
    done = released("plan", "registry.yaml", "--base", "HEAD", "--state", "prod.json")

    assert 1 == done.code
    assert "say one of them" in done.stderr


def _fitting(head: dict, body: bytes) -> bytes:
    """A state file with a checksum that fits what somebody changed."""
    about = orjson.dumps({name: head[name] for name in head if name != "checksum"}, option=orjson.OPT_SORT_KEYS)
    checksum = f"sha256:{hashlib.sha256(about + body).hexdigest()}"
    return orjson.dumps({**head, "checksum": checksum}) + b"\n" + body + b"\n"


def test_a_clock_that_is_behind_is_told_and_changes_nothing(released, tmp_path):
    """The order of runs goes by the serial."""
    path = tmp_path / ".reconciler/state.json"
    head, _, rest = path.read_bytes().partition(b"\n")
    document = {**json.loads(head), "written": "2101-01-01T00:00:00Z"}
    path.write_bytes(_fitting(document, rest.removesuffix(b"\n")))

    done = released("plan", "registry.yaml")

    assert 0 == done.code
    assert "warning: the memory is dated 2101-01-01 00:00:00 UTC, and the clock here says 20" in done.stderr
    assert "Runs are ordered by their serial, so nothing is lost." in done.stderr


def test_an_accept_that_matches_nothing_is_told(released):
    """It may be a typing error."""
    done = released("apply", "registry.yaml", "--auto-approve", "--accept", "shop/api:v9")

    assert 0 == done.code
    assert "note: --accept shop/api:v9: nothing that moved or went though locked matches it\n" in done.stderr


def test_a_memory_that_nobody_of_this_program_wrote_is_one_error(released, tmp_path):
    """Its checksum fits, and what it holds does not."""
    path = tmp_path / ".reconciler/state.json"
    lines = path.read_bytes().splitlines()
    lines[2] = b'{"attributes":[],"manifests":3,"repository":"shop/api","tags":"x"}'
    path.write_bytes(_fitting(json.loads(lines[0]), b"\n".join(lines[1:])))

    done = released("plan", "registry.yaml")

    assert 1 == done.code
    assert done.stderr.endswith(
        "error: what is remembered of a repository cannot be read\n"
        "  --state none works without a memory; only causes are lost, no protection.\n"
    )


def test_healing_by_other_files_forgets_nothing(released, emulator, tmp_path):
    """And files that declare nothing heal nothing; the evidence stays."""
    _patch(emulator, "/_tags/v1", writeEnabled=True, deleteEnabled=True)
    emulator.push("shop/api:v1", content=b"other")
    _patch(emulator, "/_tags/v1", writeEnabled=False, deleteEnabled=False)
    (tmp_path / "other.yaml").write_text(
        "version: 1\nrepositories: [{match: team/x, attributes: {deleteEnabled: false}}]\n"
    )
    (tmp_path / "empty.yaml").write_text("version: 1\nrepositories: []\n")
    before = (tmp_path / ".reconciler/state.json").read_bytes()

    codes = [released("drift", name, "--heal").code for name in ("other.yaml", "empty.yaml")]

    assert [0, 1] == codes
    assert before == (tmp_path / ".reconciler/state.json").read_bytes()
    assert 2 == released("drift", "registry.yaml").code


def test_drift_is_not_silent_where_only_saved_plans_were_applied(emulator, reconciler, releases):
    """They remember what they touched, and nothing of what was locked already."""
    for name in ("v1", "v2"):
        emulator.push(f"shop/api:{name}", content=name.encode())
    _patch(emulator, "/_tags/v1", writeEnabled=False, deleteEnabled=False)
    run = {"RECONCILER_REGISTRY": emulator.url}
    assert 0 == reconciler("plan", releases, "--out", "plan.json", **run).code
    assert 0 == reconciler("apply", "plan.json", "--auto-approve", **run).code
    _patch(emulator, "/_tags/v1", deleteEnabled=True)

    done, healed = reconciler("drift", releases, **run), reconciler("drift", releases, "--heal", **run)

    assert (2, 1) == (done.code, healed.code)
    assert "Only what saved plans touched is remembered" in done.stdout
    assert "error: only what saved plans touched is remembered, so what drifted is not known\n" in healed.stderr
    assert "Apply the files first" in healed.stderr


def test_since_when_is_kept_for_each_attribute(released, emulator, tmp_path):
    """Another attribute of the same tag that drifts later changes nothing about the first one."""
    _patch(emulator, "/_tags/v1", deleteEnabled=True)
    released("drift", "registry.yaml")
    noted = tmp_path / ".reconciler/state.json.drift"
    noted.write_text(re.sub(r"20\d\d-[^\"]*", "2020-01-01T00:00:00Z", noted.read_text()))
    _patch(emulator, "/_tags/v1", writeEnabled=True)

    done = released("drift", "registry.yaml", "--format", "json")

    (found,) = json.loads(done.stdout)["drift"]
    assert "2020-01-01T00:00:00Z" == found["first_seen"] == found["attributes"]["deleteEnabled"]["first_seen"]
    assert "2020-01-01T00:00:00Z" != found["attributes"]["writeEnabled"]["first_seen"]
