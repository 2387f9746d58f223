"""
GitLab's runner, as far as our jobs need it: `before_script:` and `script:` as they stand in the file.

A keyword that is not known here is an error, so that a new one is thought about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import yaml  # BaseLoader: `true` and `on` stay texts
from expressions import gitlab_holds
from machines import PATH, ROOT, Machine

FILE = ROOT / "specs" / "pipelines" / "gitlab-ci.yml"
_KEYWORDS = {
    *("artifacts", "before_script", "environment", "extends", "id_tokens", "interruptible", "needs", "resource_group"),
    *("rules", "script", "stage", "variables"),
}
_MAY_LACK = dict.fromkeys(
    ["CI_COMMIT_BRANCH", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID", "CI_MERGE_REQUEST_IID"]
)


@attrs.frozen
class Ran:
    """A job that ran: its exit code, what it printed, and what it hands on to the jobs after it."""

    code: int
    log: str
    handed_on: Mapping[str, str]


def jobs_of(variables: Mapping[str, str]) -> dict[str, str]:
    """The jobs of a pipeline that was begun so, each with its `when`."""
    found = {}
    for name, job in _file().items():
        rules = job.get("rules", []) if isinstance(job, dict) and not name.startswith(".") else []
        for rule in rules:
            if gitlab_holds(rule["if"], {**_MAY_LACK, **variables}):
                found[name] = rule.get("when", "on_success")
                break
    return found


def run_job(machine: Machine, name: str, variables: Mapping[str, str], *, workspace: Path, ending: str = "") -> Ran:
    """
    Run a job of specs/pipelines/gitlab-ci.yml.

    Args:
        machine: Where.
        name: Of the job.
        variables: Of the pipeline, of the project, and what jobs before handed on; they win over those in the file.
        workspace: The checkout.
        ending: A script that runs after that of the job, in the same shell.
    """
    file = _file()
    job = file[name]
    parent = file[job["extends"]] if "extends" in job else {}
    assert {*job, *parent} <= _KEYWORDS
    tokens = dict.fromkeys(parent.get("id_tokens", {}), "token of this job")
    given = {**file["variables"], **parent.get("variables", {}), **job.get("variables", {}), **variables, **tokens}
    script = "\n".join([*parent.get("before_script", []), *job.get("before_script", []), *job["script"], ending])
    done = machine.bash(
        script,
        cwd=workspace,
        env={key: _expanded(value, given) for key, value in given.items()}
        | {"PATH": f"{machine.install(machine.folder / 'image')}:{PATH}", "GITLAB_CI": "true"},
        options=("-eo", "pipefail"),  # Source: https://docs.gitlab.com/runner/shells/
    )
    report = job.get("artifacts", {}).get("reports", {}).get("dotenv")
    lines = (workspace / report).read_text().splitlines() if report and not done.code else []
    return Ran(done.code, done.text, dict(line.split("=", 1) for line in lines))


def _file() -> dict[str, Any]:
    return yaml.load(FILE.read_text(), yaml.BaseLoader)


def _expanded(value: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda match: variables[match[1]], value)
