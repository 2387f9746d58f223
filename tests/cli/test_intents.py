"""What files can say besides attributes, from the command line to the registry and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

LOCKED = {"deleteEnabled": False, "writeEnabled": False}


@pytest.fixture
def run(emulator, reconciler, tmp_path: Path):
    """Writes what the files say and runs a command on it."""

    def run(command: str, document: object, *arguments: str):
        (tmp_path / "registry.json").write_text(json.dumps({"version": 1, **document}))
        return reconciler(command, "registry.json", "--registry", emulator.url, "-q", *arguments)

    return run


def _apply(run, document, *arguments):
    return run("apply", document, "--auto-approve", *arguments)


def _addresses(plan) -> dict[str, str]:
    return {change["address"]: change["action"] for change in json.loads(plan.stdout)["changes"]}


RELEASES = {"match": "web/api", "tags": [{"match": "v*", "protect": "immutable"}]}


def _excepting(until: datetime) -> dict:
    exception = {
        "match": "web/api:v1",
        "attributes": {"writeEnabled": True},
        "until": until.isoformat(),
        "reason": "INC-4711",
    }
    return {"repositories": [RELEASES], "exceptions": [exception]}


def test_an_exception_opens_a_tag_and_closes_it_again(emulator, run):
    """By the clock of `--now`: open until its end, and closed by the next apply after it."""
    emulator.push("web/api:v1")
    until = datetime(2030, 6, 1, 18, tzinfo=UTC)

    during = _apply(run, _excepting(until), "--now", "2030-06-01T17:59:59Z")
    is_open = emulator.tag("web/api:v1")["writeEnabled"]
    after = _apply(run, _excepting(until), "--now", "2030-06-01T18:00:00Z")

    assert (0, 0) == (during.code, after.code), during.stderr + after.stderr
    assert (True, False) == (is_open, emulator.tag("web/api:v1")["writeEnabled"])
    assert "exception-ends-soon" in during.stdout
    assert "exception-ended" in after.stdout


def test_a_plan_that_was_made_for_an_exception_is_refused_after_its_end(emulator, run, reconciler, tmp_path):
    """It would open what nobody wants open any more."""
    emulator.push("web/api:v1")
    _apply(run, {"repositories": [RELEASES]})
    until = datetime.now(UTC) - timedelta(hours=1)
    before = (until - timedelta(hours=1)).isoformat()
    planned = run("plan", _excepting(until), "--now", before, "--out", "plan.json")

    done = reconciler("apply", "plan.json", "--registry", emulator.url, "--auto-approve", "-q")

    assert (0, 1) == (planned.code, done.code)
    assert "plan.json: the plan is stale; nothing was changed\n  An exception that it was made for ended" in done.stderr
    assert emulator.tag("web/api:v1")["writeEnabled"] is False


@pytest.mark.parametrize("now", ["tomorrow", "2030-06-01", "2030-06-01T18:00:00", ""])
def test_a_moment_has_a_time_and_a_zone(run, now):
    """Whoever leaves them out means something else than we would."""
    done = run("plan", {"repositories": [RELEASES]}, "--now", now)

    assert (1, "") == (done.code, done.stdout)
    assert f"error: --now {now}: not a moment" in done.stderr


def test_a_target_is_changed_and_the_rest_is_left_and_remembered(emulator, run):
    """What is not selected is not forgotten: it is still told from drift afterwards."""
    for name in ("web/api:v1", "web/api:v2", "web/ui:v1"):
        emulator.push(name)
    document = {"repositories": [{"match": "web/*", "tags": [{"match": "v*", "attributes": LOCKED}]}]}

    only = _apply(run, document, "--target", "web/api", "--exclude", "web/api:v2")
    changed = [emulator.tag(name)["writeEnabled"] for name in ("web/api:v1", "web/api:v2", "web/ui:v1")]
    _apply(run, document)
    emulator.patch("web/ui:v1", writeEnabled=True)
    _apply(run, document, "--target", "web/api")
    drifted = run("drift", document, "--format", "json")

    assert 0 == only.code, only.stderr
    assert [False, True, True] == changed
    assert ["web/ui:v1"] == [each["address"] for each in json.loads(drifted.stdout)["drift"]]


def test_a_target_that_is_spelled_needs_no_catalog(emulator, run):
    """Of a thousand repositories one is read."""
    for number in range(20):
        emulator.push(f"web/r{number}:v1")
    emulator.clear_requests()

    run("plan", {"repositories": [{"match": "**", "protect": "undeletable"}]}, "--target", "web/r7")

    assert ["/acr/v1/web/r7"] == [request.path for request in emulator.requests()]


def test_one_file_and_an_overlay_for_each_environment(emulator, run, tmp_path):
    """The overlay is part of what is desired, and of what `--out` must not replace."""
    emulator.push("web/api:v1")
    (tmp_path / "prod.json").write_text('[{"op": "add", "path": "/repositories/0/protect", "value": "undeletable"}]')

    plain = run("plan", {"repositories": [RELEASES]}, "--format", "json")
    overlaid = run("plan", {"repositories": [RELEASES]}, "--overlay", "prod.json", "--format", "json")
    refused = run("plan", {"repositories": [RELEASES]}, "--overlay", "prod.json", "--out", "prod.json")

    assert "web/api" not in _addresses(plain)
    assert "update" == _addresses(overlaid)["web/api"]
    assert 1 == refused.code
    assert "the plan would replace a file that it is made from" in refused.stderr


def test_retention_deletes_what_is_old_and_the_manifests_that_nothing_needs(emulator, run):
    """Tags first, then what they pointed at; planned again there is nothing."""
    for number in range(5):
        emulator.push(f"web/api:b{number}", content=str(number).encode())
    document = {
        "repositories": [
            {
                "match": "web/api",
                "tags": [{"match": "b*", "keep": {"last": 2}}],
                "manifests": [{"tagged": False, "ensure": "absent"}],
            }
        ]
    }

    first = _apply(run, document)
    again = run("plan", document, "--detailed-exitcode")

    assert (0, 0) == (first.code, again.code), first.stdout + first.stderr
    assert [False, False, False, True, True] == [emulator.tag(f"web/api:b{n}") is not None for n in range(5)]
    assert "3 tag" not in again.stdout


def test_much_that_would_be_deleted_is_stopped(emulator, run):
    """Until somebody says the number."""
    emulator.push_many("web/api", [f"pr-{number:02}" for number in range(12)])
    document = {"repositories": [{"match": "web/api", "tags": [{"match": "pr-*", "ensure": "absent"}]}]}

    stopped = _apply(run, document)
    meant = _apply(run, document, "--max-delete", "12")

    assert (1, 0) == (stopped.code, meant.code)
    assert "delete-limit" in stopped.stdout
    assert emulator.tag("web/api:pr-00") is None


def test_a_repository_goes_with_all_that_is_in_it(emulator, run):
    """The plan says how much that is."""
    emulator.push("web/old:v1", content=b"one")
    emulator.push("web/old:v2", content=b"two")
    document = {"repositories": [{"match": "web/old", "ensure": "absent"}]}

    planned = run("plan", document)
    done = _apply(run, document)
    again = run("plan", document, "--detailed-exitcode")

    assert "- (repository)  with 2 tags and 2 manifests" in planned.stdout
    assert (0, 0, None) == (done.code, again.code, emulator.repository("web/old"))


def test_explain_tells_what_can_really_happen_before_and_after(emulator, run, reconciler, tmp_path):
    """A locked tag over an open manifest is not safe, and is told so."""
    emulator.push("web/api:v1")
    emulator.patch("web/api:v1", **LOCKED)
    (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [RELEASES]}))
    explain = ("explain", "web/api:v1", "registry.json", "--registry", emulator.url, "-q")

    before = reconciler(*explain).stdout
    _apply(run, {"repositories": [RELEASES]})
    after = reconciler(*explain).stdout

    assert "  lost with its manifest    perhaps → no  by deleteEnabled of @sha256:" in before
    assert "  lost with its manifest    no   by deleteEnabled of @sha256:" in after
    assert "  overwritten               no\n" in before


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("17:59:59Z", "until 2030-06-01 18:00:00 UTC: INC-4711"),
        ("18:00:00Z", "ended 2030-06-01 18:00:00 UTC: INC-4711"),
    ],
)
def test_explain_tells_the_end_and_the_reason_of_an_exception(reconciler, tmp_path, at, expected):
    """Beside what it declares, also once it does nothing any more."""
    document = _excepting(datetime(2030, 6, 1, 18, tzinfo=UTC))
    document["exceptions"][0]["until"] = "2030-06-01T18:00:00Z"
    (tmp_path / "registry.json").write_text(json.dumps({"version": 1, **document}))

    said = reconciler("explain", "web/api:v1", "registry.json", "--offline", "--now", f"2030-06-01T{at}").stdout
    other = reconciler("explain", "web/api:v2", "registry.json", "--offline", "--now", f"2030-06-01T{at}").stdout

    lines = said.splitlines()
    [told] = [number for number, line in enumerate(lines) if expected in line]
    assert "writeEnabled" in lines[told] + lines[told - 1]
    assert "INC-4711" not in other


def test_without_a_memory_nothing_is_unlocked_for_a_moment(emulator, run):
    """There is no place to write down that it was; the tag stays where it is, and the run says why."""
    digest = emulator.push("web/api:v2", content=b"two")
    emulator.push("web/api:v1", content=b"one")
    emulator.patch("web/api:v1", **LOCKED)
    pinned = {"match": "v1", "digest": digest, "protect": "immutable"}
    document = {"repositories": [{"match": "web/api", "tags": [pinned]}]}

    refused = _apply(run, document, "--state", "none")
    before = emulator.tag("web/api:v1")
    done = _apply(run, document)

    assert (1, 0) == (refused.code, done.code), done.stderr
    assert "blocked" in refused.stdout
    assert "  unlock-without-memory\n" in refused.stdout
    assert (LOCKED, digest) == ({name: before[name] for name in LOCKED}, emulator.tag("web/api:v1")["digest"])
    assert before["digest"] != digest


SWEEP = {"repositories": [{"match": "web/api", "manifests": [{"tagged": False, "ensure": "absent"}]}]}


def test_a_manifest_that_an_index_needs_since_the_plan_was_made_stays(emulator, run, reconciler):
    """Somebody pushed an index over it while the plan waited for its approval; the others go."""
    doomed, other = (emulator.push(f"web/api:{name}", content=name.encode()) for name in ("one", "two"))
    emulator.push("web/api:kept", content=b"kept")
    for name in ("one", "two"):
        emulator.delete(f"web/api:{name}")
    planned = run("plan", SWEEP, "--out", "plan.json", "--format", "json")
    emulator.push_index("web/api:v1", [f"web/api@{doomed}"])

    done = reconciler("apply", "plan.json", "--registry", emulator.url, "--auto-approve", "-q")

    assert {f"web/api@{doomed}", f"web/api@{other}"} == _addresses(planned).keys()
    assert 1 == done.code
    assert "it is a child of sha256:" in " ".join(done.stdout.split())
    assert emulator.manifest(f"web/api@{doomed}") is not None
    assert emulator.manifest(f"web/api@{other}") is None


def test_a_manifest_that_got_a_tag_since_the_plan_was_made_stays(emulator, run, reconciler):
    """Retention deleted what was untagged and tagged again before (Azure/acr#520)."""
    doomed, other = (emulator.push(f"web/api:{name}", content=name.encode()) for name in ("one", "two"))
    emulator.push("web/api:kept", content=b"kept")
    for name in ("one", "two"):
        emulator.delete(f"web/api:{name}")
    run("plan", SWEEP, "--out", "plan.json")
    emulator.push("web/api:again", content=b"one")

    done = reconciler("apply", "plan.json", "--registry", emulator.url, "--auto-approve", "-q")

    assert (1, doomed) == (done.code, emulator.tag("web/api:again")["digest"])
    assert None not in [emulator.manifest(f"web/api@{each}") for each in (doomed, other)]  # nothing was begun


def test_a_repository_in_which_one_image_came_and_another_went_stays(emulator, run, reconciler):
    """Its counts are what they were when the plan was made, and its contents are not."""
    emulator.push("web/old:v1", content=b"one")
    planned = run("plan", {"repositories": [{"match": "web/old", "ensure": "absent"}]}, "--out", "plan.json")
    old = emulator.tag("web/old:v1")["digest"]
    emulator.push("web/old:v1", content=b"two")
    emulator.delete(f"web/old@{old}")

    done = reconciler("apply", "plan.json", "--registry", emulator.url, "--auto-approve", "-q")

    assert (0, 1) == (planned.code, done.code), planned.stderr
    assert "lastUpdateTime was" in done.stdout
    assert emulator.tag("web/old:v1") is not None


@pytest.mark.parametrize("until", ["2026-12-31T23:59:60Z", "2554-08-01T00:00:00Z", "9999-12-31t23:59:59z"])
def test_an_exception_may_end_at_any_moment(emulator, run, until):
    """A leap second, and what people write for never."""
    emulator.push("web/api:v1")
    exception = {"match": "web/api:v1", "attributes": {"writeEnabled": True}, "until": until, "reason": "INC-4711"}
    document = {"repositories": [RELEASES], "exceptions": [exception]}
    emulator.patch("web/api:v1", **LOCKED)

    done = _apply(run, document, "--now", "2026-11-27T00:00:00Z")

    assert (0, True) == (done.code, emulator.tag("web/api:v1")["writeEnabled"]), done.stderr
