"""A plan that was approved means what it says, or is refused."""

from __future__ import annotations

import json

import httpx
import pytest


@pytest.fixture
def planned(emulator, reconciler, releases):
    """A saved plan for three tags and their repository; runs the command there."""
    for name in ("v1", "v2", "v3", "latest"):
        emulator.push(f"shop/api:{name}", content=name.encode())

    def run(*arguments: str):
        return reconciler(*arguments, RECONCILER_REGISTRY=emulator.url)

    assert 0 == run("plan", releases, "--out", "plan.json").code
    emulator.clear_requests()
    return run


def _patch(emulator, target: str, **flags: bool) -> None:
    assert 200 == httpx.patch(f"{emulator.url}/acr/v1/shop%2Fapi{target}", json=flags).status_code
    emulator.clear_requests()


def _touched(emulator) -> None:
    _patch(emulator, "/_tags/v2", writeEnabled=False)


def _untouched(emulator) -> None:
    _patch(emulator, "/_tags/v2", listEnabled=False)


def _moved(emulator) -> None:
    emulator.push("shop/api:v2", content=b"another")
    emulator.clear_requests()


def _deleted(emulator) -> None:
    assert 202 == httpx.delete(f"{emulator.url}/acr/v1/shop%2Fapi/_tags/v2").status_code
    emulator.clear_requests()


STALE = {"a touched attribute": _touched, "the digest": _moved, "a deleted tag": _deleted}


def _statuses(done) -> dict[str, str]:
    return {outcome["address"]: outcome["status"] for outcome in json.loads(done.stdout)["outcomes"]}


@pytest.mark.parametrize("name", STALE)
def test_where_something_is_stale_nothing_is_begun(planned, emulator, name):
    """What is stale is told, change by change, and the rest is not attempted."""
    STALE[name](emulator)

    done = planned("apply", "plan.json", "--auto-approve", "--format", "json")

    assert 1 == done.code
    assert {
        "shop/api": "not-attempted",
        "shop/api:v1": "not-attempted",
        "shop/api:v2": "stale",
        "shop/api:v3": "not-attempted",
    } == _statuses(done)
    assert [] == emulator.requests("PATCH")
    assert "--on-stale skip leaves out just that" in done.stdout


@pytest.mark.parametrize("name", STALE)
def test_what_is_stale_can_be_left_out(planned, emulator, name):
    """Exactly that: all other changes are made."""
    STALE[name](emulator)

    done = planned("apply", "plan.json", "--auto-approve", "--format", "json", "--on-stale", "skip")

    assert 1 == done.code
    assert {
        "shop/api": "verified",
        "shop/api:v1": "verified",
        "shop/api:v2": "stale",
        "shop/api:v3": "verified",
    } == _statuses(done)


def test_what_a_plan_does_not_touch_may_change(planned, emulator):
    """Nobody approved anything about it."""
    _untouched(emulator)

    done = planned("apply", "plan.json", "--auto-approve", "--format", "json")

    assert (0, {"verified"}) == (done.code, set(_statuses(done).values()))


def test_applying_a_plan_twice_says_so_and_writes_nothing(planned, emulator):
    """It is compared once more."""
    assert 0 == planned("apply", "plan.json", "--auto-approve").code
    emulator.clear_requests()

    done = planned("apply", "plan.json", "--auto-approve")

    assert 0 == done.code
    assert "This plan was applied before, as run 2" in done.stderr
    assert [] == emulator.requests("PATCH")


def test_a_plan_that_was_applied_does_not_undo_what_came_after(planned, emulator):
    """Somebody unlocked a tag for a reason; the approval was not for that."""
    assert 0 == planned("apply", "plan.json", "--auto-approve").code
    _patch(emulator, "/_tags/v1", deleteEnabled=True, writeEnabled=True)

    done = planned("apply", "plan.json", "--auto-approve", "--format", "json")

    assert (1, "stale") == (done.code, _statuses(done)["shop/api:v1"])
    assert [] == emulator.requests("PATCH")


def test_a_plan_is_refused_when_somebody_applied_since(planned, emulator):
    """Also when it was made before there was any memory."""
    assert 0 == planned("apply", "registry.yaml", "--auto-approve").code
    emulator.clear_requests()

    done = planned("apply", "plan.json", "--auto-approve")

    assert 0 == done.code  # the very same plan was made and applied
    emulator.push("shop/api:v4", content=b"v4")
    assert 0 == planned("plan", "registry.yaml", "--out", "later.json").code
    emulator.push("shop/api:v5", content=b"v5")
    assert 0 == planned("apply", "registry.yaml", "--auto-approve").code
    for plan in ("plan.json", "later.json"):
        emulator.clear_requests()
        refused = planned("apply", plan, "--auto-approve")
        assert 1 == refused.code
        assert f"error: {plan}: the plan is stale; nothing was changed\n  It was made " in refused.stderr
        assert [] == emulator.requests()


def test_a_plan_of_another_memory_is_refused(planned, emulator, tmp_path):
    """Its serial says nothing here."""
    assert 0 == planned("apply", "registry.yaml", "--auto-approve").code
    emulator.push("shop/api:v4", content=b"v4")
    assert 0 == planned("plan", "registry.yaml", "--out", "later.json").code
    (tmp_path / ".reconciler/state.json").rename(tmp_path / "elsewhere.json")
    emulator.clear_requests()

    gone = planned("apply", "later.json", "--auto-approve")
    assert 0 == planned("apply", "registry.yaml", "--auto-approve").code
    other = planned("apply", "later.json", "--auto-approve")

    assert (1, 1) == (gone.code, other.code)
    assert "  It was made on a memory with serial 1, and there is none at\n  .reconciler/state.json.\n" in gone.stderr
    assert "  It was made on another memory than the one at .reconciler/state.json.\n" in other.stderr


def test_the_expected_plan_is_applied_and_another_is_not(planned, emulator, tmp_path):
    """The files are planned anew; line numbers may move, deeds may not."""
    approved = json.loads((tmp_path / "plan.json").read_text())["fingerprint"]
    file = tmp_path / "registry.yaml"
    file.write_text("# a comment\n" + file.read_text())
    emulator.push("shop/api:v4", content=b"v4")
    emulator.clear_requests()

    refused = planned("apply", "registry.yaml", "--auto-approve", "--expect", approved)
    assert 202 == httpx.delete(f"{emulator.url}/acr/v1/shop%2Fapi/_tags/v4").status_code
    applied = planned("apply", "registry.yaml", "--auto-approve", "--expect", approved)
    again = planned("apply", "registry.yaml", "--auto-approve", "--expect", approved)

    assert (1, 0, 0) == (refused.code, applied.code, again.code)
    assert "error: the plan is not the one that was approved; nothing was changed\n" in refused.stderr
    assert "Nothing is left to do of the plan that was approved: it was applied as run 2" in again.stderr


def test_a_fingerprint_that_is_none_is_refused_before_anything_is_read(planned, emulator):
    """A variable that is not set must not pass for an approval."""
    for text in ("", "sha256:", "9f2c"):
        done = planned("apply", "registry.yaml", "--auto-approve", "--expect", text)

        assert 1 == done.code
        assert "error: --expect: not a fingerprint\n" in done.stderr
    assert [] == emulator.requests()


def test_a_plan_holds_no_secret_and_is_canonical(planned, emulator, reconciler, releases):
    """Shown as JSON it is the file, byte for byte; signed in, it is the same."""
    again = planned("show", "plan.json", "--format", "json")
    with_password = reconciler(
        "plan",
        releases,
        "--format",
        "json",
        RECONCILER_USERNAME="me",
        RECONCILER_PASSWORD="hunter2-secret",
        RECONCILER_REGISTRY=emulator.url,
    )

    assert again.stdout == with_password.stdout
    assert "hunter2" not in with_password.stdout + with_password.stderr


def test_an_unfinished_plan_is_not_resumed_after_somebody_applied_other_files(planned, emulator, tmp_path):
    """They may have decided otherwise about what is left."""
    _moved(emulator)
    assert 1 == planned("apply", "plan.json", "--auto-approve", "--on-stale", "skip").code
    file = tmp_path / "registry.yaml"
    file.write_text(file.read_text().replace('match: "v*"', 'match: "v1"'))
    assert 0 == planned("apply", "registry.yaml", "--auto-approve").code
    emulator.clear_requests()

    done = planned("apply", "plan.json", "--auto-approve", "--on-stale", "skip")

    assert 1 == done.code
    assert "did not finish, and somebody applied since" in " ".join(done.stderr.split())
    assert [] == emulator.requests()


def test_a_plan_that_is_refused_leaves_the_memory_as_it_is(planned, emulator, tmp_path):
    """Others were planned on it, and nothing was done."""
    assert 0 == planned("apply", "registry.yaml", "--auto-approve").code
    for name in ("v7", "v8"):
        emulator.push(f"shop/api:{name}", content=name.encode())
    assert 0 == planned("plan", "registry.yaml", "--out", "later.json").code
    emulator.push("shop/api:v8", content=b"another")
    _patch(emulator, "/_tags/v7", deleteEnabled=False, writeEnabled=False)

    codes = [planned("apply", "later.json", "--auto-approve").code for _ in range(2)]
    skipped = planned("apply", "later.json", "--auto-approve", "--on-stale", "skip", "--format", "json")

    assert [1, 1] == codes
    assert {"shop/api:v7": "verified", "shop/api:v8": "stale"} == _statuses(skipped)


def test_a_plan_for_a_time_to_come_is_not_applied(emulator, reconciler, tmp_path):
    """It shows what will be so then, says when that is, and leaves everything as it is now."""
    emulator.push("shop/api:pr-1")
    rule = {"match": "shop/api", "tags": [{"match": "pr-*", "keep": {"newerThan": "30d"}}]}
    (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [rule]}))

    planned = reconciler(
        "plan", "registry.json", "--registry", emulator.url, "--now", "2090-01-01T00:00:00Z", "--out", "plan.json"
    )
    done = reconciler("apply", "plan.json", "--registry", emulator.url, "--auto-approve")

    assert "Made for 2090-01-01T00:00:00Z: rules go by that time." in planned.stdout
    assert (1, "") == (done.code, done.stdout)
    assert "plan.json: the plan is for a time to come, 2090-01-01T00:00:00Z; nothing was changed" in done.stderr
    assert emulator.tag("shop/api:pr-1") is not None


def test_what_a_plan_could_not_do_is_the_last_word(emulator, reconciler, tmp_path):
    """The exit code is 1 although every change ended verified, and the reason stands below them."""
    emulator.push("shop/api:v1")
    emulator.push("shop/api:pr-1")
    emulator.patch("shop/api:pr-1", deleteEnabled=False)
    rule = {
        "match": "shop/api",
        "tags": [{"match": "v*", "protect": "undeletable"}, {"match": "pr-*", "ensure": "absent"}],
    }
    (tmp_path / "registry.json").write_text(json.dumps({"version": 1, "repositories": [rule]}))

    done = reconciler("apply", "registry.json", "--registry", emulator.url, "--auto-approve")

    assert 1 == done.code
    assert "2 verified" in done.stdout
    assert "error: 1 resource is blocked, see the plan above: shop/api:pr-1" == done.stderr.splitlines()[-1]
