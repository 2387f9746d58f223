"""What is remembered and what was done, for people and for programs."""

from __future__ import annotations

import orjson
import pytest
from builders import OPEN, desired_state, digest, plan_of, repository, tag

from reconciler.events import SO_ALREADY, Outcome
from reconciler.model.address import Address
from reconciler.model.holder import Holder
from reconciler.model.last_applied import Counts, LastApplied, LastRun, Remembered, RememberedRepository
from reconciler.model.pattern import compile_pattern
from reconciler.planning.journal import RunInfo, run_to_line, runs_from_bytes
from reconciler.planning.statefile import repository_to_line
from reconciler.planning.stateview import Known, view
from reconciler.render.journal import SHOWN_CHANGES, SHOWN_RUNS, render_run, render_runs, runs_to_json
from reconciler.render.state import render_state, state_to_json
from reconciler.render.words import painter

PLAIN = painter(color=False)
RULE = {"match": "app", "deleteEnabled": False, "tags": [{"match": "v*", "deleteEnabled": False}]}
INFO = RunInfo(
    id="20261126T201003Z-abcdef",
    operation="apply",
    who="ci",
    host="runner-3",
    started="2026-11-26T20:10:03Z",
    ended="2026-11-26T20:10:05Z",
    seconds=2.125,
    tool_version="0.1.0",
)
HOLDER = Holder("0b7e", "ci", "runner-3", 4711, "", "apply", "r", "2026-11-26T20:10:03Z", "2026-11-26T20:10:08Z", "0")
LAST = LastApplied(
    registry="contoso.azurecr.io",
    lineage="11111111-2222",
    serial=7,
    written="2026-11-26T20:10:05Z",
    tool_version="0.1.0",
    desired_digest=digest("d"),
    run=LastRun(INFO.id, digest("e"), 6, is_finished=False, serial=7),
    rules=b"[]",
    repositories={
        "app": repository_to_line(
            "app",
            RememberedRepository(
                {"deleteEnabled": False},
                {"v1": Remembered({"deleteEnabled": False}, digest("a"))},
                {digest("c"): Remembered({"deleteEnabled": False})},
            ),
        )
    },
    counts=Counts(1, 1, 1),
)


def _runs(tags: int = 2, *, interrupted: bool = False) -> list:
    live = repository("app", OPEN, {f"v{number}": tag("a") for number in range(tags)})
    changes = plan_of(desired_state(RULE), live)
    ends = [("failed", "no answer"), ("verified", SO_ALREADY), *[("verified", "")] * tags]
    outcomes = [Outcome(change, *end) for change, end in zip(changes.changes, ends, strict=False)]
    return runs_from_bytes(run_to_line(INFO, changes, outcomes, interrupted=interrupted, serial=8), "journal")


def test_a_run_takes_two_lines():
    """What came of it, and who ran it from where."""
    lines = render_runs(_runs(interrupted=True), PLAIN, full=False).splitlines()

    assert "20261126T201003Z-abcdef  apply, 2 verified, 1 failed, interrupted" == lines[0]
    assert lines[1].startswith("  ci@runner-3, 2.1 s, sha256:")
    assert 2 == len(lines)


def test_of_many_runs_the_newest_are_shown():
    """The others are counted; --full shows them."""
    runs = _runs() * (SHOWN_RUNS + 5)

    assert render_runs(runs, PLAIN, full=False).startswith("… 5 older runs; --full shows all\n")
    assert 2 * len(runs) == len(render_runs(runs, PLAIN, full=True).splitlines())


def test_one_run_is_shown_change_by_change():
    """With values, and with why where it did not end well."""
    shown = render_run(_runs()[0], PLAIN, full=False)

    assert "What    apply at contoso.azurecr.io\nWho     ci@runner-3\n" in shown
    assert "failed         app\n    deleteEnabled true → false\n    no answer\n" in shown
    assert "verified       app:v0\n    deleteEnabled true → false\n    it was so already\n" in shown
    assert shown.endswith("\n2 verified, 1 failed.\n")


def test_of_a_delete_it_is_shown_what_went():
    """Where a tag pointed, to its last digit, and how much a repository held."""
    rules = ({"match": "app", "tags": [{"match": "v*", "ensure": "absent"}]}, {"match": "old", "ensure": "absent"})
    live = (repository("app", OPEN, {"v1": tag("a")}), repository("old", OPEN, tag_count=2, manifest_count=1))
    plan = plan_of(desired_state(*rules), *live)
    outcomes = [Outcome(change, "verified", "") for change in plan.changes]
    (run,) = runs_from_bytes(run_to_line(INFO, plan, outcomes, interrupted=False, serial=8), "journal")

    shown = render_run(run, PLAIN, full=False)

    assert f"verified       app:v1\n    → gone; it pointed at\n    {digest('a')}\n" in shown
    assert "verified       old\n    → gone, with 2 tags and 1 manifest\n" in shown


def test_locks_that_came_off_and_debts_that_were_paid_are_shown():
    """Before the changes; what is not known to be locked again is told as such."""
    both = {"address": "app", "attributes": ["deleteEnabled", "writeEnabled"]}
    one = {"address": "app:v1", "attributes": ["writeEnabled"]}
    locks = {
        "paid": [
            {**one, "status": "paid", "run": "x-1"},
            {**one, "status": "void", "run": "x-1"},
            {**one, "status": "remade", "run": "x-1"},
        ],
        "unlocked": [{**both, "status": "restored"}, {**one, "status": "open"}],
    }

    shown = render_run({**_runs()[0], **locks}, PLAIN, full=False)

    assert (
        "paid           app:v1: writeEnabled, owed since run x-1, locked again\n"
        "paid           app:v1: writeEnabled, owed since run x-1, void: it is gone\n"
        "paid           app:v1: writeEnabled, owed since run x-1, void: it was made anew since\n"
        "unlocked       app: deleteEnabled and writeEnabled for a moment, locked again\n"
        "unlocked       app:v1: writeEnabled for a moment, not known to be locked again\n"
        "\nfailed         app\n"
    ) in shown


def test_of_many_locks_that_came_off_a_part_is_shown():
    """As of many changes."""
    each = {"address": "app:v1", "attributes": ["writeEnabled"], "status": "restored"}
    run = {**_runs()[0], "unlocked": [each] * (SHOWN_CHANGES + 3)}

    assert "locked again\n… and 3 more; --full shows all\n" in render_run(run, PLAIN, full=False)
    assert "more; --full" not in render_run(run, PLAIN, full=True)


def test_of_a_large_run_a_part_is_shown():
    """The rest is counted."""
    (run,) = _runs(SHOWN_CHANGES + 9)

    assert "… and 10 more; --full shows all\n" in render_run(run, PLAIN, full=False)
    assert "more; --full" not in render_run(run, PLAIN, full=True)


def test_runs_as_json_are_lines():
    """As they stand in the journal."""
    assert _runs() == [orjson.loads(line) for line in runs_to_json(_runs()).splitlines()]


@pytest.mark.parametrize(
    ("holder", "lock"),
    [
        (None, "free"),
        (HOLDER, "held by ci@runner-3 (apply, process 4711)\n          since 2026-11-26 20:10:03 UTC, id 0b7e\n"),
    ],
)
def test_a_memory_is_told_in_a_few_rows(holder, lock):
    """Where, which, since when, how much, and who applies now."""
    shown = render_state("state.json", LAST, holder, [], PLAIN, is_list=False)

    assert shown.startswith(
        "Memory    state.json\nRegistry  contoso.azurecr.io\nLineage   11111111-2222\nSerial    7, "
    )
    assert "Last run  20261126T201003Z-abcdef, not finished\nHolds     1 repository, 1 tag, 1 manifest\n" in shown
    assert f"Run lock  {lock}" in shown


def test_without_a_memory_there_is_still_a_lock():
    """The first run may be under way."""
    assert "Memory    state.json\n          nothing yet; the first apply begins it\nRun lock  free\n" == render_state(
        "state.json", None, None, [], PLAIN, is_list=False
    )


def test_what_a_pattern_matches_is_listed():
    """Repository, tags and manifests, by address; nothing is said to be nothing."""
    known = view(LAST, [compile_pattern("app**")])

    assert {"app", "app:v1", f"app@{digest('c')}"} == {str(each.address) for each in known}
    assert f"app:v1\n  deleteEnabled    false\n  digest           {digest('a')}\n" in render_state(
        "state.json", LAST, None, known, PLAIN, is_list=True
    )
    assert "Nothing matches.\n" == render_state("state.json", LAST, None, [], PLAIN, is_list=True)


def test_a_memory_as_json_has_everything():
    """The lock too, with the id that unlocking needs."""
    known = [Known(Address("app", tag="v1"), Remembered({"deleteEnabled": False}, digest("a")))]

    document = orjson.loads(state_to_json("state.json", LAST, HOLDER, known))

    assert ("state.json", 7, "0b7e") == (
        document["location"],
        document["last_applied"]["serial"],
        document["run_lock"]["id"],
    )
    assert [
        {"address": "app:v1", "kind": "tag", "attributes": {"deleteEnabled": False}, "digest": digest("a")}
    ] == document["resources"]
    assert {"last_applied": None, "run_lock": None} == {
        name: orjson.loads(state_to_json("x", None, None, []))[name] for name in ("last_applied", "run_lock")
    }


def test_a_lock_that_was_left_behind_is_told_as_such():
    """Nobody has to wait for it, nor to unlock anything."""
    shown = render_state("state.json", LAST, HOLDER, [], PLAIN, is_list=False, is_left_behind=True)

    assert "Run lock  left behind by ci@runner-3 (apply, process 4711)\n" in shown
    assert shown.endswith("          which has ended; the next run takes it over\n")


def test_a_run_that_only_compared_says_that_nothing_was_sent():
    """Or one change would look like several."""
    live = repository("app", OPEN)
    plan = plan_of(desired_state(RULE), live)
    outcomes = [Outcome(change, "verified", SO_ALREADY) for change in plan.changes]
    runs = runs_from_bytes(run_to_line(INFO, plan, outcomes, interrupted=False, serial=8), "journal")

    assert "apply, 1 verified, nothing was sent\n" in render_runs(runs, PLAIN, full=False)
