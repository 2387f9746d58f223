"""
Ask the real git: what stood where at a commit, and where a ref points.

Git's own program is asked because it alone knows every kind of repository: worktrees,
partial and shallow clones, alternates. Nothing that it is given can turn into an
option, nothing is fetched over the network, and what is read is read as it was
committed: without filters, and without objects that this clone has in place of others.
"""

from __future__ import annotations

import os
import re
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
    "GIT_NO_REPLACE_OBJECTS": "1",
    # Git before 2.45 does not know this, and would fetch what a partial clone lacks. So no protocol is allowed either.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PATHS_AT_ONCE = 200  # of 4,096 bytes at most, while the arguments of a process may take 2 MiB
_MAX_LINES = 6

LINK, REPOSITORY = "a link", "another repository"
_STRANGE = {b"120000": LINK, b"160000": REPOSITORY}


@attrs.frozen
class Entry:
    """What stands at a path in a commit."""

    path: str  # from the top of the repository
    object_id: str
    strange: str  # LINK or REPOSITORY; empty: it is a file or a folder


@attrs.frozen
class Ref:
    """Where a ref points."""

    object_id: str
    is_symbolic: bool  # it stands for another ref


@attrs.frozen
class Repository:
    """The Git repository that holds a folder."""

    top: Path
    folder: Path = attrs.field(eq=False)  # where git is run

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """
        The repository that holds `folder`, or the one that the environment names.

        Raises:
            RevisionError: there is none, or Git does not want to look at it.
        """
        is_named = not {"GIT_DIR", "GIT_WORK_TREE"}.isdisjoint(os.environ)
        # What the environment names may be relative to the current folder.
        start = Path.cwd() if is_named else folder
        top = Path(os.fsdecode(_run(start, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
        return cls(top, start if is_named else top)

    def commit(self, revision: str) -> str | None:
        """The full id of the commit that `revision` names; None: it names none."""
        spelled = f"{revision}^{{commit}}"
        done = _ask(self.folder, "rev-parse", "--verify", "--quiet", "--end-of-options", spelled)
        found = done.stdout.decode(errors="replace").strip()
        # `^HEAD` has an answer too, which is no commit.
        return found if not done.returncode and _OBJECT_ID.fullmatch(found) else None

    def is_shallow(self) -> bool:
        """The clone lacks what came before some commit."""
        return _run(self.folder, "rev-parse", "--is-shallow-repository").strip() == b"true"

    def entries(self, commit: str, paths: Sequence[str], *, below: bool) -> list[Entry]:
        """What stands at `paths` in a commit; with `below`, the files in place of a folder. `.` is the whole commit."""
        options = ["-r", "-z", "--full-tree"] if below else ["-z", "--full-tree"]
        found: list[Entry] = []
        for some in [[]] if "." in paths else _chunks(paths):
            listed = _run(self.folder, "ls-tree", *options, commit, "--", *some)
            found.extend(_entry(row) for row in listed.split(b"\0") if row)
        return found

    def contents(self, entries: Sequence[Entry], *, limit: int) -> Iterator[bytes]:
        """
        The bytes of each file, in their order; one process for all of them.

        Raises:
            RevisionError: one is not in this clone, or holds more than `limit` bytes.
        """
        unique = {entry.object_id: entry for entry in entries}
        if not unique:
            return
        asked = "".join(f"{object_id}\n" for object_id in unique).encode()
        # What is too large is refused by its size, before memory is set aside.
        sizes = _run(self.folder, "cat-file", "--batch-check", given=asked).splitlines()
        for entry, about in zip(unique.values(), sizes, strict=True):
            _check_size(entry, about, limit)
        answer = memoryview(_run(self.folder, "cat-file", "--batch", given=asked))
        found = dict(zip(unique, _split(answer, sizes), strict=True))
        yield from (bytes(found[entry.object_id]) for entry in entries)

    def checked_out(self) -> set[str]:
        """The branches that are checked out, in whatever worktree."""
        rows = os.fsdecode(_run(self.folder, "worktree", "list", "--porcelain")).split("\n")
        return {row.removeprefix("branch ") for row in rows if row.startswith("branch ")}

    def is_ref_name(self, name: str) -> bool:
        """`name` is the full name of a ref."""
        is_full = name.startswith("refs/") and name.isprintable()
        return is_full and not _ask(self.folder, "check-ref-format", name).returncode

    def ref(self, name: str) -> Ref | None:
        """Where the ref of that full name points; None: there is no such ref."""
        # rev-parse would go on to refs/heads/refs/…; the pattern here also stands for all that is below it.
        rows = _run(self.folder, "for-each-ref", "--format=%(refname) %(objectname) %(symref)", "--", name)
        for row in os.fsdecode(rows).splitlines():
            found, object_id, symbolic = row.split(" ", 2)
            if found == name:
                return Ref(object_id, is_symbolic=bool(symbolic))
        return None

    def try_to_move(self, ref: str, commit: str, previous: str | None) -> None:
        """
        Go as far as `move` could fail, and back.

        Raises:
            RevisionError: it would fail.
        """
        steps = f"start\noption no-deref\nupdate {ref} {commit} {_old(commit, previous)}\nprepare\nabort\n"
        _run(self.folder, "update-ref", "--stdin", given=steps.encode())

    def move(self, ref: str, commit: str, previous: str | None) -> None:
        """
        Let `ref` point at `commit`, if it still points at `previous`.

        Raises:
            RevisionError: it does not, or cannot be written.
        """
        how = ("--no-deref", "--create-reflog", "-m", "reconciler apply")
        _run(self.folder, "update-ref", *how, ref, commit, _old(commit, previous))


def _old(commit: str, previous: str | None) -> str:
    return previous or "0" * len(commit)


def _chunks(paths: Sequence[str]) -> list[Sequence[str]]:
    return [paths[start : start + _PATHS_AT_ONCE] for start in range(0, len(paths), _PATHS_AT_ONCE)]


def _entry(row: bytes) -> Entry:
    about, _, path = row.partition(b"\t")
    mode, _, object_id = about.split()
    return Entry(os.fsdecode(path), object_id.decode(), _STRANGE.get(mode, ""))


def _check_size(entry: Entry, about: bytes, limit: int) -> None:
    """`about` is a row of cat-file: the id, `blob` and the size, or the id and `missing`."""
    words = about.split()
    if words[1:2] != [b"blob"]:
        raise RevisionError(f"{printable(entry.path)}: Git does not have its content here\n  Fetch it (git fetch).")
    if int(words[2]) > limit:
        raise RevisionError(f"{printable(entry.path)}: its content in Git is more than {limit:,} bytes")


def _split(answer: memoryview, sizes: Sequence[bytes]) -> Iterator[memoryview]:
    """The contents in what `cat-file --batch` prints: each after a row that `--batch-check` prints too."""
    for about in sizes:
        start = len(about) + 1
        end = start + int(about.split()[2])
        yield answer[start:end]
        answer = answer[end + 1 :]


def _run(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What git prints."""
    done = _ask(folder, *arguments, given=given)
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        raise RevisionError(f"git {arguments[0]} in {printable(str(folder))}: {_words(said)}{_advice(said)}")
    return done.stdout


def _ask(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", *arguments]
    try:
        return subprocess.run(  # noqa: S603 - the arguments are ours, or stand behind --end-of-options or --
            command,
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT},
            input=given,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RevisionError(f"git {arguments[0]} in {printable(str(folder))}: no answer in {_TIMEOUT_S} s") from None
    except OSError as error:
        if not folder.is_dir():
            raise RevisionError(f"{printable(str(folder))}: no such folder") from None
        if isinstance(error, FileNotFoundError):
            raise RevisionError("git is not installed, and --base and --mark need it") from None
        raise RevisionError(f"git cannot be run in {printable(str(folder))}: {error.strerror}") from None


def _words(said: str) -> str:
    """What git says, its first line first; "dubious ownership" needs the others too."""
    lines = [printable(line.strip()) for line in said.splitlines() if line.strip()][:_MAX_LINES]
    return "\n  ".join([lines[0].removeprefix("fatal: "), *lines[1:]]) if lines else "it gives no reason"


def _advice(said: str) -> str:
    is_partial = "promisor" in said or "lazy fetching" in said
    return "\n  This clone left content out, and nothing is fetched here. Clone without --filter." if is_partial else ""
