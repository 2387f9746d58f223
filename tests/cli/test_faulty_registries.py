"""
Every fault of the emulated registry, met by plan and by apply: the right outcome, told clearly, nothing lost.

Each row is a registry that does one thing wrong while the command line works on it.
Whatever happens, a run ends with exit code 0 or 1 and an answer or an error on a
line of its own; nothing is loosened; and once the fault is gone, apply ends the job
and planning shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from reconciler.emulator import Settings

RULES = (
    "version: 1\n"
    "repositories:\n"
    '  - match: "team/*"\n'
    "    attributes: {deleteEnabled: false}\n"
    "    tags:\n"
    '      - match: "v*"\n'
    "        attributes: {deleteEnabled: false, writeEnabled: false}\n"
)
TAG_RULES = 'version: 1\nrepositories: [{match: "team/*", tags: [{match: "v*", attributes: {writeEnabled: false}}]}]\n'
TAGS = ["team/app:v1", "team/app:v2", "team/web:v1"]
CI = {"RECONCILER_USERNAME": "ci", "RECONCILER_PASSWORD": "s3cret-word"}
QUICK = ("--timeout", "2")


@attrs.frozen
class Row:
    """One fault and what comes of it."""

    faults: dict[str, object]
    plan_code: int
    plan_says: str
    apply_code: int
    apply_says: str
    arguments: tuple[str, ...] = QUICK
    rules: str = RULES
    other_tags: int = 0  # unmanaged ones beside the three; a page holds 1,000


BUSY = {"do": "refuse", "status": 429, "retry_after_s": 1, "times": 1}
PATCHES = {"method": "PATCH", "path": "/acr/v1/team/app/_tags/v1"}

ROWS = {
    "slow answers": Row({"latency_ms": 50}, 0, "5 to update", 0, "5 verified"),
    "429 with a Retry-After that counts down": Row(
        {"throttled_s": {"read": 5}}, 0, "throttling reads (429); they wait", 0, "5 verified"
    ),
    "429 on writes": Row(
        {"requests": [{**BUSY, "method": "PATCH"}]}, 0, "5 to update", 0, "throttling writes (429); they wait"
    ),
    "429 on sign-in": Row(
        {"requests": [{**BUSY, "path": "/oauth2"}]}, 0, "throttling sign-ins (429); they wait", 0, "5 verified"
    ),
    "429 for longer than anybody waits": Row(
        {"throttled_s": {"read": 600}}, 1, "429 TOOMANYREQUESTS", 1, "429 TOOMANYREQUESTS"
    ),
    "a budget that is soon used up": Row({"budgets": {"read": "20/s burst 4"}}, 0, "5 to update", 0, "5 verified"),
    "some 503": Row(
        {"requests": [{"do": "refuse", "status": 503, "method": "GET", "every": 4}]}, 0, "5 to update", 0, "5 verified"
    ),
    "500 on every read": Row({"requests": [{"do": "refuse", "status": 500, "method": "GET"}]}, 1, "500", 1, "500"),
    "500 after a write was carried out": Row(
        {"requests": [{"do": "refuse", "at": "after", "status": 500, **PATCHES, "times": 1}]},
        0,
        "5 to update",
        0,
        "5 verified",
    ),
    "500 on one write for good": Row(
        {"requests": [{"do": "refuse", "status": 500, **PATCHES}]}, 0, "5 to update", 1, "4 verified, 1 unconfirmed"
    ),
    "reads that are cut off": Row(
        {"requests": [{"do": "drop", "at": "middle", "method": "GET", "times": 2}]}, 0, "5 to update", 0, "5 verified"
    ),
    "a write that is dropped before it arrives": Row(
        {"requests": [{"do": "drop", "at": "before", **PATCHES, "times": 1}]}, 0, "5 to update", 0, "5 verified"
    ),
    "a write whose answer is lost": Row(
        {"requests": [{"do": "drop", "at": "after", **PATCHES, "times": 1}]}, 0, "5 to update", 0, "5 verified"
    ),
    "a read that hangs": Row(
        {"requests": [{"do": "hang", "method": "GET", "times": 1}]}, 0, "5 to update", 0, "5 verified"
    ),
    "a write that hangs": Row({"requests": [{"do": "hang", **PATCHES, "times": 1}]}, 0, "5 to update", 0, "5 verified"),
    "PATCH answered with the old values": Row({"stale_patch_answers": True}, 0, "5 to update", 0, "5 verified"),
    "changes that show late": Row({"visible_after_reads": 2}, 0, "5 to update", 0, "5 verified"),
    "changes that never show": Row({"visible_after_reads": 99}, 0, "3 to update", 1, "3 unconfirmed", rules=TAG_RULES),
    "pushes that show late": Row({"pushes_visible_after_reads": 2}, 0, "5 to update", 0, "5 verified"),
    "a catalog that leaves one out": Row({"catalog_without": ["team/web"]}, 0, "3 to update", 0, "3 verified"),
    "a catalog that ends early": Row({"catalog_without_last": 1}, 0, "3 to update", 0, "3 verified"),
    "tags that a list leaves out": Row(
        {"tags_without": ["team/app:v2"]}, 1, "1 were found and the registry counts 2", 1, "not be applied as it is"
    ),
    "a list of tags that ends early": Row(
        {"tags_without_last": 1}, 1, "0 were found and the registry counts 1", 1, "not be applied as it is"
    ),
    "counts that are too high": Row({"tag_count_off": 1}, 1, "the registry counts 3", 1, "not be applied as it is"),
    "counts that are too low": Row({"tag_count_off": -1}, 1, "the registry counts 1", 1, "not be applied as it is"),
    "a lock that reverts at once": Row({"reverts_after_reads": 1}, 0, "5 to update", 0, "5 verified"),
    "a ghost repository": Row({"ghosts": ["team/ghost"]}, 0, "6 to update", 1, "5 verified, 1 "),
    "a firewall": Row({"firewall": True}, 1, "403 DENIED", 1, "is not allowed access"),
    "pages in another order": Row({"list_order": "reversed"}, 1, "not in order", 1, "not in order"),
    "links that repeat a page": Row({"links": "repeat"}, 1, "it has no end", 1, "it has no end", other_tags=1000),
    "links that lead in a circle": Row({"links": "loop"}, 1, "it has no end", 1, "it has no end", other_tags=1000),
    "links to another host": Row(
        {"link_origin": "https://evil.example"}, 1, "on another host", 1, "on another host", other_tags=1000
    ),
    "manifests in quarantine": Row({"quarantine_state": "Quarantined"}, 0, "5 to update", 0, "5 verified"),
}


@pytest.fixture
def registry(start_emulator):
    """Two repositories, three tags to lock, and a user who may."""
    emulator = start_emulator(Settings(auth="token", username="ci", password="s3cret-word"))
    for tag in TAGS:
        emulator.push(tag, content=tag.encode())
    return emulator


@pytest.fixture
def run(registry, reconciler) -> Callable:
    """Runs a command on the registry and checks what every run owes."""

    def run(command: str, *arguments: str):
        done = reconciler(command, "registry.yaml", "--registry", registry.url, *arguments, **CI)
        assert done.code in (0, 1)
        assert "Traceback" not in done.stderr
        assert "s3cret-word" not in done.stdout + done.stderr
        return done

    return run


@pytest.mark.parametrize("name", ROWS)
def test_plan_under_a_fault(registry, run, tmp_path, name):
    """The plan is right, or it says what it could not know; and nothing was sent but reads."""
    row = ROWS[name]
    (tmp_path / "registry.yaml").write_text(row.rules)
    registry.push_many("team/app", [f"x{number}" for number in range(row.other_tags)])
    registry.faults.load(row.faults)

    done = run("plan", *row.arguments)

    assert row.plan_code == done.code, done.stderr
    assert row.plan_says in done.stdout + done.stderr
    assert [] == registry.requests("PATCH")


@pytest.mark.parametrize("name", ROWS)
def test_apply_under_a_fault(registry, run, tmp_path, name):
    """The report is right; no lock was lost; and when the fault is gone, another run ends the job."""
    row = ROWS[name]
    (tmp_path / "registry.yaml").write_text(row.rules)
    registry.push_many("team/app", [f"x{number}" for number in range(row.other_tags)])
    registry.faults.load(row.faults)

    done = run("apply", "--auto-approve", *row.arguments)
    registry.faults.clear()
    again = run("apply", "--auto-approve")
    planned = run("plan", "--detailed-exitcode")

    assert row.apply_code == done.code, done.stderr
    assert row.apply_says in done.stdout + done.stderr
    assert 0 == again.code, again.stderr
    assert "no changes" in planned.stdout
    assert all(registry.tag(tag)["writeEnabled"] is False for tag in TAGS)
    assert all(registry.tag(tag)["readEnabled"] is True for tag in TAGS)
