"""
GitHub's runner, as far as our workflows need it: `run:` as it stands in the file, with its environment.

An action of somebody else is what it provides to the steps after it. Each has to be known here,
so that a new one is thought about.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import yaml  # BaseLoader: `true` and `on` stay texts
from expressions import github_text, github_value
from machines import ROOT, Machine

OURS = "example/reconciler"
BASH = ("-eo", "pipefail")  # Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
_FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")

Step: TypeAlias = Mapping[str, Any]
Contexts: TypeAlias = dict[str, Any]
SignIn: TypeAlias = Callable[[str, Path], Mapping[str, str]]


@attrs.frozen
class Event:
    """What began a workflow: as `github.event_name`, `github.ref` and the payload."""

    name: str
    ref: str
    payload: Mapping[str, Any]
    token: str = "ghs_workflow"


@attrs.define
class Job:
    """A job as it runs, and what it left."""

    machine: Machine
    event: Event
    workspace: Path
    contexts: Contexts
    permissions: Mapping[str, str]
    sign_in: SignIn
    temp: Path
    environment: dict[str, str] = attrs.Factory(dict)
    result: str = "success"
    code: int = 0  # of the last script
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = attrs.Factory(dict)
    artifacts: dict[str, dict[str, str]] = attrs.Factory(dict)


def run_job(
    machine: Machine,
    workflow: str,
    name: str,
    event: Event,
    *,
    workspace: Path,
    settings: Mapping[str, str],
    needs: Mapping[str, Mapping[str, str]] = {},
    api_url: str = "https://api.github.com",
    sign_in: SignIn = lambda client, folder: {},
) -> Job:
    """
    Run a job of a workflow in specs/pipelines/github.

    Args:
        machine: Where.
        workflow: Its file, without the ending.
        name: Of the job.
        event: What began it.
        workspace: The checkout.
        settings: What somebody who copies the file writes into its `env:`.
        needs: Outputs of the jobs before.
        api_url: The forge's API.
        sign_in: What azure/login leaves in the environment, for a client id and the machine's folder.
    """
    file = yaml.load((ROOT / "specs" / "pipelines" / "github" / f"{workflow}.yml").read_text(), yaml.BaseLoader)
    assert settings.keys() <= file["env"].keys()
    definition = file["jobs"][name]
    assert set(needs) == {definition["needs"]} if "needs" in definition else needs == {}
    contexts = _contexts(event, needs, {**file["env"], **settings})
    temp = Path(tempfile.mkdtemp(dir=machine.folder))
    job = Job(machine, event, workspace, contexts, definition["permissions"], sign_in, temp)
    if not github_value(definition.get("if", "true"), contexts):
        job.result = "skipped"
        return job
    job.environment = {**_surroundings(job, api_url), **contexts["env"]}
    for step in definition["steps"]:
        _take(job, step)
    job.outputs = {key: github_text(text, contexts) for key, text in definition.get("outputs", {}).items()}
    return job


def _contexts(event: Event, needs: Mapping[str, Mapping[str, str]], environment: Mapping[str, str]) -> Contexts:
    """What expressions of a job find."""
    return {
        "github": {"event": event.payload, "ref": event.ref, "repository": "contoso/app", "token": event.token},
        "vars": {
            "AZURE_TENANT_ID": "tenant",
            **{f"AZURE_{name.upper()}_CLIENT_ID": name for name in ("plan", "apply", "drift")},
        },
        "secrets": {"SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/secret"},
        "needs": {job: {"outputs": outputs} for job, outputs in needs.items()},
        "env": dict(environment),
        "steps": {},
    }


def _surroundings(job: Job, api_url: str) -> dict[str, str]:
    """Source: https://docs.github.com/actions/reference/workflows-and-actions/variables."""
    temp = job.temp
    (temp / "event.json").write_text(json.dumps(job.event.payload))
    job.machine.install(temp / "reconciler")
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": api_url,
        "GITHUB_EVENT_NAME": job.event.name,
        "GITHUB_EVENT_PATH": str(temp / "event.json"),
        "GITHUB_REF": job.event.ref,
        "GITHUB_REPOSITORY": "contoso/app",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_WORKSPACE": str(job.workspace),
        "RUNNER_TEMP": str(temp),
    }


def _take(job: Job, step: Step) -> None:
    """One step of a workflow, where its condition holds."""
    if job.result != "success" or not github_value(step.get("if", "true"), job.contexts):
        return
    given = {key: github_text(value, job.contexts) for key, value in step.get("with", {}).items()}
    own = {key: github_text(value, job.contexts) for key, value in step.get("env", {}).items()}
    name = step["uses"].partition("@")[0]
    if name == OURS:
        job.contexts["steps"][step.get("id", "")] = {"outputs": _act(job, given, own)}
    else:
        _PROVIDED[name](job, given)


def _checkout(job: Job, given: Mapping[str, str]) -> None:
    assert (job.workspace / ".git").exists()


def _login(job: Job, given: Mapping[str, str]) -> None:
    assert job.permissions.get("id-token") == "write", "GitHub gives this job no token"
    job.environment |= job.sign_in(given["client-id"], job.temp)


def _upload(job: Job, given: Mapping[str, str]) -> None:
    job.artifacts[given["name"]] = {file.name: file.read_text() for file in sorted(Path(given["path"]).iterdir())}


_PROVIDED: dict[str, Callable[[Job, Mapping[str, str]], None]] = {
    "actions/checkout": _checkout,
    "actions/upload-artifact": _upload,
    "azure/login": _login,
}


def _act(job: Job, given: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The action of this project; its outputs."""
    action = yaml.load((ROOT / "action.yml").read_text(), yaml.BaseLoader)
    assert given.keys() <= action["inputs"].keys()
    defaults = {key: github_text(each.get("default", ""), job.contexts) for key, each in action["inputs"].items()}
    contexts: Contexts = {"inputs": {**defaults, **given}, "steps": {}}
    for step in action["runs"]["steps"]:
        if "uses" in step:
            assert step["uses"].startswith("actions/setup-python@")
        elif job.result == "success" and github_value(step.get("if", "true"), contexts):
            own_too = {key: github_text(value, contexts) for key, value in step.get("env", {}).items()}
            contexts["steps"][step.get("id", "")] = {"outputs": _run(job, step["run"], {**own, **own_too})}
    return {key: github_text(each["value"], contexts) for key, each in action["outputs"].items()}


def _run(job: Job, script: str, env: Mapping[str, str]) -> dict[str, str]:
    """A script; its outputs."""
    assert "${{" not in script, "a value of somebody else's would become a part of the script"
    files = {name: job.temp / name for name in _FILES}
    for file in files.values():
        file.write_text("")
    done = job.machine.bash(
        script,
        cwd=job.workspace,
        env={
            **job.environment,
            **env,
            **{name: str(file) for name, file in files.items()},
            "GITHUB_ACTION_PATH": str(ROOT),
        },
        options=BASH,
    )
    job.log += done.text
    job.summary += files["GITHUB_STEP_SUMMARY"].read_text()
    job.code, job.result = done.code, "failure" if done.code else "success"
    lines = files["GITHUB_OUTPUT"].read_text().splitlines()
    return defaultdict(str, (line.split("=", 1) for line in lines))  # type: ignore[arg-type]
