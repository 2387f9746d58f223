"""
Ask the real git: what stood where at a commit, and where a ref points.

Git's own program is asked because it alone knows every kind of repository: worktrees,
partial and shallow clones, alternates. Nothing that it is given can turn into an
option, nothing is fetched over the network, and what is read is read as it was committed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from reconciler.errors import RevisionError
from reconciler.files.wording import printable

_TIMEOUT_S = 60
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}
_REGULAR = ("100644", "100755", "100664")


@attrs.frozen
class Entry:
    """A file in a commit."""

    path: str  # from the top of the repository
    object_id: str
    is_regular: bool  # neither a link nor another repository


@attrs.frozen
class Repository:
    """The Git repository that holds a folder."""

    top: Path

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """
        The repository that holds `folder`.

        Raises:
            RevisionError: there is none, or Git does not want to look at it.
        """
        top = _run(folder, "rev-parse", "--show-toplevel").decode(errors="surrogateescape").removesuffix("\n")
        return cls(Path(top))

    def commit(self, revision: str) -> str:
        """The full id of the commit that `revision` names."""
        if not revision.isprintable() or not revision:
            raise RevisionError(f'"{printable(revision)}": not a revision of Git')
        spelled = f"{revision}^{{commit}}"
        try:
            found = _run(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", spelled)
        except RevisionError:
            raise RevisionError(
                f"{printable(revision)}: the repository at {self.top} has no such revision\n"
                "  A clone in a pipeline often lacks it: fetch it, or clone with more depth (git fetch --unshallow)."
            ) from None
        return found.decode().strip()

    def ref(self, name: str) -> str | None:
        """The commit that a full ref name points at; None: there is no such ref."""
        try:
            return _run(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", name).decode().strip()
        except RevisionError:
            return None

    def files(self, commit: str, path: str) -> list[Entry]:
        """What stands at `path`, or below it, in a commit; `.` is everything."""
        listed = _run(self.top, "ls-tree", "-r", "-z", "--full-tree", commit, "--", path)
        return [_entry(row) for row in listed.split(b"\0") if row]

    def contents(self, entries: Sequence[Entry]) -> Iterator[bytes]:
        """The bytes of each file, in their order; one process for all of them."""
        asked = "".join(f"{entry.object_id}\n" for entry in entries).encode()
        answer = memoryview(_run(self.top, "cat-file", "--batch", given=asked))
        for entry in entries:
            end = bytes(answer[:200]).find(b"\n")
            words = bytes(answer[:end]).split()
            if words[1:2] != [b"blob"]:
                raise RevisionError(f"{entry.path}: Git does not have its content here\n  Fetch it (git fetch).")
            size = int(words[2])
            yield bytes(answer[end + 1 : end + 1 + size])
            answer = answer[end + 2 + size :]

    def checked_out(self) -> set[str]:
        """The branches that are checked out, in whatever worktree."""
        rows = _run(self.top, "worktree", "list", "--porcelain").decode(errors="surrogateescape").splitlines()
        return {row.removeprefix("branch ") for row in rows if row.startswith("branch ")}

    def move(self, ref: str, commit: str, previous: str | None) -> None:
        """
        Let `ref` point at `commit`, if it still points at `previous`.

        Raises:
            RevisionError: it does not.
        """
        old = previous or "0" * len(commit)
        _run(self.top, "update-ref", "--create-reflog", "-m", "reconciler apply", ref, commit, old)

    def is_ref_name(self, name: str) -> bool:
        """`name` is the full name of a ref."""
        try:
            _run(self.top, "check-ref-format", name)
        except RevisionError:
            return False
        return name.startswith("refs/")

    def hashes(self, paths: Sequence[Path]) -> list[str]:
        """The ids that the files would have if they were committed as they are."""
        if any("\n" in str(path) for path in paths):
            raise RevisionError("a file whose name has two lines cannot be compared with Git")
        asked = "".join(f"{path}\n" for path in paths).encode(errors="surrogateescape")
        return _run(self.top, "hash-object", "--stdin-paths", given=asked).decode().split()


def _entry(row: bytes) -> Entry:
    about, _, path = row.partition(b"\t")
    mode, _, object_id = about.decode().split()
    return Entry(path.decode(errors="surrogateescape"), object_id, mode in _REGULAR)


def _run(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What git prints."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours, or stand behind --end-of-options or --
            command,
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT},
            input=given,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise RevisionError("git is not installed, and --base and --mark need it") from None
    except NotADirectoryError:
        raise RevisionError(f"{printable(str(folder))}: no such folder") from None
    except subprocess.TimeoutExpired:
        raise RevisionError(f"git {arguments[0]} took longer than {_TIMEOUT_S} s") from None
    if done.returncode:
        said = printable(done.stderr.decode(errors="replace").strip().partition("\n")[0]) or "it says no"
        raise RevisionError(f"git {arguments[0]} at {printable(str(folder))}: {said}")
    return done.stdout
