"""Files that no answer may replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.kept_files import why_kept

NOBODY = "http://127.0.0.1:9"
MEMORY = "the memory, or what is kept beside it"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a memory, and other names for what is in it."""
    for name in ("state.json", "state.json.debts", "alerts.yaml", "ca.pem"):
        (tmp_path / name).write_text("kept")
    (tmp_path / "link").symlink_to("state.json")
    (tmp_path / "dangling").symlink_to("state.json.journal")
    (tmp_path / "hard").hardlink_to(tmp_path / "state.json.debts")
    (tmp_path / "here").symlink_to(".")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("state.json", MEMORY),
        ("here/state.json", MEMORY),
        ("state.json.journal", MEMORY),
        (".state.json.guard", MEMORY),
        ("link", MEMORY),
        ("dangling", MEMORY),
        ("hard", MEMORY),
        ("here/alerts.yaml", "the file of --alerts"),
        ("ca.pem", "the file of --ca-bundle"),
        ("state.jsonl", ""),
        ("state", ""),
        ("plan.json", ""),
    ],
)
@pytest.mark.parametrize("place", ["state.json", "link"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_what_the_run_keeps_is_known_by_every_name(folder, name, says, place, scheme):
    """Also what is not there yet; and other files are none of it."""
    options = {
        "state": f"{scheme}{folder}/{place}",
        "alerts": str(folder / "alerts.yaml"),
        "ca_bundle": str(folder / "ca.pem"),
    }

    assert says == why_kept(str(folder / name), options)


@pytest.mark.parametrize("state", ["none", "az://state/state.json", None])
def test_a_memory_elsewhere_keeps_no_file_here(folder, state):
    """Its name says nothing about files."""
    assert "" == why_kept(str(folder / "state.json"), {"state": state})


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            "drift registry.yaml --format json=.reconciler/state.json",
            "--format json=.reconciler/state.json: the answer would replace the memory, or what is kept beside it",
        ),
        (
            "drift registry.yaml --alerts registry.yaml.alerts --format markdown=registry.yaml.alerts",
            "--format markdown=registry.yaml.alerts: the answer would replace the file of --alerts",
        ),
        (
            "drift registry.yaml --alert jsonlines:new.jsonl --format json=./new.jsonl",
            "--format json=./new.jsonl: alerts are appended to that file",
        ),
        ("plan registry.yaml --out .reconciler/state.json", "--out .reconciler/state.json: the plan would replace the"),
        ("apply registry.yaml --state a --format text=a.debts", "--format text=a.debts: the answer would replace the"),
        ("rollback latest --out .reconciler/state.json.lock", "--out .reconciler/state.json.lock: the plan would"),
        ("show registry.yaml --format text=ours.json", "--format text=ours.json: the answer would replace the memory"),
        ("export --force --out ours.json.backup", "--out ours.json.backup: the file would replace the memory"),
    ],
)
def test_no_command_writes_over_what_is_kept(reconciler, releases, tmp_path: Path, words: str, problem: str):
    """It is refused before anything is read, and everything is as it was."""
    (tmp_path / ".reconciler").mkdir()
    (tmp_path / ".reconciler" / "state.json").write_text("kept")
    (tmp_path / "registry.yaml.alerts").write_text("version: 1\nsinks: [{github: }]\n")
    environment = {} if words.startswith("drift") or "--state" in words else {"RECONCILER_STATE": "ours.json"}

    done = reconciler(*words.split(), RECONCILER_REGISTRY=NOBODY, **environment)

    assert (1, "") == (done.code, done.stdout)
    assert done.stderr.startswith(f"error: {problem}")
    assert [".reconciler", "registry.yaml", "registry.yaml.alerts"] == sorted(path.name for path in tmp_path.iterdir())
    assert "kept" == (tmp_path / ".reconciler" / "state.json").read_text()
