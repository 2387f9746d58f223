"""The journal: what a line holds, how it is found again, and when old lines go."""

from __future__ import annotations

import orjson
import pytest
from builders import OPEN, desired_state, digest, plan_of, repository, tag

from reconciler.apply import Settled
from reconciler.errors import RefusedError, StateError
from reconciler.events import SO_ALREADY, Outcome, Unlocked
from reconciler.model.address import Address
from reconciler.planning.base import NoBase
from reconciler.planning.debts import Debt
from reconciler.planning.journal import MAX_BYTES, RunInfo, appended, changes_of, find_run, run_to_line, runs_from_bytes
from reconciler.planning.undo import Found, undo

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
RULE = {"match": "app", "deleteEnabled": False, "tags": [{"match": "v*", "deleteEnabled": False}]}
PLAN = plan_of(desired_state(RULE), repository("app", OPEN, {"v1": tag("a"), "v2": tag("b"), "v3": tag("c")}))
APP, V1, V2, V3 = Address("app"), *(Address("app", tag=f"v{number}") for number in (1, 2, 3))


def _line(*messages_by_status: tuple[str, str], run: str = INFO.id) -> bytes:
    outcomes = [Outcome(change, *end) for change, end in zip(PLAN.changes, messages_by_status, strict=True)]
    document = orjson.loads(run_to_line(INFO, PLAN, outcomes, interrupted=False, serial=8))
    return orjson.dumps({**document, "run": run}) + b"\n"


VERIFIED = ("verified", "")
LINE = _line(VERIFIED, VERIFIED, ("failed", "no answer"), ("verified", SO_ALREADY))


def test_a_run_is_one_line_that_tells_who_did_what():
    """Who, from where, when, for how long, which plan, what came of it, and what it takes to undo it."""
    (run,) = runs_from_bytes(LINE, "journal")

    assert 1 == LINE.count(b"\n")
    assert ("ci", "runner-3", 2.125, 8, "contoso.azurecr.io") == (
        run["who"],
        run["host"],
        run["seconds"],
        run["serial"],
        run["registry"],
    )
    assert {"verified": 3, "failed": 1} == run["summary"]
    assert {
        "address": "app:v1",
        "action": "update",
        "status": "verified",
        "before": {"deleteEnabled": True, "digest": digest("a")},
        "after": {"deleteEnabled": False, "digest": digest("a")},
    } == run["changes"][1]


def test_a_run_did_what_it_sent_and_not_what_was_so_already():
    """Undoing it must not undo what somebody else did."""
    (run,) = runs_from_bytes(LINE, "journal")

    done = changes_of(run, "journal")

    assert [True, True, False, False] == [each.is_ours for each in done]


def test_old_lines_go_when_the_journal_grows_too_large():
    """Whole lines, from the beginning; the newest stays."""
    old = b'{"old":"' + b"x" * (MAX_BYTES // 2) + b'"}\n'

    twice = appended(appended(b"", old), LINE)
    thrice = appended(twice, old)

    assert old + LINE == twice
    assert LINE + old == thrice
    assert [LINE] == [appended(b"y" * MAX_BYTES, LINE)]


def test_a_line_larger_than_the_bound_is_kept_alone():
    """A run is never without its record."""
    large = b'{"old":"' + b"x" * MAX_BYTES + b'"}\n'

    assert large == appended(LINE, large)


def test_a_run_is_found_by_the_beginning_of_its_id():
    """`latest` is the newest one that changed something."""
    nothing = _line(("failed", ""), ("failed", ""), ("failed", ""), ("failed", ""), run="20261127T000000Z-000000")
    runs = runs_from_bytes(LINE + nothing, "journal")

    assert INFO.id == find_run(runs, "20261126", "journal")["run"]
    assert INFO.id == find_run(runs, "latest", "journal")["run"]
    assert "20261127T000000Z-000000" == find_run(runs, "20261127T000000Z-000000", "journal")["run"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("2026", "2026: 2 runs begin so in journal"), ("1999", "1999: no such run in journal"), ("", ": no such run")],
)
def test_a_run_that_is_not_there_or_not_the_only_one_is_refused(wanted, expected):
    """An empty name is no beginning of all of them."""
    runs = runs_from_bytes(LINE + _line(VERIFIED, VERIFIED, VERIFIED, VERIFIED, run="20261127T0-1"), "journal")

    with pytest.raises(RefusedError, match=expected):
        find_run(runs, wanted, "journal")


@pytest.mark.parametrize(
    "line",
    [
        b"{\n",
        b"[]\n",
        b'{"run": "x"}\n',
        LINE.replace(b'"verified":3', b'"verified":"3"'),
        LINE.replace(b'"before":{"deleteEnabled":true}', b'"before":{}'),
        LINE.replace(b'"before":{"deleteEnabled":true}', b'"before":{"deleteEnabled":null}'),
        LINE.replace(b'"address":"app:v1"', b'"address":1'),
        LINE.replace(b'"action":"update","address":"app"', b'"action":"move","address":"app"'),
        LINE.replace(b'"status":"failed"', b'"status":"failed","via":"app:v1"'),
    ],
)
def test_a_damaged_line_is_named(line):
    """With its number; nobody must undo half a run."""
    with pytest.raises(StateError, match="journal:2: not a run"):
        runs_from_bytes(LINE + line, "journal")


UNLOCKED = (
    Unlocked(APP, ("writeEnabled",), "restored"),
    Unlocked(V1, ("deleteEnabled", "writeEnabled"), "open", "no answer"),
)
PAID = (Settled(Debt(V2, {"writeEnabled": False}, "20261125T0-c0ffee", "2026-11-25T00:00:00Z"), "paid"),)


def test_locks_that_came_off_for_a_moment_and_debts_that_were_paid_are_told():
    """Only where there are some, so that old lines and new ones of other runs look alike."""
    line = run_to_line(INFO, PLAN, [], interrupted=False, serial=8, unlocked=UNLOCKED, paid=PAID)

    (run,) = runs_from_bytes(line, "journal")

    assert [
        {"address": "app", "attributes": ["writeEnabled"], "status": "restored"},
        {"address": "app:v1", "attributes": ["deleteEnabled", "writeEnabled"], "status": "open"},
    ] == run["unlocked"]
    owed = {"address": "app:v2", "attributes": ["writeEnabled"], "status": "paid", "run": "20261125T0-c0ffee"}
    assert [owed] == run["paid"]
    assert not {"unlocked", "paid"} & runs_from_bytes(LINE, "journal")[0].keys()


@pytest.mark.parametrize("name", [b"unlocked", b"paid"])
@pytest.mark.parametrize("value", [b"{}", b"[1]", b'[{"address":"app","status":"open","attributes":"x"}]'])
def test_locks_that_are_none_damage_a_line(name, value):
    """As anything else does that is not as it was written."""
    line = LINE.replace(b'"summary"', b'"%s":%s,"summary"' % (name, value))

    with pytest.raises(StateError, match="journal:1: not a run"):
        runs_from_bytes(line, "journal")


LIVE = {
    APP: {**OPEN, "deleteEnabled": False},
    V1: {**tag("a"), "deleteEnabled": False},
    V2: {**tag("b"), "deleteEnabled": False},
    V3: {**tag("c"), "deleteEnabled": False},
}


def _undone(live):
    (run,) = runs_from_bytes(LINE, "journal")
    found = Found({**LIVE, **live}, {})
    return undo(INFO.id, "contoso.azurecr.io", changes_of(run, "journal"), found, memory=NoBase(), managed=40)


def test_undoing_a_run_takes_back_what_it_did():
    """What failed, and what was so already, was not done by it."""
    undone = _undone({})

    assert [("app", {"deleteEnabled": True}), ("app:v1", {"deleteEnabled": True, "digest": digest("a")})] == [
        (str(change.address), change.after) for change in undone.plan.changes
    ]
    assert [("loosen",), ("loosen",)] == [change.effects for change in undone.plan.changes]
    assert [("app:v3", "already")] == [(str(left.address), left.kind) for left in undone.left]
    assert 40 == undone.plan.summary.managed


@pytest.mark.parametrize(
    ("live", "why"),
    [
        (None, "it is not there any more"),
        ({**tag("b"), "deleteEnabled": False}, "digest changed since"),
        ({**tag("a"), "deleteEnabled": True}, "deleteEnabled changed since"),
    ],
)
def test_what_changed_since_is_left_alone(live, why):
    """Somebody's later change is newer than what is to be undone."""
    undone = _undone({V1: live})

    assert ["app"] == [str(change.address) for change in undone.plan.changes]
    assert ("app:v1", why) == (str(undone.left[0].address), undone.left[0].why)
