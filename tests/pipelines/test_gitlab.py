"""The jobs for GitLab, run as they stand in the file, against a registry."""

from __future__ import annotations

import json

import pytest
from events import HOSTILE
from forges.fake_gitlab import FakeGitLab
from gitlab_runner import jobs_of, run_job

PROJECT = {"CI_PROJECT_ID": "1", "CI_DEFAULT_BRANCH": "main"}
PUSH = {**PROJECT, "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_MESSAGE": HOSTILE}
SCHEDULE = {**PROJECT, "CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"}
MERGE_REQUEST = {
    **PROJECT,
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_MERGE_REQUEST_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": HOSTILE,
    "CI_MERGE_REQUEST_TITLE": HOSTILE,
}
FORK = {**MERGE_REQUEST, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2"}


@pytest.mark.parametrize(
    ("begun", "jobs"),
    [
        (MERGE_REQUEST, {"plan a merge request": "on_success"}),
        (FORK, {"plan a fork": "on_success"}),
        (PUSH, {"plan": "on_success", "apply": "manual"}),
        ({**PUSH, "CI_COMMIT_BRANCH": "mine"}, {}),
        (SCHEDULE, {"drift": "on_success"}),
        ({**SCHEDULE, "CI_COMMIT_BRANCH": "mine"}, {}),
    ],
)
def test_a_pipeline_has_the_jobs_that_are_for_what_began_it(begun, jobs):
    """Nobody applies but from the main branch, and then a person begins it."""
    assert jobs == jobs_of(begun)


@pytest.fixture
def run(runner, checkout, emulator, tmp_path):
    """Run a job in the checkout, about an emulated registry with one release."""
    emulator.push("shop/api:v1.0.0", content=b"one")
    settings = {"RECONCILER_REGISTRY": emulator.url, "RECONCILER_STATE": str(tmp_path / "state.json")}
    return lambda name, variables, **more: run_job(runner, name, {**variables, **settings}, workspace=checkout, **more)


def test_from_a_merge_request_to_drift(run, emulator, checkout):
    """One comment, a fingerprint that goes from the plan to the job that somebody begins, and drift that is red.

    The token of each job lies in a file, where Microsoft's library reads it.
    """
    with FakeGitLab() as forge:
        reviewed = run("plan a merge request", {**MERGE_REQUEST, **forge.environment()})
    planned = run("plan", PUSH, ending='cat "$AZURE_FEDERATED_TOKEN_FILE"; echo " for $AZURE_CLIENT_ID"')
    written = emulator.requests("PATCH")
    applied = run("apply", {**PUSH, **planned.handed_on})
    emulator.patch("shop/api:v1.0.0", deleteEnabled=True)
    drifted = run("drift", SCHEDULE)

    assert (0, [(checkout / "plan/plan.md").read_text().strip()]) == (reviewed.code, forge.texts()), reviewed.log
    assert planned.log.endswith("token of this job for 00000000-1111-2222-3333-555555555555\n")
    assert {"FINGERPRINT": json.loads((checkout / "plan/plan.json").read_text())["fingerprint"]} == planned.handed_on
    assert [] == written
    assert 0 == applied.code, applied.log
    assert "3 verified" in applied.log
    assert 2 == drifted.code, drifted.log
    assert "shop/api" in (checkout / "drift.xml").read_text()
    assert 1 == len((checkout / "told.jsonl").read_text().splitlines())
    assert not (checkout / "owned").exists()


def test_without_its_fingerprint_no_plan_is_applied(run, emulator):
    """One of another plan is refused."""
    done = run("apply", {**PUSH, "FINGERPRINT": f"sha256:{'0' * 64}"})

    assert 1 == done.code
    assert "the plan is not the one that was approved" in done.log
    assert [] == emulator.requests("PATCH")


def test_a_fork_is_checked_and_planned_where_everybody_may_read(run, emulator, checkout, tmp_path):
    """It gets no identity; what its request is called is not run."""
    planned = run("plan a fork", {**FORK, "ANONYMOUS_PULL": "true"})

    assert 0 == planned.code, planned.log
    assert planned.log.startswith("Valid: ")
    assert "3 to update" in planned.log
    assert not (checkout / "owned").exists()
    assert not (tmp_path / "state.json").exists()
