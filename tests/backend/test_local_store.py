"""A store in a folder: its promises, and what a crash, a full disk and a wrong file do to it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_contract import PROMISES, UNMEASURED

from reconciler.backend.local import FileStore
from reconciler.errors import BackendError, ConflictError

# For each line that it reads: a fork of it writes until it is killed, then it says so.
WRITERS = """
import os, sys
from reconciler.backend.local import FileStore
for _ in sys.stdin:
    writer = os.fork()
    if writer:
        os.waitpid(writer, 0)
        print("gone", flush=True)
        continue
    store, turn = FileStore(sys.argv[1]), 0
    print(os.getpid(), flush=True)
    while True:
        blob = store.read("")
        turn += 1
        store.write("", (b"%d" % (turn % 10)) * 300_000, replaces=blob.version if blob else None)
"""
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the memory goes, in a folder that is not there yet."""
    return tmp_path / "deep" / "state.json"


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_folder_keeps_the_promises_of_a_store(promise, path):
    """Those that every store makes."""
    promise(lambda: FileStore(str(path)))


def test_the_memory_before_the_last_is_kept(path):
    """Beside the new one, for whoever has to go back; of a lock or a journal there is none."""
    store = FileStore(str(path))
    version = store.write("", b"first", replaces=None)
    store.write("", b"second", replaces=version)
    lock = store.write(".lock", b"one", replaces=None)
    store.write(".lock", b"two", replaces=lock)

    names = {file.name for file in path.parent.iterdir()}

    assert b"first" == Path(f"{path}.backup").read_bytes()
    assert {"state.json", "state.json.backup", "state.json.lock", ".state.json.guard"} == names


def test_reading_makes_nothing(path):
    """No folder and no file: a plan may run where it may not write."""
    FileStore(str(path)).read("")

    assert not path.parent.exists()


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    """The lock stands beside the real file, so that two links to it are one place."""
    real, link = tmp_path / "real" / "prod.json", tmp_path / "state.json"
    real.parent.mkdir()
    link.symlink_to(real)

    FileStore(str(link)).write("", b"first", replaces=None)
    FileStore(str(link)).write(".lock", b"mine", replaces=None)

    assert link.is_symlink()
    assert b"first" == real.read_bytes()
    assert b"mine" == FileStore(str(real)).read(".lock").content


def test_the_mode_of_a_file_is_kept(path):
    """Whoever made it private meant it."""
    store = FileStore(str(path))
    version = store.write("", b"first", replaces=None)
    path.chmod(0o600)

    store.write("", b"second", replaces=version)

    assert 0o600 == path.stat().st_mode & 0o777


def test_killed_while_it_writes_the_old_or_the_new_one_is_there(path):
    """200 times, at any moment; nothing is left lying around, and the next write works."""
    random.seed(4711)
    store, found = FileStore(str(path)), set()
    command = [sys.executable, "-c", WRITERS, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=UNMEASURED) as writers:
        for _ in range(200):
            writers.stdin.write(b"\n")
            writers.stdin.flush()
            writer = int(writers.stdout.readline())
            time.sleep(random.random() * 0.02)
            os.kill(writer, signal.SIGKILL)
            assert b"gone\n" == writers.stdout.readline()

            blob = store.read("")

            assert blob is None or (300_000, 1) == (len(blob.content), len(set(blob.content)))
            found.add(blob and blob.content[:1])
    assert len(found) > 1
    blob = store.read("")
    store.write("", b"after all", replaces=blob.version if blob else None)
    names = {file.name for file in path.parent.iterdir()}
    assert {"state.json", "state.json.backup", ".state.json.guard"} == names


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_refused(path, kind):
    """At once, also a pipe that nobody writes to."""
    path.parent.mkdir()
    target = {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/zero")}
    target[kind]()

    with pytest.raises(BackendError, match="cannot be read: "):
        FileStore(str(path)).read("")


def test_a_folder_that_may_not_be_written_is_told(path):
    """The message says where, what and what now; what stands there can still be read."""
    FileStore(str(path)).write("", b"first", replaces=None)
    path.parent.chmod(0o555)
    code = (
        "import os, sys\n"
        "from reconciler.backend.local import FileStore\n"
        f"os.getuid() or os.setuid({NOBODY})\n"
        "store = FileStore(sys.argv[1])\n"
        "print(store.read('').content)\n"
        "store.write('', b'second', replaces=store.read('').version)\n"
    )
    for folder in path.parent.parents:  # root runs the child as somebody else, who has to get there
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
        if folder.name.startswith("pytest-of-"):
            break

    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)

    path.parent.chmod(0o755)
    assert "b'first'\n" == done.stdout, done.stderr
    assert f"{path}: cannot be written: permission denied; nothing there was changed\n  --state LOCATION" in done.stderr
    assert b"first" == path.read_bytes()


def _on_a_small_disk(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a place with a disk of 256 KiB at `folder`."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    inner = f"{' '.join(mount)} && exec {sys.executable} -c '{script}' {folder}"
    own_users = [] if os.getuid() == 0 else ["--map-root-user"]
    return subprocess.run(
        ["unshare", "--mount", *own_users, "sh", "-c", inner], capture_output=True, text=True, check=False, timeout=60
    )


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path):
    """The old memory is still there, whole, and no half of the new one."""
    if shutil.which("unshare") is None:
        pytest.fail("unshare (util-linux) is not installed, and a disk of a test's own needs it")
    script = (
        "import sys, os\n"
        "from reconciler.backend.local import FileStore\n"
        "from reconciler.errors import BackendError\n"
        'store = FileStore(sys.argv[1] + "/state.json")\n'
        'version = store.write("", b"x" * 100_000, replaces=None)\n'
        "try:\n"
        '    store.write("", b"y" * 400_000, replaces=version)\n'
        "except BackendError as error:\n"
        "    print(error)\n"
        'print(store.read("").content == b"x" * 100_000, sorted(os.listdir(sys.argv[1])))\n'
    )

    done = _on_a_small_disk(script, tmp_path)

    first, _, rest = done.stdout.partition("\n")
    assert f"{tmp_path}/state.json: cannot be written: the disk is full; nothing there was changed" == first, (
        done.stderr
    )
    assert rest.endswith("True ['.state.json.guard', 'state.json']\n")


def test_what_a_writer_left_that_was_killed_between_two_names_goes(path):
    """The backup and the memory are then one file under two names, and renaming one to the other does nothing."""
    store = FileStore(str(path))
    version = store.write("", b"first", replaces=None)
    os.link(path, f"{path}.backup")

    store.write("", b"second", replaces=version)

    names = {file.name for file in path.parent.iterdir()}
    assert {"state.json", "state.json.backup", ".state.json.guard"} == names


def test_what_belongs_to_another_store_is_left_alone(path):
    """Also where its name begins like our own new files: without its guard, two would write there at once."""
    store, other = FileStore(str(path)), FileStore(f"{path}.new-b")
    version = store.write("", b"first", replaces=None)
    other.write("", b"of somebody else", replaces=None)

    store.write("", b"second", replaces=version)

    names = {file.name for file in path.parent.iterdir()}
    assert {".state.json.new-b.guard", "state.json.new-b"} <= names


def test_deleting_in_a_folder_that_is_gone_is_a_conflict(path):
    """What was to be deleted is not there, and no folder is made to find that out."""
    with pytest.raises(ConflictError):
        FileStore(str(path)).delete(".lock", replaces="0b7e")

    assert not path.parent.exists()
