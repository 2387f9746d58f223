"""What `show` and `apply` take for a saved plan, and what they refuse to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.cli.plan_source import MAX_PLAN_BYTES, names_a_plan


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "/dev/null"])
def test_what_is_no_regular_file_is_not_shown(reconciler, tmp_path: Path, name):
    """It may never end, or never begin."""
    os.mkfifo(tmp_path / "pipe")

    done = reconciler("show", name)

    assert (1, "") == (done.code, done.stdout)
    assert f"error: {name}: not a regular file\n  - reads standard input\n" == done.stderr


def test_a_folder_is_not_shown(reconciler):
    """The words are the tool's own."""
    done = reconciler("show", ".")

    assert (1, "error: .: a folder, not a saved plan\n") == (done.code, done.stderr)


def test_a_file_of_more_than_a_plan_can_hold_is_not_shown(reconciler, tmp_path: Path):
    """It is refused before memory is set aside for it."""
    with (tmp_path / "plan.json").open("wb") as file:
        file.truncate(MAX_PLAN_BYTES + 1)

    done = reconciler("show", "plan.json")

    assert (1, "error: plan.json: more than 1,073,741,824 bytes; no plan is that long\n") == (done.code, done.stderr)


@pytest.mark.parametrize(
    ("name", "reason"), [("no-such.json", "No such file or directory"), ("n" * 5000, "File name too long")]
)
def test_a_plan_that_cannot_be_read_is_told(reconciler, name, reason):
    """With its name and the reason."""
    done = reconciler("show", name)

    assert (1, f"error: {name}: cannot be read: {reason}\n") == (done.code, done.stderr)


def test_names_that_cannot_be_looked_at_are_no_plans(tmp_path: Path):
    """Whoever reads them as desired state says what is wrong."""
    os.mkfifo(tmp_path / "pipe")

    assert [False] * 6 == [
        names_a_plan((name,))
        for name in ("n" * 5000, str(tmp_path), str(tmp_path / "pipe"), "/proc/1/mem", "no-such.json", "a\0b")
    ]


def test_a_dash_is_standard_input_and_no_file(reconciler, tmp_path: Path):
    """Also where a file bears that name."""
    (tmp_path / "-").write_text('{"base": "", "blocked": []}')

    done = reconciler("apply", "-", "--auto-approve", stdin="version: 1\nrepositories: [{match: team/app}]\n")

    assert "error: -:" in done.stderr
    assert "plan" not in done.stderr
