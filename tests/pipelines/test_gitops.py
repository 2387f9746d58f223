"""The whole way, with a remote, two people, a forge and a registry: from what is there to what is kept so."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from events import pull_request, push, schedule
from forges.fake_github import FakeGitHub
from git_commands import git
from github_runner import BASH, Job, run_job
from machines import PATH, Machine
from servers import ScriptedServer, reply, scripted

from reconciler.emulator import EmbeddedEmulator

RELEASES = '    tags:\n      - match: "v*"\n        protect: immutable\n'


@attrs.frozen
class Place:
    """A registry, a Git remote beside it, a forge that runs our workflows on checkouts of it, and a webhook."""

    folder: Path
    machine: Machine
    registry: EmbeddedEmulator
    forge: FakeGitHub
    hook: ScriptedServer

    def clone(self, name: str, branch: str = "main") -> Path:
        """A checkout of a branch of the remote."""
        git(self.folder, f"clone -q --branch {branch} remote.git {name}")
        return self.folder / name

    def job(self, name: str, event, *, of: Path, **needs: dict[str, str]) -> Job:
        """Run a job, as `workflow.job`, on a checkout."""
        workflow, _, job = name.partition(".")
        return run_job(
            self.machine,
            workflow,
            job,
            event,
            workspace=of,
            settings={"REGISTRY": self.registry.url, "STATE": str(self.folder / "state.json")},
            needs=needs,
            api_url=self.forge.url,
        )

    def person(self, command: str, *, at: Path) -> str:
        """What a command prints that a person types, which goes well."""
        path = f"{self.machine.install(self.machine.folder / 'laptop')}:{PATH}"
        env = {"PATH": path, "RECONCILER_REGISTRY": self.registry.url, "RECONCILER_STATE": f"{self.folder}/state.json"}
        done = self.machine.bash(command, cwd=at, env=env, options=BASH)
        assert 0 == done.code, done.text
        return done.text

    def told(self) -> list[tuple[str, str]]:
        """What the webhook was told since it was asked last: the status of each address."""
        events = [event for request in self.hook.requests for event in json.loads(request.body)]
        self.hook.requests.clear()
        return [(event["subject"], event["data"]["status"]) for event in events]


@pytest.fixture
def place(tmp_path, runner, emulator):
    """A registry with a release, and an empty remote."""
    emulator.push("shop/api:v1.0.0", content=b"one")
    git(tmp_path, "init -q --bare remote.git\nclone -q remote.git alice")
    with FakeGitHub() as forge, scripted() as hook:
        hook.on("*", reply(200, {}))
        yield Place(tmp_path, runner, emulator, forge, hook)


def test_from_what_is_there_to_what_is_kept_so(place):
    """Export, review, merge, approval, apply, drift, alert and heal; and an approval that is stale is refused."""
    # Alice writes down what is there. Merged and applied, that changes nothing; from now on it is remembered.
    alice = place.folder / "alice"
    place.person("reconciler export --rules --out registry.yaml", at=alice)
    (alice / "alerts.yaml").write_text(f"version: 1\nsinks:\n  - webhook: {{url: '{place.hook.url}/hook'}}\n")
    git(alice, "add -A\ncommit -q -m 'What is there'\npush -q origin main")
    first = place.clone("first")
    begun = place.job("apply.apply", push(), of=first, plan=place.job("apply.plan", push(), of=first).outputs)
    assert "success" == begun.result, begun.log
    assert [] == place.registry.requests("PATCH")

    # Bob wants releases to be immutable. The pull request shows what that would change, in one comment.
    bob = place.clone("bob")
    file = bob / "registry.yaml"
    file.write_text('version: 1\nrepositories:\n  - match: "**"\n' + RELEASES)
    git(bob, "switch -q -c releases\ncommit -q -a -m 'Lock releases'\npush -q origin releases")
    request = place.clone("request", "releases")
    reviewed = place.job("plan.plan", pull_request(), of=request)
    again = place.job("plan.plan", pull_request("synchronize"), of=request)
    assert ("success", "success") == (reviewed.result, again.result), reviewed.log + again.log
    (comment,) = place.forge.texts()
    assert comment == reviewed.artifacts["registry-plan"]["plan.md"] == again.artifacts["registry-plan"]["plan.md"]
    assert ("2 to update" in comment, 1) == (True, place.forge.writes)
    assert not (request / "owned").exists()

    # Alice merges. The plan of main is the one that was reviewed; while it waits for approval, somebody pushes.
    git(alice, "fetch -q\nmerge -q --no-ff -m 'Merge releases' origin/releases\npush -q origin main")
    main = place.clone("merged")
    planned = place.job("apply.plan", push(), of=main)
    assert planned.outputs["fingerprint"] in comment
    assert "deleteEnabled" in planned.summary
    place.registry.push("shop/api:v1.1.0", content=b"two")
    stale = place.job("apply.apply", push(), of=main, plan=planned.outputs)
    assert "failure" == stale.result
    assert "the plan is not the one that was approved; nothing was changed" in stale.log
    assert [] == place.registry.requests("PATCH")

    # Run again, there is a new plan to approve, and it is applied; once more, there is nothing left to do.
    planned = place.job("apply.plan", push(), of=main)
    applied = place.job("apply.apply", push(), of=main, plan=planned.outputs)
    assert "success" == applied.result, applied.log
    assert "4 verified" in applied.log
    assert applied.summary.startswith("<!-- reconciler:apply")
    written = len(place.registry.requests("PATCH"))
    repeated = place.job("apply.apply", push(), of=main, plan=planned.outputs)
    assert "Nothing is left to do of the plan that was approved: it was applied as run" in repeated.log
    assert ("success", written) == (repeated.result, len(place.registry.requests("PATCH")))

    # Somebody unlocks a release behind its back. The next run finds it, is red, and tells it.
    place.registry.patch("shop/api:v1.0.0", writeEnabled=True)
    drifted = place.job("drift.drift", schedule(), of=main)
    assert ("failure", 2) == (drifted.result, drifted.code)
    assert drifted.summary.startswith("<!-- reconciler:drift")
    assert [("shop/api:v1.0.0", "firing")] == place.told()

    # Alice heals it, and what was told is over.
    place.person("reconciler drift registry.yaml --heal --alerts alerts.yaml", at=alice)
    assert "success" == place.job("drift.drift", schedule(), of=main).result
    assert [("shop/api:v1.0.0", "resolved")] == place.told()
    assert not place.registry.tag("shop/api:v1.0.0")["writeEnabled"]
