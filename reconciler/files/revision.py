"""
Git as memory: the desired state as it stood at a commit, and the ref that says which was applied last.

Whoever keeps their files in Git has the memory already: what was last applied is what
the files said at the commit that was applied last. All that is left to remember is
which that is, and a ref does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

import attrs

from reconciler.errors import DesiredStateError, Problem, RevisionError
from reconciler.files.committed import committed_files, committed_overlays, from_top, locate
from reconciler.files.git import Entry, Repository
from reconciler.files.load import desired_from_texts
from reconciler.files.sources import MAX_FILE_BYTES, Source, find_overlays, find_sources, read_source
from reconciler.files.wording import printable
from reconciler.model.desired import DesiredState

_MAX_LISTED = 10


@attrs.frozen
class Revision:
    """What the files said at a commit."""

    commit: str  # the full object id
    desired: DesiredState


@attrs.frozen
class Mark:
    """A ref, and the commit that it is to be moved to."""

    ref: str
    commit: str
    previous: str | None  # where it pointed when this run began; None: there was none
    repository: Repository

    def move(self) -> None:
        """
        Move it, unless it is there already.

        Raises:
            RevisionError: somebody moved or deleted it meanwhile, or it cannot be written.
        """
        if _where(self.repository, self.ref) == self.commit:
            return
        try:
            self.repository.move(self.ref, self.commit, self.previous)
        except RevisionError as error:
            self._explain(_where(self.repository, self.ref), error)

    def _explain(self, now: str | None, error: RevisionError) -> None:
        if now == self.commit:
            return
        if now == self.previous:
            raise RevisionError(f"{self.ref}: it is not moved, and still {_short(now)}\n  {error}") from None
        raise RevisionError(
            f"{self.ref}: it is not moved: it was {_short(self.previous)} when this run began and is {_short(now)}"
            f" now\n  Somebody else moved it meanwhile; the registry is as the report says.\n  {error}"
        ) from None


def load_desired_at(revision: str, paths: Sequence[str], overlays: Sequence[str] = ()) -> Revision:
    """
    The desired state that `paths` declared at a revision.

    A folder stands for the files that were below it then. What did not exist declared
    nothing; an overlay that did not exist changed nothing. How links are treated stands
    at the top of `committed`.

    Args:
        revision: Whatever Git takes for a commit.
        paths: As named on the command line; all in one repository.
        overlays: Likewise, for what is applied to the one file of `paths`; it is read at the revision too.

    Raises:
        RevisionError: there is no such revision or no repository, or the files of then cannot be read.
    """
    repository, named = locate([*paths, *overlays])
    commit = _commit(repository, revision)
    wanted = committed_files(repository, commit, named[: len(paths)])
    patches = committed_overlays(repository, commit, named[len(paths) :])
    names = [f"{printable(revision)}:{printable(entry.path)}" for entry in (*wanted, *patches)]
    texts = zip(names, repository.contents([*wanted, *patches], limit=MAX_FILE_BYTES), strict=True)
    try:
        bases = islice(texts, len(wanted))
        # Files are read one by one; with overlays there is one.
        return Revision(commit, desired_from_texts(*([*bases], [*texts]) if patches else (bases,)))
    except DesiredStateError as error:
        raise RevisionError(
            f"{error}\n  That is how the files were at {revision}. Name another revision, or --state none."
        ) from None


def prepare_mark(ref: str, paths: Sequence[str], overlays: Sequence[str] = ()) -> Mark:
    """
    The ref that is to say what was applied, once it was.

    The files, overlays among them, have to be in HEAD with the bytes that would be
    loaded; only how lines end may differ, as that is Git's choice at a checkout and
    means nothing in YAML.

    Raises:
        RevisionError: it is no ref that may be moved, or HEAD does not hold the files as they are.
        DesiredStateError: the files cannot be found or read.
    """
    repository, named = locate([*paths, *overlays])
    if not repository.is_ref_name(ref):
        raise RevisionError(
            f"--mark {printable(ref)}: not the full name of a ref\n  It begins with refs/, such as refs/reconciler/prod"
        )
    head = repository.commit("HEAD")
    if head is None:
        raise RevisionError("--mark: nothing is committed yet\n  The ref is to name a commit. Commit the files first.")
    wanted = committed_files(repository, head, named[: len(paths)])
    patches = committed_overlays(repository, head, named[len(paths) :])
    _check_committed(repository, head, {entry.path: entry for entry in (*wanted, *patches)}, _here(paths, overlays))
    return _checked_mark(Mark(ref, head, _where(repository, ref), repository))


def _checked_mark(mark: Mark) -> Mark:
    """`mark`, which can be moved; better told now than after everything was applied."""
    own = "Take a ref of its own: refs/reconciler/prod"
    if mark.ref in mark.repository.checked_out():
        raise RevisionError(f"--mark {mark.ref}: that branch is checked out\n  {own}")
    found = mark.repository.ref(mark.ref)
    if found is not None and found.is_symbolic:
        raise RevisionError(f"--mark {mark.ref}: it stands for another ref\n  {own}")
    try:
        mark.repository.try_to_move(mark.ref, mark.commit, mark.previous)
    except RevisionError as error:
        raise RevisionError(f"--mark {mark.ref}: it could not be moved\n  {error}") from None
    return mark


def _check_committed(repository: Repository, head: str, wanted: Mapping[str, Entry], sources: Sequence[Source]) -> None:
    """Refuse to mark a commit that does not hold what is applied."""
    here = {from_top(repository, Path(str(file.path))): read_source(file, stdin=None) for file in sources}
    differing = dict.fromkeys(here.keys() - wanted.keys(), "not in it")
    contents = repository.contents([*wanted.values()], limit=MAX_FILE_BYTES)
    for path, content in zip(wanted, contents, strict=True):
        if path not in here:
            differing[path] = "deleted since"
        elif _lines(here[path]) != _lines(content):
            differing[path] = "changed since"
    if differing:
        _refuse(head, differing)


def _refuse(head: str, differing: Mapping[str, str]) -> NoReturn:
    (path, how), *others = sorted(differing.items())
    rows = [f"{printable(other)}: {how_other}" for other, how_other in others[:_MAX_LISTED]]
    rows += [f"and {len(others) - _MAX_LISTED:,} more"] if len(others) > _MAX_LISTED else []
    rows.append("The ref would say that something was applied that was not. Commit them first.")
    raise RevisionError("\n  ".join([f"--mark: {printable(path)}: not as in HEAD ({head[:12]}): {how}", *rows]))


def _here(paths: Sequence[str], overlays: Sequence[str]) -> list[Source]:
    """What would be loaded now."""
    bases = list(find_sources(paths))
    sources = [*bases, *find_overlays(overlays, bases)]
    problems = tuple(source for source in sources if isinstance(source, Problem))
    if problems:
        raise DesiredStateError(problems)
    return [source for source in sources if isinstance(source, Source)]


def _lines(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _commit(repository: Repository, revision: str) -> str:
    if not revision or not revision.isprintable():
        raise RevisionError(f'"{printable(revision)}": not a revision of Git')
    found = repository.commit(revision)
    if found is not None:
        return found
    advice = "If it is elsewhere, fetch it first (git fetch)."
    if revision.startswith("refs/"):
        advice = f"A clone leaves such refs out: git fetch origin +{revision}:{revision}"
        advice += "\n  The first time there is none: say --state none in place of --base."
    if repository.is_shallow():
        advice += "\n  This clone is shallow: git fetch --unshallow, or clone with all commits (fetch-depth: 0)."
    raise RevisionError(
        f"{revision}: the repository at {printable(str(repository.top))} has no such commit\n  {advice}"
    )


def _where(repository: Repository, ref: str) -> str | None:
    found = repository.ref(ref)
    return found.object_id if found else None


def _short(commit: str | None) -> str:
    return "absent" if commit is None else commit[:12]
