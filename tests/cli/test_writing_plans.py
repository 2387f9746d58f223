"""Where `plan --out` writes, and what it leaves alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reconciler.errors import RefusedError
from reconciler.files.writing import write_atomically


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path):
    """Whoever keeps plans elsewhere and links to them finds the new one there."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "one.json").write_text("old")
    (tmp_path / "plan.json").symlink_to("kept/one.json")

    write_atomically(str(tmp_path / "plan.json"), b"new")

    assert "kept/one.json" == str((tmp_path / "plan.json").readlink())
    assert "new" == (tmp_path / "kept" / "one.json").read_text()
    assert ["one.json"] == _names(tmp_path / "kept")


def test_a_link_to_nothing_makes_its_target(tmp_path: Path):
    """As `>` of the shell does."""
    (tmp_path / "plan.json").symlink_to("later.json")

    write_atomically(str(tmp_path / "plan.json"), b"new")

    assert (tmp_path / "plan.json").is_symlink()
    assert "new" == (tmp_path / "later.json").read_text()


def test_a_device_is_written_into_and_not_replaced(tmp_path: Path):
    """A plan that is not wanted may go to /dev/null, which stays a device."""
    (tmp_path / "nowhere").symlink_to("/dev/null")

    write_atomically(str(tmp_path / "nowhere"), b"new")

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert (tmp_path / "nowhere").is_symlink()


def test_a_pipe_is_written_into_and_not_replaced(tmp_path: Path):
    """Whoever reads from it gets the whole plan, however long it is."""
    os.mkfifo(tmp_path / "pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_bytes()))
    reader.start()

    write_atomically(str(tmp_path / "pipe"), b"new" * 100_000)
    reader.join()

    assert [b"new" * 100_000] == received
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o640])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, mode):
    """A plan that only its owner may read stays so."""
    (tmp_path / "plan.json").write_text("old")
    (tmp_path / "plan.json").chmod(mode)

    write_atomically(str(tmp_path / "plan.json"), b"new")

    assert mode == _mode(tmp_path / "plan.json")
    assert "new" == (tmp_path / "plan.json").read_text()


@pytest.mark.parametrize(("mask", "mode"), [("077", 0o600), ("027", 0o640), ("002", 0o664)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, mask, mode):
    """As every other program does."""
    code = "from reconciler.files.writing import write_atomically; write_atomically('plan.json', b'new')"

    subprocess.run(["bash", "-c", f'umask {mask}; "{sys.executable}" -c "{code}"'], cwd=tmp_path, check=True)

    assert mode == _mode(tmp_path / "plan.json")


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path):
    """The file that is written first has a short name of its own."""
    write_atomically(str(tmp_path / ("p" * 255)), b"new")

    assert ["p" * 255] == _names(tmp_path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("{folder}", "a folder"),
        ("{folder}/no/such.json", "No such file or directory"),
        ("{folder}/loop", "Too many levels of symbolic links"),
        ("{folder}/full", "No space left on device"),
        ("/sys/plan.json", "Permission denied|Read-only file system"),
        ("/dev/fd/987", "Bad file descriptor"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, path, reason):
    """With the name as it was given, and nothing half-written is left behind."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "full").symlink_to("/dev/full")
    named = path.format(folder=tmp_path)

    with pytest.raises(RefusedError, match=f"^{named}: (cannot be written: )?({reason})$"):
        write_atomically(named, b"new")

    assert ["full", "loop"] == _names(tmp_path)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_plan_can_go_to_stdout_before_the_answer(emulator, reconciler, releases, tmp_path: Path, name):
    """Also where that is a file: neither of them overwrites the other."""
    emulator.push("team/app:v1", content=b"one")
    command = f'"{sys.executable}" -m reconciler plan {releases} -q --registry {emulator.url} --out {name} > both.txt'

    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)

    both = (tmp_path / "both.txt").read_text()
    assert both.startswith("{")
    assert both.endswith("  0 in sync, 0 unmanaged.\n")
    assert 1 == both.count('"format_version"')


def test_an_empty_name_for_the_plan_is_an_error(reconciler, releases):
    """It is a variable that was not set, and no wish to go without the file."""
    done = reconciler("plan", releases, "--registry", "http://127.0.0.1:9", "--out", "")

    assert (1, "", "error: --out: the name is empty\n  Is a variable not set?\n") == (
        done.code,
        done.stdout,
        done.stderr,
    )


@pytest.mark.parametrize("out", ["registry.yaml", "./registry.yaml", "link.yaml"])
@pytest.mark.parametrize("files", ["registry.yaml", "."])
def test_the_plan_does_not_replace_what_it_is_made_from(reconciler, releases, tmp_path: Path, out, files):
    """An input is never overwritten; nothing is read before that is told."""
    (tmp_path / "link.yaml").symlink_to(releases)
    before = (tmp_path / releases).read_text()

    done = reconciler("plan", files, "--registry", "http://127.0.0.1:9", "--out", out)

    assert (1, "") == (done.code, done.stdout)
    assert f"error: --out {out}: the plan would replace a file that it is made from\n" == done.stderr
    assert before == (tmp_path / releases).read_text()
