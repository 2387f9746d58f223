"""
What GitHub says began a workflow: the parts of the payloads that a workflow may look at.

Source: https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

from typing import Any

from github_runner import Event

_REPOSITORY = {"id": 1, "name": "registry", "full_name": "contoso/app", "default_branch": "main", "private": False}
_FORK = {"id": 2, "name": "registry", "full_name": "mallory/registry", "default_branch": "main", "fork": True}
HOSTILE = '$(touch owned) `touch owned` ${{ github.token }} "; touch owned #'


def pull_request(action: str = "opened", *, fork: bool = False) -> Event:
    """A pull request whose title and branch are a try to be run."""
    head = {"ref": "x;touch${IFS}owned", "sha": "b" * 40, "label": "mallory:x", "repo": _FORK if fork else _REPOSITORY}
    payload: dict[str, Any] = {
        "action": action,
        "number": 7,
        "pull_request": {
            "number": 7,
            "state": "open",
            "title": HOSTILE,
            "body": HOSTILE,
            "head": head,
            "base": {"ref": "main", "sha": "a" * 40, "repo": _REPOSITORY},
            "user": {"login": "mallory"},
        },
        "repository": _REPOSITORY,
        "sender": {"login": "mallory"},
    }
    if action == "synchronize":
        payload |= {"before": "c" * 40, "after": "b" * 40}
    return Event("pull_request", "refs/pull/7/merge", payload, token="ghs_fork" if fork else "ghs_workflow")


def push(branch: str = "main") -> Event:
    """Something was merged."""
    commit = {"id": "b" * 40, "message": HOSTILE, "modified": ["registry.yaml"]}
    payload = {"ref": f"refs/heads/{branch}", "before": "a" * 40, "after": "b" * 40, "head_commit": commit}
    return Event("push", f"refs/heads/{branch}", {**payload, "commits": [commit], "repository": _REPOSITORY})


def dispatch(branch: str = "main") -> Event:
    """Somebody pressed the button, perhaps on another branch."""
    payload = {"ref": f"refs/heads/{branch}", "inputs": None, "workflow": ".github/workflows/apply.yml"}
    return Event("workflow_dispatch", f"refs/heads/{branch}", {**payload, "repository": _REPOSITORY})


def schedule() -> Event:
    """It is time."""
    return Event("schedule", "refs/heads/main", {"schedule": "17 * * * *", "repository": _REPOSITORY})
