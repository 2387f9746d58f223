"""Several formats at once, and where each of them goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOBODY = "http://127.0.0.1:9"


def _statuses(report: Path) -> list[str]:
    return [each["status"] for each in json.loads(report.read_text())["outcomes"]]


@pytest.fixture
def saved(emulator, reconciler, releases) -> str:
    """A saved plan with two changes."""
    emulator.push("team/app:v1", content=b"one")
    reconciler("plan", releases, "--registry", emulator.url, "--out", "plan.json", "-q")
    return "plan.json"


def test_one_format_goes_to_stdout_and_the_others_to_their_files(reconciler, saved, tmp_path: Path):
    """Each as it would be alone."""
    alone = {name: reconciler("show", saved, "--format", name).stdout for name in ("text", "json")}

    both = reconciler("show", saved, "--format", "json=copy.json", "--format", "text")
    files_only = reconciler("show", saved, RECONCILER_FORMAT="json=other.json text=plan.txt")

    assert (0, alone["text"]) == (both.code, both.stdout)
    assert alone["json"] == (tmp_path / "copy.json").read_text() == (tmp_path / "other.json").read_text()
    assert (0, "", "") == (files_only.code, files_only.stdout, files_only.stderr)
    assert alone["text"] == (tmp_path / "plan.txt").read_text()


@pytest.mark.parametrize(
    ("formats", "problem"),
    [
        (["text", "json"], "--format: text and json would both go to stdout"),
        (["text", "json=-"], "--format: text and json would both go to stdout"),
        (["json="], "--format json=: the name is empty"),
        (["json=a", "text=./a"], "--format text=./a: --format json=a goes to that file too"),
        (["json=out.json"], "--format json=out.json: --out out.json goes to that file too"),
        (["json=no/such"], "--format json=no/such: cannot be written: No such file or directory"),
        (["json=."], "--format json=.: a folder"),
        (["json=link"], "--format json=link: the answer would replace a file that it is made from"),
        (["yaml"], "Invalid value for '--format': 'yaml' is not one of 'text', 'json'"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_read(reconciler, releases, tmp_path: Path, formats, problem):
    """One clear error, no request, and no file."""
    (tmp_path / "link").symlink_to(releases)
    options = [word for each in formats for word in ("--format", each)]

    done = reconciler("plan", releases, "--registry", NOBODY, "--out", "out.json", *options)

    assert (1, "") == (done.code, done.stdout)
    assert done.stderr.startswith(f"error: {problem}")
    assert ["link", "registry.yaml"] == sorted(path.name for path in tmp_path.iterdir())


def test_an_apply_shows_the_plan_on_stderr_and_the_report_in_the_files(emulator, reconciler, releases, tmp_path: Path):
    """Where only files are named nothing goes to stdout; a file in text holds both, as stdout would."""
    emulator.push("team/app:v1", content=b"one")
    formats = ("--format", "json=report.json", "--format", "text=apply.txt")

    done = reconciler("apply", releases, "--registry", emulator.url, "--auto-approve", *formats)

    assert (0, "") == (done.code, done.stdout)
    assert f"Plan for {emulator.url}: 2 to update (2 tighten)." in done.stderr
    assert ["verified"] * 2 == _statuses(tmp_path / "report.json")
    told = (tmp_path / "apply.txt").read_text()
    assert told.startswith("team/app\n")
    assert told.endswith(f"\nApplied to {emulator.url}: 2 verified.\n")


def test_drift_answers_in_files_too(emulator, reconciler, releases, tmp_path: Path):
    """And what heals it writes its report there."""
    emulator.push("team/app:v1", content=b"one")
    to_registry = ("--registry", emulator.url, "-q")
    reconciler("apply", releases, *to_registry, "--auto-approve")
    emulator.patch("team/app:v1", writeEnabled=True)

    told = reconciler("drift", releases, *to_registry, "--format", "json=drift.json", "--format", "text")
    healed = reconciler("drift", releases, *to_registry, "--heal", "--format", "json=report.json")

    assert (2, 0, "") == (told.code, healed.code, healed.stdout)
    assert "loosened" in told.stdout
    assert ["team/app:v1"] == [each["address"] for each in json.loads((tmp_path / "drift.json").read_text())["drift"]]
    assert ["verified"] == _statuses(tmp_path / "report.json")
