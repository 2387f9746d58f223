"""`--base` and `--mark`: no memory but a ref."""

from __future__ import annotations

import json
import os
import subprocess

import httpx
import pytest

REF = "refs/reconciler/prod"


@pytest.fixture
def git(tmp_path, releases):
    """Runs git in the folder of the files, where they are committed."""
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    named = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(*arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **own, **named}, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    run("init", "-q", "-b", "main")
    run("add", "registry.yaml")
    run("commit", "-q", "-m", "first")
    return run


@pytest.fixture
def applied(git, emulator, reconciler):
    """What was committed was applied, and is marked; runs the command there."""
    emulator.push("shop/api:v1", content=b"v1")

    def run(*arguments: str):
        return reconciler(*arguments, RECONCILER_REGISTRY=emulator.url)

    done = run("apply", "registry.yaml", "--state", "none", "--mark", REF, "--auto-approve")
    assert 0 == done.code, done.stderr
    assert f"Marked    {REF} at {git('rev-parse', 'HEAD')[:12]}\n" in done.stderr
    return run


def _unlock(emulator) -> None:
    flags = {"deleteEnabled": True}
    assert 200 == httpx.patch(f"{emulator.url}/acr/v1/shop%2Fapi/_tags/v1", json=flags).status_code


def test_the_files_of_then_tell_who_moved(applied, git, emulator, tmp_path):
    """And nothing is kept beside them."""
    _unlock(emulator)
    file = tmp_path / "registry.yaml"
    file.write_text(file.read_text().replace("writeEnabled: false", "writeEnabled: true"))

    done = applied("plan", "registry.yaml", "--base", REF, "--format", "json")

    (change,) = json.loads(done.stdout)["changes"]
    assert {"deleteEnabled": "drift", "writeEnabled": "config"} == change["causes"]
    assert {"commit": git("rev-parse", "HEAD")} == json.loads(done.stdout)["base"]
    assert not (tmp_path / ".reconciler").exists()


def test_drift_is_told_and_healed_by_git_alone(applied, emulator):
    """With the exit codes that drift always has."""
    _unlock(emulator)

    codes = [applied("drift", "registry.yaml", "--base", REF, *more).code for more in ([], ["--heal"], [])]

    assert [2, 0, 0] == codes


def test_the_ref_moves_only_when_everything_ended_verified(applied, git, emulator, tmp_path, start_emulator):
    """And never to a commit that does not hold the files."""
    first = git("rev-parse", REF)
    file = tmp_path / "registry.yaml"
    file.write_text(file.read_text().replace("writeEnabled: false", "writeEnabled: true"))
    dirty = applied("apply", "registry.yaml", "--base", REF, "--mark", REF, "--auto-approve")
    git("commit", "-qam", "second")
    emulator.clear_requests()

    refused = applied("apply", "registry.yaml", "--base", REF, "--mark", REF, "--auto-approve", "--max-loosen", "0")
    still = git("rev-parse", REF)
    done = applied("apply", "registry.yaml", "--base", REF, "--mark", REF, "--auto-approve")

    assert (1, 1, 0) == (dirty.code, refused.code, done.code)
    assert "--mark: registry.yaml: not as in HEAD" in dirty.stderr
    assert first == still
    assert git("rev-parse", "HEAD") == git("rev-parse", REF)


def test_a_plan_that_was_made_by_git_is_applied_without_a_memory(applied, emulator, tmp_path):
    """Its basis is a commit, so there is no serial to compare."""
    _unlock(emulator)
    assert 0 == applied("plan", "registry.yaml", "--base", REF, "--out", "plan.json").code

    done = applied("apply", "plan.json", "--auto-approve")

    assert 0 == done.code, done.stderr
    assert not (tmp_path / ".reconciler").exists()


@pytest.mark.parametrize("option", ["--mark", "--base", "--accept"])
def test_options_for_files_do_not_go_with_a_plan(applied, option):
    """A saved plan does just what it says."""
    assert 0 == applied("plan", "registry.yaml", "--base", REF, "--out", "plan.json").code

    done = applied("apply", "plan.json", "--auto-approve", option, REF)

    assert 1 == done.code
    assert f"error: {option} goes with files" in done.stderr


def test_what_was_not_read_in_full_is_not_marked(applied, git, emulator, tmp_path):
    """The ref would say that something is so that nobody looked at."""
    emulator.push("shop/api:v2", content=b"v2")
    assert 200 == httpx.patch(f"{emulator.url}/acr/v1/shop%2Fapi/_tags/v2", json={"listEnabled": False}).status_code
    before = git("rev-parse", REF)
    git("commit", "-q", "--allow-empty", "-m", "second")

    options = ["--state", "none", "--allow-incomplete", "--mark", REF, "--auto-approve"]
    done = applied("apply", "registry.yaml", *options)

    assert before == git("rev-parse", REF)
    assert 0 == done.code
    assert "Not marked: not everything that the files declare is so, or was read" in done.stderr


def test_a_plan_that_was_made_by_git_does_not_take_a_memory_that_is_named(applied):
    """Whoever names one means it, and this plan would not look at it."""
    assert 0 == applied("plan", "registry.yaml", "--base", REF, "--out", "plan.json").code

    done = applied("apply", "plan.json", "--auto-approve", "--state", "prod.json")

    assert 1 == done.code
    assert "it was made on a commit, and --state names a memory" in done.stderr
