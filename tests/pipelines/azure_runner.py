"""
The agent of Azure Pipelines, as far as our pipeline needs it: scripts as they stand in the files.

Its bash goes on after a command that failed, as the agent's does, where a script does not say `set -e`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import yaml  # BaseLoader: `true` and `on` stay texts
from expressions import azure_text, azure_value
from machines import ROOT, Machine

PIPELINES = ROOT / "specs" / "pipelines"
_SET = re.compile(r"^##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)$", re.MULTILINE)


@attrs.define
class Ran:
    """A job that ran."""

    code: int = 0
    log: str = ""
    outputs: dict[str, str] = attrs.Factory(dict)
    connections: list[str] = attrs.Factory(list)


def jobs_of(variables: Mapping[str, str]) -> list[str]:
    """The jobs of a run that was begun so, as stage and job, but for those that hang on others."""
    found = []
    for stage in _pipeline()["stages"]:
        if "dependencies." not in stage["condition"] and azure_value(stage["condition"], {"variables": variables}):
            found += [
                f"{stage['stage']}.{job['job']}"
                for job in stage["jobs"]
                if azure_value(job.get("condition", "true"), {"variables": variables})
            ]
    return found


def run_job(
    machine: Machine, name: str, variables: Mapping[str, str], *, sources: Path, outputs: Mapping[str, str] = {}
) -> Ran:
    """
    Run a job of specs/pipelines/azure-pipelines.yml.

    Args:
        machine: Where.
        name: Stage and job, as `review.plan`.
        variables: Of the run and of the pipeline; they win over those in the file.
        sources: The folder with the checkouts `desired` and `reconciler`.
        outputs: What the job `plan` of the stage `plan` hands on.
    """
    file = _pipeline()
    stage = next(each for each in file["stages"] if each["stage"] == name.partition(".")[0])
    job = next(each for each in stage["jobs"] if name.partition(".")[2] in (each.get("job"), each.get("deployment")))
    own = {key: _handed_on(value, outputs) for key, value in job.get("variables", {}).items()}
    all_of = {**file["variables"], **own, **_predefined(machine, sources), **variables}
    ran = Ran()
    steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
    for step in _with_templates(steps):
        if ran.code == 0 or azure_value(step.get("condition", "false"), {}):
            _take(machine, step, all_of, ran)
    return ran


def _pipeline() -> dict[str, Any]:
    return yaml.load((PIPELINES / "azure-pipelines.yml").read_text(), yaml.BaseLoader)


def _handed_on(value: str, outputs: Mapping[str, str]) -> str:
    """A variable of a job that stands for an output of one before."""
    expression = value.removeprefix("$[").removesuffix("]")
    return azure_value(expression, {"stageDependencies": {"plan": {"plan": {"outputs": outputs}}}})


def _predefined(machine: Machine, sources: Path) -> dict[str, str]:
    """Source: https://learn.microsoft.com/azure/devops/pipelines/build/variables."""
    folders = {"Agent.TempDirectory": "temp", "Build.ArtifactStagingDirectory": "a"}
    for folder in folders.values():
        (machine.folder / folder).mkdir(exist_ok=True)
    machine.install(machine.folder / "temp" / "reconciler")
    made = {name: str(machine.folder / folder) for name, folder in folders.items()}
    return {**made, "Build.SourcesDirectory": str(sources), "System.AccessToken": "token", "TF_BUILD": "True"}


def _with_templates(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        if "template" in step:
            assert "@" not in step["template"], "what is in another repository may change"
            found += yaml.load((PIPELINES / step["template"]).read_text(), yaml.BaseLoader)["steps"]
        else:
            found.append(step)
    return found


def _take(machine: Machine, step: Mapping[str, Any], variables: Mapping[str, str], ran: Ran) -> None:
    """One step."""
    match step:
        case {"checkout": _} | {"publish": _} | {"task": "UsePythonVersion@0" | "PublishTestResults@2"}:
            return
        case {"bash": script}:
            where = step
        case {"task": "AzureCLI@2", "inputs": {"scriptType": "bash", "inlineScript": script} as where}:
            ran.connections.append(where["azureSubscription"])
        case _:
            raise NotImplementedError(step)
    secret = {"System.AccessToken", "SLACK_WEBHOOK"}  # such are given to a step where it says so, and not otherwise
    public = {re.sub(r"\W", "_", key).upper(): value for key, value in variables.items() if key not in secret}
    own = {key: azure_text(value, variables) for key, value in step.get("env", {}).items()}
    done = machine.bash(
        script,
        cwd=Path(azure_text(where.get("workingDirectory", "$(Build.SourcesDirectory)"), variables)),
        env={**public, **own},
        options=(),
    )
    assert "$(" not in re.sub(r"\$\((?:git|python3) .*\)", "", script), "a macro would become a part of the script"
    ran.code, ran.log = done.code, ran.log + done.text
    if step.get("target", {}).get("settableVariables") != "none":
        ran.outputs |= {f"{step.get('name', '')}.{name}": value for name, value in _SET.findall(done.text)}
