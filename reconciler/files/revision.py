"""
Git as memory: the desired state as it stood at a commit, and the ref that says which was applied last.

Whoever keeps their files in Git has the memory already: what was last applied is what
the files said at the commit that was applied last. All that is left to remember is
which that is, and a ref does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from reconciler.errors import DesiredStateError, Problem, RevisionError
from reconciler.files.git import Entry, Repository
from reconciler.files.load import desired_from_texts
from reconciler.files.sources import MAX_FILE_BYTES, STDIN, SUFFIXES, Source, find_sources
from reconciler.files.wording import printable
from reconciler.model.desired import DesiredState


@attrs.frozen
class Revision:
    """What the files said at a commit."""

    commit: str
    desired: DesiredState


@attrs.frozen
class Mark:
    """A ref, and the commit that it is to be moved to."""

    ref: str
    commit: str
    previous: str | None  # where it points now; None: there is none yet
    repository: Repository

    def move(self) -> None:
        """
        Move it.

        Raises:
            RevisionError: somebody moved it meanwhile.
        """
        if self.previous == self.commit:
            return
        try:
            self.repository.move(self.ref, self.commit, self.previous)
        except RevisionError as error:
            now = self.repository.ref(self.ref)
            if now == self.commit:
                return
            raise RevisionError(
                f"{self.ref}: it is not moved: it was {_short(self.previous)} when this run began and is {_short(now)}"
                f" now\n  Somebody else applied meanwhile; the registry is as the report says.\n  {error}"
            ) from None


def load_desired_at(revision: str, paths: Sequence[str]) -> Revision:
    """
    The desired state that `paths` declared at a revision.

    A folder stands for the files that were below it then. What did not exist declared
    nothing. A link is not followed: what it leads to may not be in Git at all.

    Args:
        revision: Whatever Git takes for a commit.
        paths: As named on the command line; all in one repository.

    Raises:
        RevisionError: there is no such revision, or no repository.
        DesiredStateError: the files of then cannot be read by this version.
    """
    repository, relative = _located(paths)
    commit = repository.commit(revision)
    entries = [entry for path in relative for entry in _wanted(repository, commit, path)]
    links = [entry.path for entry in entries if not entry.is_regular]
    if links:
        raise RevisionError(f"{printable(revision)}: {printable(links[0])}: a link, which is not followed in Git")
    unique = list({entry.path: entry for entry in entries}.values())
    names = [f"{printable(revision)}:{printable(entry.path)}" for entry in unique]
    contents = repository.contents(unique)
    try:
        desired = desired_from_texts(zip(names, _bounded(contents, names), strict=True))
    except DesiredStateError as error:
        first = error.problems[0]
        raise RevisionError(
            f"{len(error.problems):,} problems in the files of then, the first:\n{first}\n"
            "  Name a revision that this version can read, or --state none."
        ) from None
    return Revision(commit, desired)


def prepare_mark(ref: str, paths: Sequence[str]) -> Mark:
    """
    The ref that is to say what was applied, once it was.

    Raises:
        RevisionError: it is no ref that may be moved, or HEAD does not hold the files as they are.
    """
    repository, relative = _located(paths)
    if not repository.is_ref_name(ref):
        raise RevisionError(
            f"--mark {printable(ref)}: not the full name of a ref\n  It begins with refs/, such as refs/reconciler/prod"
        )
    if ref in repository.checked_out():
        raise RevisionError(f"--mark {ref}: that branch is checked out\n  Take a ref of its own: refs/reconciler/prod")
    head = repository.commit("HEAD")
    _check_committed(repository, head, relative, paths)
    return Mark(ref, head, repository.ref(ref), repository)


def _check_committed(repository: Repository, head: str, relative: Sequence[str], paths: Sequence[str]) -> None:
    """Refuse to mark a commit that does not hold what is applied."""
    here = [source.path for source in find_sources(paths) if isinstance(source, Source) and source.path is not None]
    real = [Path(os.path.realpath(path)) for path in here]
    top = Path(os.path.realpath(repository.top))
    outside = [path for path in real if not path.is_relative_to(top)]
    inside = [path for path in real if path.is_relative_to(top)]
    now = dict(zip((str(path.relative_to(top)) for path in inside), repository.hashes(inside), strict=True))
    then = {entry.path: entry.object_id for path in relative for entry in _wanted(repository, head, path)}
    differing = sorted({*map(str, outside), *(name for name in now | then if now.get(name) != then.get(name))})
    if differing:
        more = f" and {len(differing) - 1:,} more" if len(differing) > 1 else ""
        raise RevisionError(
            f"--mark: {printable(differing[0])}{more}: not as in HEAD ({head[:12]})\n"
            "  The ref would say that something was applied that was not. Commit it first."
        )


def _located(paths: Sequence[str]) -> tuple[Repository, list[str]]:
    """The repository that holds all `paths`, and these as seen from its top."""
    if STDIN in paths:
        raise RevisionError("standard input is in no Git repository; --base and --mark need files")
    found: Repository | None = None
    relative = []
    for text in paths:
        path = Path(text).absolute()
        repository = Repository.at(_existing(path if path.is_dir() else path.parent))
        if found is not None and repository != found:
            raise RevisionError(f"{printable(text)}: in another Git repository than {printable(paths[0])}")
        found = repository
        real = Path(os.path.realpath(path.parent)) / path.name if not path.is_dir() else Path(os.path.realpath(path))
        relative.append(os.path.relpath(real, os.path.realpath(repository.top)))
    if found is None:
        raise RevisionError("no file is named")
    return found, relative


def _existing(folder: Path) -> Path:
    return next((path for path in (folder, *folder.parents) if path.is_dir()), Path("/"))


def _wanted(repository: Repository, commit: str, path: str) -> Iterator[Entry]:
    """The desired-state files at `path` in a commit, in the order in which a folder is read."""
    for entry in sorted(repository.files(commit, path), key=lambda entry: entry.path):
        below = entry.path if path == "." else os.path.relpath(entry.path, path)
        is_hidden = any(part.startswith(".") for part in below.split("/"))
        if below == "." or (entry.path.endswith(SUFFIXES) and not is_hidden):
            yield entry


def _bounded(contents: Iterator[bytes], names: Sequence[str]) -> Iterator[bytes]:
    for name, content in zip(names, contents, strict=True):
        if len(content) > MAX_FILE_BYTES:
            message = f"a file of more than {MAX_FILE_BYTES:,} bytes"
            raise DesiredStateError((Problem(name, 0, 0, path="", message=message),))
        yield content


def _short(commit: str | None) -> str:
    return "absent" if commit is None else commit[:12]
