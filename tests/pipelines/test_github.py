"""The workflows for GitHub and the action, run as they stand in their files, against a registry."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from events import dispatch, pull_request, push
from github_runner import run_job
from machines import PATH

from reconciler.emulator import Identity, Settings


@pytest.fixture
def run(runner, checkout, emulator, tmp_path):
    """Run a job of a workflow in the checkout, about an emulated registry with one release."""
    emulator.push("shop/api:v1.0.0", content=b"one")
    settings = {"REGISTRY": emulator.url, "STATE": str(tmp_path / "state.json")}

    def run_it(workflow, name, event, *, workspace=checkout, **needs):
        return run_job(runner, workflow, name, event, workspace=workspace, settings=settings, needs=needs)

    return run_it


def test_without_a_fingerprint_nothing_is_applied(run, emulator):
    """A job before that was changed and tells none stops the apply."""
    applied = run("apply", "apply", push(), plan={"fingerprint": ""})

    assert "failure" == applied.result
    assert "--expect: not a fingerprint" in applied.log
    assert [] == emulator.requests()


def test_every_file_is_read_that_is_named(runner, checkout, emulator, tmp_path):
    """Also those on lines of their own, as people write them in YAML."""
    settings = {"REGISTRY": emulator.url, "STATE": str(tmp_path / "state.json"), "FILES": "registry.yaml\nmore.yaml\n"}

    planned = run_job(runner, "apply", "plan", push(), workspace=checkout, settings=settings, needs={})

    assert "failure" == planned.result
    assert "more.yaml: no such file or folder" in planned.log


def test_of_two_merges_at_the_same_time_both_hold_in_the_end(run, emulator, checkout, tmp_path):
    """One is applied; the other waits for the run lock, and is no more what was approved. Run anew, it is done."""
    later = tmp_path / "later"
    later.mkdir()
    (later / ".git").symlink_to(checkout / ".git")
    (later / "registry.yaml").write_text(
        (checkout / "registry.yaml").read_text() + '      - match: "stable"\n        protect: undeletable\n'
    )
    emulator.push("shop/api:stable", content=b"stable")
    planned = [run("apply", "plan", push(), workspace=folder).outputs for folder in (checkout, later)]

    with ThreadPoolExecutor() as both:
        jobs = [
            both.submit(run, "apply", "apply", push(), workspace=folder, plan=plan)
            for folder, plan in zip((checkout, later), planned, strict=True)
        ]
    done = [job.result() for job in jobs]
    anew = run("apply", "plan", push(), workspace=later)
    ended = run("apply", "apply", push(), workspace=later, plan=anew.outputs)

    refused = "the plan is not the one that was approved; nothing was changed"
    assert [True, True] == [job.result == "success" or refused in job.log for job in done], [job.log for job in done]
    assert ["Applied to" in job.log for job in done].count(True) == 1
    assert "success" == ended.result, ended.log
    assert not emulator.tag("shop/api:v1.0.0")["writeEnabled"]
    assert not emulator.tag("shop/api:stable")["deleteEnabled"]


def test_only_the_main_branch_is_applied(run):
    """Whoever may press the button may do so on a branch of their own."""
    jobs = [run("apply", "plan", dispatch("mine")), run("drift", "drift", dispatch("mine"))]

    assert ["skipped", "skipped"] == [job.result for job in jobs]


def test_a_fork_is_planned_without_any_identity(runner, checkout, start_emulator, tmp_path):
    """It reads what everybody may read, could write nothing, and asks for no token of anybody."""
    registry = start_emulator(Settings(auth="token", anonymous_pull=True))
    registry.push("shop/api:v1.0.0", content=b"one")
    settings = {"REGISTRY": registry.url, "STATE": str(tmp_path / "state.json"), "ANONYMOUS_PULL": "true"}

    jobs = {
        name: run_job(
            runner, "plan", name, pull_request(fork=True), workspace=checkout, settings=settings, api_url=registry.url
        )
        for name in ("plan", "fork")
    }

    assert {"plan": "skipped", "fork": "success"} == {name: job.result for name, job in jobs.items()}, jobs["fork"].log
    assert "3 to update" in jobs["fork"].log
    assert jobs["fork"].summary.startswith("<!-- reconciler:plan")
    assert [] == [request for request in registry.requests() if request.method not in ("GET", "HEAD", "POST")]
    assert ["/oauth2/token"] == list(dict.fromkeys(request.path for request in registry.requests("POST")))
    assert not (checkout / "owned").exists()
    assert not (tmp_path / "state.json").exists()


def az(registry):
    """What azure/login leaves: an `az` that shows tokens of who signed in, here one with the name of a client id."""

    def sign_in(client, folder):
        token = json.dumps({"accessToken": registry.entra_token(client), "expiresOn": "2099-01-01 00:00:00.000000"})
        (folder / "az").write_text(f"#!/bin/sh\necho '{token}'\n")
        (folder / "az").chmod(0o755)
        return {"PATH": f"{folder}:{PATH}"}

    return sign_in


def test_each_job_signs_in_as_the_identity_that_is_for_it(runner, checkout, start_emulator, tmp_path):
    """By the login of az that azure/login leaves; to plan takes no right to write."""
    reading = ["metadata/read", "content/read"]
    reader = Identity(name="plan", kind="entra", repositories={"*": reading}, catalog=True)
    writer = Identity(name="apply", kind="entra", repositories={"*": [*reading, "metadata/write"]}, catalog=True)
    registry = start_emulator(Settings(auth="token", identities=(reader, writer)))
    registry.push("shop/api:v1.0.0", content=b"one")
    where = {
        "workspace": checkout,
        "settings": {"REGISTRY": registry.url, "STATE": str(tmp_path / "state.json")},
    }

    planned = run_job(runner, "apply", "plan", push(), sign_in=az(registry), **where)
    applied = run_job(runner, "apply", "apply", push(), needs={"plan": planned.outputs}, sign_in=az(registry), **where)

    assert "success" == planned.result, planned.log
    assert "Sign-in   plan (Microsoft Entra)\n" in planned.log
    assert "success" == applied.result, applied.log
    assert "Sign-in   apply (Microsoft Entra)\n" in applied.log
