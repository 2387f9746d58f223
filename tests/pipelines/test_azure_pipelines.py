"""The pipeline for Azure Pipelines, run as it stands in its file, against a registry."""

from __future__ import annotations

import json

import pytest
from azure_runner import jobs_of, run_job
from events import HOSTILE
from forges.fake_azure_devops import FakeAzureDevOps
from git_commands import git
from machines import ROOT

PUSH = {"Build.Reason": "IndividualCI", "Build.SourceBranch": "refs/heads/main", "Build.SourceVersionMessage": HOSTILE}
MANUAL = {**PUSH, "Build.Reason": "Manual"}
SCHEDULE = {"Build.Reason": "Schedule", "Build.SourceBranch": "refs/heads/main"}
PULL_REQUEST = {
    "Build.Reason": "PullRequest",
    "Build.SourceBranch": "refs/pull/7/merge",
    "System.PullRequest.IsFork": "False",
    "System.PullRequest.PullRequestId": "7",
    "System.PullRequest.SourceBranch": f"refs/heads/{HOSTILE}",
}
FORK = {**PULL_REQUEST, "System.PullRequest.IsFork": "True"}


@pytest.mark.parametrize(
    ("begun", "jobs"),
    [
        (PULL_REQUEST, ["review.plan"]),
        (FORK, ["review.fork"]),
        (PUSH, ["plan.plan"]),
        (MANUAL, ["plan.plan"]),
        ({**MANUAL, "Build.SourceBranch": "refs/heads/mine"}, []),
        (SCHEDULE, ["drift.drift"]),
    ],
)
def test_a_run_has_the_jobs_that_are_for_what_began_it(begun, jobs):
    """The stage that applies follows that of the plan, which only the main branch has."""
    assert jobs == jobs_of(begun)


@pytest.fixture
def run(runner, checkout, emulator, tmp_path):
    """Run a job beside both checkouts, about an emulated registry with one release."""
    emulator.push("shop/api:v1.0.0", content=b"one")
    sources = tmp_path / "s"
    (sources / "reconciler").mkdir(parents=True)
    (sources / "desired").symlink_to(checkout)
    (sources / "reconciler" / "specs").symlink_to(ROOT / "specs")
    settings = {
        "RECONCILER_COMMIT": git(sources / "reconciler", "init -q\nadd -A\ncommit -q -m all\nrev-parse HEAD"),
        "RECONCILER_REGISTRY": emulator.url,
        "RECONCILER_STATE": str(tmp_path / "state.json"),
        "SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/secret",
    }
    return lambda name, variables, **more: run_job(runner, name, {**settings, **variables}, sources=sources, **more)


def test_from_a_pull_request_to_drift(run, emulator, checkout, runner):
    """One comment, a fingerprint that is an output of the plan, drift that is red; each with its own connection."""
    with FakeAzureDevOps() as forge:
        told = {**PULL_REQUEST, **forge.environment()}
        told["System.AccessToken"] = told.pop("SYSTEM_ACCESSTOKEN")
        reviewed = run("review.plan", told)
    planned = run("plan.plan", PUSH)
    written = emulator.requests("PATCH")
    applied = run("apply.apply", PUSH, outputs=planned.outputs)
    emulator.patch("shop/api:v1.0.0", deleteEnabled=True)
    drifted = run("drift.drift", SCHEDULE)

    assert (0, [(runner.folder / "a/plan/plan.md").read_text()]) == (reviewed.code, forge.texts()), reviewed.log
    plan = json.loads((runner.folder / "a/plan/plan.json").read_text())
    assert {"approve.fingerprint": plan["fingerprint"]} == planned.outputs
    assert [] == written
    assert 0 == applied.code, applied.log
    assert 2 == drifted.code, drifted.log
    assert "shop/api" in (runner.folder / "temp/drift.xml").read_text()
    assert 1 == len((checkout / "told.jsonl").read_text().splitlines())
    connections = [each.connections for each in (reviewed, planned, applied, drifted)]
    assert [["registry-plan"], ["registry-plan"], ["registry-apply"], ["registry-drift"]] == connections
    assert not (checkout / "owned").exists()


def test_without_a_fingerprint_nothing_is_applied(run, emulator):
    """A stage that hands none on stops the apply."""
    applied = run("apply.apply", PUSH, outputs={"approve.fingerprint": ""})

    assert 1 == applied.code
    assert "--expect: not a fingerprint" in applied.log
    assert [] == emulator.requests()


def test_another_commit_of_the_program_is_refused(run, emulator):
    """Who can push to its repository cannot have it run here."""
    done = run("plan.plan", {**PUSH, "RECONCILER_COMMIT": "0" * 40})

    assert (1, {}) == (done.code, done.outputs)
    assert f", and RECONCILER_COMMIT is {'0' * 40}\n" in done.log
    assert [] == emulator.requests()


def test_a_fork_is_checked_and_planned_where_everybody_may_read(run, emulator, checkout):
    """It uses no service connection; what its request is called is not run."""
    done = run("review.fork", {**FORK, "ANONYMOUS_PULL": "true"})

    assert 0 == done.code, done.log
    assert [] == done.connections
    assert "3 to update" in done.log
    assert not (checkout / "owned").exists()
    assert [] == emulator.requests("PATCH")
