"""`explain` tells what became of a resource since it was last applied, as `drift` and `plan` do."""

from __future__ import annotations

import os
import subprocess

import pytest


@pytest.fixture
def run(emulator, reconciler, releases):
    """A registry with two releases that were protected by an apply; runs the command there."""
    for name in ("v1", "v2"):
        emulator.push(f"shop/api:{name}", content=name.encode())

    def run(*arguments: str):
        return reconciler(*arguments, RECONCILER_REGISTRY=emulator.url)

    done = run("apply", releases, "--auto-approve")
    assert 0 == done.code, done.stderr
    return run


def _open(emulator):
    emulator.patch("shop/api:v1", writeEnabled=True, deleteEnabled=True)


def _moved(emulator) -> tuple[str, str]:
    """Where the tag pointed, and where it points though it is locked again."""
    before = emulator.tag("shop/api:v1")["digest"]
    _open(emulator)
    after = emulator.push("shop/api:v1", content=b"other")
    emulator.patch("shop/api:v1", writeEnabled=False, deleteEnabled=False)
    return before, after


def test_a_tag_that_moved_though_locked_is_explained_so(run, emulator):
    """With both digests, and with what to do."""
    before, after = _moved(emulator)

    done = run("explain", "shop/api:v1", "registry.yaml")

    assert 0 == done.code, done.stderr
    assert (
        "\nLast applied → live: moved, though locked\n"
        "  digest\n"
        f"    {before}\n"
        f"    → {after}\n"
        "  Put the image back, or let apply --accept shop/api:v1 remember it as it is.\n\n"
    ) in done.stdout


def test_a_tag_that_went_though_locked_is_explained_so(run, emulator):
    """The registry does not hold it, and it was released."""
    before = emulator.tag("shop/api:v1")["digest"]
    _open(emulator)
    emulator.delete("shop/api:v1")

    done = run("explain", "shop/api:v1", "registry.yaml")

    assert 0 == done.code, done.stderr
    assert "\nLast applied → live: deleted, though locked\n" in done.stdout
    assert f"    {before}\n    → gone\n  Put the image back" in done.stdout


def test_an_attribute_that_drifted_is_explained_so(run, emulator):
    """With the command that undoes it."""
    emulator.patch("shop/api:v1", deleteEnabled=True)

    done = run("explain", "shop/api:v1", "registry.yaml")

    assert (
        "\nLast applied → live: loosened\n"
        "  deleteEnabled    false  → true\n"
        "  apply undoes it, and so does drift --heal.\n\n"
    ) in done.stdout
    assert "Last applied" not in run("explain", "shop/api:v2", "registry.yaml").stdout


def test_without_a_memory_nothing_is_said_of_drift(run, emulator):
    """All the rest is."""
    _moved(emulator)

    done = run("explain", "shop/api:v1", "registry.yaml", "--state", "none")

    assert 0 == done.code, done.stderr
    assert "Last applied" not in done.stdout
    assert "Live → after apply" in done.stdout


def test_a_memory_that_cannot_be_read_is_refused(run, tmp_path):
    """As plan refuses it, in the same words."""
    (tmp_path / ".reconciler/state.json").write_text("garbage")

    done, planned = run("explain", "shop/api:v1", "registry.yaml"), run("plan", "registry.yaml")

    assert (1, "", planned.stderr) == (done.code, done.stdout, done.stderr)


def test_the_files_of_then_tell_what_drifted(run, emulator, tmp_path):
    """Attribute by attribute; where a tag pointed they do not say."""
    named = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in ("init -q", "add registry.yaml", "commit -q -m first"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, env={**os.environ, **named}, check=True)
    emulator.patch("shop/api:v1", deleteEnabled=True)

    done = run("explain", "shop/api:v1", "registry.yaml", "--base", "HEAD")

    assert 0 == done.code, done.stderr
    assert "\nLast applied → live: loosened\n  deleteEnabled    false  → true\n" in done.stdout


def test_a_plan_tells_what_to_do_about_drift_that_it_does_not_undo(run, emulator):
    """As drift does."""
    _moved(emulator)

    done = run("plan", "registry.yaml")

    assert "let apply --accept ADDRESS" in " ".join(done.stdout.split())
